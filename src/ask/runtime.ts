import type { Settings } from "../models/settings.ts";
import type { Timeouts } from "../options.ts";
import type { Clock } from "../schedule/clock.ts";

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
	/** Instead of reading the config and the stored keys. */
	readonly settings?: Settings | undefined;
}
