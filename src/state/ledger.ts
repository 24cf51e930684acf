import { closeSync, openSync, readSync } from "node:fs";
import { LineAppender } from "./files.ts";
import { type LedgerEntry, type LedgerRow, parseRow, toLine } from "./ledger-row.ts";

export interface LedgerOptions {
	/** Hears once when the ledger cannot be written. */
	readonly onWarning?: ((message: string) => void) | undefined;
	/** Wall clock in ms since 1970. */
	readonly now?: (() => number) | undefined;
}

// One exit listener serves all ledgers: Node warns when a process has more than ten of them.
const unwritten = new Set<Ledger>();
let listensForExit = false;

/**
 * The record of every call: append-only JSON lines, private, shared by any number of processes. Rows of one turn of
 * the event loop are written together. A ledger that cannot be written never fails a call.
 */
export class Ledger {
	readonly #file: LineAppender;
	readonly #options: LedgerOptions;
	#pending: string[] = [];
	#written: Promise<void> | undefined;
	#warned = false;

	constructor(path: string, options: LedgerOptions = {}) {
		this.#file = new LineAppender(path);
		this.#options = options;
	}

	get path(): string {
		return this.#file.path;
	}

	/** Takes a row to be written in this turn of the event loop, or at the latest when the process exits. */
	append(entry: LedgerEntry): void {
		this.#pending.push(toLine(entry, (this.#options.now ?? Date.now)()));
		if (!listensForExit) {
			listensForExit = true;
			process.on("exit", () => {
				for (const ledger of unwritten) ledger.flushSync();
			});
		}
		unwritten.add(this);
		this.#written ??= new Promise((resolve) => {
			setImmediate(() => {
				this.flushSync();
				resolve();
			});
		});
	}

	/** Resolves when every row appended so far is in the file (or could not be written); never rejects. */
	flush(): Promise<void> {
		return this.#written ?? Promise.resolve();
	}

	/** Writes the pending rows at once. */
	flushSync(): void {
		this.#written = undefined;
		unwritten.delete(this);
		if (this.#pending.length === 0) return;
		const lines = this.#pending.join("");
		this.#pending = [];
		this.#try(() => this.#file.append(lines));
	}

	/** Writes what is pending and closes the file; a later `append` opens it again. */
	close(): void {
		this.flushSync();
		this.#try(() => this.#file.close());
	}

	/** A network's file system may tell only at the end that it could not write. */
	#try(write: () => void): void {
		try {
			write();
		} catch (error) {
			if (this.#warned) return;
			this.#warned = true;
			const reason = error instanceof Error ? error.message : String(error);
			this.#options.onWarning?.(`the ledger cannot be written, so costs are not being recorded: ${reason}`);
		}
	}
}

/** What a scan of the ledger found. */
export interface LedgerScan {
	readonly rows: number;
	/** Lines that are torn or are no ledger rows. */
	readonly damaged: number;
	/** Offset in bytes after the last whole line. */
	readonly end: number;
}

const CHUNK_BYTES = 1 << 20;
/** Longer lines cannot be ours. */
const MAX_LINE_BYTES = 8 << 20;

/**
 * Reads the ledger from a byte offset to its end in flat memory, and hands each row on. A missing file has no rows.
 * A last line without a newline is left for later: its writer may be at work. Gives way to other work between chunks.
 */
export async function scanLedger(
	path: string,
	visit: (row: LedgerRow) => void,
	start = 0,
): Promise<LedgerScan> {
	let descriptor: number;
	try {
		descriptor = openSync(path, "r");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return { rows: 0, damaged: 0, end: start };
		throw error;
	}
	let rows = 0;
	let damaged = 0;
	let position = start;
	let buffer = Buffer.allocUnsafe(CHUNK_BYTES);
	let held = 0;
	try {
		for (;;) {
			if (held === buffer.length) {
				if (held >= MAX_LINE_BYTES) {
					damaged += 1;
					held = 0;
				} else buffer = Buffer.concat([buffer], buffer.length * 2);
			}
			const count = readSync(descriptor, buffer, held, buffer.length - held, position);
			if (count === 0) break;
			position += count;
			held += count;
			const end = buffer.subarray(0, held).lastIndexOf(0x0a) + 1;
			for (const line of buffer.toString("utf8", 0, end).split("\n")) {
				if (line === "") continue;
				const row = parseRow(line);
				if (row === undefined) {
					damaged += 1;
					continue;
				}
				rows += 1;
				visit(row);
			}
			buffer.copyWithin(0, end, held);
			held -= end;
			await new Promise((resolve) => setImmediate(resolve));
		}
	} finally {
		closeSync(descriptor);
	}
	return { rows, damaged, end: position - held };
}
