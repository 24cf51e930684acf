import type { LimitDecision, LimitState, Limits } from "../../src/simulator/limits.ts";

const minuteMs = 60_000;

/** Limits that come back all at once at the full minute, as some providers keep them. */
export class WindowLimits {
	readonly #now: () => number;
	#limits: Limits;
	#window = 0;
	#requests = 0;
	#tokens = 0;
	#inFlight = 0;

	constructor(limits: Limits, now: () => number) {
		this.#limits = limits;
		this.#now = now;
	}

	get limits(): Limits {
		return this.#limits;
	}

	get inFlight(): number {
		return this.#inFlight;
	}

	change(limits: Limits): void {
		this.#limits = limits;
	}

	admit(tokens: number): LimitDecision {
		this.#turn();
		const { requestsPerMinute = Number.POSITIVE_INFINITY, tokensPerMinute = Number.POSITIVE_INFINITY } =
			this.#limits;
		const retryAfterMs = minuteMs - (this.#now() % minuteMs);
		if (this.#requests >= requestsPerMinute) {
			return { admitted: false, limitedBy: "requests", retryAfterMs };
		}
		if (this.#tokens + tokens > tokensPerMinute) {
			return { admitted: false, limitedBy: "tokens", retryAfterMs };
		}
		this.#requests++;
		this.#tokens += tokens;
		this.#inFlight++;
		return { admitted: true };
	}

	release(): void {
		this.#inFlight--;
	}

	state(): LimitState {
		this.#turn();
		const resetMs = minuteMs - (this.#now() % minuteMs);
		const { requestsPerMinute, tokensPerMinute } = this.#limits;
		const level = (limit: number | undefined, used: number) =>
			limit === undefined ? undefined : { limit, remaining: Math.max(0, limit - used), resetMs };
		return {
			requests: level(requestsPerMinute, this.#requests),
			tokens: level(tokensPerMinute, this.#tokens),
			requestsDay: undefined,
			inFlight: this.#inFlight,
		};
	}

	#turn(): void {
		const window = Math.floor(this.#now() / minuteMs);
		if (window !== this.#window) {
			this.#window = window;
			this.#requests = 0;
			this.#tokens = 0;
		}
	}
}
