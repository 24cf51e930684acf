import { crc32 } from "node:zlib";
import { UsageError } from "../errors.ts";
import { describeFileError, type Files } from "../state/file-system.ts";
import { ChunkReader, readLines } from "../state/lines.ts";
import type { RecordKey } from "./records.ts";

/** What a scan found at the end of a file that a killed run may have left. */
export interface JournalState {
	/** Bytes up to the end of the last whole record. */
	readonly size: number;
	/** CRC-32 of them. */
	readonly checksum: number;
	/** The last whole record lacks its newline. */
	readonly unended: boolean;
	/** Bytes behind it that are to be cut off: a torn record. */
	readonly tornBytes: number;
	readonly records: number;
	/** The file is there, if only as an empty one. */
	readonly exists: boolean;
}

export interface ScanOptions {
	/** As errors name the file. */
	readonly name: string;
	/** Reads a record's key; undefined when the line is none of ours. */
	readonly readKey: (line: string) => RecordKey | undefined;
	readonly onRecord: (key: RecordKey, offset: number) => void;
	/** What is there is to be thrown away, whatever it is. */
	readonly overwrite?: boolean;
}

const noJournal: JournalState = {
	size: 0,
	checksum: 0,
	unended: false,
	tornBytes: 0,
	records: 0,
	exists: false,
};

/**
 * Reads the records of a journal without changing it. A file that is not there is an empty one.
 * @throws UsageError naming the line when something in it is not a record, other than a torn one at its end
 */
export function scanJournal(files: Files, path: string | undefined, options: ScanOptions): JournalState {
	const facts = path === undefined ? undefined : files.factsOf(path);
	if (path === undefined || facts === undefined) return noJournal;
	if (!facts.isRegular) throw new UsageError(`${options.name} is not a regular file`);
	if (options.overwrite) return { ...noJournal, tornBytes: facts.size, exists: true };
	let file: number;
	try {
		file = files.open(path, "r");
	} catch (error) {
		throw new UsageError(`cannot read ${options.name}: ${describeFileError(error)}`, { cause: error });
	}
	try {
		let records = 0;
		let size = 0;
		let checksum = 0;
		const note = (bytes: Uint8Array) => {
			size += bytes.length;
			checksum = crc32(bytes, checksum);
		};
		const found = { unended: false, tornBytes: 0, exists: true };
		for (const { number, offset, text, ended, problem } of readLines(files, file, { onBytes: note })) {
			if (ended && problem === undefined && text === "") continue;
			const key = problem === undefined ? options.readKey(text) : undefined;
			if (key !== undefined) {
				records += 1;
				options.onRecord(key, offset);
				if (!ended) return { ...found, size, checksum, unended: true, records };
			} else if (!ended && isTorn(text, records)) {
				const whole = checksumOf(files, file, offset);
				return { ...found, size: offset, checksum: whole, tornBytes: size - offset, records };
			} else {
				throw new UsageError(`${options.name}:${number}: this line is not a result of llmx`, {
					hint:
						records === 0
							? "choose another file with -o, or replace this one with --overwrite"
							: "fix or delete the line, or start over with --overwrite",
				});
			}
		}
		return { ...found, size, checksum, records };
	} finally {
		files.close(file);
	}
}

/** CRC-32 of the first bytes of an open file, or of as many as there are. */
export function checksumOf(files: Files, file: number, size: number): number {
	const reader = new ChunkReader(files, file);
	let checksum = 0;
	let left = size;
	while (left > 0) {
		const chunk = reader.next();
		if (chunk === undefined) break;
		const part = chunk.subarray(0, left);
		checksum = crc32(part, checksum);
		left -= part.length;
	}
	return checksum;
}

/** What stands at a path, byte by byte. */
export interface FileContent {
	readonly identity: string;
	readonly size: number;
	/** CRC-32 of its bytes. */
	readonly checksum: number;
}

/**
 * Whether a path leads to that content; `hasIdentity` is false where the file system numbers files anew. `opened` is
 * the file of that identity, for those who have it open.
 */
export function stands(
	files: Files,
	path: string,
	content: FileContent,
	hasIdentity: boolean,
	opened?: number,
): boolean {
	const { identity, size, checksum } = content;
	const isThere = () => {
		const there = files.factsOf(path);
		return there?.size === size && (!hasIdentity || there.identity === identity);
	};
	if (!isThere()) return false;
	// What is done to it while it is read shows in its length, if it does not in its bytes.
	const isSame = (file: number) => checksumOf(files, file, size) === checksum && isThere();
	if (opened !== undefined && hasIdentity) return isSame(opened);
	let file: number;
	try {
		file = files.open(path, "r");
	} catch (error) {
		// It went in this moment.
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
		throw error;
	}
	try {
		return isSame(file);
	} finally {
		files.close(file);
	}
}

/** The beginning of a record, or the zeros that a file system leaves where a crash cut off its data. */
function isTorn(text: string, records: number): boolean {
	if (records > 0 && /^\0+$/.test(text)) return true;
	return ['{"id":', '{"custom_id":'].some((start) => text.startsWith(start) || start.startsWith(text));
}
