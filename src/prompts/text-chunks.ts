import { isUtf8 } from "node:buffer";
import { StringDecoder } from "node:string_decoder";
import type { Files } from "../state/file-system.ts";
import { ChunkReader, describeEncoding } from "../state/lines.ts";

/** The text of an open UTF-8 file chunk by chunk, without its byte order mark. A character cut by a chunk's end is held back. */
export class TextChunks {
	readonly #reader: ChunkReader;
	readonly #decoder = new StringDecoder("utf8");
	#started = false;
	/** The end of the file was reached. */
	done = false;
	/** The file began with a byte order mark; known after the first `next`. */
	hasMark = false;
	#damage: string | undefined;

	constructor(files: Files, file: number) {
		this.#reader = new ChunkReader(files, file);
	}

	/** The next piece of text; the last one may be empty. Undefined once `done`. */
	next(): string | undefined {
		if (this.done) return undefined;
		const bytes = this.#reader.next();
		if (bytes === undefined) {
			this.done = true;
			const rest = this.#decoder.end();
			if (rest !== "") this.#damage ??= describeEncoding(Buffer.alloc(0));
			return rest;
		}
		let text = this.#decoder.write(bytes);
		// Bytes that are not UTF-8 are decoded as U+FFFD, which a good file may also hold.
		if (text.includes("\ufffd") && !isWhole(bytes)) this.#damage ??= describeEncoding(bytes);
		if (!this.#started) {
			this.#started = true;
			this.hasMark = text.startsWith("\ufeff");
			if (this.hasMark) text = text.slice(1);
		}
		return text;
	}

	/**
	 * `rest` and what follows it, at least twice as much where there is that much, so that a long piece is not looked
	 * through again for each small chunk.
	 */
	more(rest: string): string {
		const pieces = [rest];
		let added = 0;
		do {
			const piece = this.next();
			if (piece === undefined) break;
			pieces.push(piece);
			added += piece.length;
		} while (added < rest.length);
		return pieces.join("");
	}

	/** What is wrong with a text of the file, once a chunk was seen that is not UTF-8. */
	judge(text: string): string | undefined {
		return this.#damage !== undefined && text.includes("\ufffd") ? this.#damage : undefined;
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

/** How many line ends of any kind a text has. */
export function countLineEnds(text: string): number {
	let count = 0;
	for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count += 1;
	if (!text.includes("\r")) return count;
	for (let at = text.indexOf("\r"); at !== -1; at = text.indexOf("\r", at + 1))
		if (text[at + 1] !== "\n") count += 1;
	return count;
}
