import {
	closeSync,
	type FSWatcher,
	openSync,
	readdirSync,
	rmSync,
	statSync,
	utimesSync,
	watch as watchFolder,
} from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type HolderFile, type HolderFileOptions, isHeld, takeHolderFile } from "../state/holder-file.ts";
import type { ProcessTable } from "../state/process-identity.ts";
import type { Place, Places } from "./place.ts";

/** Folder watching is not reliable everywhere, and the death of a holder changes no file. */
const pollMs = 250;
/** To hand a place over takes long, so a process keeps it for so long although others wait. */
const turnMs = 500;
/** Who waits touches its file with every poll, and has gone away or was stopped when it has not for so long, in ms. */
const waitsForMs = 2_000;
/** No request takes longer than this, in ms: a place that is held longer by a process that cannot be looked for is free. */
const silentAfterMs = 3_600_000;

/** Places as exclusively created files, for systems without abstract sockets. */
export class SlotFiles implements Places {
	readonly keepMs = 0;
	readonly #folder: string;
	readonly #options: HolderFileOptions;
	readonly #watched = new Map<number, () => void>();
	#poll: NodeJS.Timeout | undefined;
	#watcher: FSWatcher | undefined;
	#isLooking = false;
	readonly #waiting: WaitingFile;

	constructor(folder: string, table: ProcessTable) {
		this.#folder = folder;
		this.#options = { table, silentAfterMs };
		this.#waiting = new WaitingFile(folder);
	}

	async take(number: number): Promise<Place | undefined> {
		await mkdir(this.#folder, { recursive: true, mode: 0o700 });
		const holding = await takeHolderFile(this.#path(number), this.#options);
		return "own" in holding ? new FilePlace(number, holding.own, this.#waiting) : undefined;
	}

	areWanted(): boolean {
		return this.#waiting.hasOthers();
	}

	watch(number: number, onFreed: () => void): () => void {
		this.#watched.set(number, onFreed);
		this.#waiting.touch();
		this.#poll ??= setInterval(() => void this.#look(), pollMs);
		this.#watcher ??= this.#watchFolder();
		return () => {
			this.#watched.delete(number);
			this.#rest();
		};
	}

	/** Tells those whose place has no file or a dead holder. */
	async #look(): Promise<void> {
		if (this.#isLooking) return;
		this.#isLooking = true;
		this.#waiting.touch();
		try {
			await this.#tellFreed();
		} finally {
			this.#isLooking = false;
		}
		this.#rest();
	}

	async #tellFreed(): Promise<void> {
		for (const [number, onFreed] of [...this.#watched]) {
			if ((await isHeld(this.#path(number), this.#options)) || this.#watched.get(number) !== onFreed)
				continue;
			this.#watched.delete(number);
			onFreed();
		}
	}

	#rest(): void {
		if (this.#watched.size > 0) return;
		this.#waiting.remove();
		clearInterval(this.#poll);
		this.#poll = undefined;
		this.#watcher?.close();
		this.#watcher = undefined;
	}

	#watchFolder(): FSWatcher | undefined {
		try {
			const watcher = watchFolder(this.#folder, { persistent: false }, (_event, name) => {
				// Drafts of such files come and go besides.
				if (name === null || /^slot-\d+$/.test(name)) void this.#look();
			});
			watcher.on("error", () => {});
			return watcher;
		} catch {
			// The poll does it alone.
			return undefined;
		}
	}

	#path(number: number): string {
		return join(this.#folder, `slot-${number}`);
	}
}

const waitingPrefix = "waiting-";

/** Says to others that this process waits for a place, as long as it is touched. */
class WaitingFile {
	readonly #folder: string;
	readonly #name = `${waitingPrefix}${process.pid}-${Math.floor(Math.random() * 2 ** 50).toString(36)}`;
	#isThere = false;

	constructor(folder: string) {
		this.#folder = folder;
	}

	touch(): void {
		const path = join(this.#folder, this.#name);
		try {
			if (this.#isThere) utimesSync(path, new Date(), new Date());
			else closeSync(openSync(path, "w", 0o600));
			this.#isThere = true;
		} catch {
			// Made anew at the next poll.
			this.#isThere = false;
		}
	}

	remove(): void {
		if (this.#isThere) rmSync(join(this.#folder, this.#name), { force: true });
		this.#isThere = false;
	}

	/** Whether another process waits. Files of those that were killed are removed. */
	hasOthers(): boolean {
		let hasOthers = false;
		try {
			for (const name of readdirSync(this.#folder)) {
				if (!name.startsWith(waitingPrefix) || name === this.#name) continue;
				const path = join(this.#folder, name);
				const touchedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
				if (touchedAt === undefined) continue;
				if (Date.now() - touchedAt < waitsForMs) hasOthers = true;
				else rmSync(path, { force: true });
			}
		} catch {
			// What cannot be seen now is seen at the next look.
		}
		return hasOthers;
	}
}

class FilePlace implements Place {
	readonly number: number;
	onWanted: (() => void) | undefined;
	readonly #file: HolderFile;
	readonly #waiting: WaitingFile;
	readonly #since = performance.now();

	constructor(number: number, file: HolderFile, waiting: WaitingFile) {
		this.number = number;
		this.#file = file;
		this.#waiting = waiting;
	}

	get wanted(): boolean {
		return performance.now() - this.#since > turnMs && this.#waiting.hasOthers();
	}

	async free(): Promise<void> {
		this.#file.release();
	}
}
