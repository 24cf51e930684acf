import { dirname } from "node:path";
import { LlmxError, UsageError } from "../errors.ts";
import { describeFileError, type Files, writeAll } from "../state/file-system.ts";
import { readLines } from "../state/lines.ts";
import type { RecordKey } from "./records.ts";

/** What a scan found at the end of a file that a killed run may have left. */
export interface JournalState {
	/** Bytes up to the end of the last whole record. */
	readonly size: number;
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

const noJournal: JournalState = { size: 0, unended: false, tornBytes: 0, records: 0, exists: false };

/**
 * Reads the records of a journal without changing it. A file that is not there is an empty one.
 * @throws UsageError naming the line when something in it is no record, other than a torn one at its end
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
		const found = { unended: false, tornBytes: 0, exists: true };
		for (const { number, offset, text, ended, problem } of readLines(files, file)) {
			if (ended && problem === undefined && text === "") continue;
			const key = problem === undefined ? options.readKey(text) : undefined;
			if (key !== undefined) {
				records += 1;
				options.onRecord(key, offset);
				if (!ended) return { ...found, size: facts.size, unended: true, records };
			} else if (!ended && isTorn(text, records)) {
				return { ...found, size: offset, tornBytes: facts.size - offset, records };
			} else {
				throw new UsageError(`${options.name}:${number}: this line is not a result of llmx`, {
					hint:
						records === 0
							? "choose another file with -o, or --overwrite to replace this one"
							: "mend or delete the line, or --overwrite to send everything again",
				});
			}
		}
		return { ...found, size: facts.size, records };
	} finally {
		files.close(file);
	}
}

/** The beginning of a record, or the zeros that a file system leaves where a crash cut off its data. */
function isTorn(text: string, records: number): boolean {
	if (records > 0 && /^\0+$/.test(text)) return true;
	return ['{"id":', '{"custom_id":'].some((start) => text.startsWith(start) || start.startsWith(text));
}

const recordsPerSync = 64;
const syncAfterMs = 1000;

/**
 * An append-only file of records. Each goes out in one write and is asked onto the disk within 64 records or a
 * second. After a failed write the file ends with the last whole record again.
 */
export class Journal {
	readonly #files: Files;
	readonly #name: string;
	readonly #file: number;
	#size: number;
	#buffer = Buffer.allocUnsafe(64 * 1024);
	#unsynced = 0;
	#syncing: Promise<void> | undefined;
	#timer: NodeJS.Timeout | undefined;
	#failure: LlmxError | undefined;
	#broken = false;

	/**
	 * Opens the file for appending behind its last whole record.
	 * @throws LlmxError when it cannot be opened or written
	 */
	constructor(files: Files, path: string, name: string, state: JournalState) {
		this.#files = files;
		this.#name = name;
		this.#size = state.size;
		try {
			this.#file = files.open(path, "a+");
		} catch (error) {
			throw this.#describe(error);
		}
		try {
			if (!state.exists) files.syncFolder(dirname(path));
			if (state.tornBytes > 0) files.truncate(this.#file, state.size);
			if (state.unended) this.append("");
		} catch (error) {
			files.close(this.#file);
			throw error instanceof LlmxError ? error : this.#describe(error);
		}
	}

	/** Bytes of whole records. */
	get size(): number {
		return this.#size;
	}

	/** Why records cannot be kept any more: what a write or the disk answered last. */
	get failure(): LlmxError | undefined {
		return this.#failure;
	}

	/**
	 * Writes one record, given without its newline, and returns its position in the file.
	 * @throws LlmxError when it could not be written whole; the file then holds what it held before
	 */
	append(record: string): number {
		if (this.#broken && this.#failure !== undefined) throw this.#failure;
		const length = this.#encode(record);
		const offset = this.#size;
		try {
			writeAll(this.#files, this.#file, this.#buffer, length);
		} catch (error) {
			this.#failure = this.#describe(error);
			this.#cutBack();
			throw this.#failure;
		}
		this.#size += length;
		this.#unsynced += 1;
		if (this.#unsynced >= recordsPerSync) this.#startSync();
		else this.#timer ??= setTimeout(() => this.#startSync(), syncAfterMs);
		return offset;
	}

	/** Resolves when all records are on the disk, or could not be brought there: then `failure` says why. */
	async sync(): Promise<void> {
		// What was written while an earlier request to the disk runs may not be part of it.
		while (this.#syncing !== undefined || this.#unsynced > 0) {
			this.#startSync();
			await this.#syncing;
		}
	}

	/** Brings everything onto the disk and closes the file. Throws LlmxError when a record was not kept. */
	async close(): Promise<void> {
		await this.sync();
		this.#files.close(this.#file);
		if (this.#failure !== undefined) throw this.#failure;
	}

	/** Closes without waiting for the disk, when there is nothing more to be done about a failure. */
	abandon(): void {
		clearTimeout(this.#timer);
		this.#files.close(this.#file);
	}

	#startSync(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		if (this.#syncing !== undefined || this.#unsynced === 0) return;
		this.#unsynced = 0;
		this.#syncing = this.#files
			.datasync(this.#file)
			.catch((error) => {
				this.#failure = this.#describe(error);
			})
			.then(() => {
				this.#syncing = undefined;
				if (this.#unsynced >= recordsPerSync) this.#startSync();
				else if (this.#unsynced > 0) this.#timer ??= setTimeout(() => this.#startSync(), syncAfterMs);
			});
	}

	#encode(record: string): number {
		// UTF-16 code units take at most three bytes each in UTF-8.
		if (this.#buffer.length < record.length * 3 + 1) this.#buffer = Buffer.allocUnsafe(record.length * 3 + 1);
		const length = this.#buffer.write(record, "utf8");
		this.#buffer[length] = 0x0a;
		return length + 1;
	}

	#cutBack(): void {
		try {
			this.#files.truncate(this.#file, this.#size);
		} catch {
			// The next run cuts the torn record off; more behind it would make it a bad line in the middle.
			this.#broken = true;
		}
	}

	#describe(error: unknown): LlmxError {
		return new LlmxError(`cannot write ${this.#name}: ${describeFileError(error)}`, {
			hint: "what was written before is whole; make room and run the same command again",
			cause: error,
		});
	}
}
