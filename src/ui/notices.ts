/** Questions and what the chat says itself, as lines. */

import type { Colors } from "../terminal/colors.ts";
import { formatPlural } from "../terminal/formats.ts";
import { flowText } from "../terminal/markdown/flow.ts";
import { sanitize, sanitizeLine } from "../terminal/sanitize.ts";
import { truncateText } from "../terminal/width.ts";

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
	return colors.bold(lines.join("\n")) + (chips === "" ? "" : `\n${colors.cyan(`  ${chips}`)}`);
}

/** Says something in full width less a margin; lines with columns in them are cut, not broken. */
export function wrapNotice(text: string, indent: string, columns: number): string {
	const width = Math.max(8, columns - indent.length - 2);
	return text
		.split("\n")
		.flatMap((line) => (/\S {2,}\S/.test(line) ? [truncateText(line, width)] : wrapIndented(line, width)))
		.map((line) => (line === "" ? "" : indent + line))
		.join("\n");
}

/** Breaks a line at spaces; the indentation it has is that of its continuations too. */
function wrapIndented(line: string, width: number): string[] {
	const indent = /^ */.exec(line)?.[0].slice(0, Math.floor(width / 2)) ?? "";
	return flowText(line.slice(indent.length), { width: width - indent.length }).map((part) => indent + part);
}
