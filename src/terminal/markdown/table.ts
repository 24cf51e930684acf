/** Tables: columns as wide as they need, narrowed and wrapped where the terminal is too small. */

import type { Colors } from "../colors.ts";
import { padText, textWidth } from "../width.ts";
import { flowText, widestWord } from "./flow.ts";
import { renderInline } from "./inline.ts";
import { splitCells } from "./lines.ts";

const narrowestColumn = 4;
const gap = " │ ";

export interface TableOptions {
	/** Columns of the terminal. */
	readonly width: number;
	readonly colors: Colors;
	readonly breakWords?: boolean | undefined;
}

type Align = "left" | "right" | "center";

/** Lines of a table: its header, the line under that, and its rows as they stand in the source. */
export function renderTable(
	[head = "", rule = "", ...body]: readonly string[],
	{ width, colors, breakWords = false }: TableOptions,
): string[] {
	const inline = (cell: string) => renderInline(cell, colors).text;
	const header = splitCells(head).map((cell) => (cell === "" ? "" : colors.bold(inline(cell))));
	const rows = body.map((line) => rowOf(line, header.length).map(inline));
	const align = splitCells(rule).map(alignOf);
	const columns = header.map((cell, column) => [cell, ...rows.map((row) => row[column] ?? "")]);
	const available = width - gap.length * (header.length - 1);
	const natural = columns.map((cells) =>
		cells.reduce((widest, cell) => Math.max(widest, widestLine(cell)), 1),
	);
	const least = columns.map((cells) =>
		breakWords ? narrowestColumn : cells.reduce((widest, cell) => Math.max(widest, widestWord(cell)), 1),
	);
	const fits = natural.reduce(sum, 0) <= available;
	if (available < header.length * narrowestColumn || (!fits && least.reduce(sum, 0) > available))
		return renderAsRecords(header, rows, width);
	const widths = fits
		? natural
		: shareColumns(
				natural.map((size) => Math.min(size, available)),
				least,
				available,
			);
	const renderRow = (cells: readonly string[]) => {
		const wrapped = widths.map((size, column) => flowText(cells[column] ?? "", { width: size, breakWords }));
		const height = Math.max(...wrapped.map((cell) => cell.length));
		return Array.from({ length: height }, (_, line) =>
			widths
				.map((size, column) => padText(wrapped[column]?.[line] ?? "", size, align[column]))
				.join(colors.dim(gap))
				.trimEnd(),
		);
	};
	const line = colors.dim(widths.map((size) => "─".repeat(size)).join("─┼─"));
	return [...renderRow(header), line, ...rows.flatMap(renderRow)];
}

/** Cells beyond the header's stay in the last one: no text may be hidden. */
function rowOf(line: string, columns: number): string[] {
	const cells = splitCells(line);
	if (cells.length <= columns) return cells;
	return [...cells.slice(0, columns - 1), cells.slice(columns - 1).join(" | ")];
}

function alignOf(rule: string): Align {
	if (!rule.endsWith(":")) return "left";
	return rule.startsWith(":") ? "center" : "right";
}

/** Takes columns from the widest until the sum fits; none gets narrower than its widest word. */
function shareColumns(natural: readonly number[], least: readonly number[], available: number): number[] {
	const widths = [...natural];
	let excess = widths.reduce(sum, 0) - available;
	while (excess > 0) {
		const movable = widths.flatMap((size, column) => (size > (least[column] ?? 1) ? [column] : []));
		if (movable.length === 0) break;
		const widest = Math.max(...movable.map((column) => widths[column] ?? 0));
		for (const column of movable) {
			if (excess <= 0) break;
			if (widths[column] !== widest) continue;
			widths[column] = widest - 1;
			excess -= 1;
		}
	}
	return widths;
}

/** Too many columns for the screen: each row as `header: cell` lines. */
function renderAsRecords(header: readonly string[], rows: readonly string[][], width: number): string[] {
	if (rows.length === 0) return flowText(header.join(gap), { width });
	return rows.flatMap((row, index) => {
		const lines = header.flatMap((name, column) => flowText(`${name}: ${row[column] ?? ""}`, { width }));
		return index === 0 ? lines : ["", ...lines];
	});
}

function widestLine(text: string): number {
	return /^[\x20-\x7e]*$/.test(text) ? text.length : Math.max(...text.split("\n").map(textWidth));
}

function sum(a: number, b: number): number {
	return a + b;
}
