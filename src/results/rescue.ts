import { basename, dirname, join } from "node:path";
import { UsageError } from "../errors.ts";
import type { Files } from "../state/file-system.ts";
import { ChunkReader } from "../state/lines.ts";
import { writeBuffered } from "../state/replace.ts";

export interface RescueOptions {
	/** Writes what is to be in it. */
	readonly produce: (write: (bytes: Uint8Array) => void) => void;
	/** Of the file that was lost, and as messages name it. */
	readonly path: string;
	readonly name: string;
	/** Tried when its own folder takes no file. */
	readonly rescueFolders: readonly string[];
}

/** A new file, open for appending. */
export interface RescueFile {
	readonly file: number;
	readonly path: string;
	/** As messages name it. */
	readonly name: string;
}

/**
 * Puts what a file held into a new one beside it, or into the first folder that takes one.
 * @throws the file system's error when none does
 */
export function openRescueFile(files: Files, options: RescueOptions): RescueFile {
	const { produce, path, name, rescueFolders } = options;
	let failure: unknown;
	for (const folder of [dirname(path), ...rescueFolders]) {
		const isBeside = folder === dirname(path);
		const beside = isBeside ? name : join(folder, basename(path));
		try {
			const { file, name: rescueName } = createBeside(files, beside, "recovered", (candidate) =>
				isBeside ? join(folder, basename(candidate)) : candidate,
			);
			const rescued = { file, name: rescueName, path: join(folder, basename(rescueName)) };
			try {
				writeBuffered(files, file, produce);
				files.sync(file);
				files.syncFolder(folder);
				return rescued;
			} catch (error) {
				files.close(file);
				files.remove(rescued.path);
				throw error;
			}
		} catch (error) {
			failure = error;
		}
	}
	throw failure;
}

/** Hands on the first bytes of an open file, or as many as there are. */
export function copyBytes(
	files: Files,
	source: number,
	size: number,
	write: (bytes: Uint8Array) => void,
): void {
	const reader = new ChunkReader(files, source);
	for (let left = size; left > 0; ) {
		const chunk = reader.next();
		if (chunk === undefined) return;
		write(chunk.subarray(0, left));
		left -= chunk.length;
	}
}

/**
 * Makes a new file named after another: `r.jsonl` -> `r.WORD.jsonl`, or `r.WORD-2.jsonl` when there is one already.
 * `pathOf` tells the path of a name.
 */
export function createBeside(
	files: Files,
	name: string,
	word: string,
	pathOf: (name: string) => string,
): { readonly file: number; readonly name: string } {
	const stem = name.replace(/\.jsonl$/, "");
	for (let number = 1; number < 1000; number += 1) {
		const candidate = `${stem}.${word}${number === 1 ? "" : `-${number}`}.jsonl`;
		try {
			return { file: files.open(pathOf(candidate), "ax+"), name: candidate };
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		}
	}
	throw new UsageError(`there are too many files named ${stem}.${word}-N.jsonl`);
}
