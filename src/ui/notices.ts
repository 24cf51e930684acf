/** Questions and what the chat says itself, as lines. */

import type { Colors } from "../terminal/colors.ts";
import { formatPlural } from "../terminal/formats.ts";
import { flowText } from "../terminal/markdown/flow.ts";
import { sanitize, sanitizeLine } from "../terminal/sanitize.ts";
import { textWidth } from "../terminal/width.ts";
import { wrapIndented } from "../terminal/wrap.ts";

/** A long question is shown only so far; the model got all of it. */
const questionLines = 12;

/** A question as it is printed: its indentation kept, and what is attached as chips. */
export function renderQuestion(
	text: string,
	attachments: readonly string[],
	{ columns, colors }: { readonly columns: number; readonly colors: Colors },
): string {
	const width = Math.max(8, columns - 4);
	// Wrapping all of a large paste to show its beginning would be seen as a pause.
	const beginning = text.slice(0, questionLines * width);
	const all = sanitize(beginning)
		.replaceAll("\t", "    ")
		.split("\n")
		.flatMap((line) => wrapIndented(line, width));
	const lines = all.slice(0, questionLines).map((line, index) => (index === 0 ? "› " : "  ") + line);
	const rest = text.slice(beginning.length);
	const left = all.length - lines.length + (rest === "" ? 0 : rest.split("\n").length);
	if (left > 0) lines.push(`  … ${formatPlural(left, "more line")}`);
	const chips = attachments.map((label) => `[${sanitizeLine(label)}]`).join(" ");
	const below = chips === "" ? "" : `\n${colors.cyan(wrapNotice(chips, "  ", columns))}`;
	return colors.bold(lines.join("\n")) + below;
}

/** What the chat says itself, less a margin; a column that does not fit goes on below its beginning. */
export function wrapNotice(text: string, indent: string, columns: number): string {
	const width = Math.max(8, columns - indent.length - 2);
	return text
		.split("\n")
		.flatMap((line) => wrapColumns(line, width) ?? wrapIndented(line, width))
		.map((line) => (line === "" ? "" : indent + line))
		.join("\n");
}

/** A narrower column is unpleasant to read: it goes on the next line. */
const narrowestColumn = 24;

/** Breaks the second of two columns; undefined for a line without any, or one that fits. */
function wrapColumns(line: string, width: number): string[] | undefined {
	const [, first = "", gap = "", second = ""] = /^( *\S(?: ?\S)*)( {2,})(\S.*)$/.exec(line) ?? [];
	if (second === "" || textWidth(line) <= width) return undefined;
	const hang = first.length + gap.length;
	if (width - hang < narrowestColumn) {
		const below = flowText(second, { width: width - 6 });
		return [first, ...below.map((part) => `      ${part}`)];
	}
	const [start = "", ...rest] = flowText(second, { width: width - hang });
	return [first + gap + start, ...rest.map((part) => " ".repeat(hang) + part)];
}
