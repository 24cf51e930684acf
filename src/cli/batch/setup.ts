import { resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import { AttachmentFolder } from "../../prompts/attachment-folder.ts";
import { formatOf, type InputFormat, openInput, type PromptsInput } from "../../prompts/input.ts";
import { PromptsFile, type Selection } from "../../prompts/prompts-file.ts";
import { createReader } from "../../prompts/reader.ts";
import { RowBuilder, type RowPreset } from "../../prompts/row-builder.ts";
import { spoolInput } from "../../prompts/spool.ts";
import { compileTemplate } from "../../prompts/template.ts";
import { systemFiles } from "../../state/file-system.ts";
import type { Parameters } from "../../types.ts";
import type { Io } from "../io.ts";
import type { BatchFlags } from "./flags.ts";

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
