/** The lines of the ledger. */
import type { Charges, Usage } from "../types.ts";
import { jsonLine } from "./json-line.ts";

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
	/** When the call ended, in ms since 1970; now when absent. */
	readonly endedAt?: number | undefined;
	/** The entry is not a call: it prices the row at this offset of the file, which had none. */
	readonly reprices?: number | undefined;
	/** Of an answer that came in a batch job: the job and its row there. */
	readonly job?: string | undefined;
	readonly row?: string | undefined;
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
	/** The row is not a call, but gives a price to one that had none: the offset of its line in the file. */
	readonly reprices: number | null;
	readonly cached: boolean;
	/** 0 for a call that was not cached; null when what a hit saved is unknown. */
	readonly saved_usd: number | null;
	readonly status: LedgerStatus;
	readonly attempts: number;
	readonly latency_ms: number;
	/** Of an answer that came in a batch job: the job and its row there. */
	readonly job: string | null;
	readonly row: string | null;
}

/** Why the cost of a row is unknown, also of rows older than the field; null when it is known. */
export function unknownReason({
	cost_usd: usd,
	unknown,
	status,
	input_tokens: input,
}: LedgerRow): UnknownCost | null {
	if (usd !== null) return null;
	if (unknown !== null) return unknown;
	if (status === "maybe_billed") return "interrupted";
	return input === null ? "no_usage" : "no_price";
}

/** Calls of unknown cost in a row: one, none, or one less for a row that prices an earlier one. */
export function unknownCallsOf({ cost_usd: usd, reprices }: LedgerRow): number {
	if (reprices !== null) return -1;
	return usd === null ? 1 : 0;
}

/** Fields that hold nothing are left out: a million short rows are read twice as fast as a million full ones. */
export function toLine(entry: LedgerEntry, now: number): string {
	const { usage } = entry;
	const own = JSON.stringify({
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
		reprices: entry.reprices,
		cached: entry.cached || undefined,
		saved_usd: entry.cached ? (entry.savedUsd ?? null) : undefined,
		status: entry.status,
		attempts: entry.attempts,
		latency_ms: Math.round(entry.latencyMs),
		job: entry.job,
		row: entry.row,
	});
	return `{"ts":"${isoTimeOf(entry.endedAt ?? now)}",${marksOf(entry)},${own.slice(1)}\n`;
}

let lastMs = Number.NaN;
let lastTime = "";

/** Rows of one run follow each other within a ms, and a time takes as long to write as the rest of a row. */
function isoTimeOf(ms: number): string {
	if (ms !== lastMs) {
		lastTime = new Date(ms).toISOString();
		lastMs = ms;
	}
	return lastTime;
}

let lastMarked: LedgerEntry | undefined;
let lastMarks = "";

/** The fields that all rows of one run share, without braces; most rows have those of the row before. */
function marksOf(entry: LedgerEntry): string {
	const last = lastMarked;
	if (
		last === undefined ||
		last.command !== entry.command ||
		last.session !== entry.session ||
		last.label !== entry.label ||
		last.model !== entry.model ||
		last.provider !== entry.provider ||
		last.modelId !== entry.modelId
	) {
		lastMarked = entry;
		const marks = jsonLine({
			command: entry.command,
			session: entry.session ?? undefined,
			label: entry.label ?? undefined,
			model: entry.model,
			provider: entry.provider,
			model_id: entry.modelId,
		});
		// Without the braces and the line break.
		lastMarks = marks.slice(1, -2);
	}
	return lastMarks;
}

/** The row of a line; undefined for a line that is none. */
export function parseRow(line: string): LedgerRow | undefined {
	let row: Partial<LedgerRow> | null;
	try {
		row = JSON.parse(line) as Partial<LedgerRow> | null;
	} catch {
		return undefined;
	}
	if (
		row === null ||
		typeof row.ts !== "string" ||
		!Number.isFinite(Date.parse(row.ts)) ||
		typeof row.model !== "string" ||
		typeof row.provider !== "string" ||
		typeof row.command !== "string" ||
		!isNumberOrNull(row.cost_usd) ||
		!isNumberOrNull(row.input_tokens) ||
		!isNumberOrNull(row.output_tokens)
	)
		return undefined;
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
		reprices: row.reprices ?? null,
		cached: row.cached ?? false,
		saved_usd: row.saved_usd === undefined ? 0 : row.saved_usd,
		status: row.status ?? "ok",
		attempts: row.attempts ?? 1,
		latency_ms: row.latency_ms ?? 0,
		job: row.job ?? null,
		row: row.row ?? null,
	};
}

function isNumberOrNull(value: unknown): value is number | null {
	return value === null || (typeof value === "number" && Number.isFinite(value));
}
