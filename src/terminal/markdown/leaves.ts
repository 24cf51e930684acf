/** Lines of headings, code and formulas. */

import type { Colors } from "../colors.ts";
import { breakText, textWidth } from "../width.ts";
import type { Callout } from "./lines.ts";

export interface CodeOptions {
	readonly width: number;
	readonly colors: Colors;
	readonly breakWords?: boolean | undefined;
}

/** The rules around code are no wider than this. */
const ruleWidth = 40;

/** One line of code as it was written, tabs apart; more than one where it is broken at the width. */
export function renderCodeLine(line: string, { width, breakWords = false }: CodeOptions): string[] {
	const text = line.replaceAll("\t", "    ");
	return breakWords ? breakText(text, width).split("\n") : [text];
}

/** The rule above a block of code: its number, by which it can be copied, and all that its fence says. */
export function renderFenceLabel(number: number, info: string, options: CodeOptions): string[] {
	const { width, colors } = options;
	const label = `── ${[String(number), info].filter((part) => part !== "").join(" · ")} `;
	const rule = "─".repeat(Math.max(0, Math.min(width, ruleWidth) - textWidth(label)));
	return renderCodeLine(label + rule, options).map(colors.dim);
}

export function renderFenceEnd({ width, colors }: CodeOptions): string {
	return colors.dim("─".repeat(Math.max(1, Math.min(width, ruleWidth))));
}

/** Styles the text of a heading, whose inline marks have been read. */
export function renderHeading(level: number, text: string, colors: Colors): string {
	if (!colors.enabled) return `${"#".repeat(level)} ${text}`;
	switch (level) {
		case 1:
			return colors.bold(colors.underline(text));
		case 2:
			return colors.bold(text);
		case 3:
			return colors.underline(text);
		default:
			return colors.italic(text);
	}
}

/** The title of a callout, as loud as it is. */
export function renderCallout(kind: Callout, { bold, blue, green, magenta, yellow, red }: Colors): string {
	const title = `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}:`;
	const style = { note: blue, tip: green, important: magenta, warning: yellow, caution: red }[kind];
	return bold(style(title));
}

/** Formulas stay as they were written, so that they can be copied; what delimits them is dimmed. */
export function renderMathLine(line: string, options: CodeOptions): string[] {
	return renderCodeLine(line, options).map((part) =>
		part.replace(/^ *(?:\$\$|\\\[)|(?:\$\$|\\\])$/g, (mark) => options.colors.dim(mark)),
	);
}
