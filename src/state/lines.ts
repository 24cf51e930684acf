import { isUtf8 } from "node:buffer";
import type { Files } from "./file-system.ts";

const chunkBytes = 256 * 1024;
/** A longer line is a broken file, or one that would take the memory of the whole run. */
export const lineLimitBytes = 64 * 1024 * 1024;

const newline = 0x0a;
const carriageReturn = 0x0d;

export interface Line {
	/** Counted from 1. */
	readonly number: number;
	/** Byte position of the line in the file. */
	readonly offset: number;
	/** In bytes, without its newline. */
	readonly length: number;
	/** Without its line end. Not exact when there is a `problem`, and empty when the line is too long. */
	readonly text: string;
	/** False only for a last line without a newline. */
	readonly ended: boolean;
	readonly problem?: string;
}

/** An open file read in chunks of bytes, from its beginning or a position. */
export class ChunkReader {
	readonly #files: Files;
	readonly #file: number;
	readonly #chunk = Buffer.allocUnsafe(chunkBytes);
	#position: number;

	constructor(files: Files, file: number, from = 0) {
		this.#files = files;
		this.#file = file;
		this.#position = from;
	}

	/** The next bytes, valid until the next call; undefined at the end. */
	next(): Buffer | undefined {
		const length = this.#files.read(this.#file, this.#chunk, 0, this.#position);
		if (length === 0) return undefined;
		this.#position += length;
		return this.#chunk.subarray(0, length);
	}
}

export interface ReadLinesOptions {
	/** Byte position where the first line begins. */
	readonly from?: number;
	/** Sees all bytes that are read, as they stand. */
	readonly onBytes?: (bytes: Uint8Array) => void;
}

/**
 * The lines of an open file, decoded as UTF-8, in flat memory. `\n` and `\r\n` end a line and a byte order mark is
 * dropped. A line that is too long or not UTF-8 comes with its `problem`, and reading goes on behind it.
 */
export function* readLines(
	files: Files,
	file: number,
	{ from = 0, onBytes }: ReadLinesOptions = {},
): Generator<Line, void, undefined> {
	const reader = new ChunkReader(files, file, from);
	let number = 1;
	let offset = from;
	let carried: Buffer[] = [];
	let carriedBytes = 0;
	for (let chunk = reader.next(); chunk !== undefined; chunk = reader.next()) {
		onBytes?.(chunk);
		let start = 0;
		// Whole lines are looked at together: one at a time costs half as much again.
		let isSound: boolean | undefined;
		for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
			const length = carriedBytes + end - start;
			if (carriedBytes === 0 && number > 1) {
				isSound ??= isUtf8(chunk.subarray(start, chunk.lastIndexOf(newline)));
				yield isSound
					? { number, offset, length, text: textOf(chunk, start, end), ended: true }
					: toLine(chunk.subarray(start, end), number, offset, length, true);
			} else {
				yield toLine(join(carried, carriedBytes, chunk.subarray(start, end)), number, offset, length, true);
				if (carried.length > 0) carried = [];
				carriedBytes = 0;
			}
			number += 1;
			offset += length + 1;
			start = end + 1;
		}
		if (start === chunk.length) continue;
		const rest = chunk.length - start;
		// Of a line over the limit only its length is kept.
		if (carriedBytes + rest <= lineLimitBytes) carried.push(Buffer.from(chunk.subarray(start)));
		else carried = [];
		carriedBytes += rest;
	}
	if (carriedBytes > 0) {
		const bytes = join(carried, carriedBytes, Buffer.alloc(0));
		yield toLine(bytes, number, offset, carriedBytes, false);
	}
}

function join(carried: readonly Buffer[], carriedBytes: number, piece: Buffer): Buffer | undefined {
	if (carriedBytes + piece.length > lineLimitBytes) return undefined;
	return carried.length === 0 ? piece : Buffer.concat([...carried, piece]);
}

/** Without the carriage return of a line end of two characters. */
function textOf(bytes: Buffer, start: number, end: number): string {
	return bytes.toString("utf8", start, end > start && bytes[end - 1] === carriageReturn ? end - 1 : end);
}

function toLine(
	bytes: Buffer | undefined,
	number: number,
	offset: number,
	length: number,
	ended: boolean,
): Line {
	if (bytes === undefined) {
		const problem = `a line of ${Math.round(length / 1e6)} MB; the limit is ${lineLimitBytes / 1024 / 1024} MiB`;
		return { number, offset, length, text: "", ended, problem };
	}
	const text = textOf(bytes, number === 1 && hasByteOrderMark(bytes) ? 3 : 0, bytes.length);
	if (!isUtf8(bytes)) return { number, offset, length, text, ended, problem: describeEncoding(bytes) };
	return { number, offset, length, text, ended };
}

function hasByteOrderMark(bytes: Uint8Array): boolean {
	return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** What to tell about bytes that are not UTF-8; FILE stands for the file's name. */
export function describeEncoding(bytes: Uint8Array): string {
	const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
	if (isUtf16) return "the file is UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE";
	return isWestern(bytes)
		? "not valid UTF-8; if Excel or Windows wrote it, convert it: iconv -f WINDOWS-1252 -t UTF-8 FILE"
		: "not valid UTF-8, nor Western text; convert it from what it was written in (CP932 is Japanese, GB18030 Chinese, CP949 Korean, WINDOWS-1251 Cyrillic): iconv -f ENCODING -t UTF-8 FILE";
}

/** Western languages have their special letters one by one among plain ones, others have whole words of them. */
function isWestern(bytes: Uint8Array): boolean {
	let special = 0;
	let inRuns = 0;
	let run = 0;
	for (let at = 0; at <= bytes.length; at += 1) {
		if ((bytes[at] ?? 0) >= 0x80) {
			run += 1;
			continue;
		}
		special += run;
		if (run > 2) inRuns += run;
		run = 0;
	}
	return inRuns * 2 < special;
}
