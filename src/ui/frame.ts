/** The lines of the live region: the end of the answer, the input box, the status. A pure function of the state. */

import { visibleRows } from "../chat/input/input-layout.ts";
import type { PickItem } from "../chat/picker.ts";
import type { Colors } from "../terminal/colors.ts";
import { formatCount, formatTokens } from "../terminal/formats.ts";
import { sanitizeLine } from "../terminal/sanitize.ts";
import { breakText, padText, textWidth, truncateText } from "../terminal/width.ts";
import type { PickState } from "./pick-list.ts";
import type { Activity, InputState, MenuState, ScreenState } from "./state.ts";
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
const menuRows = 7;
const listRows = 12;
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
	const menuRoom = Math.max(0, space - edges - 2);
	const menu =
		state.list === undefined
			? menuLines(state.menu, state.columns, colors, Math.min(menuRows, menuRoom))
			: listLines(state.list, state.columns, colors, Math.min(listRows, menuRoom));
	const height = Math.max(1, Math.min(inputRows, Math.floor((space - edges - menu.length) / 2)));
	const width = inputWidth(state);
	const input = state.list === undefined ? state.input : searchInput(state.list);
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
	const { tail, activity, attachments, queued, columns, rows, now } = state;
	const lines = tail === "" ? [] : [...brokenTail(tail, columns, rows)];
	if (activity !== undefined)
		lines.push("", colors.dim(truncateText(`  ${activityText(activity, now)} · Esc stops`, columns)));
	if (queued.length > 0) {
		const next = sanitizeLine((queued[0] ?? "").replace(/\s+/g, " "));
		lines.push(colors.dim(truncateText(`  ⏎ ${queued.length} queued: ${next}`, columns)));
	}
	if (attachments.length > 0) {
		const chips = attachments.map((label) => `[${sanitizeLine(label)}]`).join(" ");
		lines.push(colors.cyan(truncateText(`  ${chips}`, columns)));
	}
	return lines;
}

let lastTail = { tail: "", columns: 0, rows: 0, lines: [] as readonly string[] };

/** The tail's last rows. Most frames are drawn for a key, with the same tail as before. */
function brokenTail(tail: string, columns: number, rows: number): readonly string[] {
	if (tail !== lastTail.tail || columns !== lastTail.columns || rows !== lastTail.rows)
		lastTail = {
			...{ tail, columns, rows },
			// Terminals do not agree whether space at the end of a line is part of it when they break it anew.
			lines: breakText(endOf(tail, columns, rows), columns)
				.split("\n")
				.map((line) => line.replace(/ +((?:\x1b\[[\d;]*m)*)$/, "$1")),
		};
	return lastTail.lines;
}

/** A column of text is no more characters than this, as a rule. */
const charactersPerColumn = 2;

/** What of a tail can be seen: a word may be endless. */
function endOf(tail: string, columns: number, rows: number): string {
	const most = columns * rows * charactersPerColumn;
	return tail.length <= most ? tail : tail.slice(-most).toWellFormed();
}

function activityText({ what, since, tokens = 0 }: Activity, now: number): string {
	const seconds = Math.floor((now - since) / 1000);
	const parts = [what];
	if (seconds >= 1) parts.push(`${seconds} s`);
	if (tokens > 0) parts.push(`≈ ${formatTokens(tokens)} tokens`);
	if (tokens > 0 && seconds >= 2) parts.push(`${formatCount(tokens / seconds)} tok/s`);
	return parts.join(" · ");
}

/** Which of `count` rows are shown around the one selected, when there is room for `height`; with the rest counted. */
function windowOf(count: number, selected: number, height: number) {
	const rows = count > height ? Math.max(1, height - 1) : height;
	const first = Math.max(0, Math.min(selected - Math.floor(rows / 2), count - rows));
	return { first, last: Math.min(count, first + rows), left: count > height ? count - rows : 0 };
}

function menuLines(menu: MenuState | undefined, columns: number, colors: Colors, height: number): string[] {
	if (menu === undefined || height === 0) return [];
	const { candidates, selected } = menu;
	const { first, last, left } = windowOf(candidates.length, selected, height);
	const shown = candidates.slice(first, last);
	const widest = Math.max(...shown.map(({ text }) => textWidth(sanitizeLine(text.trimEnd()))));
	const names = Math.min(widest, columns - 6);
	const lines = shown.map(({ text, note }, index) => {
		const name = padText(truncateText(sanitizeLine(text.trimEnd()), names), names);
		const label = first + index === selected ? colors.inverse(name) : name;
		const room = columns - names - 7;
		return `  ${label}${note === undefined || room < 8 ? "" : colors.dim(`  ${truncateText(sanitizeLine(note), room)}`)}`;
	});
	return left > 0 ? [...lines, colors.dim(`  … ${left} more`)] : lines;
}

/** In place of the message the query of a list is typed. */
function searchInput({ title, query }: PickState): InputState {
	return {
		text: query,
		cursor: query.length,
		label: () => undefined,
		placeholder: `${title}: type to filter`,
	};
}

function listLines(list: PickState, columns: number, colors: Colors, height: number): string[] {
	if (height === 0) return [];
	const { items, selected, canWalk } = list;
	const room = columns - 6;
	const keys = truncateText(`Enter chooses · Esc closes${canWalk ? " · ← → other answers" : ""}`, room);
	if (items.length === 0) return [colors.dim("  no matches"), colors.dim(`  ${keys}`)].slice(-height);
	const detail = items[selected]?.detail;
	const below = height >= 4 ? [...(detail === undefined ? [] : [detail]), keys] : [];
	const { first, last, left } = windowOf(items.length, selected, height - below.length);
	const shown = items.slice(first, last);
	const widths = factWidths(shown, room);
	const lines = shown.map((item, index) => {
		const isSelected = first + index === selected;
		const facts = widths.facts.map((width, at) =>
			padText(truncateText(sanitizeLine(item.facts[at] ?? ""), width), width),
		);
		const label = padText(truncateText(sanitizeLine(item.label), widths.label), widths.label);
		const text = [label, ...facts].join("  ").trimEnd();
		if (isSelected) return `${colors.cyan("● ")}${colors.bold(text)}`;
		return `  ${item.isDim ? colors.dim(text) : text}`;
	});
	const more = left > 0 ? [colors.dim(`  … ${left} more`)] : [];
	return [
		...lines,
		...more,
		...below.map((text) => colors.dim(`  ${truncateText(sanitizeLine(text), room)}`)),
	];
}

/** Columns of a list: the label has what it needs, facts from the left as long as there is room. */
function factWidths(
	items: readonly PickItem[],
	room: number,
): { readonly label: number; readonly facts: number[] } {
	const count = Math.max(0, ...items.map(({ facts }) => facts.length));
	const natural = Array.from({ length: count }, (_, at) =>
		Math.max(0, ...items.map(({ facts }) => textWidth(sanitizeLine(facts[at] ?? "")))),
	);
	const widest = Math.max(1, ...items.map(({ label }) => textWidth(sanitizeLine(label))));
	// A long question may be cut, the name of a model may not.
	const label = Math.min(widest, Math.max(Math.floor(room * 0.55), Math.min(widest, 44)), room);
	const facts: number[] = [];
	let used = label;
	for (const width of natural) {
		if (used + 2 + width > room) break;
		facts.push(width);
		used += 2 + width;
	}
	return { label, facts };
}

/** All lines of a frame, from the top. */
export function frameLines({ above, input, below }: Frame): readonly string[] {
	return [...above, ...input, ...below];
}
