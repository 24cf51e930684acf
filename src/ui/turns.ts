/** Turns that are shown again, and answers side by side. */

import { shortMarkOf } from "../chat/marks.ts";
import type { ComparedAnswer, ShownTurn } from "../chat/view.ts";
import type { Colors } from "../terminal/colors.ts";
import { usageLine } from "../terminal/formats.ts";
import { sanitize, sanitizeLine } from "../terminal/sanitize.ts";
import { renderQuestion, wrapNotice } from "./notices.ts";

type Rendering = typeof import("./rendering.ts");

export interface TurnStyle {
	readonly columns: number;
	readonly colors: Colors;
}

/** A column narrower than this is hard to read. */
const narrowestColumn = 44;

export function renderTurn(turn: ShownTurn, style: TurnStyle, { renderMarkdown }: Rendering): string {
	const { question, attachments, answer, end } = turn;
	const { columns, colors } = style;
	const title = end.isSummary
		? colors.dim("  summary of what came before")
		: renderQuestion(question, attachments, style);
	const text = renderMarkdown(sanitize(answer), { width: columns, colors }).trimEnd();
	const mark = shortMarkOf({ ...end, hasText: answer !== "" });
	const notes = [
		mark === undefined ? "" : renderMark(mark, style),
		end.cached ? colors.dim("  from the cache") : "",
	];
	return [title, text, ...notes].filter((part) => part !== "").join("\n\n");
}

/** What a reader must not miss of an answer. */
export function renderMark(text: string, { columns, colors }: TurnStyle): string {
	return colors.yellow(wrapNotice(`⚠ ${text}`, "  ", columns));
}

/** Answers beside each other where there is room, else one below the other. */
export function renderComparison(
	answers: readonly ComparedAnswer[],
	{ columns, colors }: TurnStyle,
	{ renderColumns }: Rendering,
): string {
	const cells = answers.map(({ model, text, finish }, index) => ({
		title: `${index + 1} · ${sanitizeLine(model)}`,
		text,
		footer: finish === null ? "interrupted" : usageLine(finish),
	}));
	const isWide = columns >= answers.length * narrowestColumn;
	const groups = isWide ? [cells] : cells.map((cell) => [cell]);
	const width = isWide ? columns : Math.min(columns, 100);
	const text = groups.map((group) => renderColumns(group, { width, colors })).join("\n");
	const question =
		"keep which one? 1 or 2 (anything else keeps 1; /retry asks 2 again, /answer switches later)";
	return `${text.trimEnd()}\n\n${wrapNotice(question, "  ", columns)}`;
}
