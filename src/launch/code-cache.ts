import {
	closeSync,
	constants,
	fstatSync,
	lstatSync,
	openSync,
	readdirSync,
	readSync,
	renameSync,
	rmSync,
	type Stats,
	writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import type { Script } from "node:vm";
import type { StartupCache, StartupCacheState } from "../cli/io.ts";
import { ensurePrivateFolder } from "../state/files.ts";

interface LoadedChunk {
	readonly script: Script;
	/** Of the file that holds the chunk. */
	readonly stats: Stats;
	readonly wasFound: boolean;
}

const headerBytes = 64;
/** A build that has stored nothing for so long is gone, or runs as fast as it can. */
const unusedMs = 30 * 24 * 3_600_000;
/** What a killed process has left; another may be writing at this moment. */
const leftoverMs = 60_000;

/**
 * V8's code caches of the command line's chunks, taken after they ran: they hold every function that was called, where
 * Node's own compile cache holds what was compiled before a module ran (11 of undici's 278 KB). A cache that is missing,
 * damaged or somebody else's costs the time to compile and nothing else; no method throws.
 *
 * V8 checks its version, its flags and the length of the source, but neither the source nor the cache. So a folder is
 * for one build, one Node and one set of flags; a file names the size and time of its chunk; and it holds the cache
 * twice, because to compare two takes 0.1 ms, and to load what Node has of checksums 2 ms.
 */
export class CodeCache implements StartupCache {
	readonly folder: string;
	readonly #root: string;
	readonly #isOurs: boolean;
	readonly #loaded = new Map<string, LoadedChunk>();
	/** Flags that were changed since the start, and as they were. */
	readonly #flags: string[] = [];
	readonly #usualFlags: string[] = [];

	/** `root` is the folder for all builds, `build` names one. Nothing is made before `keep`. */
	constructor(root: string, build: string) {
		const { version, arch, execArgv, env } = process;
		const flags = hashOf([...execArgv, env.NODE_OPTIONS ?? ""].join("\n"));
		this.#root = root;
		this.folder = join(root, `${build}-${version}-${arch}-${flags}`);
		this.#isOurs = isOurs(root) && isOurs(this.folder);
	}

	/** The cache of a chunk, given the facts of its file; undefined when there is none that may be used. */
	find(path: string, stats: Stats): Buffer | undefined {
		if (!this.#isOurs) return undefined;
		let descriptor: number | undefined;
		try {
			descriptor = openSync(this.#fileOf(path), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
			const found = fstatSync(descriptor);
			if (!found.isFile() || !isPrivate(found)) return undefined;
			const bytes = Buffer.allocUnsafeSlow(found.size);
			if (readSync(descriptor, bytes, 0, bytes.length, 0) !== bytes.length) return undefined;
			const length = (bytes.length - headerBytes) / 2;
			if (bytes.toString("latin1", 0, headerBytes) !== headerOf(stats, length)) return undefined;
			const data = bytes.subarray(headerBytes, headerBytes + length);
			return data.equals(bytes.subarray(headerBytes + length)) ? data : undefined;
		} catch {
			return undefined;
		} finally {
			if (descriptor !== undefined) closeSync(descriptor);
		}
	}

	setFlag(flag: string, usual: string): void {
		setFlags([flag]);
		this.#flags.push(flag);
		this.#usualFlags.push(usual);
	}

	/** Does something under the flags with which every process begins: V8 takes and makes caches for one set of flags. */
	underUsualFlags<T>(action: () => T): T {
		setFlags(this.#usualFlags);
		try {
			return action();
		} finally {
			setFlags(this.#flags);
		}
	}

	/** Notes the script of a chunk, which was made with the cache that was found, if any. */
	note(path: string, script: Script, stats: Stats): void {
		this.#loaded.set(path, { script, stats, wasFound: script.cachedDataRejected === false });
	}

	/**
	 * To be called when the process ends well. When a chunk had no cache, this run did what none before it has done: it
	 * stores the caches of all chunks that it loaded.
	 */
	keep(): void {
		if ([...this.#loaded.values()].every(({ wasFound }) => wasFound)) return;
		try {
			ensurePrivateFolder(this.folder);
			if (!isOurs(this.#root) || !isOurs(this.folder)) return;
			this.underUsualFlags(() => {
				for (const [path, { script, stats }] of this.#loaded)
					this.#write(this.#fileOf(path), stats, script.createCachedData());
			});
			this.#removeUnused();
		} catch {
			// Nowhere to write, or no room: the next start takes as long as this one.
		}
	}

	describe(): StartupCacheState {
		const isMissing = (folder: string) => lstatSync(folder, { throwIfNoEntry: false }) === undefined;
		const loaded = [...this.#loaded.values()];
		return {
			folder: this.folder,
			loaded: loaded.length,
			found: loaded.filter(({ wasFound }) => wasFound).length,
			notOurs: [this.#root, this.folder].find((folder) => !isOurs(folder) && !isMissing(folder)),
		};
	}

	#write(file: string, stats: Stats, data: Buffer): void {
		const random = Math.floor(Math.random() * 2 ** 50).toString(36);
		const temporary = `${file}.${random}.tmp`;
		try {
			const descriptor = openSync(temporary, "wx", 0o600);
			try {
				const bytes = Buffer.concat([Buffer.from(headerOf(stats, data.length), "latin1"), data, data]);
				for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
			} finally {
				closeSync(descriptor);
			}
			renameSync(temporary, file);
		} catch (error) {
			rmSync(temporary, { force: true });
			throw error;
		}
	}

	#removeUnused(): void {
		const isOlder = (path: string, ms: number) => Date.now() - lstatSync(path).mtimeMs > ms;
		for (const name of readdirSync(this.folder)) {
			const path = join(this.folder, name);
			if (name.endsWith(".tmp") && isOlder(path, leftoverMs)) rmSync(path);
		}
		for (const name of readdirSync(this.#root)) {
			const path = join(this.#root, name);
			if (path !== this.folder && isOlder(path, unusedMs)) rmSync(path, { recursive: true });
		}
	}

	#fileOf(path: string): string {
		return join(this.folder, `${basename(path)}.cache`);
	}
}

function setFlags(flags: readonly string[]): void {
	for (const flag of flags) process.getBuiltinModule("node:v8").setFlagsFromString(flag);
}

/** A folder itself, no link to one, into which nobody else can put code. */
function isOurs(folder: string): boolean {
	try {
		const stats = lstatSync(folder, { throwIfNoEntry: false });
		return stats?.isDirectory() === true && isPrivate(stats);
	} catch {
		return false;
	}
}

/** Windows keeps others out of a user's profile, and has no such modes. */
function isPrivate({ uid, mode }: Stats): boolean {
	return process.platform === "win32" || (uid === process.geteuid?.() && (mode & 0o022) === 0);
}

function headerOf({ size, mtimeMs }: Stats, length: number): string {
	return `llmx code cache\n${size} ${mtimeMs} ${length}`.padEnd(headerBytes - 1).concat("\n");
}

/** FNV-1a: it only keeps apart what one user does. */
function hashOf(text: string): string {
	let hash = 0x811c9dc5;
	for (let index = 0; index < text.length; index++)
		hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
	return (hash >>> 0).toString(36);
}
