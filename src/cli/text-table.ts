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

const gap = "  ";
/** A flexible column is not narrower than this. */
const minFlexible = 16;

/**
 * Lays out rows under a line of titles; ends with a newline. Cells are plain, safe text on one line. Nothing is ever
 * cut: where even the flexible columns do not make the table fit, each row becomes a block of lines under its name.
 */
export function renderTextTable(
	columns: readonly TableColumn[],
	rows: readonly Row[],
	style: TextTableStyle,
): string {
	const widths = columns.map(({ title }, index) =>
		Math.max(textWidth(title), ...rows.map((row) => textWidth(row[index] ?? ""))),
	);
	const excess = style.width === undefined ? 0 : total(widths) - style.width;
	if (excess > 0 && !shrink(widths, columns, excess)) return renderBlocks(columns, rows, style);
	const line = (cells: Row): string[] => {
		const parts = widths.map((width, index) =>
			flowText(cells[index] ?? "", { width, breakWords: columns[index]?.flexible }),
		);
		const height = Math.max(...parts.map((lines) => lines.length));
		return Array.from({ length: height }, (_, at) =>
			columns
				.map(({ align }, index) =>
					padText(parts[index]?.[at] ?? "", widths[index] as number, align ?? "left"),
				)
				.join(gap)
				.trimEnd(),
		);
	};
	const titles = line(columns.map(({ title }) => title)).map((text) => style.colors.dim(text));
	return `${[...titles, ...rows.flatMap(line)].join("\n")}\n`;
}

function total(widths: readonly number[]): number {
	return widths.reduce((sum, width) => sum + width + gap.length, -gap.length);
}

/** Takes columns from the widest flexible ones; false when that is not enough. */
function shrink(widths: number[], columns: readonly TableColumn[], excess: number): boolean {
	for (let left = excess; left > 0; left -= 1) {
		let widest = -1;
		for (const [index, { flexible }] of columns.entries()) {
			const width = widths[index] as number;
			if (flexible && width > minFlexible && width > (widths[widest] ?? 0)) widest = index;
		}
		if (widest < 0) return false;
		widths[widest] = (widths[widest] as number) - 1;
	}
	return true;
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
