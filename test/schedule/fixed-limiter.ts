import type { Limiter, LimiterState, SentRequest } from "../../src/limits/limiter.ts";

/** A fixed number in flight and nothing else. */
export class FixedLimiter implements Limiter {
	readonly #window: number;
	readonly #now: () => number;
	#inFlight = 0;

	constructor(window: number, now: () => number) {
		this.#window = window;
		this.#now = now;
	}

	waitMs(): number {
		return this.#inFlight < this.#window ? 0 : Number.POSITIVE_INFINITY;
	}

	sent(): SentRequest {
		this.#inFlight++;
		return { sentAt: this.#now() };
	}

	succeeded(): void {
		this.#inFlight--;
	}

	refused(): void {
		this.#inFlight--;
	}

	overloaded(): void {
		this.#inFlight--;
	}

	failed(): void {
		this.#inFlight--;
	}

	revived(): void {}

	state(): LimiterState {
		return {
			inFlight: this.#inFlight,
			window: this.#window,
			requestsPerMinute: null,
			pausedMs: 0,
			reason: "a fixed number in flight",
			lastSignal: null,
		};
	}
}
