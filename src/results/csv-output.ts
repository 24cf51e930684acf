import type { CsvDialect } from "../prompts/csv.ts";
import { escapeFormula, formatCsvLine } from "../prompts/csv-line.ts";
import { isObject, numberText } from "../prompts/json.ts";
import type { PromptsFile } from "../prompts/prompts-file.ts";
import { uniqueNames } from "../prompts/table.ts";
import type { Files } from "../state/file-system.ts";
import { readAnswer, readErrorMessage } from "./records.ts";
import type { Revise } from "./revision.ts";
import { LineAt, replaceOutput } from "./rewrite.ts";
import type { RowIndex } from "./row-index.ts";

/** How a table of results looks. */
export interface TableStyle {
	readonly dialect: CsvDialect;
	/** Each row goes to several models: their names get a column. */
	readonly severalModels: boolean;
	/** Answers were compared with what was expected. */
	readonly hasPass: boolean;
	/** What a model wrote is kept from being run as a formula. */
	readonly escapesFormulas: boolean;
}

export interface CsvOptions {
	readonly files: Files;
	readonly path: string;
	readonly name: string;
	readonly style: TableStyle;
	readonly prompts: PromptsFile;
	readonly index: RowIndex;
	/** Open files that the index points into; undefined when there are no records. */
	readonly results: number | undefined;
	readonly revise: Revise | undefined;
	readonly failures: number | undefined;
}

/**
 * Writes the table of a finished run: the input's columns as they are, then the answers, why they end, and errors. A
 * row without an answer has empty cells.
 */
export function writeCsv(options: CsvOptions): void {
	const { files, prompts, index, style } = options;
	const { dialect, severalModels, hasPass } = style;
	const { header, names, answers } = readShape(prompts);
	const protect = style.escapesFormulas ? escapeFormula : (text: string) => text;
	const results = options.results === undefined ? undefined : new LineAt(files, options.results);
	const failures = options.failures === undefined ? undefined : new LineAt(files, options.failures);
	replaceOutput(files, options.path, options.name, (write) => {
		const added = [
			...(severalModels ? ["model"] : []),
			...(answers === 1 ? ["answer"] : Array.from({ length: answers }, (_, at) => `answer_${at + 1}`)),
			"finish_reason",
			...(hasPass ? ["pass"] : []),
			"error",
		];
		// The input's own names stay as they are, also where one comes twice.
		const all = [...header, ...uniqueNames([...names, ...added]).slice(names.length)];
		write(Buffer.from((dialect.hasMark ? "\ufeff" : "") + formatCsvLine(all, dialect)));
		let position = 0;
		for (const { row, raw } of prompts.rows(ignore)) {
			const cells = names.map((name) => toCell(raw.value, name));
			for (const model of prompts.modelsOf(row)) {
				const state = index.state(position);
				const found = state === "done" ? results?.text(index.resultOffset(position)) : undefined;
				const record = found === undefined ? undefined : (options.revise?.(found, row) ?? found);
				const error = state === "failed" ? failures?.text(index.failureOffset(position)) : undefined;
				position += 1;
				const answer = record === undefined ? undefined : readAnswer(record);
				const line = [
					...cells,
					...(severalModels ? [model] : []),
					...Array.from({ length: answers }, (_, at) => protect(answer?.texts[at] ?? "")),
					answer?.finishReason ?? "",
					...(hasPass ? [answer?.pass === undefined ? "" : String(answer.pass)] : []),
					error === undefined ? "" : protect(readErrorMessage(error)),
				];
				write(Buffer.from(formatCsvLine(line, dialect)));
			}
		}
	});
}

function ignore(): void {
	// The rows were checked before.
}

interface Shape {
	/** As the first line of the table names the input's columns. */
	readonly header: readonly string[];
	/** The same columns as rows know them. */
	readonly names: readonly string[];
	/** The most answers that a row has. */
	readonly answers: number;
}

/** Of a table its own columns, else those of all rows in the order in which they first come. */
function readShape(prompts: PromptsFile): Shape {
	const found = new Set<string>();
	let answers = 1;
	for (const { row, raw } of prompts.rows(ignore)) {
		answers = Math.max(answers, row.n);
		if (isObject(raw.value)) for (const name of Object.keys(raw.value)) found.add(name);
		else found.add("prompt");
	}
	const names = prompts.table?.names ?? [...found];
	return { header: prompts.table?.header ?? names, names, answers };
}

function toCell(value: unknown, name: string): string {
	if (!isObject(value)) return name === "prompt" ? String(value) : "";
	const field = value[name];
	if (field === undefined || field === null) return "";
	if (typeof field === "string") return field;
	return numberText(field) ?? JSON.stringify(field);
}
