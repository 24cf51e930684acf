/** The lines of the live region: the end of the answer, the input box, the status. A pure function of the state. */

import { visibleRows } from "../chat/input/input-layout.ts";
import type { Colors } from "../terminal/colors.ts";
import { sanitizeLine } from "../terminal/sanitize.ts";
import { breakText, padText, textWidth, truncateText } from "../terminal/width.ts";
import type { ScreenState } from "./state.ts";
import { statusLine } from "./status.ts";

export interface Frame {
	/** What is shown above the input: the unfinished end of the answer, what is going on, attachments. */
	readonly above: readonly string[];
	readonly input: readonly string[];
	/** What is shown below the input: completions and the status. */
	readonly below: readonly string[];
	/** The cursor's place, counted from the first line of the frame. */
	readonly cursor: { readonly x: number; readonly y: number };
}

const prompt = "› ";
/** A bracket instead of a box: a line that fills the width would be torn into several when a terminal gets narrower. */
const bracket = { top: "╭─", side: "│ ", bottom: "╰ " };
const menuRows = 6;
const inputRows = 8;

/** Columns of the typed text. */
export function inputWidth({ columns }: ScreenState): number {
	return Math.max(2, columns - bracket.side.length - prompt.length);
}

/** Lays the frame out; it is always shorter than the terminal, and no line is wider. */
export function layOutFrame(state: ScreenState, colors: Colors): Frame {
	const { columns, rows } = state;
	// One row stays free below the frame, where Ink rests, and one above it.
	const space = Math.max(1, rows - 2);
	const hasBracket = space >= 3;
	const edges = hasBracket ? 2 : 0;
	const menu = menuLines(state, colors, Math.min(menuRows, Math.max(0, space - edges - 2)));
	const height = Math.max(1, Math.min(inputRows, Math.floor((space - edges - menu.length) / 2)));
	const width = inputWidth(state);
	const { input } = state;
	const visible = visibleRows(input.text, input.cursor, width, height, input.label);
	const side = colors.dim(bracket.side);
	const typed = visible.rows.map((row, index) => {
		const shown = input.text === "" ? colors.dim(truncateText(input.placeholder, width)) : row;
		return side + (index === 0 ? colors.cyan(prompt) : "  ") + shown;
	});
	const bottom = colors.dim(bracket.bottom) + statusLine(state, colors, columns - bracket.bottom.length);
	const below = [...menu.map((line) => side + line), ...(hasBracket ? [bottom] : [])];
	const lines = hasBracket ? [colors.dim(bracket.top), ...typed] : typed;
	const room = space - lines.length - below.length;
	const above = room > 0 ? aboveLines(state, colors).slice(-room) : [];
	const x = bracket.side.length + prompt.length + Math.min(visible.cursor.column, width - 1);
	const y = above.length + (hasBracket ? 1 : 0) + visible.cursor.row;
	return { above, input: lines, below, cursor: { x, y } };
}

function aboveLines(state: ScreenState, colors: Colors): string[] {
	const { tail, activity, attachments, columns, now } = state;
	const lines = tail === "" ? [] : breakText(tail, columns).split("\n");
	if (activity !== undefined) {
		const seconds = Math.floor((now - activity.since) / 1000);
		const time = seconds >= 1 ? ` · ${seconds} s` : "";
		lines.push("", colors.dim(truncateText(`  ${activity.what}${time} · Esc stops`, columns)));
	}
	if (attachments.length > 0) {
		const chips = attachments.map((label) => `[${sanitizeLine(label)}]`).join(" ");
		lines.push(colors.cyan(truncateText(`  ${chips}`, columns)));
	}
	return lines;
}

function menuLines({ menu, columns }: ScreenState, colors: Colors, height: number): string[] {
	if (menu === undefined || height === 0) return [];
	const { candidates, selected } = menu;
	const first = Math.max(0, Math.min(selected - Math.floor(height / 2), candidates.length - height));
	const shown = candidates.slice(first, first + height);
	const widest = Math.max(...shown.map(({ text }) => textWidth(text.trimEnd())));
	const names = Math.min(widest, Math.floor(columns / 2));
	return shown.map(({ text, note }, index) => {
		const name = padText(truncateText(sanitizeLine(text.trimEnd()), names), names);
		const isSelected = first + index === selected;
		const label = isSelected ? colors.inverse(name) : name;
		const room = columns - names - 7;
		return `  ${label}${note === undefined || room < 8 ? "" : colors.dim(`  ${truncateText(note, room)}`)}`;
	});
}

/** All lines of a frame, from the top. */
export function frameLines({ above, input, below }: Frame): readonly string[] {
	return [...above, ...input, ...below];
}

/**
 * How many rows the cursor is below the frame's top once a terminal `columns` wide has broken the frame's lines anew,
 * or has left them as they were.
 */
export function rowsAboveCursor(frame: Frame, columns: number, reflows: boolean): number {
	if (!reflows) return frame.cursor.y;
	const before = frameLines(frame).slice(0, frame.cursor.y);
	const rows = before.map((line) => Math.max(1, Math.ceil(textWidth(line) / columns)));
	return rows.reduce((sum, count) => sum + count, 0) + Math.floor(frame.cursor.x / columns);
}
