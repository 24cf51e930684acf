import type { Settings } from "../models/settings.ts";
import type { Timeouts } from "../options.ts";
import type { Clock } from "../schedule/clock.ts";

/** The part of a user's limits that one of several processes has; all of them together have the whole. */
export interface LimitPart {
	/** Of the requests and tokens per minute, 0 to 1. */
	readonly rate: number;
	/** Requests per minute that were found to be this part of what the account allows; undefined: not known. */
	readonly requestsPerMinute?: number | undefined;
	/** Most requests in flight, of `total`. */
	readonly inFlight: (total: number) => number;
}

/** Limits that can be divided among processes. */
export interface DividedLimits {
	/** Keeps from now on to this part of them. */
	divide(part: LimitPart): void;
}

/**
 * What the command line hands in and hears besides, and what a test puts in the place of time, chance and the
 * network's patience.
 */
export interface LLMRuntime {
	/** Measures and waits between two sendings. */
	readonly clock?: Clock | undefined;
	/** Numbers in [0, 1). */
	readonly random?: (() => number) | undefined;
	/** Silences that a request may have. */
	readonly timeouts?: Partial<Timeouts> | undefined;
	/** Called when ledger rows could not be written where they belong. */
	readonly onLedgerLost?: (() => void) | undefined;
	/** The process asks once and ends. */
	readonly asksOnce?: boolean | undefined;
	/** Hears of the limits of a run of many prompts before it sends. */
	readonly onPacing?: ((limits: DividedLimits) => void) | undefined;
	/** Instead of reading the config and the stored keys. */
	readonly settings?: Settings | undefined;
}
