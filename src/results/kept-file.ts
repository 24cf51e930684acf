import { crc32 } from "node:zlib";
import { LlmxError } from "../errors.ts";
import type { Files } from "../state/file-system.ts";
import { PrivateCopy } from "./private-copy.ts";
import { cannotWrite, changedByOthers } from "./record-file.ts";
import { replaceOutput } from "./rewrite.ts";
import { checksumOf, type FileContent, type JournalState, stands } from "./scan.ts";

/**
 * A file of records that is going to be written anew between two runs. What a scan has found in it is kept where no
 * other program can reach it, and it is replaced only as long as it is what it was.
 */
export class KeptFile {
	readonly #files: Files;
	readonly #path: string;
	readonly #name: string;
	#copy: PrivateCopy | undefined;
	/** Undefined while there is no such file. */
	#content: FileContent | undefined;
	#hasIdentity = true;

	/**
	 * Copies what is there.
	 * @throws LlmxError when that cannot be done, or is no longer what the scan has found
	 */
	constructor(files: Files, path: string, name: string, state: JournalState) {
		this.#files = files;
		this.#path = files.resolve(path);
		this.#name = name;
		if (!state.exists) return;
		try {
			this.#keep(state);
		} catch (error) {
			this.close();
			throw error instanceof LlmxError ? error : cannotWrite(name, error);
		}
	}

	/** The records that the scan has found, in an open file; undefined when there was none. */
	get records(): number | undefined {
		return this.#copy?.read();
	}

	/** Whether its path leads to what was found or put there, byte by byte. */
	isInPlace(): boolean {
		const content = this.#content;
		if (content === undefined) return this.#files.factsOf(this.#path) === undefined;
		return stands(this.#files, this.#path, content, this.#hasIdentity);
	}

	/**
	 * Replaces the file, provided that it and another one, which has what is no longer going to be in this one, are as
	 * they should be.
	 * @throws LlmxError when they are not, or it could not be written; the old one is then in place
	 */
	replace(produce: (write: (bytes: Uint8Array) => void) => void, other?: KeptFile): void {
		const content = { size: 0, checksum: 0 };
		const note = (write: (bytes: Uint8Array) => void) =>
			produce((bytes) => {
				content.size += bytes.length;
				content.checksum = crc32(bytes, content.checksum);
				write(bytes);
			});
		const confirm = () => {
			this.#mustBeInPlace();
			if (other !== undefined) other.#mustBeInPlace();
		};
		const { identity } = replaceOutput(this.#files, this.#path, this.#name, note, { confirm });
		this.#content = { ...content, identity };
	}

	/** Removes the file, as `replace` does with an empty one. */
	remove(other: KeptFile): void {
		other.#mustBeInPlace();
		this.#mustBeInPlace();
		this.#files.remove(this.#path);
		this.#content = undefined;
	}

	/** Closes the copy. */
	close(): void {
		this.#copy?.close();
	}

	#keep({ size, tornBytes, checksum }: JournalState): void {
		const files = this.#files;
		const file = files.open(this.#path, "r");
		try {
			const facts = files.facts(file);
			this.#copy = new PrivateCopy(files, this.#path, file, size);
			const copied = this.#copy.read();
			if (copied === undefined) throw Object.assign(new Error("no room for a copy"), { code: "ENOSPC" });
			if (facts.size !== size + tornBytes || checksumOf(files, copied, size) !== checksum)
				throw changedByOthers(this.#name);
			this.#hasIdentity = files.factsOf(this.#path)?.identity === facts.identity;
			this.#content = {
				identity: facts.identity,
				size: facts.size,
				checksum: checksumOf(files, file, facts.size),
			};
		} finally {
			files.close(file);
		}
	}

	#mustBeInPlace(): void {
		if (!this.isInPlace()) throw changedByOthers(this.#name);
	}
}
