import { basename, dirname, join } from "node:path";
import { type Files, writeAll } from "../state/file-system.ts";
import { readLines } from "../state/lines.ts";
import { temporaryName } from "../state/replace.ts";

/** A longer log is begun anew with what is on its way at that moment. */
const compactAfterBytes = 1 << 20;

/** Where a run with these results notes what is on its way. */
export function flightLogPath(results: string): string {
	return join(dirname(results), `.${basename(results).slice(0, 200)}.inflight`);
}

/**
 * The requests that are on their way, in a file that an orderly end removes: what a killed run had in flight may be
 * billed, and only this tells. A start is in the file before the request leaves; an end is in it after the ledger has
 * written what came of the request, at the end of a turn of the event loop: until then nothing else says so. A log that cannot be written is given up without a word: it protects no answer.
 */
export class FlightLog {
	readonly #files: Files;
	readonly #path: string;
	readonly #inFlight = new Set<string>();
	/** Ended in this turn. */
	readonly #ended = new Set<string>();
	#file: number | undefined;
	#bytes = 0;
	#buffer = Buffer.allocUnsafe(4096);
	/** What has started and ended since the last note. */
	#news = "";
	#hasStarts = false;

	/** Throws nothing. What an earlier run left is gone. */
	constructor(files: Files, path: string) {
		this.#files = files;
		this.#path = path;
		try {
			this.#begin();
		} catch {
			this.#giveUp();
		}
	}

	/** A request is about to leave; `note` has to come before its first byte. */
	started(id: string, model: string): void {
		if (this.#file === undefined) return;
		const key = keyOf(id, model);
		// Its start is noted already.
		if (this.#ended.delete(key)) return;
		this.#inFlight.add(key);
		this.#news += `+${key}\n`;
		this.#hasStarts = true;
		// Where nothing leaves, as without a network, nothing else would empty it.
		if (this.#news.length > 64 * 1024) this.note();
	}

	ended(id: string, model: string): void {
		if (this.#file === undefined) return;
		if (this.#ended.size === 0) setImmediate(() => this.#noteEnds());
		this.#ended.add(keyOf(id, model));
	}

	#noteEnds(): void {
		for (const key of this.#ended) {
			this.#inFlight.delete(key);
			this.#news += `-${key}\n`;
		}
		this.#ended.clear();
	}

	/** Sees to it that every start is in the file. Those that come together are one write. */
	note(): void {
		if (!this.#hasStarts) return;
		this.#hasStarts = false;
		this.#attempt((file) => {
			if (this.#bytes > compactAfterBytes) this.#begin();
			else this.#write(file, this.#news);
			this.#news = "";
		});
	}

	/** The run ends in order: nothing is on its way. The log of another run stays. */
	remove(): void {
		this.#attempt((file) => {
			const files = this.#files;
			this.#file = undefined;
			const isOurs = files.factsOf(this.#path)?.identity === files.facts(file).identity;
			files.close(file);
			if (isOurs) files.remove(this.#path);
		});
	}

	#begin(): void {
		const draft = temporaryName(this.#path);
		const file = this.#files.open(draft, "ax+", 0o600);
		const before = this.#file;
		this.#file = file;
		if (before !== undefined) this.#files.close(before);
		this.#bytes = 0;
		this.#write(file, [...this.#inFlight].map((key) => `+${key}\n`).join(""));
		this.#files.rename(draft, this.#path);
	}

	#write(file: number, text: string): void {
		if (this.#buffer.length < text.length * 3) this.#buffer = Buffer.allocUnsafe(text.length * 3);
		const length = this.#buffer.write(text);
		writeAll(this.#files, file, this.#buffer, length);
		this.#bytes += length;
	}

	#attempt(action: (file: number) => void): void {
		if (this.#file === undefined) return;
		try {
			action(this.#file);
		} catch {
			this.#giveUp();
		}
	}

	#giveUp(): void {
		const file = this.#file;
		this.#file = undefined;
		if (file !== undefined) this.#files.close(file);
	}
}

/** One line for an id and a model, whatever is in them. Most have nothing that JSON would write otherwise. */
function keyOf(id: string, model: string): string {
	return plain.test(id) && plain.test(model) ? `["${id}","${model}"]` : JSON.stringify([id, model]);
}

const plain = /^[\w./:@ -]*$/;

/** What a killed run had on its way, as far as its results file does not have it. */
export class LostFlight {
	readonly #keys = new Set<string>();

	/** Reads the log of an earlier run; one that is not there, or no longer readable, knows of nothing. */
	constructor(files: Files, path: string) {
		let file: number | undefined;
		try {
			if (!files.factsOf(path)?.isRegular) return;
			file = files.open(path, "r");
			for (const { text } of readLines(files, file)) {
				if (text.startsWith("+")) this.#keys.add(text.slice(1));
				else this.#keys.delete(text.slice(1));
			}
		} catch {
			// What it could not say is not known, which is no reason to refuse a run.
		} finally {
			if (file !== undefined) files.close(file);
		}
	}

	get size(): number {
		return this.#keys.size;
	}

	has(id: string, model: string): boolean {
		return this.#keys.size > 0 && this.#keys.has(keyOf(id, model));
	}
}
