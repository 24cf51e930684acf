import type { Colors } from "../terminal/colors.ts";
import { flowText } from "../terminal/markdown/flow.ts";
import { padText, textWidth } from "../terminal/width.ts";

export interface TableColumn {
	readonly title: string;
	readonly align?: "left" | "right";
	/** Is broken into several lines to make the table fit; other columns keep their width. */
	readonly flexible?: boolean;
}

export interface TextTableStyle {
	/** Columns of the terminal; undefined breaks nothing, which is right for a pipe. */
	readonly width: number | undefined;
	readonly colors: Colors;
}

type Row = readonly string[];
/** Columns on the screen; undefined for a column whose cells stand below their rows. */
type Widths = readonly (number | undefined)[];

const gap = "  ";
/** No flexible column is narrower than this, and neither is the first one. */
const narrowest = 16;

/**
 * Lays out rows under a line of titles; ends with a newline. Cells are plain, safe text on one line. Nothing is ever
 * cut: where narrower flexible columns do not make the table fit, or would break words, they go below their rows, and a
 * name that is too long above its row; where that is not enough, each row becomes a block of lines under its name.
 */
export function renderTextTable(
	columns: readonly TableColumn[],
	rows: readonly Row[],
	style: TextTableStyle,
): string {
	const natural = columns.map(({ title }, index) =>
		Math.max(textWidth(title), ...rows.map((row) => textWidth(row[index] ?? ""))),
	);
	const { width = Number.POSITIVE_INFINITY, colors } = style;
	const beside = besideEachOther(columns, natural, width);
	const isWhole =
		beside !== undefined && rows.every((row) => row.every((cell, at) => fits(cell, beside[at])));
	const widths = isWhole ? beside : (partlyBelow(columns, natural, width) ?? beside);
	if (widths === undefined) return renderBlocks(columns, rows, style);
	const lines = (row: Row) => linesOf(row, columns, widths, width);
	const titles = lines(columns.map(({ title }) => title)).map((text) => colors.dim(text));
	return `${[...titles, ...rows.flatMap(lines)].join("\n")}\n`;
}

function total(widths: Widths): number {
	return widths.reduce<number>(
		(sum, width) => (width === undefined ? sum : sum + width + gap.length),
		-gap.length,
	);
}

/** Whether no word, such as a path, has to be broken. */
function fits(cell: string, width = 0): boolean {
	return flowText(cell, { width }).every((line) => textWidth(line) <= width);
}

/** Takes columns from the widest flexible ones; undefined when that is not enough. */
function besideEachOther(columns: readonly TableColumn[], natural: readonly number[], room: number) {
	const widths = [...natural];
	for (let left = total(widths) - room; left > 0; left -= 1) {
		let widest = -1;
		for (const [index, { flexible }] of columns.entries()) {
			const width = widths[index] as number;
			if (flexible && width > narrowest && width > (widths[widest] ?? 0)) widest = index;
		}
		if (widest < 0) return undefined;
		widths[widest] = (widths[widest] as number) - 1;
	}
	return widths;
}

/** The first column gets what the others leave; undefined when that is too little. */
function partlyBelow(
	columns: readonly TableColumn[],
	[name = 0, ...others]: readonly number[],
	room: number,
): Widths | undefined {
	const beside = others.map((width, index) => (columns[index + 1]?.flexible ? undefined : width));
	const left = room - total([0, ...beside]);
	return left < Math.min(name, narrowest) ? undefined : [Math.min(name, left), ...beside];
}

function linesOf(row: Row, columns: readonly TableColumn[], widths: Widths, room: number): string[] {
	const [name = ""] = row;
	const isAbove = textWidth(name) > (widths[0] ?? 0) && !columns[0]?.flexible;
	const cells = isAbove ? row.with(0, "") : row;
	const parts = widths.map((width, index) =>
		width === undefined ? [] : flowText(cells[index] ?? "", { width, breakWords: columns[index]?.flexible }),
	);
	const lines = Array.from({ length: Math.max(...parts.map(({ length }) => length)) }, (_, at) =>
		widths
			.flatMap((width, index) => {
				const align = columns[index]?.align ?? "left";
				return width === undefined ? [] : padText(parts[index]?.[at] ?? "", width, align);
			})
			.join(gap)
			.trimEnd(),
	);
	const below = widths.flatMap((width, index) =>
		width !== undefined || !row[index]
			? []
			: flowText(row[index], { width: room - gap.length, breakWords: true }).map((text) => gap + text),
	);
	return [...(isAbove ? [name] : []), ...lines.filter((line) => line !== "" || !isAbove), ...below];
}

/** Each row as its first cell, and below it what the others say. */
function renderBlocks(
	columns: readonly TableColumn[],
	rows: readonly Row[],
	{ width = 80, colors }: TextTableStyle,
): string {
	const blocks = rows.map(([name = "", ...cells]) => {
		const facts = cells.flatMap((cell, index) => {
			const title = columns[index + 1]?.title ?? "";
			return cell === "" ? [] : [title === "" ? cell : `${title} ${cell}`];
		});
		const below = flowText(facts.join(" · "), { width: width - gap.length });
		return [colors.bold(name), ...below.map((text) => (text === "" ? "" : gap + text))].join("\n").trimEnd();
	});
	return `${blocks.join("\n")}\n`;
}

/** Columns of a label and what is between it and its text. */
const labelWidth = 10;

/** Labels with what is to be said of each beside them, broken at spaces. Texts are plain and safe; ends with a newline. */
export function renderFacts(
	facts: readonly (readonly [label: string, text: string])[],
	room = Number.POSITIVE_INFINITY,
): string {
	const lines = facts.flatMap(([label, text]) =>
		flowText(text, { width: room - labelWidth }).map(
			(part, at) => (at === 0 ? label : "").padEnd(labelWidth) + part,
		),
	);
	return `${lines.join("\n")}\n`;
}
