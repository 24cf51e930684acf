import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { LlmxError } from "../errors.ts";
import { describeFileError, remedyFor } from "../state/file-errors.ts";
import type { FileFacts, Files } from "../state/file-system.ts";
import { ChunkReader, type Line, readLines } from "../state/lines.ts";
import { type ReplaceOptions, replaceAtomically, writeBuffered } from "../state/replace.ts";
import type { Journal } from "./journal.ts";
import { LineSet } from "./line-set.ts";
import { copyBytes, createBeside } from "./rescue.ts";
import type { EditLines } from "./revision.ts";

const newline = 0x0a;
const usualWindowBytes = 256 * 1024;

/** Lines of an open file at any position. Neighbours, as records mostly are, come from one read. */
export class LineAt {
	readonly #files: Files;
	readonly #file: number;
	readonly #windowBytes: number;
	#window: Buffer;
	#start = 0;
	#length = 0;

	/** `windowBytes` are read at once. */
	constructor(files: Files, file: number, windowBytes = usualWindowBytes) {
		this.#files = files;
		this.#file = file;
		this.#windowBytes = windowBytes;
		this.#window = Buffer.allocUnsafe(windowBytes);
	}

	/** The line at a position with its newline, valid until the next call. Throws when no whole line is there. */
	bytes(offset: number): Buffer {
		if (offset >= this.#start && offset < this.#start + this.#length) {
			const line = this.#within(offset - this.#start);
			if (line !== undefined) return line;
		}
		// Half of the window may lie before the line, for a row that came a little late.
		this.#start = Math.max(0, offset - this.#windowBytes / 2);
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
 * Replaces an output file whole; see `replaceAtomically`. Follows a link to the file that it names.
 * @returns what the file is that is there now
 * @throws LlmxError when it could not be written; the old one is then in place
 */
export function replaceOutput(
	files: Files,
	path: string,
	name: string,
	produce: (write: (bytes: Uint8Array) => void) => void,
	options?: ReplaceOptions,
): FileFacts {
	try {
		return replaceAtomically(files, files.resolve(path), produce, options);
	} catch (error) {
		if (error instanceof LlmxError) throw error;
		throw new LlmxError(`cannot write ${name}: ${describeFileError(error)}`, {
			hint: `${remedyFor(error)}run the same command again: nothing is sent twice`,
			cause: error,
		});
	}
}

/** Another program is writing to a file that was about to be replaced. */
class ChangedMeanwhile extends Error {}

/** How often a file that others write to is tried to be put in order. */
const tries = 3;

/**
 * Puts a journal's file in order, after having made sure of what is in it. With `wanted`, the records at those
 * offsets stay, in that order and as `edit` changes them. What other programs have put into it goes into a file of its own. Nothing is written
 * when the file is as it should be. Holds no record in memory. A journal whose file is gone has its records elsewhere.
 * @returns what was found in the file, for people; undefined when there was nothing but records
 * @throws LlmxError when the file was left as it is
 */
export function putInOrder(
	files: Files,
	journal: Journal,
	wanted: (() => Iterable<number>) | undefined,
	edit?: EditLines,
): string | undefined {
	let found: string | undefined;
	for (let attempt = 1; ; attempt += 1) {
		journal.check();
		if (journal.trouble !== undefined) return found;
		const isInPlace = journal.isInPlace();
		if (
			isInPlace &&
			(journal.isArranged || wanted === undefined || isInOrder(files, journal, wanted(), edit?.()))
		)
			return found;
		const before = files.factsOf(journal.path);
		const content = { size: 0, checksum: 0 };
		let isPrivate = false;
		const produce = (write: (bytes: Uint8Array) => void) => {
			const source = journal.source();
			const { file } = source;
			isPrivate = source.isPrivate;
			if (!isInPlace) found = setForeignAside(files, journal, file, wanted, edit) ?? found;
			const pass = (bytes: Uint8Array) => {
				content.size += bytes.length;
				content.checksum = crc32(bytes, content.checksum);
				write(bytes);
			};
			if (wanted === undefined) return copyBytes(files, file, journal.size, pass);
			const lines = new LineAt(files, file);
			const edited = edit?.() ?? unchanged;
			for (const offset of wanted()) pass(edited(lines.bytes(offset)));
		};
		const confirm = () => {
			const there = files.factsOf(journal.path);
			const isSame = there?.size === before?.size && there?.identity === before?.identity;
			// What was read of the file itself may have been changed before it was read.
			if (!isSame || !(isPrivate || journal.isInPlace())) throw new ChangedMeanwhile();
		};
		try {
			const { mode } = files.facts(journal.file);
			const { identity } = replaceAtomically(files, journal.path, produce, { mode, confirm });
			journal.arrangedAs({ ...content, identity });
			return found;
		} catch (error) {
			if (lacksRoom(error) && journal.isInPlace() && journal.makeRoom()) continue;
			// Another program may be what it failed for.
			if (!(error instanceof ChangedMeanwhile) && journal.isInPlace()) throw error;
			if (attempt < tries) continue;
			throw new LlmxError(`${journal.name} is being written to by another program, and is left as it is`, {
				hint: "stop that program, then run the same command again",
			});
		}
	}
}

function lacksRoom(error: unknown): boolean {
	const { code } = error as NodeJS.ErrnoException;
	return code === "ENOSPC" || code === "EDQUOT";
}

function unchanged(line: Buffer): Uint8Array {
	return line;
}

/** The wanted records are all that is in the file, in this order, and as they should be. */
function isInOrder(
	files: Files,
	journal: Journal,
	wanted: Iterable<number>,
	edited: ((line: Buffer) => Uint8Array) | undefined,
): boolean {
	const lineAt = new LineAt(files, journal.file);
	let last = -1;
	let count = 0;
	for (const offset of wanted) {
		if (offset <= last) return false;
		if (edited !== undefined) {
			const line = lineAt.bytes(offset);
			if (edited(line) !== line) return false;
		}
		last = offset;
		count += 1;
	}
	const reader = new ChunkReader(files, journal.file);
	let lines = 0;
	for (let chunk = reader.next(); chunk !== undefined; chunk = reader.next())
		for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, at + 1)) lines += 1;
	return lines === count;
}

/** Keeps the lines of a journal's file that are none of its records in a file of their own, and says so. */
function setForeignAside(
	files: Files,
	journal: Journal,
	records: number,
	wanted: (() => Iterable<number>) | undefined,
	edit: EditLines | undefined,
): string {
	const ours = new LineSet();
	for (const { text } of readLines(files, records)) ours.add(text);
	if (wanted !== undefined && edit !== undefined) {
		const lines = new LineAt(files, records);
		const edited = edit();
		for (const offset of wanted())
			ours.add(
				Buffer.from(edited(lines.bytes(offset)))
					.toString("utf8")
					.slice(0, -1),
			);
	}
	const isForeign = ({ text, problem }: Line) =>
		problem !== undefined || (text.trim() !== "" && !ours.has(text));
	const there = files.open(journal.path, "r");
	try {
		let count = 0;
		for (const line of readLines(files, there)) if (isForeign(line)) count += 1;
		if (count === 0) return `${journal.name} was touched by another program; its records were put back`;
		const folder = dirname(journal.path);
		const { file, name } = createBeside(files, journal.name, "foreign", (beside) =>
			join(folder, basename(beside)),
		);
		try {
			writeBuffered(files, file, (write) => {
				for (const line of readLines(files, there)) if (isForeign(line)) write(bytesOf(files, there, line));
			});
			files.sync(file);
		} finally {
			files.close(file);
		}
		const lines = count === 1 ? "a line" : `${count} lines`;
		return `another program wrote ${lines} into ${journal.name}: moved to ${name}`;
	} finally {
		files.close(there);
	}
}

/** Whether all records of a journal are among the lines that its path leads to. */
export function holdsRecords(files: Files, journal: Journal): boolean {
	if (journal.isInPlace()) return true;
	const found = new LineSet();
	found.addAll(files, journal.path);
	for (const { text } of readLines(files, journal.source().file)) if (!found.has(text)) return false;
	return true;
}

/** The line as it stands, whatever its bytes are, with a newline. */
function bytesOf(files: Files, file: number, { offset, length }: Line): Buffer {
	const bytes = Buffer.alloc(length + 1, newline);
	for (let read = 0; read < length; ) {
		const count = files.read(file, bytes.subarray(0, length), read, offset + read);
		if (count === 0) break;
		read += count;
	}
	return bytes;
}
