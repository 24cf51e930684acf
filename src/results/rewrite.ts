import { dirname } from "node:path";
import { LlmxError } from "../errors.ts";
import { describeFileError, type Files, writeAll } from "../state/file-system.ts";

const newline = 0x0a;
const windowBytes = 256 * 1024;
const outBytes = 256 * 1024;

/** Lines of an open file at any position. Neighbours, as records mostly are, come from one read. */
export class LineAt {
	readonly #files: Files;
	readonly #file: number;
	#window = Buffer.allocUnsafe(windowBytes);
	#start = 0;
	#length = 0;

	constructor(files: Files, file: number) {
		this.#files = files;
		this.#file = file;
	}

	/** The line at a position with its newline, valid until the next call. Throws when no whole line is there. */
	bytes(offset: number): Buffer {
		if (offset >= this.#start && offset < this.#start + this.#length) {
			const line = this.#within(offset - this.#start);
			if (line !== undefined) return line;
		}
		// Half of the window may lie before the line, for a row that came a little late.
		this.#start = Math.max(0, offset - windowBytes / 2);
		this.#length = 0;
		for (;;) {
			this.#fill();
			const line = this.#within(offset - this.#start);
			if (line !== undefined) return line;
			if (this.#length < this.#window.length) throw new Error("a record is no longer where it was written");
			const larger = Buffer.allocUnsafe(this.#window.length * 2);
			this.#window.copy(larger, 0, 0, this.#length);
			this.#window = larger;
		}
	}

	text(offset: number): string {
		const bytes = this.bytes(offset);
		return bytes.toString("utf8", 0, bytes.length - 1);
	}

	#within(start: number): Buffer | undefined {
		const end = this.#window.subarray(0, this.#length).indexOf(newline, start);
		return end === -1 ? undefined : this.#window.subarray(start, end + 1);
	}

	#fill(): void {
		while (this.#length < this.#window.length) {
			const read = this.#files.read(this.#file, this.#window, this.#length, this.#start + this.#length);
			if (read === 0) return;
			this.#length += read;
		}
	}
}

/**
 * Replaces a file with what `produce` writes, so that a crash at any moment leaves the old or the new one. The new
 * one has the old one's mode.
 * @throws LlmxError when it could not be written; the old one is then in place
 */
export function replaceAtomically(
	files: Files,
	path: string,
	name: string,
	produce: (write: (bytes: Uint8Array) => void) => void,
): void {
	const target = files.resolve(path);
	// Whoever writes `path` holds its lock, so the name is free; a killed run's leftover is written over.
	const temporary = `${target}.tmp`;
	try {
		const file = files.open(temporary, "w");
		try {
			const mode = files.factsOf(target)?.mode;
			if (mode !== undefined) files.setMode(file, mode);
			const buffer = Buffer.allocUnsafe(outBytes);
			let length = 0;
			produce((bytes) => {
				if (length + bytes.length > buffer.length) {
					writeAll(files, file, buffer, length);
					length = 0;
				}
				if (bytes.length > buffer.length) writeAll(files, file, bytes);
				else {
					buffer.set(bytes, length);
					length += bytes.length;
				}
			});
			writeAll(files, file, buffer, length);
			files.sync(file);
		} finally {
			files.close(file);
		}
		files.rename(temporary, target);
		files.syncFolder(dirname(target));
	} catch (error) {
		try {
			files.remove(temporary);
		} catch {
			// The next rewrite takes care of it; the error that led here is the one to tell.
		}
		if (error instanceof LlmxError) throw error;
		throw new LlmxError(`cannot write ${name}: ${describeFileError(error)}`, {
			hint: "every answer is kept in the results file; make room and run the same command again",
			cause: error,
		});
	}
}

/**
 * Brings a journal's records into the given order and drops those that are not in it. Nothing is written when the
 * file is like that already. Holds no record in memory.
 */
export function reorderJournal(
	files: Files,
	path: string,
	name: string,
	size: number,
	offsets: () => Iterable<number>,
): void {
	const file = files.open(path, "r");
	try {
		const lines = new LineAt(files, file);
		let expected = 0;
		for (const offset of offsets()) {
			if (offset !== expected) {
				expected = -1;
				break;
			}
			expected += lines.bytes(offset).length;
		}
		if (expected === size) return;
		replaceAtomically(files, path, name, (write) => {
			for (const offset of offsets()) write(lines.bytes(offset));
		});
	} finally {
		files.close(file);
	}
}
