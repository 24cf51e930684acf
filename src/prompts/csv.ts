/**
 * Reads CSV as spreadsheets, pandas and people write it. papaparse is not used for this: it wants one line end and
 * takes the first line feed for it, which in Excel's files may be one inside a cell.
 */
import type { Files } from "../state/file-system.ts";
import { lineLimitBytes } from "../state/lines.ts";
import { countLineEnds, TextChunks } from "./text-chunks.ts";

export interface CsvRow {
	/** Of the row's first character, counted from 1. */
	readonly line: number;
	readonly cells: readonly string[];
	readonly problem?: string;
}

/** How a table is written; a table of results is written likewise. */
export interface CsvDialect {
	readonly delimiter: string;
	readonly lineEnd: "\n" | "\r\n" | "\r";
	/** It begins with a byte order mark, by which Excel knows UTF-8. */
	readonly hasMark: boolean;
}

const candidates = [",", "\t", ";", "|"];
/** Excel's way to say in a file what parts its cells. */
const separatorLine = /^"?sep=([^\r\n"])"?\r*(?:\n|\r|$)/i;

/** The dialect of an open table and its first row as it stands there; the row is undefined in an empty file. */
export function readCsvHead(
	files: Files,
	file: number,
	delimiter?: string,
): { readonly dialect: CsvDialect; readonly header: CsvRow | undefined } {
	const rows = new CsvReader(files, file, delimiter);
	const header = rows.rows().next().value ?? undefined;
	return { dialect: rows.dialect, header };
}

/**
 * The rows of an open CSV or TSV file in flat memory, the header first, empty lines left out. Without `delimiter` the
 * header, or Excel's line `sep=;` above it, decides which it is. Quoted cells may hold anything, line ends included,
 * and are returned exactly. Outside quotes LF and CRLF end a row, in whatever mixture; CR alone does in a file that
 * begins like that.
 */
export function readCsv(files: Files, file: number, delimiter?: string): Generator<CsvRow, void, undefined> {
	return new CsvReader(files, file, delimiter).rows();
}

interface ParsedRow {
	readonly cells: string[];
	/** Behind its line end. */
	readonly end: number;
	readonly problem: string | undefined;
	/** Nothing can be read behind it. */
	readonly isHopeless?: boolean;
}

const unclosed = "a quote opened in this row is never closed";
const behindQuote = "text after a closing quote; a quote inside a quoted cell is written twice";
const backslashed = 'a quote after a backslash (\\"); inside a quoted cell a quote is written twice ("")';
const strayFeed = "a line feed outside quotes in a file whose lines end with carriage returns";
const strayReturn = "a carriage return outside quotes; quote the cell, or make all line ends one kind";

class CsvReader {
	readonly #chunks: TextChunks;
	readonly #delimiter: string;
	readonly #cellEnd: RegExp;
	readonly #lineEnd: CsvDialect["lineEnd"];
	#text: string;
	#line = 1;

	constructor(files: Files, file: number, delimiter: string | undefined) {
		this.#chunks = new TextChunks(files, file);
		this.#text = this.#chunks.next() ?? "";
		while (!this.#chunks.done && !hasWholeHeader(this.#text)) this.#text = this.#chunks.more(this.#text);
		const separator = delimiter === undefined ? separatorLine.exec(this.#text) : null;
		if (separator !== null) {
			this.#text = this.#text.slice(separator[0].length);
			this.#line += 1;
		}
		this.#lineEnd = findLineEnd(this.#text);
		this.#delimiter = delimiter ?? separator?.[1] ?? guessDelimiter(this.#text);
		const escaped = /[\\^$.*+?()[\]{}|/-]/.test(this.#delimiter) ? `\\${this.#delimiter}` : this.#delimiter;
		this.#cellEnd = new RegExp(`[${escaped}\\r\\n]`, "g");
	}

	get dialect(): CsvDialect {
		return { delimiter: this.#delimiter, lineEnd: this.#lineEnd, hasMark: this.#chunks.hasMark };
	}

	*rows(): Generator<CsvRow, void, undefined> {
		let position = 0;
		for (;;) {
			if (position >= this.#text.length && this.#chunks.done) return;
			const row = this.#parse(position);
			if (row === undefined) {
				this.#text = this.#chunks.more(this.#text.slice(position));
				position = 0;
				if (this.#text.length <= lineLimitBytes) continue;
				yield { line: this.#line, cells: [], problem: unclosed };
				return;
			}
			const line = this.#line;
			const source = this.#text.slice(position, row.end);
			this.#line += Math.max(1, countLineEnds(source));
			position = row.end;
			const { cells } = row;
			const problem = row.problem ?? this.#chunks.judge(source);
			if (problem !== undefined) yield { line, cells, problem };
			else if (cells.length > 1 || cells[0] !== "" || source.startsWith('"')) yield { line, cells };
			if (row.isHopeless) return;
		}
	}

	/** The row that begins at a position; undefined when more of the file is needed to tell. */
	#parse(start: number): ParsedRow | undefined {
		const text = this.#text;
		const isLast = this.#chunks.done;
		const cells: string[] = [];
		let position = start;
		let problem: string | undefined;
		for (;;) {
			let quoted: string | undefined;
			if (text[position] === '"') {
				const close = this.#closingQuote(position);
				if (close === undefined) return undefined;
				if (close === -1) return { cells: [], end: text.length, problem: unclosed, isHopeless: true };
				quoted = text.slice(position + 1, close).replaceAll('""', '"');
				position = close + 1;
				// Some write a blank between the quote and what parts the cells.
				while (text[position] === " ") position += 1;
			}
			const end = this.#cellEndFrom(position);
			if (end === undefined) return undefined;
			const rest = text.slice(position, end);
			if (rest.includes("\r")) problem ??= strayReturn;
			if (quoted === undefined) cells.push(rest);
			else {
				cells.push(quoted);
				if (rest !== "") problem ??= quoted.endsWith("\\") ? backslashed : behindQuote;
			}
			if (quoted === undefined && cells.length === 1 && rest.includes("\n")) problem ??= strayFeed;
			const next = text[end];
			if (next === undefined) return { cells, end, problem };
			if (next === "\n" || next === "\r") return { cells, end: this.#behindLineEnd(end), problem };
			position = end + 1;
			if (position >= text.length && !isLast) return undefined;
		}
	}

	/** Where the cell ends that goes on at a position: at a delimiter, a line end, or the file's end. */
	#cellEndFrom(start: number): number | undefined {
		const text = this.#text;
		const isLast = this.#chunks.done;
		for (let position = start; ; ) {
			this.#cellEnd.lastIndex = position;
			const found = this.#cellEnd.exec(text)?.index;
			if (found === undefined) return isLast ? text.length : undefined;
			// A line feed inside a file of carriage returns is one of a cell, or the row has too many of them.
			if (text[found] === "\n" && this.#lineEnd === "\r") {
				position = found + 1;
				continue;
			}
			if (text[found] !== "\r") return found;
			const behind = skipReturns(text, found);
			if (behind >= text.length && !isLast) return undefined;
			// Alone it ends a line only in a file whose first line ends like that; else it belongs to the cell.
			if (this.#lineEnd === "\r" || behind >= text.length || text[behind] === "\n") return found;
			position = behind;
		}
	}

	#behindLineEnd(position: number): number {
		if (this.#text[position] === "\n") return position + 1;
		const behind = skipReturns(this.#text, position);
		if (this.#text[behind] === "\n") return behind + 1;
		return this.#lineEnd === "\r" ? position + 1 : behind;
	}

	/** Where the quoted cell at a position closes; -1 when it never does, undefined when that is not known yet. */
	#closingQuote(start: number): number | undefined {
		const text = this.#text;
		for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 2)) {
			if (at === -1) return this.#chunks.done ? -1 : undefined;
			if (at + 1 >= text.length && !this.#chunks.done) return undefined;
			if (text[at + 1] !== '"') return at;
		}
	}
}

/** Behind a run of carriage returns: text files of Windows written twice over end lines with CR CR LF. */
function skipReturns(text: string, position: number): number {
	let end = position;
	while (text[end] === "\r") end += 1;
	return end;
}

/** The first row without what is quoted in it, and where its line end is. */
function bareHeader(text: string): { readonly bare: string; readonly end: number } {
	let bare = "";
	for (let position = 0; ; ) {
		const quote = text.indexOf('"', position);
		const piece = text.slice(position, quote === -1 ? text.length : quote);
		const lineEnd = piece.search(/[\r\n]/);
		if (lineEnd !== -1) return { bare: bare + piece.slice(0, lineEnd), end: position + lineEnd };
		bare += piece;
		const close = quote === -1 ? -1 : text.indexOf('"', quote + 1);
		if (close === -1) return { bare, end: text.length };
		position = close + 1;
	}
}

/** The text goes on behind its first row, so that its line end can be told, and with Excel's line behind the second. */
function hasWholeHeader(text: string): boolean {
	if (text.length > lineLimitBytes) return true;
	const start = /^"?s?(?:ep=.*)?/i.exec(text)?.[0].length ?? 0;
	const { end } = bareHeader(text);
	if (start > 1 && end < text.length) return hasWholeHeader(text.slice(skipReturns(text, end) + 1));
	return skipReturns(text, end) < text.length;
}

/** The first line end outside quotes decides. */
function findLineEnd(text: string): CsvDialect["lineEnd"] {
	const { end } = bareHeader(text);
	if (text[end] !== "\r") return "\n";
	return text[skipReturns(text, end)] === "\n" ? "\r\n" : "\r";
}

function guessDelimiter(text: string): string {
	const { bare } = bareHeader(text);
	let best = ",";
	for (const candidate of candidates)
		if (bare.split(candidate).length > bare.split(best).length) best = candidate;
	return best;
}
