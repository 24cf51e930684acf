/** What was typed before: walked with Up and Down, searched with Ctrl-R, kept over processes in a private file. */

import { closeSync, constants, readFileSync } from "node:fs";
import { LineAppender, openPrivateFile, replaceFile } from "../../state/files.ts";

const entryLimit = 10_000;
/** A longer text would make every start slow; it is kept for this process only. */
const longestKept = 100_000;

export interface Match {
	readonly index: number;
	readonly text: string;
}

/** The entries and a place among them; the text being written is kept while older ones are shown. */
export class InputHistory {
	#entries: string[];
	/** Index of the entry shown; the number of entries stands for the draft. */
	#at: number;
	#draft = "";
	readonly #onAdd: (text: string) => void;

	/** `entries` are oldest first; `onAdd` hears of every new one. */
	constructor(entries: readonly string[] = [], onAdd: (text: string) => void = () => {}) {
		this.#entries = dedupe(entries);
		this.#at = this.#entries.length;
		this.#onAdd = onAdd;
	}

	get entries(): readonly string[] {
		return this.#entries;
	}

	/** Adds what was just sent, as the newest, and goes back to an empty draft. */
	add(text: string): void {
		if (text.trim() !== "" && this.#entries.at(-1) !== text) {
			const older = this.#entries.indexOf(text);
			if (older >= 0) this.#entries.splice(older, 1);
			this.#entries.push(text);
			if (this.#entries.length > entryLimit) this.#entries.shift();
			this.#onAdd(text);
		}
		this.#at = this.#entries.length;
		this.#draft = "";
	}

	/** The entry before the one shown; `current` is what is in the box now. Undefined at the oldest. */
	previous(current: string): string | undefined {
		if (this.#at === 0) return undefined;
		if (this.#at === this.#entries.length) this.#draft = current;
		this.#at -= 1;
		return this.#entries[this.#at];
	}

	/** The entry behind the one shown, and at last the draft. Undefined when the draft is shown already. */
	next(): string | undefined {
		if (this.#at === this.#entries.length) return undefined;
		this.#at += 1;
		return this.#entries[this.#at] ?? this.#draft;
	}

	/** The newest entry older than `before` that contains `query`, case ignored unless the query has capitals. */
	search(query: string, before: number = this.#entries.length): Match | undefined {
		const exact = query !== query.toLowerCase();
		for (let index = Math.min(before, this.#entries.length) - 1; index >= 0; index -= 1) {
			const text = this.#entries[index] ?? "";
			if ((exact ? text : text.toLowerCase()).includes(query)) return { index, text };
		}
		return undefined;
	}
}

/** Keeps the last of equal entries. */
function dedupe(entries: readonly string[]): string[] {
	return [...new Set([...entries].reverse())].reverse().slice(-entryLimit);
}

/**
 * Opens the history file (one JSON string a line, so that a text may have lines of its own). What cannot be read or
 * written costs the memory of this process only, and `onWarning` hears of it once.
 */
export function openHistory(path: string, onWarning: (message: string) => void): InputHistory {
	const file = new LineAppender(path);
	let broken = false;
	const attempt = <T>(action: () => T): T | undefined => {
		if (broken) return undefined;
		try {
			return action();
		} catch (error) {
			broken = true;
			onWarning(`the input history ${path} cannot be used: ${(error as Error).message}`);
			return undefined;
		}
	};
	const entries = attempt(() => readEntries(path)) ?? [];
	const kept = dedupe(entries);
	// Many repeats: begin the file anew, so that reading it stays quick.
	if (entries.length > 2 * kept.length + 1000)
		attempt(() => replaceFile(path, kept.map((text) => `${JSON.stringify(text)}\n`).join("")));
	return new InputHistory(kept, (text) => {
		if (text.length <= longestKept) attempt(() => file.append([`${JSON.stringify(text)}\n`]));
	});
}

function readEntries(path: string): string[] {
	const descriptor = openPrivateFile(path, constants.O_RDWR);
	try {
		return readFileSync(descriptor, "utf8").split("\n").flatMap(parseLine);
	} finally {
		closeSync(descriptor);
	}
}

function parseLine(line: string): string[] {
	try {
		const value: unknown = JSON.parse(line);
		return typeof value === "string" ? [value] : [];
	} catch {
		return [];
	}
}
