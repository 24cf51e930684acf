import type { Colors } from "../terminal/colors.ts";
import { padText, textWidth, truncateText } from "../terminal/width.ts";

export interface TableColumn {
	readonly title: string;
	readonly align?: "left" | "right";
	/** May be cut to make the table fit; other columns keep their width. */
	readonly flexible?: boolean;
}

const GAP = "  ";
/** A flexible column is not cut to less than this. */
const MIN_FLEXIBLE = 16;

/**
 * Lays out rows under a line of titles; ends with a newline. Cells are plain, safe text on one line.
 * `width` is that of the terminal; undefined cuts nothing, which is right for a pipe.
 */
export function renderTextTable(
	columns: readonly TableColumn[],
	rows: readonly (readonly string[])[],
	options: { readonly width: number | undefined; readonly colors: Colors },
): string {
	const widths = columns.map(({ title }, index) =>
		Math.max(textWidth(title), ...rows.map((row) => textWidth(row[index] ?? ""))),
	);
	const flexible = columns.findIndex((column) => column.flexible);
	if (options.width !== undefined && flexible >= 0) {
		const excess = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - options.width;
		const width = widths[flexible] as number;
		if (excess > 0) widths[flexible] = Math.max(Math.min(width, MIN_FLEXIBLE), width - excess);
	}
	const line = (cells: readonly string[]) =>
		columns
			.map(({ align }, index) => {
				const width = widths[index] as number;
				return padText(truncateText(cells[index] ?? "", width), width, align ?? "left");
			})
			.join(GAP)
			.trimEnd();
	const titles = options.colors.dim(line(columns.map(({ title }) => title)));
	return `${[titles, ...rows.map(line)].join("\n")}\n`;
}
