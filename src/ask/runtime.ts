import type { Timeouts } from "../options.ts";
import type { Clock } from "../schedule/clock.ts";

/** What a test puts in the place of time, chance and the network's patience. */
export interface LLMRuntime {
	/** Measures and waits between two sendings. */
	readonly clock?: Clock | undefined;
	/** Numbers in [0, 1). */
	readonly random?: (() => number) | undefined;
	/** Silences that a request may have. */
	readonly timeouts?: Partial<Timeouts> | undefined;
}
