import { formatCsvLine } from "../prompts/csv.ts";
import { isObject, numberText } from "../prompts/json.ts";
import type { PromptsFile } from "../prompts/prompts-file.ts";
import { uniqueNames } from "../prompts/table.ts";
import type { Files } from "../state/file-system.ts";
import { readAnswer, readErrorMessage } from "./records.ts";
import { LineAt, replaceOutput } from "./rewrite.ts";
import type { RowIndex } from "./row-index.ts";

export interface CsvOptions {
	readonly files: Files;
	readonly path: string;
	readonly name: string;
	readonly delimiter: string;
	readonly prompts: PromptsFile;
	readonly index: RowIndex;
	/** Open files that the index points into; undefined when there are no records. */
	readonly results: number | undefined;
	readonly failures: number | undefined;
	/** Each row goes to several models: their names get a column. */
	readonly severalModels: boolean;
}

/**
 * Writes the table of a finished run: the input's columns as they are, the answers, and errors if there are any. Only
 * what a model wrote is kept from being run as a formula. A row without an answer has empty cells.
 */
export function writeCsv(options: CsvOptions): void {
	const { files, prompts, index, severalModels } = options;
	const { names, answers } = readShape(prompts);
	const hasErrors = index.failureOffsets().next().done === false;
	const results = options.results === undefined ? undefined : new LineAt(files, options.results);
	const failures = options.failures === undefined ? undefined : new LineAt(files, options.failures);
	replaceOutput(files, options.path, options.name, (write) => {
		const added = [
			...(severalModels ? ["model"] : []),
			...(answers === 1 ? ["answer"] : Array.from({ length: answers }, (_, at) => `answer_${at + 1}`)),
			...(hasErrors ? ["error"] : []),
		];
		const header = uniqueNames([...names, ...added]);
		write(Buffer.from(formatCsvLine(header, [], options.delimiter)));
		let position = 0;
		for (const { row, raw } of prompts.rows(ignore)) {
			const cells = names.map((name) => toCell(raw.value, name));
			for (const model of prompts.modelsOf(row)) {
				const state = index.state(position);
				const record = state === "done" ? results?.text(index.resultOffset(position)) : undefined;
				const error = state === "failed" ? failures?.text(index.failureOffset(position)) : undefined;
				position += 1;
				const texts = record === undefined ? [] : readAnswer(record);
				const answerCells = Array.from({ length: answers }, (_, at) => texts[at] ?? "");
				if (hasErrors) answerCells.push(error === undefined ? "" : readErrorMessage(error));
				const exact = severalModels ? [...cells, model] : cells;
				write(Buffer.from(formatCsvLine(exact, answerCells, options.delimiter)));
			}
		}
	});
}

function ignore(): void {
	// The rows were checked before.
}

/** The columns of all rows in the order in which they first come, and how many answers a row has at the most. */
function readShape(prompts: PromptsFile): { names: readonly string[]; answers: number } {
	const names = new Set<string>();
	let answers = 1;
	for (const { row, raw } of prompts.rows(ignore)) {
		answers = Math.max(answers, row.n);
		if (isObject(raw.value)) for (const name of Object.keys(raw.value)) names.add(name);
		else names.add("prompt");
	}
	return { names: [...names], answers };
}

function toCell(value: unknown, name: string): string {
	if (!isObject(value)) return name === "prompt" ? String(value) : "";
	const field = value[name];
	if (field === undefined || field === null) return "";
	if (typeof field === "string") return field;
	return numberText(field) ?? JSON.stringify(field);
}
