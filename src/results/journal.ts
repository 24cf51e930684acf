import { dirname } from "node:path";
import { LlmxError } from "../errors.ts";
import { describeFileError, type Files } from "../state/file-system.ts";
import { readLines } from "../state/lines.ts";
import { PrivateCopy } from "./private-copy.ts";
import { RecordBuffer } from "./record-buffer.ts";
import { cannotWrite, changedByOthers, RecordFile } from "./record-file.ts";
import type { RecordKey } from "./records.ts";
import { copyBytes, openRescueFile } from "./rescue.ts";
import { checksumOf, type FileContent, type JournalState, stands } from "./scan.ts";

/** How often it is looked whether the file is still there and as long as it should be. */
const checkEveryMs = 400;

export interface JournalOptions {
	readonly files: Files;
	readonly path: string;
	/** As messages name it. */
	readonly name: string;
	/** What its records are, in the plural. */
	readonly noun: string;
	/** What a scan has found in it. */
	readonly state: JournalState;
	/** Tells a record from other lines. */
	readonly readKey: (line: string) => RecordKey | undefined;
	/** Records are going to be added, which the file alone is not trusted with. */
	readonly keepsCopy: boolean;
	/** Where records go when the file is gone and its folder cannot be written to. */
	readonly rescueFolders: readonly string[];
	/** False once the file is another process's. */
	readonly isHeld?: (() => boolean) | undefined;
	/** Hears that nothing more should be sent, because the file is gone, cut off or written to by another run. */
	readonly onTrouble: (error: LlmxError) => void;
	/** Brings to the disk what belongs to the records, whenever they go there. Never rejects. */
	readonly alsoSync?: (() => Promise<void>) | undefined;
}

/**
 * A file of records that is only appended to. Nothing that another program does to it loses a record: it is compared
 * with what was written, of which there is a private copy.
 */
export class Journal {
	readonly #options: JournalOptions;
	readonly #files: Files;
	#path: string;
	#target: RecordFile;
	#copy: PrivateCopy | undefined;
	#records: number;
	/** How long the file was when that was last looked at, and how many records were written since. */
	#checkedSize: number;
	#recordsSinceCheck = 0;
	/** Some file systems number a file anew each time that they are asked; nothing can be told from that. */
	readonly #hasIdentity: boolean;
	readonly #watch: NodeJS.Timeout;
	readonly #buffer = new RecordBuffer();
	/** What has taken the place of the file that was written: the same records in another order. */
	#arranged: FileContent | undefined;
	/** What another program did to the file. */
	#trouble: LlmxError | undefined;
	#isShared = false;
	#isLost = false;

	/**
	 * Opens the file for appending behind its last whole record.
	 * @throws LlmxError when it cannot be opened or written, or is no longer what the scan has found
	 */
	constructor(options: JournalOptions) {
		const { files, path, name, state, alsoSync } = options;
		const { size, checksum } = state;
		this.#options = options;
		this.#files = files;
		this.#path = path;
		this.#records = state.records;
		this.#checkedSize = size;
		let file: number;
		try {
			file = files.open(path, "a+");
		} catch (error) {
			throw cannotWrite(name, error);
		}
		this.#target = new RecordFile({ files, file, name, size, checksum, alsoSync });
		try {
			if (!state.exists) files.syncFolder(dirname(path));
			const facts = files.facts(file);
			if (facts.size !== size + state.tornBytes) throw changedByOthers(this.name);
			this.#hasIdentity = files.factsOf(path)?.identity === facts.identity;
			if (state.tornBytes > 0) files.truncate(file, size);
			if (options.keepsCopy) this.#copyWhatIsThere();
			if (state.unended) this.#append("", 0);
		} catch (error) {
			this.#copy?.close();
			this.#target.close();
			throw error instanceof LlmxError ? error : cannotWrite(name, error);
		}
		this.#watch = setInterval(() => this.check(), checkEveryMs);
		this.#watch.unref();
	}

	/** Where the records are at present: no longer at the first path when the file there was lost. */
	get path(): string {
		return this.#path;
	}

	get name(): string {
		return this.#target.name;
	}

	/** The open file itself, with all that others did to it. */
	get file(): number {
		return this.#target.file;
	}

	/** Bytes of whole records. */
	get size(): number {
		return this.#target.size;
	}

	/** What another program did to the file, so that the records are not in it, or not alone. */
	get trouble(): LlmxError | undefined {
		return this.#trouble;
	}

	get isArranged(): boolean {
		return this.#arranged !== undefined;
	}

	/** Others have put something into the file, as far as its length tells. */
	get hasGrown(): boolean {
		return this.#target.foreignBytes > 0;
	}

	/** Where the records were brought to, for people; undefined when they are where they belong. */
	get rescueNote(): string | undefined {
		const { noun, name, path } = this.#options;
		if (this.#path === path) return undefined;
		if (!this.#isAsWritten()) return `some ${noun} could not be saved: see ${this.name}`;
		return `all ${this.#records} ${noun} are in ${this.name}; move it to ${name} before you run the command again`;
	}

	/**
	 * Writes one record, given without its newline, and returns its position among the bytes of the journal.
	 * @throws LlmxError when it could not be written whole; the file then holds what it held before
	 */
	append(record: string): number {
		return this.#append(record, 1);
	}

	/**
	 * Writes records that are known at one time in one write, and returns their positions. Undefined when they could not
	 * be written: the file then holds what it held before, and each is to be tried alone.
	 */
	appendTogether(records: readonly string[]): readonly number[] | undefined {
		const { size } = this.#target;
		const { bytes, offsets } = this.#buffer.encode(records);
		if (!this.#target.appendTogether(bytes, records.length)) return undefined;
		this.#noteWritten(bytes, records.length);
		return offsets.map((offset) => size + offset);
	}

	/** Looks whether the path still leads to the file, and whether the file is as long as it should be. */
	check(): void {
		if (this.#isLost || this.#options.isHeld?.() === false) return;
		let lost: string | undefined;
		try {
			const there = this.#files.factsOf(this.#path);
			const { identity, size } = this.#expected;
			if (there === undefined) lost = "removed or renamed";
			else if (this.#hasIdentity && there.identity !== identity) lost = "replaced by another file";
			else if (there.size < size + this.#target.foreignBytes) lost = "cut off";
			else if (this.#arranged === undefined) this.#noteGrowth(there.size);
		} catch {
			return; // What cannot be looked at now is looked at again soon.
		}
		if (lost !== undefined) this.saveElsewhere(lost);
	}

	/** Another file with these records has taken the place of the one that was written. */
	arrangedAs(content: FileContent): void {
		this.#arranged = content;
		this.#target.foreignBytes = 0;
	}

	/** Whether the path leads to what was put there, byte by byte. */
	isInPlace(): boolean {
		const file = this.#arranged === undefined ? this.file : undefined;
		return stands(this.#files, this.#path, this.#expected, this.#hasIdentity, file);
	}

	/** Brings everything onto the disk. Throws LlmxError when a record was not kept, or not in this file. */
	async settle(): Promise<void> {
		await this.#target.sync();
		this.check();
		await this.#target.sync();
		const failure = this.#trouble ?? this.#target.failure;
		if (failure !== undefined) throw failure;
	}

	/**
	 * The records in an open file, exactly as and where they were written: in the private copy, which no other program
	 * can change, or in the file itself when there is none and the file is byte by byte what was written into it.
	 * @throws LlmxError when it is not
	 */
	source(): { readonly file: number; readonly isPrivate: boolean } {
		const copied = this.#copy?.read();
		if (copied !== undefined && checksumOf(this.#files, copied, this.#target.size) === this.#target.checksum)
			return { file: copied, isPrivate: true };
		if (this.#isAsWritten()) return { file: this.file, isPrivate: false };
		throw changedByOthers(this.name);
	}

	/** Gives up the private copy; false when there is none. */
	makeRoom(): boolean {
		return this.#copy?.close() ?? false;
	}

	/** Closes the files; what was written stays. */
	dispose(): void {
		clearInterval(this.#watch);
		this.#copy?.close();
		this.#target.close();
	}

	#append(record: string, count: number): number {
		const offset = this.#target.size;
		const { bytes } = this.#buffer.encode([record]);
		// The copy may be what fills the disk.
		this.#target.append(bytes, () => this.makeRoom());
		this.#noteWritten(bytes, count);
		return offset;
	}

	#noteWritten(bytes: Uint8Array, count: number): void {
		this.#copy?.add(bytes);
		this.#records += count;
		this.#recordsSinceCheck += count;
	}

	get #expected(): FileContent {
		const { file, size, checksum } = this.#target;
		return this.#arranged ?? { identity: this.#files.facts(file).identity, size, checksum };
	}

	#isAsWritten(): boolean {
		const { file, size, checksum } = this.#target;
		return this.#files.facts(file).size === size && checksumOf(this.#files, file, size) === checksum;
	}

	/** More records than this run has written are those of another run. */
	#noteGrowth(size: number): void {
		const [written, from] = [this.#recordsSinceCheck, this.#checkedSize];
		this.#recordsSinceCheck = 0;
		this.#checkedSize = size;
		if (size === this.#target.size + this.#target.foreignBytes) return;
		this.#target.foreignBytes = size - this.#target.size;
		let found = 0;
		for (const { text, problem } of readLines(this.#files, this.file, { from }))
			if (problem === undefined && this.#options.readKey(text) !== undefined) found += 1;
		if (found <= written || this.#isShared) return;
		this.#isShared = true;
		this.#trouble = new LlmxError(`another run writes to ${this.name} too`, {
			hint: "wait for it to end, then run the same command again",
		});
		this.#options.onTrouble(this.#trouble);
	}

	/** Goes on in a file of its own beside the one that was lost. */
	saveElsewhere(lost: string): void {
		const { noun, name, rescueFolders, alsoSync } = this.#options;
		const message = `${this.name} was ${lost} while the run was writing to it`;
		try {
			const { size, checksum } = this.#target;
			const source = this.#copy?.read() ?? this.file;
			const produce = (write: (bytes: Uint8Array) => void) => copyBytes(this.#files, source, size, write);
			const opened = openRescueFile(this.#files, { produce, path: this.#path, name, rescueFolders });
			this.#target.close();
			this.#target = new RecordFile({ ...opened, files: this.#files, size, checksum, alsoSync });
			this.#path = opened.path;
			this.#arranged = undefined;
			this.#checkedSize = size;
			this.#recordsSinceCheck = 0;
			this.#trouble = new LlmxError(message);
		} catch (error) {
			this.#isLost = true;
			this.#trouble = new LlmxError(`${message}, and its ${noun} could not be saved elsewhere`, {
				hint: describeFileError(error),
				cause: error,
			});
		}
		this.#options.onTrouble(this.#trouble);
	}

	#copyWhatIsThere(): void {
		const { size, checksum } = this.#target;
		this.#copy = new PrivateCopy(this.#files, this.#path, this.file, size);
		const copied = this.#copy.read();
		if (copied !== undefined && checksumOf(this.#files, copied, size) !== checksum)
			throw changedByOthers(this.name);
	}
}
