import { execFile } from "node:child_process";
import { type FSWatcher, watch as watchFolder } from "node:fs";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Place, Places } from "./place.ts";

interface Holder {
	readonly pid: number;
	/** When that process began, so that a later one of the same number does not count; null where unknown. */
	readonly started: string | null;
}

/** Folder watching is not reliable everywhere, and the death of a holder changes no file. */
const pollMs = 250;
/** Nobody can say that he waits, so a place is left to others after having been handed on for so long. */
const turnMs = 500;

/** Places as exclusively created files, for systems without abstract sockets. */
export class SlotFiles implements Places {
	readonly keepMs = 0;
	readonly #folder: string;
	readonly #platform: string;
	readonly #watched = new Map<number, () => void>();
	#self: Promise<Holder> | undefined;
	#poll: NodeJS.Timeout | undefined;
	#watcher: FSWatcher | undefined;

	constructor(folder: string, platform: string) {
		this.#folder = folder;
		this.#platform = platform;
	}

	async take(number: number): Promise<Place | undefined> {
		const path = this.#path(number);
		await mkdir(this.#folder, { recursive: true, mode: 0o700 });
		this.#self ??= this.#describe(process.pid);
		const mine = JSON.stringify(await this.#self);
		if (await create(path, mine)) return new FilePlace(number, path, mine);
		if (!(await this.#isLeft(path))) return undefined;
		return (await create(path, mine)) ? new FilePlace(number, path, mine) : undefined;
	}

	watch(number: number, onFreed: () => void): () => void {
		this.#watched.set(number, onFreed);
		this.#poll ??= setInterval(() => void this.#look(), pollMs);
		this.#watcher ??= this.#watchFolder();
		return () => {
			this.#watched.delete(number);
			this.#rest();
		};
	}

	/** Tells those whose place has no file or a dead holder. */
	async #look(): Promise<void> {
		for (const [number, onFreed] of [...this.#watched]) {
			if (!(await this.#isLeft(this.#path(number))) || this.#watched.get(number) !== onFreed) continue;
			this.#watched.delete(number);
			onFreed();
		}
		this.#rest();
	}

	#rest(): void {
		if (this.#watched.size > 0) return;
		clearInterval(this.#poll);
		this.#poll = undefined;
		this.#watcher?.close();
		this.#watcher = undefined;
	}

	#watchFolder(): FSWatcher | undefined {
		try {
			const watcher = watchFolder(this.#folder, { persistent: false }, () => void this.#look());
			watcher.on("error", () => {});
			return watcher;
		} catch {
			// The poll does it alone.
			return undefined;
		}
	}

	/** Is the place free, or held by a process that is no more (whose file is then removed)? */
	async #isLeft(path: string): Promise<boolean> {
		const text = await read(path);
		if (text === undefined) return true;
		if (await this.#isAlive(text)) return false;
		// Moved aside before it is removed: by now the file may be a new holder's, and then it goes back.
		const aside = `${path}.${process.pid}`;
		try {
			await rename(path, aside);
			const moved = await read(aside);
			if (moved !== undefined && moved !== text) await create(path, moved);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		} finally {
			await rm(aside, { force: true });
		}
		return true;
	}

	async #isAlive(text: string): Promise<boolean> {
		let holder: Partial<Holder>;
		try {
			holder = JSON.parse(text) as Partial<Holder>;
		} catch {
			return false;
		}
		if (typeof holder.pid !== "number") return false;
		try {
			process.kill(holder.pid, 0);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
		}
		if (holder.pid === process.pid) return true;
		const { started } = await this.#describe(holder.pid);
		return started === null || started === holder.started;
	}

	#describe(pid: number): Promise<Holder> {
		if (this.#platform === "win32") return Promise.resolve({ pid, started: null });
		return new Promise((resolve) => {
			execFile("ps", ["-o", "lstart=", "-p", String(pid)], (error, stdout) => {
				resolve({ pid, started: error === null && stdout.trim() !== "" ? stdout.trim() : null });
			});
		});
	}

	#path(number: number): string {
		return join(this.#folder, `slot-${number}`);
	}
}

class FilePlace implements Place {
	readonly number: number;
	onWanted: (() => void) | undefined;
	readonly #path: string;
	readonly #mine: string;
	readonly #since = performance.now();

	constructor(number: number, path: string, mine: string) {
		this.number = number;
		this.#path = path;
		this.#mine = mine;
	}

	get wanted(): boolean {
		return performance.now() - this.#since > turnMs;
	}

	async free(): Promise<void> {
		if ((await read(this.#path)) === this.#mine) await rm(this.#path, { force: true });
	}
}

/** Makes the file with its whole text at once, unless there is one. */
async function create(path: string, text: string): Promise<boolean> {
	const whole = `${path}.${process.pid}.new`;
	await writeFile(whole, text, { mode: 0o600 });
	try {
		await link(whole, path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
		throw error;
	} finally {
		await rm(whole, { force: true });
	}
}

async function read(path: string): Promise<string | undefined> {
	try {
		return await readFile(path, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw error;
	}
}
