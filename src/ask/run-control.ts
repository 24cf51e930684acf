import type { LlmxError, RequestError } from "../errors.ts";
import type { Admission, ServerChange } from "../schedule/schedule-options.ts";
import type { Cost, Result, Usage } from "../types.ts";

/** What became of one of many prompts; `index` counts from 0 in the order of the input. */
export type RowOutcome<Row> =
	| { readonly ok: true; readonly index: number; readonly row: Row; readonly result: Result }
	| {
			readonly ok: false;
			readonly index: number;
			readonly row: Row;
			readonly error: LlmxError;
			/** Requests sent for it. */
			readonly attempts: number;
			/** Of several answers those that came, and were paid for; null when none did. */
			readonly partial: Result | null;
			/** What all of its requests cost. */
			readonly spent: Cost;
	  };

/** What one sending of a row came to. */
export interface RequestOutcome {
	readonly usage: Usage | null;
	/** Of its requests, whether they brought something or not. */
	readonly cost: Cost;
	/** Why it failed; undefined when it was answered. */
	readonly error: unknown;
}

/** How the caller of a run of many rows controls it. */
export interface RunControl<Row> {
	/** Asked right before every sending; see the scheduler's `admit`. */
	readonly admit?: ((row: Row) => Admission) | undefined;
	/** Called each time before the first byte of an admitted request leaves. */
	readonly onLeave?: (() => void) | undefined;
	/** Called when an admitted request has ended, before the row's outcome is passed on. */
	readonly onSent?: ((row: Row, sending: RequestOutcome) => void) | undefined;
	/**
	 * Judges an answer, and may correct it. If it throws, the answer does not count: the row fails with that error,
	 * the cache does not keep it, and one that the cache holds is asked for again.
	 */
	readonly judge?: ((row: Row, result: Result) => Result) | undefined;
	/** Called with the length of a pause in ms, when more than half of the last 50 requests failed, and with the last error. */
	readonly onPause?: ((pauseMs: number, error: RequestError) => void) | undefined;
	/** Called when one of several servers is out of order, or answers again. */
	readonly onServer?: ((change: ServerChange) => void) | undefined;
	/** When it fires nothing more is sent, what is in flight lands, and the run ends without an error. */
	readonly stop?: AbortSignal | undefined;
}
