import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError } from "../errors.ts";
import { describeFileError, systemFiles } from "./file-system.ts";
import { LineAppender } from "./files.ts";
import { type LedgerEntry, type LedgerRow, parseRow, toLine } from "./ledger-row.ts";
import { readLines } from "./lines.ts";

export interface LedgerOptions {
	/** Called once when the ledger cannot be written for now, and at the end with where its rows are instead. */
	readonly onWarning?: ((message: string) => void) | undefined;
	/** Called when rows could not be written in the end and are elsewhere, or nowhere. */
	readonly onLost?: (() => void) | undefined;
	/**
	 * Rows are brought to the disk by `close`, which holds up whatever else there is: for a process that asks once and
	 * ends. To do it beside other work takes the threads of Node's pool, which take 2 ms to start.
	 */
	readonly syncsAtEnd?: boolean | undefined;
	/** Wall clock in ms since 1970. */
	readonly now?: (() => number) | undefined;
}

// One exit listener serves all ledgers: Node warns when a process has more than ten of them.
const unwritten = new Set<Ledger>();
let listensForExit = false;

/**
 * The record of every call: append-only JSON lines, private, shared by any number of processes. Rows of one turn of
 * the event loop are written together. Rows that cannot be written are kept and tried again; in the end they go into
 * a file of their own. A ledger that cannot be written never fails a call.
 */
export class Ledger {
	readonly #file: LineAppender;
	readonly #options: LedgerOptions;
	#pending: string[] = [];
	#written: Promise<void> | undefined;
	/** Rows that are in the file and perhaps not on the disk. */
	#unsynced = false;
	#syncing: Promise<void> | undefined;
	#warned = false;

	constructor(path: string, options: LedgerOptions = {}) {
		this.#file = new LineAppender(path);
		this.#options = options;
	}

	get path(): string {
		return this.#file.path;
	}

	/** Opens the file while there are descriptors: what is sent afterwards may use them up. */
	open(): void {
		this.#try(() => this.#file.open());
	}

	/** Takes a row to be written in this turn of the event loop, or at the latest when the process exits. */
	append(entry: LedgerEntry): void {
		this.#pending.push(toLine(entry, (this.#options.now ?? Date.now)()));
		if (!listensForExit) {
			listensForExit = true;
			process.on("exit", () => {
				for (const ledger of unwritten) ledger.#finish();
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

	/** Writes the pending rows at once; those that cannot be written are tried again with the next ones. */
	flushSync(): void {
		this.#written = undefined;
		const pending = this.#pending;
		if (pending.length > 0) {
			let count = 0;
			this.#try(() =>
				this.#file.append(pending, (whole) => {
					count = whole;
				}),
			);
			this.#pending = pending.slice(count);
			this.#unsynced ||= count > 0;
		}
		if (this.#pending.length === 0) unwritten.delete(this);
	}

	/** Writes the pending rows and brings all to the disk, without holding up anything; never rejects. */
	sync(): Promise<void> {
		this.flushSync();
		if (!this.#unsynced || this.#options.syncsAtEnd) return this.#syncing ?? Promise.resolve();
		this.#syncing ??= (async () => {
			while (this.#unsynced) {
				this.#unsynced = false;
				await this.#file.datasync().catch((error) => this.#warn(error));
			}
			this.#syncing = undefined;
		})();
		return this.#syncing;
	}

	/** Writes what is pending, there or elsewhere, and closes the file; a later `append` opens it again. */
	async close(): Promise<void> {
		await this.sync();
		if (this.#unsynced) this.#try(() => this.#file.sync());
		this.#unsynced = false;
		this.flushSync();
		this.#try(() => this.#file.close());
		this.#finish();
	}

	/** The last chance of the pending rows. */
	#finish(): void {
		this.flushSync();
		const rows = [...this.#file.takeLost(), ...this.#pending.splice(0)];
		unwritten.delete(this);
		if (rows.length === 0) return;
		const { onWarning, onLost } = this.#options;
		const file = writeElsewhere(this.path, rows);
		const count = rows.length === 1 ? "a row" : `${rows.length} rows`;
		onWarning?.(
			file === undefined
				? `${count} of the ledger could not be written anywhere: ${rows.join("").trimEnd()}`
				: `${count} of the ledger could not be written to ${this.path}; add them with: cat ${file} >> ${this.path}`,
		);
		onLost?.();
	}

	/** A network's file system may tell only at the end that it could not write. */
	#try(write: () => void): void {
		try {
			write();
		} catch (error) {
			this.#warn(error);
		}
	}

	#warn(error: unknown): void {
		if (this.#warned) return;
		this.#warned = true;
		this.#options.onWarning?.(
			`the ledger cannot be written for now, its rows are kept: ${describeFileError(error)}`,
		);
	}
}

/** Puts rows into a new private file; undefined when there is no folder that takes one. */
function writeElsewhere(ledger: string, rows: readonly string[]): string | undefined {
	const name = `llmx-ledger-${new Date().toISOString().replace(/[:.]/g, "-")}-${process.pid}.jsonl`;
	const { tmpdir } = process.getBuiltinModule("node:os");
	for (const folder of [dirname(ledger), tmpdir(), process.cwd()]) {
		const path = join(folder, name);
		try {
			writeFileSync(path, rows.join(""), { flag: "wx", mode: 0o600 });
			return path;
		} catch {
			// The next folder may take it. The name is this process's own, so that what is there is a part of the rows.
			try {
				rmSync(path, { force: true });
			} catch {}
		}
	}
	return undefined;
}

/** What a scan of the ledger found. */
export interface LedgerScan {
	readonly rows: number;
	/** Lines that are torn or are not ledger rows. */
	readonly damaged: number;
	/** The number of the first of them, from 1 at the start of the scan. */
	readonly firstDamaged: number | null;
	/** Offset in bytes after the last whole line. */
	readonly end: number;
}

/** Gives way to other work after so many rows. */
const rowsAtOnce = 4_000;

/**
 * Reads the ledger from a byte offset to its end in flat memory, and hands each row on. A missing file has no rows.
 * A last line without a newline is left for later: its writer may be at work.
 */
export async function scanLedger(
	path: string,
	visit: (row: LedgerRow, offset: number) => void,
	start = 0,
	/** Lines without this text are passed over unread: what is looked for is rare. */
	containing?: string,
): Promise<LedgerScan> {
	let descriptor: number;
	try {
		descriptor = systemFiles.open(path, "r");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT")
			return { rows: 0, damaged: 0, firstDamaged: null, end: start };
		throw unreadable(path, error);
	}
	let rows = 0;
	let damaged = 0;
	let firstDamaged: number | null = null;
	let end = start;
	try {
		for (const { number, text, offset, length, ended } of readLines(systemFiles, descriptor, {
			from: start,
		})) {
			if (!ended) break;
			end = offset + length + 1;
			if (text === "" && length === 0) continue;
			if (containing !== undefined && !text.includes(containing)) continue;
			const row = parseRow(text);
			if (row === undefined) {
				damaged += 1;
				firstDamaged ??= number;
			} else {
				rows += 1;
				visit(row, offset);
			}
			if ((rows + damaged) % rowsAtOnce === 0) await new Promise((resolve) => setImmediate(resolve));
		}
	} catch (error) {
		if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
		throw unreadable(path, error);
	} finally {
		systemFiles.close(descriptor);
	}
	return { rows, damaged, firstDamaged, end };
}

function unreadable(path: string, error: unknown): ConfigError {
	return new ConfigError(`cannot read the ledger ${path}: ${describeFileError(error)}`, {
		hint: "move what is there elsewhere, or make it readable",
		cause: error,
	});
}
