import type { CacheMode } from "../options.ts";
import type { Clock } from "../schedule/clock.ts";
import type { RetryNotice } from "../types.ts";
import type { Caller } from "./call.ts";

/** What one question and a run of many are asked with alike. */
export interface AskContext {
	readonly caller: Caller;
	readonly cache: CacheMode;
	readonly maxRetries: number;
	readonly signal: AbortSignal | undefined;
	readonly onRetry: ((notice: RetryNotice) => void) | undefined;
	readonly clock: Clock;
	/** Numbers in [0, 1). */
	readonly random: () => number;
	/** Resolves when all ledger rows so far are written. */
	readonly flushLedger: () => Promise<void>;
}
