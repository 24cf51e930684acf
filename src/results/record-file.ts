import { crc32 } from "node:zlib";
import { LlmxError } from "../errors.ts";
import { describeFileError, remedyFor } from "../state/file-errors.ts";
import { type Files, writeAll } from "../state/file-system.ts";

const recordsPerSync = 64;
const syncAfterMs = 1000;

export interface RecordFileOptions {
	readonly files: Files;
	/** Open for appending; `close` closes it. */
	readonly file: number;
	/** As messages name it. */
	readonly name: string;
	/** Bytes of the records in it, and their CRC-32. */
	readonly size: number;
	readonly checksum: number;
	/** Brings to the disk what belongs to the records, within a second of them. Never rejects. */
	readonly alsoSync?: (() => Promise<void>) | undefined;
}

/**
 * An open file that records are appended to, each in one write or several in one; they are asked onto the disk within
 * 64 records or a second. After a failed write the file ends with the last whole record again.
 */
export class RecordFile {
	readonly name: string;
	readonly file: number;
	/** Bytes that others have put into the file. */
	foreignBytes = 0;
	readonly #options: RecordFileOptions;
	readonly #files: Files;
	#size: number;
	#checksum: number;
	#unsynced = 0;
	#syncing: Promise<void> | undefined;
	/** Monotonic ms. */
	#alsoSyncedAt = Number.NEGATIVE_INFINITY;
	#timer: NodeJS.Timeout | undefined;
	#failure: LlmxError | undefined;
	#broken = false;

	constructor(options: RecordFileOptions) {
		this.#options = options;
		this.#files = options.files;
		this.name = options.name;
		this.file = options.file;
		this.#size = options.size;
		this.#checksum = options.checksum;
	}

	/** Bytes of whole records. */
	get size(): number {
		return this.#size;
	}

	/** CRC-32 of them. */
	get checksum(): number {
		return this.#checksum;
	}

	/** Why records cannot be kept any more: what a write or the disk answered last. */
	get failure(): LlmxError | undefined {
		return this.#failure;
	}

	/**
	 * Writes one record with its newline. `makeRoom` is tried when there is no room; false when that is of no use.
	 * @throws LlmxError when it could not be written whole; the file then holds what it held before
	 */
	append(bytes: Uint8Array, makeRoom: () => boolean): void {
		if (this.#broken && this.#failure !== undefined) throw this.#failure;
		try {
			this.#write(bytes, makeRoom);
		} catch (error) {
			this.#failure = this.#describe(error);
			throw this.#failure;
		}
		this.#noteWritten(bytes, 1);
	}

	/** Writes several records in one write. When it fails, the file holds what it held before, and false is returned. */
	appendTogether(bytes: Uint8Array, records: number): boolean {
		if (this.#broken) return false;
		try {
			writeAll(this.#files, this.file, bytes);
		} catch (error) {
			this.#cutBack(bytes);
			if (this.#broken) this.#failure = this.#describe(error);
			return false;
		}
		this.#noteWritten(bytes, records);
		return true;
	}

	/** Resolves when all records are on the disk, or could not be brought there: then `failure` says why. */
	async sync(): Promise<void> {
		this.#alsoSyncedAt = Number.NEGATIVE_INFINITY;
		// What was written while an earlier request to the disk runs may not be part of it.
		while (this.#syncing !== undefined || this.#unsynced > 0) {
			this.#startSync();
			await this.#syncing;
		}
	}

	close(): void {
		clearTimeout(this.#timer);
		this.#files.close(this.file);
	}

	#noteWritten(bytes: Uint8Array, records: number): void {
		this.#size += bytes.length;
		this.#checksum = crc32(bytes, this.#checksum);
		this.#unsynced += records;
		if (this.#unsynced >= recordsPerSync) this.#startSync();
		else this.#timer ??= setTimeout(() => this.#startSync(), syncAfterMs);
	}

	#write(bytes: Uint8Array, makeRoom: () => boolean): void {
		try {
			writeAll(this.#files, this.file, bytes);
		} catch (error) {
			this.#cutBack(bytes);
			if (this.#broken || !makeRoom()) throw error;
			this.#write(bytes, () => false);
		}
	}

	/** Takes off the part of a record that was written, provided that nothing else has come behind it. */
	#cutBack(bytes: Uint8Array): void {
		try {
			const end = this.#size + this.foreignBytes;
			const written = this.#files.facts(this.file).size - end;
			if (written === 0) return;
			const torn = Buffer.alloc(Math.max(0, Math.min(written, bytes.length)));
			this.#files.read(this.file, torn, 0, end);
			const isOurs = written <= bytes.length && torn.equals(bytes.subarray(0, written));
			if (isOurs) this.#files.truncate(this.file, end);
			else this.#broken = true;
		} catch {
			// The next run cuts the torn record off; more behind it would make it a bad line in the middle.
			this.#broken = true;
		}
	}

	#startSync(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		if (this.#syncing !== undefined || this.#unsynced === 0) return;
		this.#unsynced = 0;
		this.#syncing = this.#syncBoth()
			.catch((error) => {
				this.#failure = this.#describe(error);
			})
			.then(() => {
				this.#syncing = undefined;
				if (this.#unsynced >= recordsPerSync) this.#startSync();
				else if (this.#unsynced > 0) this.#timer ??= setTimeout(() => this.#startSync(), syncAfterMs);
			});
	}

	async #syncBoth(): Promise<void> {
		const now = performance.now();
		// A fast run syncs every few ms, which is more often than the other needs it.
		const isDue = now - this.#alsoSyncedAt >= syncAfterMs / 2;
		if (isDue) this.#alsoSyncedAt = now;
		await Promise.all([this.#files.datasync(this.file), isDue ? this.#options.alsoSync?.() : undefined]);
	}

	#describe(error: unknown): LlmxError {
		return cannotWrite(this.name, error);
	}
}

/** A journal cannot be written. */
export function cannotWrite(name: string, error: unknown): LlmxError {
	return new LlmxError(`cannot write ${name}: ${describeFileError(error)}`, {
		hint: `earlier results are intact; ${remedyFor(error)}run the same command again`,
		cause: error,
	});
}

/** A file is not what it should be, and so is not replaced. */
export function changedByOthers(name: string): LlmxError {
	return new LlmxError(`${name} was changed by another program, and is left as it is`, {
		hint: "see what is in it before you run the command again",
	});
}
