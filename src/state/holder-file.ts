import { type Files, systemFiles, writeAll } from "./file-system.ts";
import {
	findProcess,
	identifyProcess,
	type ProcessIdentity,
	type ProcessTable,
	readIdentity,
} from "./process-identity.ts";
import { temporaryName } from "./replace.ts";

/** Who holds a file, as far as the file says it. */
export interface FileHolder extends ProcessIdentity {
	/** Of this one holding. */
	readonly id: string;
}

export interface HolderFileOptions {
	readonly table: ProcessTable;
	readonly files?: Files;
	/** A holder of another machine or container that has not touched the file for so long, in ms, is no more. */
	readonly silentAfterMs: number;
	/**
	 * Waits for as long as one that lives needs to touch the file: a clock that is set makes a file old, or young, without
	 * anybody being silent. Without it an age is believed.
	 */
	readonly observe?: (() => Promise<void>) | undefined;
}

/** The result of trying to hold a file. */
export type Holding =
	| { readonly own: HolderFile }
	/** Null when the file cannot be understood. */
	| { readonly by: FileHolder | undefined; readonly isElsewhere: boolean };

/**
 * Takes a file that stands for something only one process may have, without waiting: the file is made with its whole
 * content at once, or not at all. A file whose holder is no more is taken over, by exactly one of those who try:
 * whoever holds the file named after the dead holder. Ages are by the clock of whoever keeps the files.
 * @throws the file system's error
 */
export async function takeHolderFile(path: string, options: HolderFileOptions): Promise<Holding> {
	const { table, files = systemFiles } = options;
	const { hash, randomBytes } = process.getBuiltinModule("node:crypto");
	const mine: FileHolder = { id: randomBytes(8).toString("hex"), ...(await identifyProcess(table)) };
	const text = `${JSON.stringify(mine)}\n`;
	const draft = temporaryName(path);
	const file = files.open(draft, "wx+", 0o644);
	let isDraftThere = true;
	try {
		writeAll(files, file, Buffer.from(text));
		for (;;) {
			if (create(files, draft, path, text)) return { own: new HolderFile(files, path, text) };
			const found = read(files, path);
			if (found === undefined) continue;
			const holder = parse(found.text);
			const state = holder === undefined ? "unknown" : await findProcess(table, holder);
			const silentMs = Math.abs(files.facts(file).modifiedMs - found.modifiedMs);
			const held = { by: holder, isElsewhere: state === "unknown" && table.platform !== "win32" };
			if (state === "alive" || (state === "unknown" && silentMs < options.silentAfterMs)) return held;
			if (state === "unknown" && options.observe !== undefined) {
				await options.observe();
				const now = read(files, path);
				if (now !== undefined && now.modifiedMs !== found.modifiedMs) return held;
			}
			const heir = holder?.id ?? hash("sha1", found.text).slice(0, 16);
			const right = await takeHolderFile(`${path}.${heir}`, options);
			if ("by" in right) return right;
			try {
				// Nobody else may replace the file of this holder; that it is still there must be seen while one may.
				if (read(files, path)?.text !== found.text) continue;
				files.rename(draft, path);
				isDraftThere = false;
				return { own: new HolderFile(files, path, text) };
			} finally {
				right.own.release();
			}
		}
	} finally {
		files.close(file);
		if (isDraftThere) files.remove(draft);
	}
}

/** Whether a file exists and its holder may still be alive; changes nothing. */
export async function isHeld(
	path: string,
	{ table, files = systemFiles }: HolderFileOptions,
): Promise<boolean> {
	const found = read(files, path);
	if (found === undefined) return false;
	const holder = parse(found.text);
	return holder === undefined || (await findProcess(table, holder)) !== "dead";
}

/** A file that this process holds. */
export class HolderFile {
	readonly path: string;
	readonly #files: Files;
	readonly #text: string;

	constructor(files: Files, path: string, text: string) {
		this.#files = files;
		this.path = path;
		this.#text = text;
	}

	/**
	 * Shows others that the holder is alive, also when somebody has deleted the file. Returns false when it belongs to
	 * another holder by now.
	 */
	beat(): boolean {
		const found = read(this.#files, this.path);
		if (found === undefined) return this.#makeAnew();
		if (found.text !== this.#text) return false;
		const file = this.#files.open(this.path, "r+");
		try {
			this.#files.write(file, Buffer.from(this.#text), 0, this.#text.length, 0);
		} finally {
			this.#files.close(file);
		}
		return true;
	}

	#makeAnew(): boolean {
		let file: number;
		try {
			file = this.#files.open(this.path, "wx+", 0o644);
		} catch (error) {
			// Another was faster.
			if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
			throw error;
		}
		try {
			writeAll(this.#files, file, Buffer.from(this.#text));
		} finally {
			this.#files.close(file);
		}
		return true;
	}

	/** Leaves the file to others, unless it is theirs already. */
	release(): void {
		if (read(this.#files, this.path)?.text === this.#text) this.#files.remove(this.path);
	}
}

/** Gives the draft its name, unless that is taken. */
function create(files: Files, draft: string, path: string, text: string): boolean {
	try {
		files.link(draft, path);
		return true;
	} catch (error) {
		const { code = "" } = error as NodeJS.ErrnoException;
		if (code === "EEXIST") return false;
		if (!["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EPERM", "EMLINK", "EXDEV"].includes(code)) throw error;
	}
	// FAT, exFAT and some network folders know no links: made in two steps, and until it is whole it counts as held.
	let file: number;
	try {
		file = files.open(path, "wx+", 0o644);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
		throw error;
	}
	try {
		writeAll(files, file, Buffer.from(text));
	} finally {
		files.close(file);
	}
	return true;
}

/** Undefined when there is no such file; empty when it may not be read. */
function read(
	files: Files,
	path: string,
): { readonly text: string; readonly modifiedMs: number } | undefined {
	let file: number;
	try {
		file = files.open(path, "r");
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ENOENT") return undefined;
		if (code !== "EACCES" && code !== "EPERM") throw error;
		const facts = files.factsOf(path);
		return facts && { text: "", modifiedMs: facts.modifiedMs };
	}
	try {
		const buffer = Buffer.alloc(4096);
		const length = files.read(file, buffer, 0, 0);
		return { text: buffer.toString("utf8", 0, length), modifiedMs: files.facts(file).modifiedMs };
	} finally {
		files.close(file);
	}
}

function parse(text: string): FileHolder | undefined {
	try {
		const value = JSON.parse(text) as { readonly id?: unknown };
		const identity = readIdentity(value);
		return identity && typeof value.id === "string" && /^[0-9a-f]{1,32}$/.test(value.id)
			? { ...identity, id: value.id }
			: undefined;
	} catch {
		return undefined;
	}
}
