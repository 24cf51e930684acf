/** Tables: columns as wide as they need, narrowed and wrapped where the terminal is too small. */

import type { Token, Tokens } from "marked";
import type { Colors } from "./colors.ts";
import { sanitizeLine } from "./sanitize.ts";
import { padText, textWidth, wrapText } from "./width.ts";

const narrowestColumn = 4;
const gap = " │ ";

/** Lines of a table at most `width` columns wide; `inline` renders the tokens of a cell. */
export function renderTable(
	table: Tokens.Table,
	width: number,
	colors: Colors,
	inline: (tokens: readonly Token[]) => string,
): string[] {
	const header = table.header.map((cell) => colors.bold(inline(cell.tokens)));
	const sources = table.raw.trimEnd().split("\n").slice(2);
	const rows = table.rows.map((row, index) => {
		const cells = row.map((cell) => inline(cell.tokens));
		const surplus = surplusCells(sources[index] ?? "", header.length);
		return surplus === "" ? cells : [...cells.slice(0, -1), `${cells.at(-1)} | ${surplus}`];
	});
	const natural = header.map((cell, column) =>
		Math.max(...[cell, ...rows.map((row) => row[column] ?? "")].map(widestLine), 1),
	);
	const available = width - gap.length * (header.length - 1);
	if (available < header.length * narrowestColumn) return renderAsRecords(header, rows, width);
	const widths = shareColumns(natural, available);
	const align = (column: number) => table.align[column] ?? "left";
	const renderRow = (cells: readonly string[]) => {
		const wrapped = widths.map((columns, column) => wrapText(cells[column] ?? "", columns).split("\n"));
		const height = Math.max(...wrapped.map((cell) => cell.length));
		return Array.from({ length: height }, (_, line) =>
			widths
				.map((columns, column) => padText(wrapped[column]?.[line] ?? "", columns, align(column)))
				.join(colors.dim(gap))
				.trimEnd(),
		);
	};
	const rule = colors.dim(widths.map((columns) => "─".repeat(columns)).join("─┼─"));
	return [...renderRow(header), rule, ...rows.flatMap(renderRow)];
}

/** Cells beyond the header's, which the lexer drops: no text may be hidden. */
function surplusCells(source: string, columns: number): string {
	const cells = source
		.trim()
		.replace(/^\||(?<!\\)\|$/g, "")
		.split(/(?<!\\)\|/);
	return sanitizeLine(cells.slice(columns).join("|").trim());
}

/** Takes columns from the widest until the sum fits. */
function shareColumns(natural: readonly number[], available: number): number[] {
	const widths = [...natural];
	let excess = widths.reduce((sum, columns) => sum + columns, 0) - available;
	while (excess > 0) {
		const widest = Math.max(...widths);
		const at = widths.flatMap((columns, index) => (columns === widest ? [index] : []));
		const next = Math.max(...widths.filter((columns) => columns < widest), narrowestColumn);
		const cut = Math.max(1, Math.min(widest - next, Math.floor(excess / at.length)));
		for (const index of at) {
			if (excess <= 0) break;
			widths[index] = widest - cut;
			excess -= cut;
		}
	}
	return widths;
}

/** Too many columns for the screen: each row as `header: cell` lines. */
function renderAsRecords(header: readonly string[], rows: readonly string[][], width: number): string[] {
	return rows.flatMap((row, index) => {
		const lines = header.flatMap((name, column) =>
			wrapText(`${name}: ${row[column] ?? ""}`, width).split("\n"),
		);
		return index === 0 ? lines : ["", ...lines];
	});
}

function widestLine(text: string): number {
	return Math.max(...text.split("\n").map(textWidth));
}
