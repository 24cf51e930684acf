import { UsageError } from "../errors.ts";
import { describeFileError, type Files } from "../state/file-system.ts";

export type InputFormat = "jsonl" | "csv" | "tsv" | "text";

export const inputFormats: readonly InputFormat[] = ["jsonl", "csv", "tsv", "text"];

/** A row as it stands in the file: JSON, or the text of a line, or the cells of a table under their headers. */
export interface RawRow {
	/** Of its first character, counted from 1. */
	readonly line: number;
	/** Among the rows, counted from 1: blank lines and the header do not count. */
	readonly number: number;
	readonly value: unknown;
	/** Why it cannot be used; `value` is then undefined. */
	readonly problem?: string;
}

/** An open prompts file that can be read from its beginning as often as need be. */
export interface PromptsInput {
	/** As problems name it. */
	readonly name: string;
	readonly format: InputFormat;
	readonly file: number;
	readonly size: number;
}

const extensions: Readonly<Record<string, InputFormat>> = {
	jsonl: "jsonl",
	ndjson: "jsonl",
	csv: "csv",
	tsv: "tsv",
	tab: "tsv",
	txt: "text",
	text: "text",
};

/**
 * The format of a prompts file by its name.
 * @throws UsageError when the name does not tell
 */
export function formatOf(name: string): InputFormat {
	const extension = /\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase();
	const format = extension === undefined ? undefined : extensions[extension];
	if (format !== undefined) return format;
	const hint =
		extension === "json"
			? "a JSON list becomes JSONL with: jq -c '.[]' FILE.json > FILE.jsonl"
			: `say what it is: --format ${inputFormats.join("|")}`;
	throw new UsageError(`cannot tell the format of ${name} from its name`, { hint });
}

/**
 * Opens a prompts file.
 * @throws UsageError when it cannot be read, or cannot be read twice (a pipe)
 */
export function openInput(files: Files, path: string, name: string, format: InputFormat): PromptsInput {
	// Opening a pipe would wait for its writer.
	if (files.factsOf(path)?.isRegular === false) {
		throw new UsageError(`${name} is not a regular file`, {
			hint: `it has to be read twice; pipe it in: llmx batch - --format ${format} < ${name}`,
		});
	}
	try {
		const file = files.open(path, "r");
		return { name, format, file, size: files.facts(file).size };
	} catch (error) {
		throw new UsageError(`cannot read ${name}: ${describeFileError(error)}`, { cause: error });
	}
}
