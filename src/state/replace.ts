import { basename, dirname, join } from "node:path";
import { type FileFacts, type Files, writeAll } from "./file-system.ts";
import { processTable } from "./process-identity.ts";

const outBytes = 256 * 1024;
/** A long name of a file leaves room for what is put around it: file systems take 255 bytes. */
const nameLength = 60;
const extension = ".llmx-tmp";
/** A process of which nobody here knows whether it lives has left an older file behind. */
const leftoverAgeMs = 60_000;

export interface ReplaceOptions {
	/** Of the new file; without it that of the old one, or what the umask leaves of 0666. */
	readonly mode?: number | undefined;
	/** Called when the new content is on the disk and the old one is about to go; what it throws keeps the old one. */
	readonly confirm?: (() => void) | undefined;
}

/**
 * Replaces a file with what `produce` writes, so that a reader, or a crash at any moment, finds the old or the new
 * content and never a mixture. The path is replaced itself, so a link is to be followed before. The new content is
 * collected in a file of a random name that is made for it alone: nothing that is there is written over.
 * @returns what the file is that is there now
 * @throws the file system's error, or that of `produce` or `confirm`, with the old content in place
 */
export function replaceAtomically(
	files: Files,
	path: string,
	produce: (write: (bytes: Uint8Array) => void) => void,
	options: ReplaceOptions = {},
): FileFacts {
	const folder = dirname(path);
	removeLeftovers(files, path);
	const temporary = temporaryName(path);
	const mode = options.mode ?? files.factsOf(path)?.mode;
	const file = files.open(temporary, "wx+", mode === undefined ? 0o666 : mode & 0o700);
	let facts: FileFacts;
	try {
		try {
			if (mode !== undefined) files.setMode(file, mode);
			writeBuffered(files, file, produce);
			files.sync(file);
			facts = files.facts(file);
		} finally {
			files.close(file);
		}
		options.confirm?.();
		files.rename(temporary, path);
	} catch (error) {
		try {
			files.remove(temporary);
		} catch {
			// The next rewrite clears it away; the error that led here is the one to tell.
		}
		throw error;
	}
	files.syncFolder(folder);
	return facts;
}

/** Hands `produce` a way to write many small pieces in few calls. */
export function writeBuffered(
	files: Files,
	file: number,
	produce: (write: (bytes: Uint8Array) => void) => void,
): void {
	const buffer = Buffer.allocUnsafe(outBytes);
	let length = 0;
	produce((bytes) => {
		if (length + bytes.length > buffer.length) {
			writeAll(files, file, buffer, length);
			length = 0;
		}
		if (bytes.length > buffer.length) writeAll(files, file, bytes);
		else {
			buffer.set(bytes, length);
			length += bytes.length;
		}
	});
	writeAll(files, file, buffer, length);
}

/** A new hidden name beside a file, which `wx+` is to make. */
export function temporaryName(path: string): string {
	const random = Math.floor(Math.random() * 2 ** 50).toString(36);
	return join(dirname(path), `${prefixOf(path)}${process.pid}.${kernel()}.${random}${extension}`);
}

function prefixOf(path: string): string {
	return `.${basename(path).slice(0, nameLength)}.`;
}

/**
 * Removes what killed processes left beside a file when they were replacing it: of this machine at once, of others,
 * whose processes cannot be looked for, after a minute.
 */
export function removeLeftovers(files: Files, path: string): void {
	const folder = dirname(path);
	const prefix = prefixOf(path);
	for (const name of files.list(folder)) {
		if (!name.startsWith(prefix)) continue;
		const [, pid, madeUnder] = madeBy.exec(name.slice(prefix.length)) ?? [];
		if (pid === undefined) continue;
		const leftover = join(folder, name);
		const facts = files.factsOf(leftover);
		if (!facts?.isRegular) continue;
		const isDead = madeUnder === kernel() && madeUnder !== unknownKernel && !processTable().isRunning(+pid);
		if (isDead || Date.now() - facts.modifiedMs > leftoverAgeMs) files.remove(leftover);
	}
}

const madeBy = /^(\d+)\.([0-9a-z]+)\.[0-9a-z]+\.llmx-tmp$/;
const unknownKernel = "0";
let knownKernel: string | undefined;

/** Under which a pid means this process. */
function kernel(): string {
	if (knownKernel === undefined) {
		const { platform, boot, space } = processTable();
		const isKnown = platform === "linux" && boot !== "" && space !== "";
		// Loaded here, because most of those who import this write no file.
		const { crc32 } = process.getBuiltinModule("node:zlib");
		knownKernel = isKnown ? crc32(`${boot} ${space}`).toString(36) : unknownKernel;
	}
	return knownKernel;
}
