/**
 * The rate limits of one account, as pure arithmetic over an injected clock: the server uses it with real time,
 * the rate-control benchmark and rehearsals with a virtual one.
 */
import { type LimitShape, type Meter, newMeter } from "./meters.ts";

/** What an account may do; an absent field is unlimited. */
export interface Limits {
	/** How the limits per minute are counted; `bucket` by default. */
	readonly shape?: LimitShape | undefined;
	readonly requestsPerMinute?: number | undefined;
	/** Input and output tokens together. */
	readonly tokensPerMinute?: number | undefined;
	readonly requestsPerDay?: number | undefined;
	readonly maxInFlight?: number | undefined;
	/** How many seconds of the rate a rested account may use at once; 60 (a whole minute's allowance) by default. */
	readonly burstSeconds?: number | undefined;
	/** How full the buckets are at the start, 0 to 1; 1 by default. */
	readonly initialFill?: number | undefined;
}

export type Dimension = "requests" | "tokens" | "requests-day" | "in-flight";

/** One dimension as a provider's headers show it. */
export interface Level {
	/** Per minute, or per day for `requestsDay`. */
	readonly limit: number;
	/** Whole units left now, never negative. */
	readonly remaining: number;
	/** Until all of it is there again. */
	readonly resetMs: number;
}

export interface LimitState {
	readonly requests: Level | undefined;
	readonly tokens: Level | undefined;
	readonly requestsDay: Level | undefined;
	readonly inFlight: number;
}

export type LimitDecision =
	| { readonly admitted: true }
	| {
			readonly admitted: false;
			readonly limitedBy: Dimension;
			/** Until the same request would be admitted if nothing else were sent; 0 when only an answer can free a place. */
			readonly retryAfterMs: number;
	  };

const dayMs = 86_400_000;
const admitted: LimitDecision = { admitted: true };

/** Admits or refuses the requests of one account. A refused request costs nothing. */
export class AccountLimits {
	readonly #now: () => number;
	#limits: Limits = {};
	#requests: Meter | undefined;
	#tokens: Meter | undefined;
	#day = 0;
	#usedToday = 0;
	#inFlight = 0;

	/** `now` is in ms and never goes back; days are counted from 0 of this clock. */
	constructor(limits: Limits, now: () => number) {
		this.#now = now;
		this.change(limits);
	}

	get limits(): Limits {
		return this.#limits;
	}

	get inFlight(): number {
		return this.#inFlight;
	}

	/** Replaces all limits from now on. Buckets that exist keep their level; new ones start at `initialFill`. */
	change(limits: Limits): void {
		const now = this.#now();
		this.#limits = limits;
		this.#requests = this.#renew(this.#requests, limits.requestsPerMinute, now);
		this.#tokens = this.#renew(this.#tokens, limits.tokensPerMinute, now);
	}

	/** Takes a place and `tokens` (input and output) for one request, or says which limit forbids it and for how long. */
	admit(tokens: number): LimitDecision {
		const now = this.#now();
		const { maxInFlight, requestsPerDay } = this.#limits;
		if (requestsPerDay !== undefined && this.#today(now) >= requestsPerDay)
			return { admitted: false, limitedBy: "requests-day", retryAfterMs: dayMs - (now % dayMs) };
		if (maxInFlight !== undefined && this.#inFlight >= maxInFlight)
			return { admitted: false, limitedBy: "in-flight", retryAfterMs: 0 };
		const requestWait = this.#requests?.waitMs(1, now) ?? 0;
		const tokenWait = this.#tokens?.waitMs(tokens, now) ?? 0;
		if (requestWait > 0 || tokenWait > 0)
			return {
				admitted: false,
				limitedBy: tokenWait > requestWait ? "tokens" : "requests",
				retryAfterMs: Math.max(requestWait, tokenWait),
			};
		this.#requests?.take(1, now);
		this.#tokens?.take(tokens, now);
		this.#usedToday++;
		this.#inFlight++;
		return admitted;
	}

	/** Tokens that became known only with the answer, where a provider counts them then. */
	charge(tokens: number): void {
		this.#tokens?.take(tokens, this.#now());
	}

	/** An admitted request has ended, however it ended. */
	release(): void {
		this.#inFlight--;
	}

	/** What the provider's headers would say now. */
	state(): LimitState {
		const now = this.#now();
		const { requestsPerMinute, tokensPerMinute, requestsPerDay } = this.#limits;
		return {
			requests: this.#requests && { limit: requestsPerMinute ?? 0, ...this.#requests.level(now) },
			tokens: this.#tokens && { limit: tokensPerMinute ?? 0, ...this.#tokens.level(now) },
			requestsDay:
				requestsPerDay === undefined
					? undefined
					: {
							limit: requestsPerDay,
							remaining: Math.max(0, requestsPerDay - this.#today(now)),
							resetMs: dayMs - (now % dayMs),
						},
			inFlight: this.#inFlight,
		};
	}

	#renew(meter: Meter | undefined, perMinute: number | undefined, now: number): Meter | undefined {
		if (perMinute === undefined) return undefined;
		const { shape = "bucket", burstSeconds = 60, initialFill = 1 } = this.#limits;
		if (meter === undefined) return newMeter(shape, perMinute, burstSeconds, initialFill, now);
		meter.change(perMinute, burstSeconds, now);
		return meter;
	}

	#today(now: number): number {
		const day = Math.floor(now / dayMs);
		if (day !== this.#day) {
			this.#day = day;
			this.#usedToday = 0;
		}
		return this.#usedToday;
	}
}
