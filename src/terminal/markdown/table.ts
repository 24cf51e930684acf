/** Tables: columns as wide as they need, narrowed and wrapped where the terminal is too small. */

import type { Colors } from "../colors.ts";
import { padText, textWidth } from "../width.ts";
import { flowText, widestWord } from "./flow.ts";
import type { InlineReader } from "./inline-reader.ts";
import { splitCells } from "./lines.ts";

const narrowestColumn = 4;
const gap = " │ ";
/** A longer table is shown in parts, in cells. */
const longest = 2_000;
/** How many rows of an unfinished table are looked at for a preview, and how many cells. */
const previewRows = 40;
const previewCells = 200;
/** How many lines of a table that has more columns than the screen are shown of it. */
const previewRecords = 100;

export interface TableOptions {
	/** Columns of the terminal. */
	readonly width: number;
	readonly breakWords?: boolean | undefined;
}

type Align = "left" | "right" | "center";

/** A table whose rows come one by one; each is read once. */
export class Table {
	readonly #colors: Colors;
	readonly #inline: InlineReader;
	readonly #header: readonly string[];
	readonly #align: readonly Align[];
	readonly #rows: (readonly string[])[] = [];
	/** Columns that the widest line of each column takes. */
	readonly #natural: number[];

	/** Takes the header and the line under it. */
	constructor(head: string, rule: string, colors: Colors, inline: InlineReader) {
		this.#colors = colors;
		this.#inline = inline;
		inline.pass(head.length);
		this.#header = splitCells(head).map((cell) => (cell === "" ? "" : colors.bold(inline.read(cell).text)));
		this.#align = splitCells(rule).map(alignOf);
		this.#natural = this.#header.map((cell) => Math.max(1, widestLine(cell)));
	}

	/** So many cells wait that they are shown: columns cannot be waited for for ever. */
	get isLong(): boolean {
		return this.#rows.length * this.#header.length >= longest;
	}

	add(line: string): void {
		this.#inline.pass(line.length);
		const row = rowOf(line, this.#header.length).map((cell) => this.#inline.read(cell).text);
		this.#rows.push(row);
		widen(this.#natural, row);
	}

	/** The header and the rows that came. Those of a long table come in parts. */
	takeLines(options: TableOptions): string[] {
		return this.#render(this.#rows.splice(0), this.#natural, options);
	}

	/** The header and the last of the rows, with one that is not complete. */
	preview(partial: string, options: TableOptions): string[] {
		const count = Math.min(previewRows, Math.ceil(previewCells / this.#header.length));
		const rows = this.#rows.slice(-count);
		if (!partial.includes("|")) return this.#render(rows, this.#natural, options, previewRecords);
		const next = rowOf(partial, this.#header.length).map((cell) => this.#inline.preview(cell));
		const natural = [...this.#natural];
		widen(natural, next);
		return this.#render([...rows, next], natural, options, previewRecords);
	}

	#render(
		rows: readonly (readonly string[])[],
		natural: readonly number[],
		{ width, breakWords = false }: TableOptions,
		records = Number.POSITIVE_INFINITY,
	): string[] {
		const header = this.#header;
		const available = width - gap.length * (header.length - 1);
		const fits = natural.reduce(sum, 0) <= available;
		if (available < header.length * narrowestColumn) return renderAsRecords(header, rows, width, records);
		if (fits) return this.#renderRows(rows, natural, { isNatural: true, breakWords });
		const least = header.map((name, column) => {
			if (breakWords) return narrowestColumn;
			return rows.reduce(
				(widest, row) => Math.max(widest, widestWord(row[column] ?? "")),
				widestWord(name) || 1,
			);
		});
		if (least.reduce(sum, 0) > available) return renderAsRecords(header, rows, width, records);
		const most = natural.map((size) => Math.min(size, available));
		const widths = shareColumns(most, least, available);
		return this.#renderRows(rows, widths, { isNatural: false, breakWords });
	}

	#renderRows(
		rows: readonly (readonly string[])[],
		widths: readonly number[],
		{ isNatural, breakWords }: { readonly isNatural: boolean; readonly breakWords: boolean },
	): string[] {
		const { dim } = this.#colors;
		const border = dim(gap);
		const renderRow = (cells: readonly string[]) => {
			const wrapped = widths.map((width, column) => {
				const cell = cells[column] ?? "";
				const fits = isNatural && !cell.includes("\n");
				return fits ? [cell] : flowText(cell, { width, breakWords });
			});
			const height = Math.max(...wrapped.map((cell) => cell.length));
			return Array.from({ length: height }, (_, line) =>
				widths
					.map((size, column) => padText(wrapped[column]?.[line] ?? "", size, this.#align[column]))
					.join(border)
					.trimEnd(),
			);
		};
		const line = dim(widths.map((size) => "─".repeat(size)).join("─┼─"));
		return [...renderRow(this.#header), line, ...rows.flatMap(renderRow)];
	}
}

function widen(natural: number[], row: readonly string[]): void {
	for (const [column, cell] of row.entries())
		natural[column] = Math.max(natural[column] ?? 1, widestLine(cell));
}

/** Cells beyond the header's stay in the last one: no text may be hidden. */
function rowOf(line: string, columns: number): string[] {
	const cells = splitCells(line);
	if (cells.length <= columns) return cells;
	return [
		...cells.slice(0, columns - 1),
		cells
			.slice(columns - 1)
			.join(" | ")
			.trim(),
	];
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

/** Too many columns for the screen: each row as `header: cell` lines, the last `most` of them. */
function renderAsRecords(
	header: readonly string[],
	rows: readonly (readonly string[])[],
	width: number,
	most: number,
): string[] {
	if (rows.length === 0) return flowText(header.join(gap), { width });
	const first = Math.max(0, header.length - most);
	return rows.flatMap((row, index) => {
		const lines: string[] = [];
		for (let column = first; column < header.length; column += 1)
			lines.push(...flowText(`${header[column]}: ${row[column] ?? ""}`, { width }));
		return index === 0 ? lines : ["", ...lines];
	});
}

function widestLine(text: string): number {
	return /^[\x20-\x7e]*$/.test(text) ? text.length : Math.max(...text.split("\n").map(textWidth));
}

function sum(a: number, b: number): number {
	return a + b;
}
