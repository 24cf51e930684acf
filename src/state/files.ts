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

/**
 * Appends whole lines to a text file that several processes may share: one write for a batch in append mode, begun
 * on a fresh line even when a killed writer left half a line behind.
 */
export class LineAppender {
	readonly path: string;
	#descriptor: number | undefined;

	constructor(path: string) {
		this.path = path;
	}

	/** Opens the file, which `append` does by itself, while there are descriptors. Throws the file system's error. */
	open(): number {
		this.#descriptor ??= openPrivateFile(this.path, constants.O_RDWR | constants.O_APPEND);
		return this.#descriptor;
	}

	/**
	 * Appends lines, each ending in a newline. Throws the file system's error; `onWritten` has then been told how many
	 * of them are in the file whole, and may count on the others being not.
	 */
	append(lines: readonly string[], onWritten: (count: number) => void = () => {}): void {
		const descriptor = this.open();
		const isFresh = endsInNewline(descriptor);
		const bytes = Buffer.from(`${isFresh ? "" : "\n"}${lines.join("")}`, "utf8");
		let written = 0;
		try {
			while (written < bytes.length) written += writeSync(descriptor, bytes, written);
		} finally {
			const part = bytes.subarray(isFresh ? 0 : 1, written);
			onWritten(written === bytes.length ? lines.length : wholeLines(part));
		}
	}

	/** Makes what was appended survive a power cut. */
	sync(): void {
		if (this.#descriptor !== undefined) systemFiles.sync(this.#descriptor);
	}

	/** As `sync` without holding up the event loop. Rejects with the file system's error. */
	async datasync(): Promise<void> {
		if (this.#descriptor !== undefined) await systemFiles.datasync(this.#descriptor);
	}

	close(): void {
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
