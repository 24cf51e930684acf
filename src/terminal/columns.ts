import type { Colors } from "./colors.ts";
import { renderMarkdown } from "./markdown/markdown.ts";
import { sanitize } from "./sanitize.ts";
import { padText, truncateText } from "./width.ts";

export interface AnswerColumn {
	readonly title: string;
	/** Markdown from a model, not yet sanitized. */
	readonly text: string;
	readonly footer: string;
}

const gap = "   ";

/** Lays texts out side by side; ends with a newline. */
export function renderColumns(
	columns: readonly AnswerColumn[],
	options: { width: number; colors: Colors },
): string {
	const { colors } = options;
	const width = Math.floor((options.width - gap.length * (columns.length - 1)) / columns.length);
	const cells = columns.map(({ text }) =>
		renderMarkdown(sanitize(text), { width, colors, breakWords: true }).split("\n").slice(0, -1),
	);
	const height = Math.max(...cells.map((lines) => lines.length));
	const rows = [
		columns.map(({ title }) => colors.bold(truncateText(title, width))),
		columns.map(() => colors.dim("─".repeat(width))),
		...Array.from({ length: height }, (_, row) => cells.map((lines) => lines[row] ?? "")),
		columns.map(({ footer }) => colors.dim(truncateText(footer, width))),
	];
	return rows
		.map(
			(row) =>
				`${row
					.map((cell) => padText(cell, width))
					.join(gap)
					.trimEnd()}\n`,
		)
		.join("");
}
