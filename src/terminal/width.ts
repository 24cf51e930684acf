/** How many columns text takes on a terminal. Reach it by dynamic import from start-up paths: it loads Unicode tables. */

import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { closeStyles, noteStyle } from "./open-styles.ts";

const styleCodes = /\x1b\[[\d;]*m/g;
/** Characters that take one column each: Latin, and what frames, rules and bars are drawn with. */
const narrow = /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u2026\u203a\u2500-\u259f]*$/;

/** Columns of one line of text; SGR sequences take none, wide characters and emoji two. */
export function textWidth(text: string): number {
	const bare = text.includes("\x1b") ? text.replace(styleCodes, "") : text;
	return narrow.test(bare) ? bare.length : stringWidth(bare);
}

/** Breaks text to `width` columns at spaces, and inside words that are longer; styles go on over the breaks. */
export function wrapText(text: string, width: number): string {
	return wrapAnsi(text, Math.max(1, width), { hard: true, trim: true, wordWrap: true });
}

/** Breaks text at exactly `width` columns, spaces kept: for code. Styles go on over the breaks. */
export function breakText(text: string, width: number): string {
	const lines = text.split("\n");
	// Most lines fit, and that is seen at once.
	if (lines.every((line) => line.length <= width && narrow.test(line))) return text;
	return breakCells(text, Math.max(1, width));
}

const stylesAndText = /\x1b\[[\d;]*m|\n|[^\x1b\n]+|\x1b/g;

function breakCells(text: string, width: number): string {
	const open: string[] = [];
	let broken = "";
	let column = 0;
	for (const [part] of text.matchAll(stylesAndText)) {
		if (part === "\n") {
			broken += `${closeStyles(open)}\n${open.join("")}`;
			column = 0;
		} else if (part[0] === "\x1b") {
			noteStyle(open, part);
			broken += part;
		} else {
			// Each character of most texts is a grapheme, and that is told sooner than its borders are found.
			const isNarrow = narrow.test(part);
			for (const grapheme of isNarrow ? part : graphemesOf(part)) {
				const cells = isNarrow ? 1 : graphemeWidth(grapheme);
				if (column + cells > width && column > 0) {
					broken += `${closeStyles(open)}\n${open.join("")}`;
					column = 0;
				}
				broken += grapheme;
				column += cells;
			}
		}
	}
	return broken;
}

/** Adds spaces up to `width` columns. */
export function padText(text: string, width: number, align: "left" | "right" | "center" = "left"): string {
	const space = Math.max(0, width - textWidth(text));
	const before = align === "left" ? 0 : align === "right" ? space : Math.floor(space / 2);
	return " ".repeat(before) + text + " ".repeat(space - before);
}

const graphemeWidths = new Map<string, number>();
/** A text has few different graphemes; more than these are not remembered. */
const mostGraphemes = 4_096;

/** Columns of one grapheme. */
export function graphemeWidth(grapheme: string): number {
	let width = graphemeWidths.get(grapheme);
	if (width === undefined) {
		width = stringWidth(grapheme);
		if (graphemeWidths.size >= mostGraphemes) graphemeWidths.clear();
		graphemeWidths.set(grapheme, width);
	}
	return width;
}

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The graphemes of a text, in order. */
export function* graphemesOf(text: string): Iterable<string> {
	for (const { segment } of segmenter.segment(text)) yield segment;
}

/** Cuts plain text to `width` columns, with `…` where something is missing. */
export function truncateText(text: string, width: number): string {
	if (textWidth(text) <= width) return text;
	if (width <= 0) return "";
	let kept = "";
	let used = 0;
	for (const segment of graphemesOf(text)) {
		const columns = textWidth(segment);
		if (used + columns > width - 1) break;
		kept += segment;
		used += columns;
	}
	return `${kept}…`;
}
