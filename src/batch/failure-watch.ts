import type { FailureClass } from "./records.ts";

/** What to do after a row has ended. */
export type Advice = { readonly pauseMs: number } | "stop" | "go";

const window = 50;
const firstPauseMs = 5_000;
const longestPauseMs = 300_000;
/** Pauses in a row without one answer after which an outage is not waited out any longer. */
const patience = 4;

/** Failures that say something about the provider, not about the row. */
const outages: ReadonlySet<FailureClass> = new Set<FailureClass>([
	"rate_limit",
	"overloaded",
	"server",
	"network",
	"timeout",
]);

/**
 * Watches the last 50 rows. When more than half of them failed, sending on costs money and brings little: it pauses,
 * longer each time, and gives up when a provider that is out of order does not come back.
 */
export class FailureWatch {
	readonly #last: boolean[] = [];
	#next = 0;
	#failures = 0;
	#pauses = 0;
	#answers = 0;
	#otherFailures = 0;

	/** Takes how a row ended: undefined for an answer. */
	note(failure: FailureClass | undefined): Advice {
		const failed = failure !== undefined;
		if (failed) {
			if (!outages.has(failure)) this.#otherFailures += 1;
		} else {
			this.#answers += 1;
			this.#pauses = 0;
		}
		if (this.#last[this.#next]) this.#failures -= 1;
		this.#last[this.#next] = failed;
		this.#next = (this.#next + 1) % window;
		if (failed) this.#failures += 1;
		if (this.#last.length < window || this.#failures * 2 <= window) return "go";
		const isOutage = this.#answers === 0 && this.#otherFailures === 0;
		this.#forget();
		this.#pauses += 1;
		if (isOutage && this.#pauses > patience) return "stop";
		return { pauseMs: Math.min(firstPauseMs * 2 ** (this.#pauses - 1), longestPauseMs) };
	}

	/** After a pause the next 50 rows speak for themselves. */
	#forget(): void {
		this.#last.length = 0;
		this.#next = 0;
		this.#failures = 0;
		this.#answers = 0;
		this.#otherFailures = 0;
	}
}
