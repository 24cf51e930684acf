import type { Timeouts } from "../options.ts";
import type { Clock } from "../schedule/clock.ts";

/** What the command line hears besides, and what a test puts in the place of time, chance and patience. */
export interface LLMRuntime {
	/** Measures and waits between two sendings. */
	readonly clock?: Clock | undefined;
	/** Numbers in [0, 1). */
	readonly random?: (() => number) | undefined;
	/** Silences that a request may have. */
	readonly timeouts?: Partial<Timeouts> | undefined;
	/** Called when ledger rows could not be written where they belong. */
	readonly onLedgerLost?: (() => void) | undefined;
}
