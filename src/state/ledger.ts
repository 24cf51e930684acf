import { closeSync, openSync, readSync } from "node:fs";
import type { Charges, Usage } from "../types.ts";
import { LineAppender } from "./files.ts";

/** `maybe_billed`: the call failed or was interrupted after the provider may have begun to charge for it. */
export type LedgerStatus = "ok" | "failed" | "maybe_billed";

/**
 * Why a cost is unknown: the model has no price; the answer said no tokens, or impossible ones; it had charges that
 * nobody publishes a price of; it never came.
 */
export type UnknownCost = "no_price" | "no_usage" | "untold" | "interrupted";

/** One call, as its caller knows it. */
export interface LedgerEntry {
	/** What made the call: `ask`, `chat`, `batch`, …, or `library`. */
	readonly command: string;
	readonly session?: string | null | undefined;
	/** The caller's own mark, for example the name of a batch's output file. */
	readonly label?: string | null | undefined;
	/** The model string as the user gave it. */
	readonly model: string;
	readonly provider: string;
	readonly modelId: string;
	/** null when the provider did not say; estimated for `maybe_billed` rows. */
	readonly usage: Usage | null;
	/** USD; null when unknown. A cache hit costs 0. */
	readonly costUsd: number | null;
	/** Why `costUsd` is null. */
	readonly unknown?: UnknownCost | undefined;
	/** `costUsd` is what the provider reported, and not computed from a price. */
	readonly isReported?: boolean | undefined;
	/** What was billed besides the tokens. */
	readonly charges?: Charges | undefined;
	/** Answered from the response cache. */
	readonly cached: boolean;
	/** USD that a cache hit did not cost; null when the original cost is unknown. */
	readonly savedUsd?: number | null | undefined;
	readonly status: LedgerStatus;
	readonly attempts: number;
	readonly latencyMs: number;
}

/** One line of the ledger, with the fields filled in that a line leaves out because they hold nothing. */
export interface LedgerRow {
	/** When the call ended, ISO 8601 in UTC. */
	readonly ts: string;
	readonly command: string;
	readonly session: string | null;
	readonly label: string | null;
	readonly model: string;
	readonly provider: string;
	readonly model_id: string;
	/** null, like output_tokens, when the provider did not say. */
	readonly input_tokens: number | null;
	readonly cached_input_tokens: number;
	readonly cache_write_tokens: number;
	readonly audio_input_tokens: number;
	readonly output_tokens: number | null;
	readonly reasoning_tokens: number;
	readonly cost_usd: number | null;
	/** Why cost_usd is null; null also in rows older than the field. */
	readonly unknown: UnknownCost | null;
	readonly cost_source: "reported" | null;
	readonly charges: Charges | null;
	readonly cached: boolean;
	/** 0 for a call that was not cached; null when what a hit saved is unknown. */
	readonly saved_usd: number | null;
	readonly status: LedgerStatus;
	readonly attempts: number;
	readonly latency_ms: number;
}

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

/** Fields that hold nothing are left out: a million short rows are read twice as fast as a million full ones. */
function toLine(entry: LedgerEntry, now: number): string {
	const { usage } = entry;
	return `${JSON.stringify({
		ts: new Date(now).toISOString(),
		command: entry.command,
		session: entry.session ?? undefined,
		label: entry.label ?? undefined,
		model: entry.model,
		provider: entry.provider,
		model_id: entry.modelId,
		input_tokens: usage?.inputTokens ?? null,
		cached_input_tokens: usage?.cachedInputTokens || undefined,
		cache_write_tokens: usage?.cacheWriteTokens || undefined,
		audio_input_tokens: usage?.audioInputTokens || undefined,
		output_tokens: usage?.outputTokens ?? null,
		reasoning_tokens: usage?.reasoningTokens || undefined,
		cost_usd: entry.costUsd,
		unknown: entry.unknown,
		cost_source: entry.isReported ? "reported" : undefined,
		charges: entry.charges && Object.keys(entry.charges).length > 0 ? entry.charges : undefined,
		cached: entry.cached || undefined,
		saved_usd: entry.cached ? (entry.savedUsd ?? null) : undefined,
		status: entry.status,
		attempts: entry.attempts,
		latency_ms: Math.round(entry.latencyMs),
	})}\n`;
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

function parseRow(line: string): LedgerRow | undefined {
	let row: Partial<LedgerRow> | null;
	try {
		row = JSON.parse(line) as Partial<LedgerRow> | null;
	} catch {
		return undefined;
	}
	if (
		row === null ||
		typeof row.ts !== "string" ||
		typeof row.model !== "string" ||
		typeof row.provider !== "string" ||
		typeof row.command !== "string" ||
		!isNumberOrNull(row.cost_usd) ||
		!isNumberOrNull(row.input_tokens) ||
		!isNumberOrNull(row.output_tokens)
	) {
		return undefined;
	}
	return {
		ts: row.ts,
		command: row.command,
		session: row.session ?? null,
		label: row.label ?? null,
		model: row.model,
		provider: row.provider,
		model_id: row.model_id ?? row.model,
		input_tokens: row.input_tokens,
		cached_input_tokens: row.cached_input_tokens ?? 0,
		cache_write_tokens: row.cache_write_tokens ?? 0,
		audio_input_tokens: row.audio_input_tokens ?? 0,
		output_tokens: row.output_tokens,
		reasoning_tokens: row.reasoning_tokens ?? 0,
		cost_usd: row.cost_usd,
		unknown: row.unknown ?? null,
		cost_source: row.cost_source ?? null,
		charges: row.charges ?? null,
		cached: row.cached ?? false,
		saved_usd: row.saved_usd === undefined ? 0 : row.saved_usd,
		status: row.status ?? "ok",
		attempts: row.attempts ?? 1,
		latency_ms: row.latency_ms ?? 0,
	};
}

function isNumberOrNull(value: unknown): value is number | null {
	return value === null || (typeof value === "number" && Number.isFinite(value));
}
