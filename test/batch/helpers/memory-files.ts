import { basename, dirname } from "node:path";
import type { FileFacts, Files } from "../../../src/state/file-system.ts";

interface MemoryFile {
	bytes: Buffer;
	mode: number;
	/** What would be left after a power cut. */
	durable: Buffer;
	readonly identity: string;
	modifiedMs: number;
}

interface Handle {
	readonly path: string;
	readonly file: MemoryFile;
	readonly append: boolean;
	position: number;
}

let inodes = 0;

function memoryFile(bytes = Buffer.from(new ArrayBuffer(0)), mode = 0o644): MemoryFile {
	const identity = `memory:${++inodes}`;
	return { bytes, mode, durable: Buffer.from(bytes), identity, modifiedMs: Date.now() };
}

/** Puts bytes into a file; its room doubles when it is full, so that many small writes stay cheap. */
function overwrite(file: MemoryFile, at: number, piece: Uint8Array): void {
	const size = Math.max(file.bytes.length, at + piece.length);
	const room = file.bytes.buffer.byteLength - file.bytes.byteOffset;
	if (size > room) {
		const larger = Buffer.from(new ArrayBuffer(size * 2 + 1024));
		file.bytes.copy(larger);
		file.bytes = larger.subarray(0, size);
	} else file.bytes = Buffer.from(file.bytes.buffer, file.bytes.byteOffset, size);
	file.bytes.set(piece, at);
}

function failure(code: string): Error {
	return Object.assign(new Error(`${code}: simulated`), { code });
}

/** A file system in memory whose operations can be made to fail. */
export class MemoryFiles implements Files {
	readonly content = new Map<string, MemoryFile>();
	/** What each name stood for when its folder was last brought onto the disk. */
	#durableNames = new Map<string, MemoryFile>();
	readonly #handles = new Map<number, Handle>();
	#nextHandle = 3;
	/** Counts every operation that could fail. */
	operations = 0;
	/** Called before each operation with its number and name; throws to make it fail. */
	onOperation: (number: number, name: string, path?: string) => void = () => {};
	/** At most so many bytes are given by one read. */
	readLimit = Number.POSITIVE_INFINITY;
	/** At most so many bytes are taken by one write; the rest needs another. */
	writeLimit = Number.POSITIVE_INFINITY;

	set(path: string, text: string | Uint8Array): void {
		// A buffer of its own: small ones share a pool.
		const source = Buffer.from(text as string);
		const bytes = Buffer.from(new ArrayBuffer(source.length));
		source.copy(bytes);
		const file = memoryFile(bytes);
		this.content.set(path, file);
		this.#durableNames.set(path, file);
	}

	/** Writes another content into the file that is there. */
	edit(path: string, text: string | Uint8Array): void {
		const file = this.content.get(path);
		if (file === undefined) throw failure("ENOENT");
		file.bytes = Buffer.from(new ArrayBuffer(0));
		overwrite(file, 0, Buffer.from(text as string));
	}

	/** What a machine finds after its power was cut: files and names as they were brought onto the disk. */
	afterPowerCut(): MemoryFiles {
		const left = new MemoryFiles();
		for (const [path, { durable }] of this.#durableNames) left.set(path, durable);
		return left;
	}

	text(path: string): string | undefined {
		return this.content.get(path)?.bytes.toString("utf8");
	}

	get openHandles(): number {
		return this.#handles.size;
	}

	open(path: string, flags: "r" | "r+" | "a+" | "ax+" | "wx+", mode = 0o644): number {
		this.#operation("open", flags === "r" ? undefined : path);
		let file = this.content.get(path);
		if (file === undefined) {
			if (flags.startsWith("r")) throw failure("ENOENT");
			file = memoryFile(undefined, mode & 0o644);
			this.content.set(path, file);
		} else if (flags.includes("x")) throw failure("EEXIST");
		const handle = this.#nextHandle++;
		this.#handles.set(handle, { path, file, append: flags.startsWith("a"), position: 0 });
		return handle;
	}

	close(handle: number): void {
		if (!this.#handles.delete(handle)) throw failure("EBADF");
	}

	read(handle: number, buffer: Uint8Array, offset: number, position: number): number {
		this.#operation("read");
		const { bytes } = this.#handle(handle).file;
		if (position >= bytes.length) return 0;
		const count = Math.min(buffer.length - offset, this.readLimit);
		return bytes.copy(buffer, offset, position, position + count);
	}

	write(handle: number, bytes: Uint8Array, offset: number, length: number, position?: number): number {
		const taken = Math.min(length, this.writeLimit);
		const entry = this.#handle(handle);
		let kept = taken;
		let error: unknown;
		try {
			this.#operation("write", entry.path);
		} catch (caught) {
			// A failing disk may have taken a part.
			error = caught;
			kept = Math.floor(taken / 2);
		}
		const at = entry.append ? entry.file.bytes.length : (position ?? entry.position);
		overwrite(entry.file, at, bytes.subarray(offset, offset + kept));
		if (position === undefined) entry.position = at + kept;
		entry.file.modifiedMs = Date.now();
		if (error) throw error;
		return taken;
	}

	truncate(handle: number, size: number): void {
		const { file, path } = this.#handle(handle);
		this.#operation("truncate", path);
		file.bytes = file.bytes.subarray(0, size);
	}

	facts(handle: number): FileFacts {
		return this.#facts(this.#handle(handle).file);
	}

	factsOf(path: string): FileFacts | undefined {
		const file = this.content.get(path);
		return file && this.#facts(file);
	}

	#facts(file: MemoryFile): FileFacts {
		const { bytes, mode, identity, modifiedMs } = file;
		const links = [...this.content.values()].filter((other) => other === file).length;
		return { size: bytes.length, mode, isRegular: true, identity, born: "", links, modifiedMs };
	}

	setMode(handle: number, mode: number): void {
		this.#operation("setMode");
		this.#handle(handle).file.mode = mode;
	}

	async datasync(handle: number): Promise<void> {
		const { file, path } = this.#handle(handle);
		const { bytes } = file;
		this.#operation("datasync", path);
		file.durable = Buffer.from(bytes);
	}

	sync(handle: number): void {
		this.#operation("sync");
		const { file } = this.#handle(handle);
		file.durable = Buffer.from(file.bytes);
	}

	rename(from: string, to: string): void {
		this.#operation("rename", from);
		const file = this.content.get(from);
		if (file === undefined) throw failure("ENOENT");
		this.content.set(to, file);
		this.content.delete(from);
	}

	link(from: string, to: string): void {
		this.#operation("link", from);
		const file = this.content.get(from);
		if (file === undefined) throw failure("ENOENT");
		if (this.content.has(to)) throw failure("EEXIST");
		this.content.set(to, file);
	}

	list(folder: string): string[] {
		return [...this.content.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path));
	}

	syncFolder(): void {
		this.#operation("syncFolder");
		this.#durableNames = new Map(this.content);
	}

	remove(path: string): void {
		this.#operation("remove", path);
		this.content.delete(path);
	}

	resolve(path: string): string {
		return path;
	}

	#handle(number: number): Handle {
		const handle = this.#handles.get(number);
		if (handle === undefined) throw failure("EBADF");
		return handle;
	}

	#operation(name: string, path?: string): void {
		this.operations += 1;
		this.onOperation(this.operations, name, path);
	}
}

/** An error as the file system gives it. */
export function fileError(code: string): Error {
	return failure(code);
}
