import {
	closeSync,
	fchmodSync,
	fdatasync,
	fstatSync,
	fsyncSync,
	ftruncateSync,
	openSync,
	readSync,
	realpathSync,
	renameSync,
	rmSync,
	statSync,
	writeSync,
} from "node:fs";
import { syncFolder } from "./files.ts";

export { describeFileError } from "./file-errors.ts";

export interface FileFacts {
	readonly size: number;
	readonly mode: number;
	readonly isRegular: boolean;
}

/**
 * The few file operations that the batch needs, so that tests can fail each of them. All but `datasync` are
 * synchronous: a record is on its way to the disk when `write` returns, and one call costs microseconds.
 */
export interface Files {
	open(path: string, flags: "r" | "w" | "a+"): number;
	close(file: number): void;
	/** Reads at most `buffer.length - offset` bytes at `position`; 0 at the end. */
	read(file: number, buffer: Uint8Array, offset: number, position: number): number;
	/** Writes at the end (append mode) or at the current position, and returns how many bytes were taken. */
	write(file: number, bytes: Uint8Array, offset: number, length: number): number;
	truncate(file: number, size: number): void;
	facts(file: number): FileFacts;
	/** Undefined when nothing is there. */
	factsOf(path: string): FileFacts | undefined;
	setMode(file: number, mode: number): void;
	/** Asks the disk for what was written, without holding up the event loop. */
	datasync(file: number): Promise<void>;
	sync(file: number): void;
	rename(from: string, to: string): void;
	/** Makes a new or renamed file of a folder survive a power cut. */
	syncFolder(path: string): void;
	remove(path: string): void;
	/** The path with links followed; the same path when nothing is there. */
	resolve(path: string): string;
}

function toFacts(stats: { size: number; mode: number; isFile(): boolean }): FileFacts {
	return { size: stats.size, mode: stats.mode & 0o777, isRegular: stats.isFile() };
}

export const systemFiles: Files = {
	open: (path, flags) => openSync(path, flags, 0o666),
	close: closeSync,
	read: (file, buffer, offset, position) => readSync(file, buffer, offset, buffer.length - offset, position),
	write: (file, bytes, offset, length) => writeSync(file, bytes, offset, length),
	truncate: ftruncateSync,
	facts: (file) => toFacts(fstatSync(file)),
	factsOf: (path) => {
		const stats = statSync(path, { throwIfNoEntry: false });
		return stats && toFacts(stats);
	},
	setMode: fchmodSync,
	datasync: (file) =>
		new Promise((resolve, reject) => fdatasync(file, (error) => (error ? reject(error) : resolve()))),
	sync: fsyncSync,
	rename: renameSync,
	syncFolder,
	remove: (path) => rmSync(path, { force: true }),
	resolve: (path) => {
		try {
			return realpathSync(path);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "ENOENT") return path;
			throw error;
		}
	},
};

/** Writes all of `bytes` up to `length`, also when the file system takes fewer at a time. */
export function writeAll(files: Files, file: number, bytes: Uint8Array, length = bytes.length): void {
	for (let written = 0; written < length; ) {
		written += files.write(file, bytes, written, length - written);
	}
}
