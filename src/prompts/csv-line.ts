import type { CsvDialect } from "./csv.ts";

/** What Excel reads without being told anything. */
export const plainDialect: CsvDialect = { delimiter: ",", lineEnd: "\r\n", hasMark: false };

/**
 * What a spreadsheet would run as a formula; also behind a line end, and in the full-width forms that Excel accepts.
 * OWASP, "CSV Injection".
 */
const formulaStart = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/;
/** A number is not a formula, whatever its sign. */
const plainNumber = /^[+-]?(?:\d[\d.,]*|\.\d+)(?:[eE][+-]?\d+)?\s?%?$/;

/** Keeps a spreadsheet from running a text that others have written: it gets a leading apostrophe. */
export function escapeFormula(text: string): string {
	return formulaStart.test(text) && !plainNumber.test(text) ? `'${text}` : text;
}

/** One line of a table with its line end. */
export function formatCsvLine(cells: readonly string[], { delimiter, lineEnd }: CsvDialect): string {
	const quoted = cells.map((cell) => quote(cell, delimiter));
	// A line of one empty cell would be an empty line, which readers leave out.
	return `${quoted.length === 1 && quoted[0] === "" ? '""' : quoted.join(delimiter)}${lineEnd}`;
}

function quote(cell: string, delimiter: string): string {
	const isPlain = !/["\r\n]|^\s|\s$/.test(cell) && !cell.includes(delimiter);
	return isPlain ? cell : `"${cell.replaceAll('"', '""')}"`;
}
