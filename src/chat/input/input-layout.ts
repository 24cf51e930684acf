/** Text to the rows of a box: broken at the width by columns, so that the cursor's place is always known. */

import { graphemesOf, textWidth } from "../../terminal/width.ts";

/** What is shown in place of a character, if it is not itself. */
export type Label = (character: string) => string | undefined;

interface Cell {
	/** Where it begins and ends in the text. */
	readonly start: number;
	readonly end: number;
	readonly shown: string;
	readonly column: number;
	readonly width: number;
}

/** One row of the box; `end` leaves out the newline. */
export interface Row {
	readonly start: number;
	readonly end: number;
	readonly shown: string;
	/** The line goes on in the next row. */
	readonly continues: boolean;
	cells(): Iterable<Cell>;
}

export interface Position {
	readonly row: number;
	readonly column: number;
}

const printable = /^[\x20-\x7e]*$/;

/** How a grapheme is shown: a chip by its label, a tab as spaces, a control as `^X`. */
function shownAs(grapheme: string, label: Label): string {
	const chip = label(grapheme);
	if (chip !== undefined) return chip;
	if (grapheme === "\t") return "    ";
	const code = grapheme.charCodeAt(0);
	if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
	if (code === 0x7f) return "^?";
	if (code >= 0x80 && code <= 0x9f) return `\\x${code.toString(16)}`;
	// Bidi controls would reorder the row; they stay in the text and are not drawn.
	return grapheme.replace(/[\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u206f\ufeff]/g, "");
}

function* cellsOf(text: string, start: number, label: Label): Iterable<Cell> {
	let offset = start;
	let column = 0;
	const isPlain = printable.test(text);
	for (const grapheme of isPlain ? text : graphemesOf(text)) {
		const shown = isPlain ? grapheme : shownAs(grapheme, label);
		const width = isPlain ? 1 : textWidth(shown);
		yield { start: offset, end: offset + grapheme.length, shown, column, width };
		offset += grapheme.length;
		column += width;
	}
}

function makeRow(text: string, start: number, shown: string, continues: boolean, label: Label): Row {
	const end = start + text.length;
	return { start, end, shown, continues, cells: () => cellsOf(text, start, label) };
}

function rowsOfLine(line: string, offset: number, width: number, label: Label): Row[] {
	if (printable.test(line)) {
		const rows: Row[] = [];
		for (let at = 0; at === 0 || at < line.length; at += width) {
			const part = line.slice(at, at + width);
			rows.push(makeRow(part, offset + at, part, at + width < line.length, label));
		}
		// A full last row leaves no column for the cursor.
		if (line.length > 0 && line.length % width === 0) return closeFullRow(rows, offset + line.length, label);
		return rows;
	}
	const rows: Row[] = [];
	let start = offset;
	let shown = "";
	let used = 0;
	let end = offset;
	for (const cell of cellsOf(line, offset, label)) {
		if (used + cell.width > width && used > 0) {
			rows.push(makeRow(line.slice(start - offset, end - offset), start, shown, true, label));
			start = cell.start;
			shown = "";
			used = 0;
		}
		shown += cell.shown;
		used += cell.width;
		end = cell.end;
	}
	rows.push(makeRow(line.slice(start - offset), start, shown, false, label));
	return used >= width ? closeFullRow(rows, offset + line.length, label) : rows;
}

function closeFullRow(rows: Row[], end: number, label: Label): Row[] {
	const last = rows.pop();
	if (last) rows.push({ ...last, continues: true });
	rows.push(makeRow("", end, "", false, label));
	return rows;
}

/** All rows of a text in a box of `width` columns; at least one. */
export function layoutRows(text: string, width: number, label: Label): Row[] {
	const rows: Row[] = [];
	let offset = 0;
	for (const line of text.split("\n")) {
		for (const row of rowsOfLine(line, offset, Math.max(2, width), label)) rows.push(row);
		offset += line.length + 1;
	}
	return rows;
}

/** Where a cursor at `index` stands. */
export function positionAt(rows: readonly Row[], index: number): Position {
	let low = 0;
	let high = rows.length - 1;
	while (low < high) {
		const middle = Math.ceil((low + high) / 2);
		if ((rows[middle]?.start ?? 0) <= index) low = middle;
		else high = middle - 1;
	}
	const row = rows[low];
	let column = 0;
	if (row) {
		for (const cell of row.cells()) {
			if (cell.start >= index) break;
			column = cell.column + cell.width;
		}
	}
	return { row: low, column };
}

/** The rows around the cursor that fit a box of `height` rows, and the cursor's place among them. */
export function visibleRows(
	text: string,
	cursor: number,
	width: number,
	height: number,
	label: Label,
): { readonly rows: readonly string[]; readonly cursor: Position } {
	// Lines far from the cursor cannot be visible: a large text costs no more than a small one.
	const from = lineStartBefore(text, cursor, height);
	const to = lineEndBehind(text, cursor, height);
	const rows = layoutRows(text.slice(from, to), width, label);
	const at = positionAt(rows, cursor - from);
	const first = Math.max(0, Math.min(at.row - Math.floor(height / 2), rows.length - height));
	return {
		rows: rows.slice(first, first + height).map((row) => row.shown),
		cursor: { row: at.row - first, column: at.column },
	};
}

function lineStartBefore(text: string, index: number, lines: number): number {
	let at = index;
	for (let count = 0; count <= lines && at > 0; count += 1) at = text.lastIndexOf("\n", at - 1);
	return at <= 0 ? 0 : at + 1;
}

function lineEndBehind(text: string, index: number, lines: number): number {
	let at = index;
	for (let count = 0; count <= lines; count += 1) {
		const end = text.indexOf("\n", at);
		if (end < 0) return text.length;
		at = end + 1;
	}
	return at - 1;
}
