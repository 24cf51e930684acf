import { readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import { uncompressedName } from "../../prompts/input.ts";
import { isReport, reportName } from "../../report/mark.ts";
import type { OutputFiles } from "../../results/output-files.ts";
import { describeFileError, type FileFacts, systemFiles } from "../../state/file-system.ts";
import { resolvePaths } from "../../state/paths.ts";
import { temporaryName } from "../../state/replace.ts";
import type { Io } from "../io.ts";
import type { BatchFlags } from "./flags.ts";
import { refuseOtherCount, shardName } from "./shards/shard.ts";

/** A file to write; `name` is what messages call it. */
export interface NamedPath {
	readonly name: string;
	readonly path: string;
}

interface PlannedOutput extends NamedPath {
	readonly holds: string;
}

/** Where a run writes, or that it writes to stdout. */
export interface Target {
	/** As people see it: the path as given, or `-`. */
	readonly name: string;
	/** Undefined for stdout. */
	readonly files: OutputFiles | undefined;
	/** Another form of the results beside the journal, when one is asked for. */
	readonly rendered: (NamedPath & { readonly kind: OutputKind }) | undefined;
	readonly summary: NamedPath | undefined;
	/** The page of `--report`. */
	readonly report: NamedPath | undefined;
}

/** Names under which a process finds its own stdout: it cannot be read again, and so is not a journal. */
const stdoutNames = /^\/(?:dev\/(?:stdout|fd\/1)|proc\/self\/fd\/1)$/;

/**
 * Finds where results go. Without `-o` that is beside the prompts, or stdout when the prompts come from stdin.
 * @throws UsageError when that is not possible
 */
export function chooseTarget(io: Io, source: string | undefined, flags: BatchFlags): Target {
	const isStdin = source === undefined || source === "-";
	const name = outputName(io, isStdin ? undefined : source, flags);
	const path = (file: string) => {
		const given = resolve(io.cwd, file);
		// A link into /dev/fd leads to what is no path.
		checkRegular(file, given);
		return systemFiles.resolve(given);
	};
	const summaryJson = flags.summaryJson && ownName(flags.summaryJson, flags);
	const summary = summaryJson === undefined ? undefined : { name: summaryJson, path: path(summaryJson) };
	if (name === "-" || stdoutNames.test(name)) {
		if (flags.report) throw new UsageError("--report needs a results file", { hint: "choose one with -o" });
		return { name: "-", files: undefined, rendered: undefined, summary, report: undefined };
	}
	const page = reportName(name);
	const kind = outputKind(name);
	if ((kind === "csv" || kind === "tsv") && flags.outFormat === "openai")
		throw new UsageError("--out-format openai requires JSONL output", {
			hint: `choose a name ending in .jsonl with -o`,
		});
	const journal = kind === "jsonl" ? name : `${name}.jsonl`;
	const failuresName = failuresNameOf(journal);
	const supersededName = nameBeside(journal, "superseded");
	return {
		name,
		files: {
			results: path(journal),
			failures: path(failuresName),
			resultsName: journal,
			failuresName,
			superseded: path(supersededName),
			supersededName,
			rescueFolders: [io.cwd, resolvePaths(io.env).stateFolder, tmpdir()],
		},
		rendered: kind === "jsonl" ? undefined : { path: path(name), name, kind },
		summary,
		report: flags.report ? { name: page, path: path(page) } : undefined,
	};
}

export type OutputKind = "jsonl" | "csv" | "tsv" | "json" | "gzip";

const outputEndings: readonly (readonly [ending: RegExp, kind: OutputKind])[] = [
	[/\.(?:jsonl|ndjson)$/i, "jsonl"],
	[/\.csv$/i, "csv"],
	[/\.tsv$/i, "tsv"],
	[/\.json$/i, "json"],
	[/\.(?:jsonl|ndjson)\.gz$/i, "gzip"],
	// A name that promises nothing.
	[/^[^.]+$|^\.[^.]+$/, "jsonl"],
];

/** @throws UsageError for a name that promises a format that is not written */
function outputKind(name: string): OutputKind {
	const kind = outputEndings.find(([ending]) => ending.test(basename(name)))?.[1];
	if (kind !== undefined) return kind;
	throw new UsageError(`cannot write ${name}: results are .jsonl, .jsonl.gz, .json, .csv or .tsv`, {
		hint: /\.(?:parquet|xlsx?|arrow|feather)$/i.test(name)
			? `write .csv or .jsonl and convert that: duckdb -c "COPY (FROM 'results.jsonl') TO 'results.parquet'"`
			: "choose one of these endings",
	});
}

/** The output by name; a folder gets a file inside. */
function outputName(io: Io, source: string | undefined, flags: BatchFlags): string {
	const { output } = flags;
	if (output === "-" || (output === undefined && source === undefined)) return "-";
	const own = defaultName(source ?? "stdin", flags);
	if (output === undefined) return own;
	if (source !== undefined && isSameFile(resolve(io.cwd, source), resolve(io.cwd, output)))
		throw new UsageError(`${output} is the prompts file itself`, { hint: "choose another output with -o" });
	const isFolder =
		/[/\\]$/.test(output) || statSync(resolve(io.cwd, output), { throwIfNoEntry: false })?.isDirectory();
	return isFolder ? join(output, basename(own)) : ownName(output, flags);
}

/** Tasks of a job array are given the same name for an output, and each has one of its own. */
function ownName(name: string, { shard }: BatchFlags): string {
	return shard?.source === undefined || stdoutNames.test(name) ? name : shardName(name, shard);
}

/** `prompts.jsonl.gz` -> `prompts.results.jsonl`; a shard has a file of its own. */
function defaultName(source: string, { shard }: BatchFlags): string {
	const name = basename(uncompressedName(source)).replace(/\.[^.]+$/, "");
	const results = `${source.slice(0, source.length - basename(source).length)}${name}.results.jsonl`;
	return shard === undefined ? results : shardName(results, shard);
}

/** No two results files share one for failures: `out.jsonl` -> `out.errors.jsonl`, `out` -> `out.errors`. */
export function failuresNameOf(results: string): string {
	return nameBeside(results, "errors");
}

function nameBeside(results: string, what: string): string {
	return results.endsWith(".jsonl") ? results.replace(/\.jsonl$/, `.${what}.jsonl`) : `${results}.${what}`;
}

/** Every file that a run writes, except those that a dry run and a rehearsal do not. */
export function outputsOf({ files, rendered, summary, report }: Target, sends: boolean): PlannedOutput[] {
	const outputs: PlannedOutput[] = [];
	if (files !== undefined && sends) {
		outputs.push({ name: files.resultsName, path: files.results, holds: "the results" });
		outputs.push({ name: files.failuresName, path: files.failures, holds: "the failures" });
		outputs.push({ name: files.supersededName, path: files.superseded, holds: "earlier results" });
		if (rendered !== undefined) outputs.push({ ...rendered, holds: "the results in another form" });
	}
	if (report !== undefined && sends) outputs.push({ ...report, holds: "the report" });
	if (summary !== undefined) outputs.push({ ...summary, holds: "the summary" });
	return outputs;
}

/**
 * Makes sure, before anything is sent, that what a run is going to write can be written, and writes over nothing but
 * what llmx wrote itself. Files are compared, not their names.
 * @throws UsageError naming the file
 */
export function checkTarget(
	io: Io,
	source: string | undefined,
	target: Target,
	{ sends, overwrite }: { readonly sends: boolean; readonly overwrite: boolean },
): void {
	const { files, rendered, summary, report } = target;
	const outputs = outputsOf(target, sends);
	const prompts = source === undefined || source === "-" ? undefined : resolve(io.cwd, source);
	refusePrompts(prompts, [...outputs, ...outputsOf(target, true)]);
	for (const [index, output] of outputs.entries()) {
		const twin = outputs.slice(0, index).find((other) => isSameFile(other.path, output.path));
		if (twin !== undefined)
			throw new UsageError(`${output.name} cannot hold both ${twin.holds} and ${output.holds}`, {
				hint: "choose another file for one of them",
			});
		checkWritable(output);
	}
	if (summary !== undefined && systemFiles.factsOf(summary.path)?.size && !isSummary(summary.path))
		throw new UsageError(`${summary.name} exists and is not a summary of llmx`, {
			hint: "choose another file with --summary-json, or remove this one",
		});
	if (!sends || files === undefined) return;
	if (report !== undefined && systemFiles.factsOf(report.path)?.size && !isReport(report.path))
		throw new UsageError(`${report.name} exists and is not a report of llmx`, {
			hint: "move it, or choose another output with -o",
		});
	if (rendered !== undefined && !overwrite && systemFiles.factsOf(rendered.path)?.size) {
		if (!systemFiles.factsOf(files.results)?.size)
			throw new UsageError(
				`${rendered.name} exists, and there is no ${files.resultsName} that it was made from`,
				{
					hint: "choose another output with -o, or --overwrite to replace this one",
				},
			);
	}
	refuseOtherCount(files.results);
	if (!overwrite) refuseRescued(files);
}

function refusePrompts(prompts: string | undefined, outputs: readonly PlannedOutput[]): void {
	for (const { name, path, holds } of outputs) {
		if (prompts === undefined || !isSameFile(prompts, path)) continue;
		throw new UsageError(`${name} is the prompts file itself`, {
			hint: `choose another output with ${holds === "the summary" ? "--summary-json" : "-o"}`,
		});
	}
}

/** Answers that an earlier run brought to safety would be paid for again. */
function refuseRescued({ results, resultsName }: OutputFiles): void {
	const rescued = `${resultsName.replace(/\.jsonl$/, "")}.recovered.jsonl`;
	const facts = systemFiles.factsOf(join(dirname(results), basename(rescued)));
	if (!facts?.size) return;
	throw new UsageError(`${rescued} has results that an earlier run rescued, and nothing was sent`, {
		hint: `to go on with them: mv ${rescued} ${resultsName}; otherwise move ${rescued} elsewhere`,
	});
}

/** The same path, or two names of one file. Of files that are not there, also what some disks take for one name. */
export function isSameFile(one: string, other: string): boolean {
	const facts = systemFiles.factsOf(one);
	if (facts === undefined) return foldedPath(one) === foldedPath(other);
	return facts.identity === systemFiles.factsOf(other)?.identity;
}

function foldedPath(path: string): string {
	return join(systemFiles.resolve(dirname(path)), basename(path))
		.normalize("NFC")
		.toLowerCase();
}

/** @throws UsageError when there is something else than a file */
function checkRegular(name: string, path: string): FileFacts | undefined {
	const facts = systemFiles.factsOf(path);
	if (facts === undefined || facts.isRegular) return facts;
	throw new UsageError(`${name} is not a regular file`, {
		hint: "choose another; results go into a pipe with: -o - | PROGRAM",
	});
}

/** @throws UsageError when a file cannot be written, as far as that can be known before */
export function checkWritable({ name, path }: NamedPath): void {
	const facts = checkRegular(name, path);
	const folder = dirname(path);
	if (systemFiles.factsOf(folder) === undefined)
		throw new UsageError(`cannot write ${name}: there is no folder ${dirname(name)}`, {
			hint: "create it first",
		});
	try {
		if (facts !== undefined) systemFiles.close(systemFiles.open(path, "r+"));
		// Files are replaced by new ones beside them.
		const probe = temporaryName(path);
		systemFiles.close(systemFiles.open(probe, "wx+"));
		systemFiles.remove(probe);
	} catch (error) {
		throw new UsageError(`cannot write ${name}: ${describeFileError(error)}`, {
			hint: "choose another file to write",
			cause: error,
		});
	}
}

/** Larger files are not summaries. */
const summaryLimit = 1 << 20;

/** What `--summary-json` writes after a run, a dry run or a rehearsal. */
function isSummary(path: string): boolean {
	if ((systemFiles.factsOf(path)?.size ?? 0) > summaryLimit) return false;
	try {
		const value = JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, unknown>> | null;
		if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
		const has = (...names: string[]) => names.every((name) => Object.hasOwn(value, name));
		return has("models") && (has("done_before", "rows") || has("seconds"));
	} catch {
		return false;
	}
}
