import { basename, dirname, join } from "node:path";
import { systemFiles } from "./file-system.ts";
import { ensurePrivateFolder } from "./files.ts";
import { type HolderFile, type Holding, takeHolderFile } from "./holder-file.ts";
import { LockSocket } from "./lock-socket.ts";
import { type ProcessTable, processTable } from "./process-identity.ts";

/** A lock that this process holds until it is released or the process ends, in whatever way. */
export interface Lock {
	/**
	 * Takes a file that was made since under all of its names too.
	 * @returns who has it under another name; undefined when it is this process's
	 */
	cover(path: string): Promise<LockHeld | undefined>;
	/** Shows others that the holder lives, which a timer does as long as the event loop runs. */
	showLife(): void;
	release(): Promise<void>;
}

/** Somebody else holds the lock. */
export interface LockHeld {
	/** That is held, links in its folder followed. */
	readonly path: string;
	/** Null when it does not say which process it is. */
	readonly pid: number | null;
	/** Its machine or container, when that is another one; undefined when it is this one. */
	readonly host: string | undefined;
	/** The file that says so, which may be deleted when the holder is known to be no more. */
	readonly file: string | undefined;
}

export interface LockOptions {
	/** Another system than this one, in tests. */
	readonly table?: ProcessTable;
	/** Waits while a holder elsewhere that seems dead is watched; 10 s unless given. */
	readonly observe?: () => Promise<void>;
	/** Called once when another process is using the lock although this one lives. */
	readonly onLost?: (path: string) => void;
}

/** A holder touches its file this often, and is dead when it has not for this long, in ms. */
const beatMs = 5_000;
const silentAfterMs = 60_000;

/**
 * Takes the lock that stands for files, without waiting. The files are neither opened nor needed. Each has a
 * `FILE.lock` beside it, which also holds between containers on one folder and machines on a network folder, and a
 * file of several names has one for all of them. On Linux the first file has sockets besides, which stay when somebody
 * deletes its lock, and know it under names in several folders.
 */
export async function acquireLock(
	paths: string | readonly string[],
	options: LockOptions = {},
): Promise<{ readonly lock: Lock } | { readonly held: LockHeld }> {
	const lock = new FileLock(options);
	const targets = [paths].flat().map((path) => {
		ensurePrivateFolder(dirname(path));
		return join(systemFiles.resolve(dirname(path)), basename(path));
	});
	try {
		for (const target of new Set(targets)) {
			const held = (await lock.take(target, target === targets[0])) ?? (await lock.cover(target));
			if (held === undefined) continue;
			await lock.release();
			return { held };
		}
	} catch (error) {
		await lock.release();
		throw error;
	}
	return { lock };
}

const twoBeats = () => new Promise<void>((resolve) => void setTimeout(resolve, 2 * beatMs));

/** Locks to be freed when the process ends without having released them. */
const held = new Set<FileLock>();
let listensForExit = false;

class FileLock implements Lock {
	readonly #table: ProcessTable;
	readonly #observe: () => Promise<void>;
	readonly #onLost: ((path: string) => void) | undefined;
	readonly #files = new Map<string, HolderFile>();
	#first: string | undefined;
	readonly #sockets = new Map<string, LockSocket>();
	readonly #timer: NodeJS.Timeout;
	/** Ms by both clocks: one stands still while the machine sleeps, and the other is set now and then. */
	#shownAt = performance.now();
	#shownAtWall = Date.now();

	constructor({ table = processTable(), observe = twoBeats, onLost }: LockOptions) {
		this.#table = table;
		this.#observe = observe;
		this.#onLost = onLost;
		this.#timer = setInterval(() => this.showLife(), beatMs);
		this.#timer.unref();
		held.add(this);
		if (listensForExit) return;
		listensForExit = true;
		process.on("exit", () => {
			for (const lock of held) lock.releaseFiles();
		});
	}

	/** Sockets are few where descriptors are: one file stands for the others. */
	async take(path: string, isFirst: boolean): Promise<LockHeld | undefined> {
		if (isFirst) this.#first = path;
		// The file names its holder at once, which a busy process may be too slow for.
		const held = await this.#takeFile(path, `${path}.lock`);
		return held ?? (isFirst ? await this.#takeSocket(path, path) : undefined);
	}

	async cover(path: string): Promise<LockHeld | undefined> {
		const facts = systemFiles.factsOf(path);
		if (facts === undefined) return undefined;
		const { identity, born } = facts;
		const held = path === this.#first ? await this.#takeSocket(path, `${identity} ${born}`) : undefined;
		if (held !== undefined || facts.links < 2) return held;
		const inode = identity.split(":")[1];
		return this.#takeFile(path, join(dirname(path), `.llmx-inode-${inode}.lock`));
	}

	async release(): Promise<void> {
		this.releaseFiles();
		await Promise.all([...this.#sockets.values()].map((socket) => socket.close()));
		this.#sockets.clear();
	}

	releaseFiles(): void {
		clearInterval(this.#timer);
		held.delete(this);
		for (const file of this.#files.values()) {
			try {
				file.release();
			} catch {
				// Whoever wants the lock will find that its holder is dead.
			}
		}
		this.#files.clear();
	}

	async #takeSocket(path: string, name: string): Promise<LockHeld | undefined> {
		if (this.#table.platform !== "linux" || this.#sockets.has(name)) return undefined;
		const { hash } = process.getBuiltinModule("node:crypto");
		const address = hash("sha256", `${process.geteuid?.()} ${name}`);
		const taken = await LockSocket.take(address);
		if (!(taken instanceof LockSocket)) return { path, pid: taken.pid, host: undefined, file: undefined };
		this.#sockets.set(name, taken);
		return undefined;
	}

	async #takeFile(path: string, file: string): Promise<LockHeld | undefined> {
		if (this.#files.has(file)) return undefined;
		const holding: Holding = await takeHolderFile(file, {
			table: this.#table,
			silentAfterMs,
			observe: this.#observe,
		});
		if ("own" in holding) {
			this.#files.set(file, holding.own);
			return undefined;
		}
		const { by, isElsewhere } = holding;
		return { path, pid: by?.pid ?? null, host: isElsewhere ? by?.host : undefined, file };
	}

	showLife(): void {
		const now = performance.now();
		const wall = Date.now();
		if (now - this.#shownAt < beatMs / 2 && Math.abs(wall - this.#shownAtWall) < beatMs / 2) return;
		this.#shownAt = now;
		this.#shownAtWall = wall;
		for (const [path, file] of this.#files) {
			let isOurs = true;
			try {
				isOurs = file.beat();
			} catch {
				// Tried again soon; a minute may pass without harm.
			}
			if (isOurs) continue;
			this.#files.delete(path);
			this.#onLost?.(path);
		}
	}
}
