/**
 * The end of what stands on a terminal, line by line, as far as it is known: what a write does to it at the width at
 * which it arrives. A terminal breaks the lines on its screen anew when its width changes, or (the oldest) does not.
 */

import { breakText, textWidth } from "../terminal/width.ts";

interface Line {
	readonly text: string;
	/** On a terminal that does not break lines anew: the rows that it took when it was written. */
	readonly rows: number | undefined;
}

export interface ScreenLines {
	/** How many lines for ever came before the first of these. */
	readonly first: number;
	readonly lines: readonly Line[];
	/** The cursor's line, and its place there in cells. */
	readonly y: number;
	readonly x: number;
}

/** What is written at once. */
export interface Write {
	/** Rows above the cursor that are erased, with everything below them. */
	readonly up: number;
	/** Lines for ever that are printed there. */
	readonly above: readonly string[];
	/** The live region below them. Its lines are cut off where the terminal ends. */
	readonly frame: readonly string[];
	/** The cursor's place, counted from the first line of the frame. */
	readonly cursor: { readonly x: number; readonly y: number };
}

/** A screen of which nothing is known, with the cursor at the left; `first` lines for ever stand somewhere above. */
export function unknownScreen(first: number): ScreenLines {
	return { first, lines: [{ text: "", rows: undefined }], y: 0, x: 0 };
}

/** What stands there after a write: it erases at one width, and what it writes arrives at another one, as a rule the same. */
export function afterWrite(
	screen: ScreenLines,
	{ up, above, frame, cursor }: Write,
	widths: { readonly erasing: number; readonly writing: number },
	reflows: boolean,
): ScreenLines {
	const top = rowAbove(screen, up, widths.erasing);
	// Erasing may begin in the middle of a line that the terminal has broken.
	const left = textOfRows(screen.lines[top.y], top.row, widths.erasing);
	const shown = frame.map((line) => cutLine(line, widths.writing));
	const written = [...above, ...shown].map((line, index) => {
		const text = index === 0 ? left + line : line;
		return { text, rows: reflows ? undefined : rowsOf(text, widths.writing) };
	});
	return {
		first: screen.first,
		lines: [...screen.lines.slice(0, top.y), ...written],
		y: top.y + above.length + cursor.y,
		x: Math.min(cursor.x, widths.writing - 1) + (above.length + cursor.y === 0 ? textWidth(left) : 0),
	};
}

/** How many rows the cursor is below the start of line `y`, on a terminal of this width. */
export function rowsDownFrom({ lines, y, x }: ScreenLines, from: number, width: number): number {
	let rows = rowOfCell(lines[y], x, width);
	for (let line = from; line < y; line += 1) rows += rowsOfLine(lines[line], width);
	return rows;
}

function rowAbove({ lines, y, x }: ScreenLines, up: number, width: number): { y: number; row: number } {
	let left = up;
	let line = y;
	let row = rowOfCell(lines[y], x, width);
	while (left > row && line > 0) {
		left -= row + 1;
		line -= 1;
		row = rowsOfLine(lines[line], width) - 1;
	}
	return { y: line, row: Math.max(0, row - left) };
}

function textOfRows(line: Line | undefined, count: number, width: number): string {
	if (line === undefined || count === 0) return "";
	return breakText(line.text, width).split("\n").slice(0, count).join("");
}

/** Some terminals count the space that a line ends in when they break it anew: less is erased where that is not known. */
function cutLine(line: string, width: number): string {
	const [first = "", rest] = breakText(line, width).split("\n", 2);
	return rest === undefined ? first : first.replace(/ +((?:\x1b\[[\d;]*m)*)$/, "$1");
}

function rowOfCell(line: Line | undefined, cell: number, width: number): number {
	return Math.min(
		Math.floor(cell / width),
		line?.rows === undefined ? Number.POSITIVE_INFINITY : line.rows - 1,
	);
}

function rowsOfLine(line: Line | undefined, width: number): number {
	return line === undefined ? 1 : (line.rows ?? rowsOf(line.text, width));
}

/** How many rows a line takes on a terminal `columns` wide that breaks it. */
function rowsOf(line: string, columns: number): number {
	return breakText(line, columns).split("\n").length;
}
