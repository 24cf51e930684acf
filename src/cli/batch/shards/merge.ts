import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "../../../errors.ts";
import { decodeInput } from "../../../prompts/decode.ts";
import { type InputFormat, openInput } from "../../../prompts/input.ts";
import { createReader } from "../../../prompts/reader.ts";
import { idOf } from "../../../prompts/row-id.ts";
import { reportName } from "../../../report/mark.ts";
import { mergeResults, type ResultsFiles, standsInTheWay } from "../../../results/merge.ts";
import { type OutputFormat, recordFormats } from "../../../results/records.ts";
import { holdsLines } from "../../../results/same-lines.ts";
import { systemFiles } from "../../../state/file-system.ts";
import { formatCount, formatPlural } from "../../../terminal/formats.ts";
import { sanitizeLine } from "../../../terminal/sanitize.ts";
import type { CommandContext } from "../../command.ts";
import type { Io } from "../../io.ts";
import { OutputClaim } from "../claim.ts";
import { jsonBytes, writeJsonFile } from "../json-file.ts";
import { checkWritable, failuresNameOf, isSameFile, type NamedPath } from "../target.ts";
import { checkShards, filesOfShards, findSources } from "./shard-set.ts";
import { mergeSummaries } from "./summaries.ts";

/** What commander collects for `batch merge`. */
export interface MergeFlags {
	readonly output: string;
	readonly input?: string;
	readonly format?: InputFormat;
	/** False for `--no-header`. */
	readonly header: boolean;
	readonly outFormat: OutputFormat;
	readonly allowMissing?: boolean;
	/** The name that the shards were given for theirs. */
	readonly summaryJson?: string;
	readonly report?: boolean;
	readonly overwrite?: boolean;
	/** False for `--no-id`. */
	readonly id?: string | false;
}

/** Runs `llmx batch merge`. */
export async function runMerge(
	sourceNames: readonly string[],
	flags: MergeFlags,
	context: CommandContext,
): Promise<void> {
	const { io } = context;
	const named = (name: string) => ({ name, path: systemFiles.resolve(resolve(io.cwd, name)) });
	if (/\.(?:csv|tsv|json|gz)$/i.test(flags.output))
		throw new UsageError(`cannot write ${flags.output}: results are merged as .jsonl`);
	const target = withFailures(named(flags.output));
	const sources = findSources(sourceNames, io.cwd, target.results.path);
	if (sources.some(({ path }) => isSameFile(path, target.results.path)))
		throw new UsageError(`${flags.output} is one of the input files`, {
			hint: "choose another file with -o",
		});
	if (flags.input !== undefined && isSameFile(resolve(io.cwd, flags.input), target.results.path))
		throw new UsageError(`${flags.output} is the prompts file itself`, {
			hint: "choose another file with -o",
		});
	const { summaryJson, allowMissing = false } = flags;
	const summary = summaryJson === undefined ? undefined : named(summaryJson);
	for (const file of [target.results, target.failures, ...(summary === undefined ? [] : [summary])])
		checkWritable(file);
	const page = named(reportName(flags.output));
	const report = flags.report ? await import("../../report/report.ts") : undefined;
	report?.checkReport(page);
	if (!allowMissing) await checkShards(sources);
	const claim = await OutputClaim.take([target.results]);
	try {
		// Read first: a summary that is not there is found before anything is written.
		const merged = summary && mergeSummaries(filesOfShards(sources, summary.name, io.cwd));
		if (summary && !flags.overwrite) refuseOther(summary, jsonBytes(merged));
		await merge(sources.map(withFailures), target, flags, io);
		if (merged !== undefined) writeJsonFile(summary, merged);
	} finally {
		await claim.release();
	}
	const { input, format, header, id } = flags;
	const prompts = {
		...(input && { input }),
		...(format && { format }),
		header,
		...(id !== undefined && { id }),
	};
	await report?.runReport([flags.output], { ...prompts, output: page.name, column: "prompt" }, context);
}

/** A merge that was killed after it had written a file may be repeated. */
function refuseOther({ name, path }: NamedPath, bytes: Buffer): void {
	if (systemFiles.factsOf(path)?.size && !holdsLines(systemFiles, path, [bytes])) throw standsInTheWay(name);
}

function withFailures(results: NamedPath): ResultsFiles {
	const path = join(dirname(results.path), basename(failuresNameOf(results.path)));
	return { results, failures: { name: failuresNameOf(results.name), path } };
}

async function merge(
	sources: readonly ResultsFiles[],
	target: ResultsFiles,
	flags: MergeFlags,
	io: Io,
): Promise<void> {
	const report = mergeResults({
		files: systemFiles,
		sources,
		target,
		format: recordFormats[flags.outFormat],
		ids:
			flags.input === undefined ? undefined : await readIds(resolve(io.cwd, flags.input), flags.input, flags),
		allowMissing: flags.allowMissing ?? false,
		overwrite: flags.overwrite ?? false,
		random: Math.random,
	});
	const models = report.models.length > 1 ? ` of ${formatPlural(report.models.length, "model")}` : "";
	const judged = {
		prompts: "no row of the prompts is missing",
		numbers: "no number is missing",
		nothing: "pass the prompts with --input FILE to find missing rows",
	}[report.judgedBy];
	const missing = report.missing > 0 ? `${formatCount(report.missing)} missing` : judged;
	const failed = report.failed > 0 ? `; ${formatCount(report.failed)} failed → ${target.failures.name}` : "";
	const written = report.unchanged ? ", unchanged" : "";
	const text = `${formatPlural(report.records, "result")}${models}, each once; ${missing} → ${flags.output}${failed}${written}`;
	io.stderr.write(`${sanitizeLine(text)}\n`);
}

async function readIds(path: string, name: string, flags: MergeFlags): Promise<Iterable<string>> {
	const input = await decodeInput(systemFiles, openInput(systemFiles, path, name, flags));
	const read = await createReader(systemFiles, input);
	return (function* () {
		try {
			for (const raw of read()) {
				if (raw.problem !== undefined) throw new UsageError(`${name}:${raw.line}: ${raw.problem}`);
				if (raw.note === undefined) yield idOf(raw, flags.id);
			}
		} finally {
			systemFiles.close(input.file);
		}
	})();
}
