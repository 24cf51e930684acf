import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import { AttachmentFolder } from "../../prompts/attachment-folder.ts";
import { formatOf, type InputFormat, openInput, type PromptsInput } from "../../prompts/input.ts";
import { PromptsFile, type Selection } from "../../prompts/prompts-file.ts";
import { createReader } from "../../prompts/reader.ts";
import { RowBuilder, type RowPreset } from "../../prompts/row-builder.ts";
import { spoolInput } from "../../prompts/spool.ts";
import { compileTemplate } from "../../prompts/template.ts";
import type { OutputFiles } from "../../results/checked.ts";
import { systemFiles } from "../../state/file-system.ts";
import { resolvePaths } from "../../state/paths.ts";
import type { Parameters } from "../../types.ts";
import type { Io } from "../io.ts";
import type { BatchFlags } from "./flags.ts";

/** Where a run writes, or that it writes to stdout. */
export interface Target {
	/** As people see it: the path as given, or `-`. */
	readonly name: string;
	/** Undefined for stdout. */
	readonly files: OutputFiles | undefined;
	/** A table beside the journal, when one is asked for. */
	readonly table: { readonly path: string; readonly name: string; readonly delimiter: string } | undefined;
}

/**
 * Opens the prompts: a file, or stdin copied aside.
 * @throws UsageError when there is none or its format is unknown
 */
export async function openPrompts(
	io: Io,
	path: string | undefined,
	format: InputFormat | undefined,
): Promise<PromptsInput> {
	if (path !== undefined && path !== "-") {
		return openInput(systemFiles, resolve(io.cwd, path), path, format ?? formatOf(path));
	}
	if (path === undefined && io.stdin.isTTY) {
		throw new UsageError("there is no prompts file", {
			hint: "llmx batch prompts.jsonl -m MODEL, or pipe prompts in: llmx batch - --format text -m MODEL",
		});
	}
	if (format === undefined) {
		throw new UsageError("what is piped in has no name that tells its format", {
			hint: "say it: --format jsonl, csv, tsv or text",
		});
	}
	return spoolInput(io.stdin as AsyncIterable<Uint8Array>, "stdin", format);
}

/**
 * Finds where results go. Without `-o` that is beside the prompts, or stdout when the prompts come from stdin.
 * @throws UsageError when it cannot be written there
 */
export function chooseTarget(io: Io, source: string | undefined, flags: BatchFlags): Target {
	const isStdin = source === undefined || source === "-";
	const name = flags.output ?? (isStdin ? "-" : defaultName(source, flags));
	if (name === "-") return { name, files: undefined, table: undefined };
	const isTable = /\.(csv|tsv)$/i.test(name);
	if (isTable && flags.outFormat === "openai") {
		throw new UsageError("--out-format openai writes JSONL", { hint: `give -o a name that ends in .jsonl` });
	}
	const journal = isTable ? `${name}.jsonl` : name;
	const failuresName = `${journal.replace(/\.jsonl$/, "")}.errors.jsonl`;
	const path = (file: string) => systemFiles.resolve(resolve(io.cwd, file));
	const results = path(journal);
	if (!existsSync(dirname(results))) {
		throw new UsageError(`cannot write ${name}: there is no folder ${dirname(name)}`, {
			hint: "make it first",
		});
	}
	if (!isStdin) {
		const input = path(source);
		if ([results, path(failuresName), path(name)].includes(input)) {
			throw new UsageError(`${name} is the prompts file itself`, { hint: "choose another output with -o" });
		}
	}
	return {
		name,
		files: {
			results,
			failures: path(failuresName),
			resultsName: journal,
			failuresName,
			rescueFolders: [io.cwd, resolvePaths(io.env).stateFolder, tmpdir()],
		},
		table: isTable ? { path: path(name), name, delimiter: /\.tsv$/i.test(name) ? "\t" : "," } : undefined,
	};
}

/** `prompts.jsonl` -> `prompts.results.jsonl`; a shard has a file of its own. */
function defaultName(source: string, { shard }: BatchFlags): string {
	const name = basename(source).replace(/\.[^.]+$/, "");
	const part = shard === undefined ? "" : `.${shard.index}-of-${shard.count}`;
	return `${source.slice(0, source.length - basename(source).length)}${name}.results${part}.jsonl`;
}

export interface PromptsOptions {
	readonly input: PromptsInput;
	readonly flags: BatchFlags;
	readonly models: readonly string[];
	readonly parameters: Parameters;
	readonly preset: RowPreset | undefined;
}

/** The prompts file as requests. Throws UsageError for a template or folder that cannot be used. */
export async function createPrompts(io: Io, options: PromptsOptions): Promise<PromptsFile> {
	const { input, flags, models, parameters, preset } = options;
	const selection: Selection = { shard: flags.shard, limit: flags.limit };
	const builder = new RowBuilder({
		column: flags.column,
		template: flags.template === undefined ? undefined : compileTemplate(flags.template),
		preset,
		system: flags.system,
		parameters,
		n: flags.answers,
		attachments:
			flags.allowFiles === undefined ? undefined : new AttachmentFolder(resolve(io.cwd, flags.allowFiles)),
	});
	const read = await createReader(systemFiles, input);
	return new PromptsFile({ input, read, builder, selection, models });
}
