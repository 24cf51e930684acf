/** What a line of markdown begins. Every test looks at the beginning of the line only, so that it costs little. */

/** How much of a line decides what it is. */
export const deciding = 120;

export interface FenceStart {
	readonly marker: string;
	readonly indent: number;
	/** What stands behind the marker. */
	readonly info: string;
}

const fence = /^( {0,3})(`{3,}|~{3,})([^\n]*)$/;
const heading = /^ {0,3}(#{1,6})(?:[ \t]+|$)/;
const rule = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const listMarker = /^( {0,3})([-*+]|\d{1,9}[.)])( {1,4}(?! )| +|\t|$)/;
const quoteMarker = /^ {0,3}> ?/;
const tableRule = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const underline = /^ {0,3}(?:=+|-+)[ \t]*$/;

/** The first character that is no space: what a line begins is mostly seen by it. Nothing else costs so little. */
function firstOf(line: string): string {
	let at = 0;
	while (line.charCodeAt(at) === 0x20) at += 1;
	return line[at] ?? "";
}

export function fenceStart(line: string): FenceStart | undefined {
	const first = firstOf(line);
	if (first !== "`" && first !== "~") return undefined;
	const found = fence.exec(line);
	if (found === null) return undefined;
	const [, indent = "", marker = "", info = ""] = found;
	// Text in backticks on one line is a code span.
	if (marker.startsWith("`") && info.includes("`")) return undefined;
	return { marker, indent: indent.length, info: info.trim() };
}

export function closesFence(line: string, marker: string): boolean {
	const text = line.trim();
	return text.length >= marker.length && text === (marker[0] ?? "").repeat(text.length);
}

/** Its level and its text. */
export function readHeading(line: string): { readonly level: number; readonly text: string } | undefined {
	const found = firstOf(line) === "#" ? heading.exec(line) : null;
	if (found === null) return undefined;
	const text = line.slice(found[0].length).trim();
	return { level: found[1]?.length ?? 1, text: text.replace(/(?:^| )#{1,40}$/, "").trimEnd() };
}

export function isRule(line: string): boolean {
	if (line.length > deciding) return false;
	const first = firstOf(line);
	return (first === "-" || first === "*" || first === "_") && rule.test(line);
}

export const isUnderline = (line: string) => line.length <= deciding && underline.test(line);

/** The kinds of callout: a quote that begins with a line like `[!WARNING]`. */
export type Callout = "note" | "tip" | "important" | "warning" | "caution";

const callout = /^ {0,3}\[!(note|tip|important|warning|caution)\][ \t]*$/i;

/** The kind of callout that a line of a quote makes it. */
export function readCallout(line: string): Callout | undefined {
	return callout.exec(line)?.[1]?.toLowerCase() as Callout | undefined;
}

/** A line that the one under it may make a heading is no longer than this. */
const longestTitle = 100;
/** The header of a table begins with a cell no longer than this, and is no longer than that. */
const firstCell = 100;
const longestHeader = 2_000;

export const mayBeTitle = (line: string) => line.length <= longestTitle;

export function mayBeHeader(line: string): boolean {
	return line.length <= longestHeader && line.slice(0, firstCell).includes("|");
}

/** The line under a table's header, which has as many columns. */
export function isTableRule(line: string, header: string): boolean {
	if (line.length > 2_000 || !line.includes("|") || !tableRule.test(line)) return false;
	return splitCells(line).length === splitCells(header).length;
}

/** The cells of a table's row, trimmed. `\|` is not a border. */
export function splitCells(line: string): string[] {
	const inner = line.trim().replace(/^\|/, "");
	const cells = inner.split(/(?<!\\)\|/);
	if (cells.length > 1 && cells.at(-1)?.trim() === "") cells.pop();
	return cells.map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** The length of a quote's marker; 0 when there is none. */
export function quoteLength(line: string): number {
	return firstOf(line) === ">" ? (quoteMarker.exec(line)?.[0].length ?? 0) : 0;
}

export interface ItemStart {
	/** `-`, `2.`, … */
	readonly marker: string;
	/** Columns up to the item's text: what belongs to the item is indented so far. */
	readonly indent: number;
	/** Characters of the line that are taken. */
	readonly length: number;
}

export function itemStart(line: string): ItemStart | undefined {
	const first = firstOf(line);
	const isMarker = first === "-" || first === "*" || first === "+" || (first >= "0" && first <= "9");
	if (!isMarker) return undefined;
	// Several ask of the same line, one after the other.
	if (line !== lastItem.line) lastItem = { line, start: readItem(line) };
	return lastItem.start;
}

let lastItem: { readonly line: string; readonly start: ItemStart | undefined } = {
	line: "",
	start: undefined,
};

function readItem(line: string): ItemStart | undefined {
	const found = listMarker.exec(line.slice(0, deciding));
	if (found === null || isRule(line)) return undefined;
	const [all, before = "", marker = "", space = ""] = found;
	// More than four spaces belong to the text.
	const gap = space.length > 4 || space === "" || space === "\t" ? 1 : space.length;
	const start = before.length + marker.length;
	return { marker, indent: start + gap, length: Math.min(all.length, start + gap) };
}

/** `- a` and `- b` are of one list, `- a` and `1. b` are not. */
export function isSameList(a: string, b: string): boolean {
	return a.slice(-1) === b.slice(-1) && /\d/.test(a) === /\d/.test(b);
}

/** Columns of white space that a line begins with, counted no further than 64. */
export function indentation(line: string): number {
	let at = 0;
	while (at < 64 && line[at] === " ") at += 1;
	return at;
}

/** Tabs in front of a line as spaces up to the next multiple of four. */
export function expandTabs(line: string): string {
	if (!/^ {0,64}\t/.test(line)) return line;
	let indent = "";
	let at = 0;
	for (; at < 64 && (line[at] === " " || line[at] === "\t"); at += 1)
		indent += line[at] === " " ? " " : " ".repeat(4 - (indent.length % 4));
	return indent + line.slice(at);
}

/** The line begins a block of its own, whatever stands before it. */
export function startsBlock(line: string): boolean {
	return (
		quoteLength(line) > 0 ||
		readHeading(line) !== undefined ||
		fenceStart(line) !== undefined ||
		isRule(line) ||
		mathStart(line) !== undefined
	);
}

/** The end that a displayed formula waits for, when one begins on this line. */
export function mathStart(line: string): string | undefined {
	const first = firstOf(line);
	if (first !== "$" && first !== "\\") return undefined;
	const text = line.slice(0, deciding).trimStart();
	const close = text.startsWith("$$") ? "$$" : text.startsWith("\\[") ? "\\]" : undefined;
	if (close === undefined) return undefined;
	// Text on the same line behind its end makes it part of a sentence.
	const end = line.indexOf(close, line.length - line.trimStart().length + 2);
	return end < 0 || line.slice(end + 2).trim() === "" ? close : undefined;
}
