import {
	chmodSync,
	closeSync,
	constants,
	fchmodSync,
	fstatSync,
	mkdirSync,
	openSync,
	readSync,
	realpathSync,
	statSync,
	writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { systemFiles } from "./file-system.ts";
import { replaceAtomically } from "./replace.ts";

const privateFolder = 0o700;
const privateFile = 0o600;

/** Creates a folder and its missing parents with mode 0700 whatever the umask; one that exists is left as it is. */
export function ensurePrivateFolder(path: string): void {
	if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
	const parent = dirname(path);
	if (parent !== path) ensurePrivateFolder(parent);
	try {
		mkdirSync(path, { mode: privateFolder });
		chmodSync(path, privateFolder);
	} catch (error) {
		// Another process was faster.
		if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
	}
}

/**
 * Opens a file with mode 0600 whatever the umask, creating it and its folder where they are missing. One of ours
 * that others could read is closed to them. The caller closes the descriptor.
 */
export function openPrivateFile(path: string, flags: number): number {
	let descriptor: number;
	try {
		descriptor = openSync(path, flags | constants.O_CREAT, privateFile);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		ensurePrivateFolder(dirname(path));
		descriptor = openSync(path, flags | constants.O_CREAT, privateFile);
	}
	try {
		const stats = fstatSync(descriptor);
		// A link to /dev/null is a way to keep nothing, and root must not close that to everybody.
		const ours = stats.isFile() && stats.uid === process.geteuid?.();
		if (ours && (stats.mode & 0o777) !== privateFile) fchmodSync(descriptor, privateFile);
	} catch (error) {
		closeSync(descriptor);
		throw error;
	}
	return descriptor;
}

/** Creates an empty private file unless it exists; closes an existing one to others. */
export function ensurePrivateFile(path: string): void {
	closeSync(openPrivateFile(path, constants.O_RDWR));
}

/**
 * Replaces a private file's whole content so that a reader, or a crash at any moment, sees the old or the new text and
 * never a mixture. Follows a symbolic link to the file it names. Throws the file system's error, with the old
 * content in place.
 */
export function replaceFile(path: string, text: string): void {
	const target = followLink(path);
	ensurePrivateFolder(dirname(target));
	replaceAtomically(systemFiles, target, (write) => write(Buffer.from(text, "utf8")), { mode: privateFile });
}

/** How often it is looked whether the path still leads to the file, at most. */
const lookEveryMs = 400;

/**
 * Appends whole lines to a text file that several processes may share: one write for a batch in append mode, begun
 * on a fresh line even when a killed writer left half a line behind. When another program removes the file or puts
 * another one in its place, what was appended since it was last seen is appended again there.
 */
export class LineAppender {
	readonly path: string;
	#descriptor: number | undefined;
	/** Some file systems number a file anew each time that they are asked; nothing can be told from that. */
	#hasIdentity = false;
	/** Monotonic ms. */
	#seenAt = 0;
	/** In the file, which was not seen at its path since. */
	#unseen: string[] = [];
	/** Were in a file that is gone, and are not in another yet. */
	#lost: string[] = [];

	constructor(path: string) {
		this.path = path;
	}

	/** Opens the file, which `append` does by itself, while there are descriptors. Throws the file system's error. */
	open(): number {
		if (this.#descriptor === undefined) {
			this.#descriptor = openPrivateFile(this.path, constants.O_RDWR | constants.O_APPEND);
			this.#hasIdentity = this.#leadsTo(this.#descriptor);
			this.#seenAt = performance.now();
		}
		return this.#descriptor;
	}

	/**
	 * Appends lines, each ending in a newline. Throws the file system's error; `onWritten` has then been told how many
	 * of them are in the file whole, and may count on the others being not.
	 */
	append(lines: readonly string[], onWritten: (count: number) => void = () => {}): void {
		if (performance.now() - this.#seenAt > lookEveryMs) this.#look();
		const descriptor = this.open();
		const lost = this.#lost;
		const all = lost.length === 0 ? lines : [...lost, ...lines];
		const isFresh = endsInNewline(descriptor);
		const bytes = Buffer.from(`${isFresh ? "" : "\n"}${all.join("")}`, "utf8");
		let written = 0;
		try {
			while (written < bytes.length) written += writeSync(descriptor, bytes, written);
		} finally {
			const part = bytes.subarray(isFresh ? 0 : 1, written);
			const count = written === bytes.length ? all.length : wholeLines(part);
			for (let index = 0; index < count; index += 1) this.#unseen.push(all[index] as string);
			this.#lost = lost.slice(count);
			onWritten(Math.max(0, count - lost.length));
		}
	}

	/** Makes what was appended survive a power cut. */
	sync(): void {
		this.#writeLost();
		if (this.#descriptor !== undefined) systemFiles.sync(this.#descriptor);
	}

	/** As `sync` without holding up the event loop. Rejects with the file system's error. */
	async datasync(): Promise<void> {
		this.#writeLost();
		if (this.#descriptor !== undefined) await systemFiles.datasync(this.#descriptor);
	}

	/** Gives up the lines that were in a file which is gone and could not be written again. */
	takeLost(): string[] {
		return this.#lost.splice(0);
	}

	/** Throws the file system's error when lines could not be written again: `takeLost` has them. */
	close(): void {
		try {
			this.#writeLost();
		} finally {
			this.#unseen = [];
			this.#close();
		}
	}

	#writeLost(): void {
		this.#look();
		if (this.#lost.length > 0) this.append([]);
	}

	#look(): void {
		const descriptor = this.#descriptor;
		if (descriptor === undefined || !this.#hasIdentity) return;
		this.#seenAt = performance.now();
		const unseen = this.#unseen.splice(0);
		if (this.#leadsTo(descriptor)) return;
		// Under another name they are where somebody wanted to have them.
		if (fstatSync(descriptor).nlink === 0) for (const line of unseen) this.#lost.push(line);
		this.#close();
	}

	#leadsTo(descriptor: number): boolean {
		const there = systemFiles.factsOf(this.path);
		return there !== undefined && there.identity === systemFiles.facts(descriptor).identity;
	}

	#close(): void {
		const descriptor = this.#descriptor;
		if (descriptor === undefined) return;
		this.#descriptor = undefined;
		closeSync(descriptor);
	}
}

function wholeLines(bytes: Uint8Array): number {
	let count = 0;
	for (const byte of bytes) if (byte === 0x0a) count += 1;
	return count;
}

function endsInNewline(descriptor: number): boolean {
	const { size } = fstatSync(descriptor);
	if (size === 0) return true;
	const last = Buffer.alloc(1);
	return readSync(descriptor, last, 0, 1, size - 1) === 1 && last[0] === 0x0a;
}

/** Where a link to an ordinary file leads; a link to a device is replaced itself, or root would replace the device. */
function followLink(path: string): string {
	const target = statSync(path, { throwIfNoEntry: false });
	return target?.isFile() ? realpathSync(path) : path;
}
