import type { Limiter, LimiterState, SentRequest } from "../../src/limits/limiter.ts";
import type { Contender } from "./measure.ts";

/** One more in flight for each window's worth of answers, half as many after an episode of refusals. */
class AimdLimiter implements Limiter {
	readonly #most: number;
	readonly #now: () => number;
	#window = 1;
	#inFlight = 0;
	#cutAt = Number.NEGATIVE_INFINITY;

	constructor(most: number, now: () => number) {
		this.#most = most;
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
		this.#window = Math.min(this.#most, this.#window + 1 / this.#window);
	}

	refused({ sentAt }: SentRequest): void {
		this.#inFlight--;
		if (sentAt > this.#cutAt) {
			this.#cutAt = this.#now();
			this.#window = Math.max(1, this.#window / 2);
		}
	}

	overloaded(sending: SentRequest): void {
		this.refused(sending);
	}

	failed(): void {
		this.#inFlight--;
	}

	revived(): void {}

	state(): LimiterState {
		const window = Math.floor(this.#window);
		return {
			inFlight: this.#inFlight,
			window,
			requestsPerMinute: null,
			pausedMs: 0,
			reason: "AIMD",
			lastSignal: null,
		};
	}
}

/** What people do without a controller. */
export const rivals: readonly Contender[] = [
	{ name: "fixed 64", loops: 64 },
	{ name: "fixed 256", loops: 256 },
	{ name: "AIMD 32", limiter: (now) => new AimdLimiter(32, now) },
	{ name: "AIMD 512", limiter: (now) => new AimdLimiter(512, now) },
];
