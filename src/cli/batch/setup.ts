import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import type { Parameters } from "../../parameters/table.ts";
import { AttachmentFolder } from "../../prompts/attachment-folder.ts";
import { decodeInput } from "../../prompts/decode.ts";
import { checkHeader, type InputFlags, isTable, openInput, type PromptsInput } from "../../prompts/input.ts";
import type { CompiledPreset } from "../../prompts/presets.ts";
import { PromptsFile, type Selection } from "../../prompts/prompts-file.ts";
import { createReader } from "../../prompts/reader.ts";
import { RowBuilder } from "../../prompts/row-builder.ts";
import { spool } from "../../prompts/spool.ts";
import { compileTemplate, type Template } from "../../prompts/template.ts";
import { describeFileError, systemFiles } from "../../state/file-system.ts";
import type { Io } from "../io.ts";
import type { BatchFlags } from "./flags.ts";

/**
 * Of a file that cannot be read nothing else needs to be said, least of all where its results would go.
 * @throws UsageError when it cannot be read or its format is unknown
 */
export function checkSource(io: Io, path: string | undefined, flags: InputFlags): void {
	if (path === undefined || path === "-") return;
	systemFiles.close(openInput(systemFiles, resolve(io.cwd, path), path, flags).file);
}

/**
 * Opens the prompts: a file, or stdin copied aside.
 * @throws UsageError when there is none or its format is unknown
 */
export async function openPrompts(
	io: Io,
	path: string | undefined,
	flags: InputFlags,
): Promise<PromptsInput> {
	const { format, header } = flags;
	if (path !== undefined && path !== "-")
		return decodeInput(systemFiles, openInput(systemFiles, resolve(io.cwd, path), path, flags));
	if (path === undefined && io.stdin.isTTY)
		throw new UsageError("no prompts file given", {
			hint: "llmx batch prompts.jsonl -m MODEL, or pipe prompts in: llmx batch - --format text -m MODEL",
		});
	if (format === undefined)
		throw new UsageError("cannot infer the format of stdin", {
			hint: "say what it is: --format jsonl, json, csv, tsv or text",
		});
	checkHeader(format, header);
	const spooled = await spool(io.stdin as AsyncIterable<Uint8Array>, "stdin");
	return decodeInput(systemFiles, { name: "stdin", format, header, ...spooled });
}

export interface PromptsOptions {
	readonly input: PromptsInput;
	readonly flags: BatchFlags;
	readonly models: readonly string[];
	readonly parameters: Parameters;
	readonly preset: CompiledPreset | undefined;
	/** Called with what looks wrong about a row and stops nothing, file and line before it. */
	readonly onWarning: (text: string) => void;
}

/** The prompts file as requests. Throws UsageError for a template or folder that cannot be used. */
export async function createPrompts(io: Io, options: PromptsOptions): Promise<PromptsFile> {
	const { input, flags, models, parameters, preset, onWarning } = options;
	const selection: Selection = { shard: flags.shard, limit: flags.limit };
	const hasColumns = isTable(input.format);
	const builder = new RowBuilder({
		column: flags.column,
		id: flags.id,
		expect: flags.expect,
		fieldsAreData: (hasColumns || flags.template !== undefined) && !flags.paramsFromColumns,
		template: templateOf(io, flags),
		variables: flags.var,
		preset,
		system: flags.system,
		parameters,
		n: flags.answers,
		onWarning: ({ line, text }) => onWarning(`${input.name}:${line}: ${text}`),
		attachments:
			flags.allowFiles === undefined ? undefined : new AttachmentFolder(resolve(io.cwd, flags.allowFiles)),
	});
	const read = await createReader(systemFiles, input);
	const { readTableShape } = await import("../../prompts/table.ts");
	const table = hasColumns ? readTableShape(systemFiles, input) : undefined;
	return new PromptsFile({ input, read, builder, selection, models, table });
}

function templateOf(io: Io, { template: text, var: variables = {} }: BatchFlags): Template | undefined {
	if (text === undefined) return undefined;
	const template = compileTemplate(readTemplate(io, text));
	if (template.names.every((name) => Object.hasOwn(variables, name)))
		throw new UsageError("the template names no field of a row, so every prompt would be the same", {
			hint: "put the name of a field or column in double braces, as in {{prompt}}",
		});
	return template;
}

/** `@FILE` stands for what is in the file; a text with variables is a template itself. */
function readTemplate(io: Io, text: string): string {
	if (!text.startsWith("@") || text.includes("{{")) return text;
	const path = text.slice(1);
	try {
		return readFileSync(resolve(io.cwd, path), "utf8")
			.replace(/^\ufeff/, "")
			.replace(/\r?\n$/, "");
	} catch (error) {
		throw new UsageError(`cannot read the template ${path}: ${describeFileError(error)}`, { cause: error });
	}
}

/** The problem of a row that links images, for a model whose provider fetches none. */
export function linksRefused(model: string): UsageError {
	return new UsageError(`${model}'s provider cannot fetch images from URLs`, {
		hint: "download the images and attach the files (--allow-files)",
	});
}
