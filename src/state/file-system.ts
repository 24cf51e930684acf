import {
	closeSync,
	fchmodSync,
	fdatasync,
	fstatSync,
	fsyncSync,
	ftruncateSync,
	linkSync,
	openSync,
	readdirSync,
	readSync,
	realpathSync,
	renameSync,
	rmSync,
	statSync,
	writeSync,
} from "node:fs";

export { describeFileError } from "./file-errors.ts";

export interface FileFacts {
	readonly size: number;
	readonly mode: number;
	readonly isRegular: boolean;
	/** Device and inode: equal for two paths, or a path and a descriptor, exactly when they are one file. */
	readonly identity: string;
	/** When the file was made; it tells a file from an earlier one whose inode it was given. */
	readonly born: string;
	/** How many names the file has. */
	readonly links: number;
	/** By the clock of whoever keeps the file, which may be another machine; ms since 1970. */
	readonly modifiedMs: number;
}

/**
 * The few file operations that what must not be lost is written with, so that tests can fail each of them. All but
 * `datasync` are synchronous: a record is on its way to the disk when `write` returns, and one call costs microseconds.
 */
export interface Files {
	/** `wx+` and, for appending, `ax+` make a new file and never follow a link; `mode` is for new files, before the umask. */
	open(path: string, flags: "r" | "r+" | "a+" | "ax+" | "wx+", mode?: number): number;
	close(file: number): void;
	/** Reads at most `buffer.length - offset` bytes at `position`; 0 at the end. */
	read(file: number, buffer: Uint8Array, offset: number, position: number): number;
	/**
	 * Writes at the end (append mode) or at the current position, or at a given `position`, and returns how many bytes
	 * were taken.
	 */
	write(file: number, bytes: Uint8Array, offset: number, length: number, position?: number): number;
	truncate(file: number, size: number): void;
	facts(file: number): FileFacts;
	/** Of what a path leads to, through links; undefined when nothing is there. */
	factsOf(path: string): FileFacts | undefined;
	setMode(file: number, mode: number): void;
	/** Asks the disk for what was written, without holding up the event loop. */
	datasync(file: number): Promise<void>;
	sync(file: number): void;
	rename(from: string, to: string): void;
	/** Gives a file a second name; fails with EEXIST when there is something of that name. */
	link(from: string, to: string): void;
	/** Makes a new or renamed file of a folder survive a power cut. */
	syncFolder(path: string): void;
	remove(path: string): void;
	/** The names in a folder. */
	list(folder: string): string[];
	/** The path with links followed; the same path when nothing is there. */
	resolve(path: string): string;
}

function toFacts(stats: {
	size: bigint;
	mode: bigint;
	dev: bigint;
	ino: bigint;
	nlink: bigint;
	mtimeMs: bigint;
	birthtimeNs: bigint;
	isFile(): boolean;
}): FileFacts {
	return {
		size: Number(stats.size),
		mode: Number(stats.mode) & 0o777,
		isRegular: stats.isFile(),
		// As text: inodes of Windows do not fit into a number.
		identity: `${stats.dev}:${stats.ino}`,
		born: String(stats.birthtimeNs),
		links: Number(stats.nlink),
		modifiedMs: Number(stats.mtimeMs),
	};
}

export const systemFiles: Files = {
	open: (path, flags, mode = 0o666) => openSync(path, flags, mode),
	close: closeSync,
	read: (file, buffer, offset, position) => readSync(file, buffer, offset, buffer.length - offset, position),
	write: (file, bytes, offset, length, position) => writeSync(file, bytes, offset, length, position),
	truncate: ftruncateSync,
	facts: (file) => toFacts(fstatSync(file, { bigint: true })),
	factsOf: (path) => {
		try {
			const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
			return stats && toFacts(stats);
		} catch (error) {
			// A part of the path is a file.
			if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
			throw error;
		}
	},
	setMode: fchmodSync,
	datasync: (file) =>
		new Promise((resolve, reject) => fdatasync(file, (error) => (error ? reject(error) : resolve()))),
	sync: fsyncSync,
	rename: (from, to) => patiently(() => renameSync(from, to)),
	link: linkSync,
	syncFolder: (path) => syncFolder(path),
	remove: (path) => patiently(() => rmSync(path, { force: true })),
	list: (folder) => readdirSync(folder),
	resolve: (path) => {
		try {
			return realpathSync(path);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "ENOENT") return path;
			throw error;
		}
	},
};

/** Makes a rename or a new file in a folder survive a power cut. Windows cannot open folders and needs no such thing. */
export function syncFolder(folder: string, platform: NodeJS.Platform = process.platform): void {
	if (platform === "win32") return;
	const descriptor = openSync(folder, "r");
	try {
		fsyncSync(descriptor);
	} finally {
		closeSync(descriptor);
	}
}

/** Writes all of `bytes` up to `length`, also when the file system takes fewer at a time. */
export function writeAll(
	files: Pick<Files, "write">,
	file: number,
	bytes: Uint8Array,
	length = bytes.length,
): void {
	for (let written = 0; written < length; ) written += files.write(file, bytes, written, length - written);
}

/** Together 2 s, in ms. */
const pauses = [10, 20, 50, 100, 200, 300, 500, 820];

/**
 * Does something with a file again while Windows refuses it, as it does for as long as a scanner, an indexer or
 * another program has the file open. Elsewhere the first refusal is final.
 */
export function patiently<T>(
	operation: () => T,
	platform: NodeJS.Platform = process.platform,
	sleep: (ms: number) => void = (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
): T {
	for (const pause of platform === "win32" ? pauses : []) {
		try {
			return operation();
		} catch (error) {
			const { code = "" } = error as NodeJS.ErrnoException;
			if (!["EPERM", "EACCES", "EBUSY"].includes(code)) throw error;
			sleep(pause);
		}
	}
	return operation();
}
