import { statSync } from "node:fs";
import { UsageError } from "../errors.ts";
import { describeFileError, type Files } from "../state/file-system.ts";
import { recogniseBytes, signatureBytes } from "./bytes.ts";

/** `json`: one list of rows, or rows that are broken into lines as people like to read them. */
export type InputFormat = "jsonl" | "json" | "csv" | "tsv" | "text";

export const inputFormats: readonly InputFormat[] = ["jsonl", "json", "csv", "tsv", "text"];

/** A row as it stands in the file: JSON, or the text of a line, or the cells of a table under their headers. */
export interface RawRow {
	/** Of its first character, counted from 1. */
	readonly line: number;
	/** Among the rows, counted from 1: blank lines and the header do not count. */
	readonly number: number;
	readonly value: unknown;
	/** Why it cannot be used; `value` is then undefined. */
	readonly problem?: string;
	/** This is not a row, but something about the file that people may want to know. */
	readonly note?: string;
}

/** An open prompts file that can be read from its beginning as often as need be. */
export interface PromptsInput {
	/** As problems name it. */
	readonly name: string;
	readonly format: InputFormat;
	readonly file: number;
	readonly size: number;
	/** False for a table whose first line is a row like the others. */
	readonly header?: boolean | undefined;
}

/** What people say of a prompts file. */
export interface InputFlags {
	readonly format?: InputFormat | undefined;
	/** False for `--no-header`. */
	readonly header?: boolean | undefined;
}

const extensions: Readonly<Record<string, InputFormat>> = {
	jsonl: "jsonl",
	ndjson: "jsonl",
	json: "json",
	csv: "csv",
	tsv: "tsv",
	tab: "tsv",
	txt: "text",
	text: "text",
};

const compression = /\.(?:gz|gzip|zst|zstd)$/i;

/** A file's name without the ending that says how it is compressed. */
export function uncompressedName(name: string): string {
	return name.replace(compression, "");
}

/** The format that a file's name tells; undefined when it tells none. */
export function formatOf(name: string): InputFormat | undefined {
	const extension = /\.([^./\\]+)$/.exec(uncompressedName(name))?.[1]?.toLowerCase();
	return extension === undefined ? undefined : extensions[extension];
}

/**
 * Opens a prompts file, given its format or else by its name.
 * @throws UsageError when it cannot be read, cannot be read twice (a pipe), its format is not known, or has no header to
 * be without
 */
export function openInput(
	files: Files,
	path: string,
	name: string,
	{ format: given, header }: InputFlags,
): PromptsInput {
	if (/^https?:\/\//i.test(name))
		throw new UsageError(`${name} is a URL; prompts are read from files`, {
			hint: `pipe it in: curl -L '${name}' | llmx batch - --format ${given ?? formatOf(new URL(name).pathname) ?? "jsonl"}`,
		});
	const format = given ?? formatOf(name);
	checkHeader(format, header);
	// Opening a pipe would wait for its writer.
	if (files.factsOf(path)?.isRegular === false) {
		if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
			throw new UsageError(`${name} is a folder`, { hint: "name a prompts file inside it" });
		throw new UsageError(`${name} is not a regular file`, {
			hint: `it would have to be read twice; pipe it in: llmx batch - --format ${format ?? "jsonl"} < ${name}`,
		});
	}
	try {
		const file = files.open(path, "r");
		if (format !== undefined) return { name, format, file, size: files.facts(file).size, header };
		try {
			// An XLSX file is better told that it is one than that its name says nothing.
			recogniseBytes(readHead(files, file), name);
		} finally {
			files.close(file);
		}
	} catch (error) {
		if (error instanceof UsageError) throw error;
		throw new UsageError(`cannot read ${name}: ${describeFileError(error)}`, { cause: error });
	}
	throw new UsageError(`cannot infer the format of ${name} from its name`, {
		hint: `pass its format: --format ${inputFormats.join("|")}`,
	});
}

/** @throws UsageError for `--no-header` with a format that has none */
export function checkHeader(format: InputFormat | undefined, header: boolean | undefined): void {
	if (header !== false || format === undefined || isTable(format)) return;
	throw new UsageError(`--no-header is for CSV and TSV; the prompts are read as ${format}`, {
		hint: "leave it out, or say what they are: --format csv",
	});
}

/** Its rows are cells under column names. */
export function isTable(format: InputFormat): boolean {
	return format === "csv" || format === "tsv";
}

/** The first bytes of an open file, as many as `recogniseBytes` looks at. */
export function readHead(files: Files, file: number): Buffer {
	const head = Buffer.alloc(signatureBytes);
	let length = 0;
	while (length < head.length) {
		const read = files.read(file, head, length, length);
		if (read === 0) break;
		length += read;
	}
	return head.subarray(0, length);
}
