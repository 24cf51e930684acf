/** The lines of the live region: the end of the answer, the input box, the status. A pure function of the state. */

import { visibleRows } from "../chat/input-layout.ts";
import type { Colors } from "../terminal/colors.ts";
import { sanitizeLine } from "../terminal/sanitize.ts";
import { breakText, padText, textWidth, truncateText } from "../terminal/width.ts";
import type { ScreenState } from "./state.ts";
import { statusLine } from "./status.ts";

export interface Frame {
	/** What is shown above the box: the unfinished end of the answer, what is going on, attachments. */
	readonly above: readonly string[];
	readonly box: readonly string[];
	/** What is shown below the box: completions and the status. */
	readonly below: readonly string[];
	/** The cursor's place, counted from the first line of the frame. */
	readonly cursor: { readonly x: number; readonly y: number };
}

const prompt = "› ";
const menuRows = 6;
const inputRows = 8;

/** Columns of the text inside the box. */
export function inputWidth({ columns, rows }: ScreenState): number {
	return Math.max(2, columns - (isBoxed(columns, rows) ? 4 : 0) - prompt.length);
}

function isBoxed(columns: number, rows: number): boolean {
	return rows >= 8 && columns >= 20;
}

/** Lays the frame out; it is always shorter than the terminal, and no line is wider. */
export function layOutFrame(state: ScreenState, colors: Colors): Frame {
	const { columns, rows } = state;
	// One row stays free below the frame, where the cursor rests, and one above it.
	const space = Math.max(1, rows - 2);
	const hasBox = isBoxed(columns, rows);
	const hasStatus = space >= 3;
	const frameRows = (hasBox ? 2 : 0) + (hasStatus ? 1 : 0);
	const menu = menuLines(state, colors, Math.min(menuRows, Math.max(0, space - frameRows - 2)));
	const height = Math.max(1, Math.min(inputRows, Math.floor((space - frameRows - menu.length) / 2)));
	const box = boxLines(state, colors, height, hasBox);
	const below = [...menu, ...(hasStatus ? [statusLine(state, colors)] : [])];
	const room = space - box.lines.length - below.length;
	const above = room > 0 ? aboveLines(state, colors).slice(-room) : [];
	return {
		above,
		box: box.lines,
		below,
		cursor: { x: box.cursor.x, y: above.length + box.cursor.y },
	};
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

interface Box {
	readonly lines: readonly string[];
	readonly cursor: { readonly x: number; readonly y: number };
}

function boxLines(state: ScreenState, colors: Colors, height: number, hasBox: boolean): Box {
	const { input, columns, activity } = state;
	const margin = hasBox ? 2 : 0;
	const width = inputWidth(state);
	const { rows, cursor } = visibleRows(input.text, input.cursor, width, height, input.label);
	const style = activity === undefined ? colors.cyan : colors.dim;
	const lines = rows.map((row, index) => {
		const placeholder = input.text === "" ? colors.dim(truncateText(input.placeholder, width)) : row;
		return (index === 0 ? style(prompt) : "  ") + placeholder;
	});
	const x = margin + prompt.length + Math.min(cursor.column, width);
	if (!hasBox) return { lines, cursor: { x, y: cursor.row } };
	const rule = "─".repeat(columns - 2);
	const side = colors.dim("│");
	const inner = columns - 4;
	const boxed = lines.map((line) => `${side} ${padText(line, inner)} ${side}`);
	return {
		lines: [colors.dim(`╭${rule}╮`), ...boxed, colors.dim(`╰${rule}╯`)],
		cursor: { x, y: cursor.row + 1 },
	};
}

function menuLines({ menu, columns }: ScreenState, colors: Colors, height: number): string[] {
	if (menu === undefined || height === 0) return [];
	const { candidates, selected } = menu;
	const first = Math.max(0, Math.min(selected - Math.floor(height / 2), candidates.length - height));
	const shown = candidates.slice(first, first + height);
	const names = Math.min(Math.max(...shown.map(({ text }) => textWidth(text))), Math.floor(columns / 2));
	return shown.map(({ text, note }, index) => {
		const name = padText(truncateText(sanitizeLine(text), names), names);
		const isSelected = first + index === selected;
		const label = isSelected ? colors.inverse(name) : name;
		const room = columns - names - 5;
		return `  ${label}${note === undefined || room < 8 ? "" : colors.dim(`  ${truncateText(note, room)}`)}`;
	});
}

/** All lines of a frame, from the top. */
export function frameLines({ above, box, below }: Frame): readonly string[] {
	return [...above, ...box, ...below];
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
