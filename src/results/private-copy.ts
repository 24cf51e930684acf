import { type Files, writeAll } from "../state/file-system.ts";
import { ChunkReader } from "../state/lines.ts";
import { temporaryName } from "../state/replace.ts";

const bufferBytes = 256 * 1024;

/**
 * What a journal holds, once more, where no other program can reach it: in a file without a name on the same disk,
 * which goes with the process. Should the journal be cut, replaced or written into by others, this is what it was.
 */
export class PrivateCopy {
	readonly #files: Files;
	readonly #file: number;
	/** The name where the system does not part with it while the file is open. */
	readonly #name: string | undefined;
	readonly #pending = Buffer.allocUnsafe(bufferBytes);
	#pendingBytes = 0;

	/** Copies what is in the open file `source` already. Throws the file system's error. */
	constructor(files: Files, path: string, source: number) {
		this.#files = files;
		const name = temporaryName(path);
		this.#file = files.open(name, "wx+", 0o600);
		let kept: string | undefined;
		try {
			files.remove(name);
		} catch {
			kept = name;
		}
		this.#name = kept;
		try {
			const reader = new ChunkReader(files, source);
			for (let chunk = reader.next(); chunk !== undefined; chunk = reader.next()) this.add(chunk);
		} catch (error) {
			this.close();
			throw error;
		}
	}

	/** Throws the file system's error; the copy is of no use then. */
	add(bytes: Uint8Array): void {
		if (this.#pendingBytes + bytes.length > bufferBytes) this.#flush();
		if (bytes.length > bufferBytes) writeAll(this.#files, this.#file, bytes);
		else {
			this.#pending.set(bytes, this.#pendingBytes);
			this.#pendingBytes += bytes.length;
		}
	}

	/** The open file, with all that was added in it; it ends with `close`. Throws the file system's error. */
	read(): number {
		this.#flush();
		return this.#file;
	}

	close(): void {
		this.#files.close(this.#file);
		if (this.#name !== undefined) this.#files.remove(this.#name);
	}

	#flush(): void {
		writeAll(this.#files, this.#file, this.#pending, this.#pendingBytes);
		this.#pendingBytes = 0;
	}
}
