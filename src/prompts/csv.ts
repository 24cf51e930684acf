/** Keeps papaparse in a chunk of its own. Only its parser and writer are used: headers are ours to judge. */
import { isUtf8 } from "node:buffer";
import { StringDecoder } from "node:string_decoder";
import Papa from "papaparse";
import type { Files } from "../state/file-system.ts";
import { ChunkReader, describeEncoding, lineLimitBytes } from "../state/lines.ts";

interface ParsedChunk {
	readonly data: string[][];
	readonly errors: readonly { readonly code: string; readonly row: number; readonly message: string }[];
	readonly meta: { readonly cursor: number };
}

export interface CsvRow {
	/** Of the row's first character, counted from 1. */
	readonly line: number;
	readonly cells: readonly string[];
	readonly problem?: string;
}

const candidates = [",", "\t", ";", "|"];

/**
 * The rows of an open CSV or TSV file in flat memory, the header first, blank lines left out. Without `delimiter` the
 * header decides which it is. Quoted cells may hold anything, line ends included, and are returned exactly.
 */
export function* readCsv(files: Files, file: number, delimiter?: string): Generator<CsvRow, void, undefined> {
	const chunks = new TextChunks(files, file);
	let text = chunks.next() ?? "";
	if (text.startsWith("\ufeff")) text = text.slice(1);
	const lineEnd = findLineEnd(text);
	const config = { delimiter: delimiter ?? guessDelimiter(text, lineEnd), newline: lineEnd };
	const parser = new Papa.Parser(config as Papa.ParseConfig);
	let line = 1;
	for (;;) {
		const parsed = parser.parse(text, 0, !chunks.done) as ParsedChunk;
		const problems = new Map(parsed.errors.map(({ row, code }) => [row, describe(code)]));
		const mixed = lineEnd === "\r\n" && !text.includes('"') && /[^\r]\n/.test(text);
		if (mixed) problems.set(0, "line ends are mixed (CRLF and LF); make them one kind");
		for (const [index, cells] of parsed.data.entries()) {
			const problem = problems.get(index) ?? chunks.judge(cells);
			const isBlank = cells.length === 1 && cells[0] === "";
			if (problem !== undefined) yield { line, cells, problem };
			else if (!isBlank) yield { line, cells };
			line += 1 + countLineEnds(cells, lineEnd);
		}
		if (chunks.done) return;
		text = text.slice(parsed.meta.cursor);
		if (text.length > lineLimitBytes) {
			yield { line, cells: [], problem: "a quote opened in this row is never closed" };
			return;
		}
		text = readMore(chunks, text);
	}
}

/** At least doubles what is left of a long row, so that it is not parsed again for each small chunk. */
function readMore(chunks: TextChunks, rest: string): string {
	const pieces = [rest];
	let added = 0;
	do {
		const piece = chunks.next();
		if (piece === undefined) break;
		pieces.push(piece);
		added += piece.length;
	} while (added < rest.length);
	return pieces.join("");
}

/** Decodes chunk by chunk; a character cut by a chunk's end is held back. */
class TextChunks {
	readonly #reader: ChunkReader;
	readonly #decoder = new StringDecoder("utf8");
	done = false;
	#damage: string | undefined;

	constructor(files: Files, file: number) {
		this.#reader = new ChunkReader(files, file);
	}

	next(): string | undefined {
		if (this.done) return undefined;
		const bytes = this.#reader.next();
		if (bytes === undefined) {
			this.done = true;
			const rest = this.#decoder.end();
			if (rest !== "") this.#damage ??= describeEncoding(Buffer.alloc(0));
			return rest;
		}
		const text = this.#decoder.write(bytes);
		// Bytes that are not UTF-8 are decoded as U+FFFD, which a good file may also hold.
		if (text.includes("\ufffd") && !isWhole(bytes)) this.#damage ??= describeEncoding(bytes);
		return text;
	}

	/** What is wrong with the bytes of a row, once a chunk was seen that is not UTF-8. */
	judge(cells: readonly string[]): string | undefined {
		return this.#damage !== undefined && cells.some((cell) => cell.includes("\ufffd"))
			? this.#damage
			: undefined;
	}
}

/** True when the chunk is UTF-8 but for the characters that its ends may cut. */
function isWhole(bytes: Buffer): boolean {
	let start = 0;
	while (start < 3 && isContinuation(bytes[start])) start++;
	let last = bytes.length - 1;
	while (last > bytes.length - 4 && isContinuation(bytes[last])) last--;
	const lead = bytes[last] ?? 0;
	const needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	const end = last + needed > bytes.length ? last : bytes.length;
	return isUtf8(bytes.subarray(start, end));
}

function isContinuation(byte: number | undefined): boolean {
	return byte !== undefined && (byte & 0xc0) === 0x80;
}

function describe(code: string): string {
	return code === "MissingQuotes"
		? "a quote opened in this row is never closed"
		: "text after a closing quote; a quote inside a quoted cell is written twice";
}

function findLineEnd(text: string): "\n" | "\r\n" | "\r" {
	const first = text.indexOf("\n");
	if (first > 0 && text[first - 1] === "\r") return "\r\n";
	return first === -1 && text.includes("\r") ? "\r" : "\n";
}

function guessDelimiter(text: string, lineEnd: string): string {
	const end = text.indexOf(lineEnd);
	const header = (end === -1 ? text : text.slice(0, end)).replace(/"(?:[^"]|"")*"/g, "");
	let best = ",";
	for (const candidate of candidates) {
		if (header.split(candidate).length > header.split(best).length) best = candidate;
	}
	return best;
}

function countLineEnds(cells: readonly string[], lineEnd: string): number {
	let count = 0;
	for (const cell of cells) {
		for (let at = cell.indexOf(lineEnd); at !== -1; at = cell.indexOf(lineEnd, at + lineEnd.length)) count++;
	}
	return count;
}

/** What a spreadsheet would run as a formula; also behind a line end, and in the full-width forms that Excel accepts. */
const formulaStart = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/;

/**
 * One CSV line with its line end. `exact` cells stay as they are; `untrusted` cells that a spreadsheet would run as
 * formulas get a leading apostrophe.
 */
export function formatCsvLine(
	exact: readonly string[],
	untrusted: readonly string[],
	delimiter: string,
): string {
	const options = { delimiter, newline: "\r\n" } as const;
	const parts: string[] = [];
	if (exact.length > 0) parts.push(Papa.unparse([exact as string[]], options));
	if (untrusted.length > 0) {
		parts.push(Papa.unparse([untrusted as string[]], { ...options, escapeFormulae: formulaStart }));
	}
	return `${parts.join(delimiter)}\r\n`;
}
