import { type FSWatcher, watch as watchFolder } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type HolderFile, type HolderFileOptions, isHeld, takeHolderFile } from "../state/holder-file.ts";
import type { ProcessTable } from "../state/process-identity.ts";
import type { Place, Places } from "./place.ts";

/** Folder watching is not reliable everywhere, and the death of a holder changes no file. */
const pollMs = 250;
/** Nobody can say that he waits, so a place is left to others after having been handed on for so long. */
const turnMs = 500;
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

	constructor(folder: string, table: ProcessTable) {
		this.#folder = folder;
		this.#options = { table, silentAfterMs };
	}

	async take(number: number): Promise<Place | undefined> {
		await mkdir(this.#folder, { recursive: true, mode: 0o700 });
		const holding = await takeHolderFile(this.#path(number), this.#options);
		return "own" in holding ? new FilePlace(number, holding.own) : undefined;
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
		if (this.#isLooking) return;
		this.#isLooking = true;
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

class FilePlace implements Place {
	readonly number: number;
	onWanted: (() => void) | undefined;
	readonly #file: HolderFile;
	readonly #since = performance.now();

	constructor(number: number, file: HolderFile) {
		this.number = number;
		this.#file = file;
	}

	get wanted(): boolean {
		return performance.now() - this.#since > turnMs;
	}

	async free(): Promise<void> {
		this.#file.release();
	}
}
