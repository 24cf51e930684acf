import { type Files, writeAll } from "../state/file-system.ts";
import { temporaryName } from "../state/replace.ts";
import { copyBytes } from "./rescue.ts";

const bufferBytes = 256 * 1024;

/**
 * What a journal holds, once more, where no other program can reach it: in a file without a name on the same disk,
 * which goes with the process. Should the journal be cut, replaced or written into by others, this is what it was.
 * A copy that there is no room for is given up: the run is then as safe as the file is.
 */
export class PrivateCopy {
	#kept: NamelessFile | undefined;

	/** Copies the first `size` bytes of the open file `source`: what is behind them is nobody's record. */
	constructor(files: Files, path: string, source: number, size: number) {
		try {
			this.#kept = new NamelessFile(files, path, source, size);
		} catch {
			// Given up from the beginning.
		}
	}

	add(bytes: Uint8Array): void {
		this.#attempt((kept) => kept.add(bytes));
	}

	/** The open file, with all that was added in it; undefined when it was given up. It ends with `close`. */
	read(): number | undefined {
		return this.#attempt((kept) => kept.read());
	}

	/** Gives it up, and says whether there was one. */
	close(): boolean {
		const kept = this.#kept;
		// A descriptor that is closed twice may be somebody else's by then.
		this.#kept = undefined;
		kept?.close();
		return kept !== undefined;
	}

	#attempt<T>(action: (kept: NamelessFile) => T): T | undefined {
		try {
			return this.#kept && action(this.#kept);
		} catch {
			this.close();
			return undefined;
		}
	}
}

class NamelessFile {
	readonly #files: Files;
	readonly #file: number;
	/** The name where the system does not part with it while the file is open. */
	readonly #name: string | undefined;
	readonly #pending = Buffer.allocUnsafe(bufferBytes);
	#pendingBytes = 0;

	/** Throws the file system's error. */
	constructor(files: Files, path: string, source: number, size: number) {
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
			copyBytes(files, source, size, (bytes) => this.add(bytes));
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
		if (this.#name === undefined) return;
		try {
			this.#files.remove(this.#name);
		} catch {
			// A later run clears it away.
		}
	}

	#flush(): void {
		writeAll(this.#files, this.#file, this.#pending, this.#pendingBytes);
		this.#pendingBytes = 0;
	}
}
