/**
 * The rate limits of one account, as pure arithmetic over an injected clock: the server uses it with real time,
 * the rate-control benchmark and rehearsals with a virtual one.
 */

/** What an account may do; an absent field is unlimited. */
export interface Limits {
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
	/** Until the bucket is full again. */
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

const minuteMs = 60_000;
const dayMs = 86_400_000;
const admitted: LimitDecision = { admitted: true };

/** A bucket that refills continuously, as OpenAI's headers show theirs does. */
class Bucket {
	#perMs: number;
	#capacity: number;
	#level: number;
	#at: number;

	constructor(perMinute: number, burstSeconds: number, fill: number, now: number) {
		this.#perMs = perMinute / minuteMs;
		this.#capacity = capacityOf(perMinute, burstSeconds);
		this.#level = this.#capacity * fill;
		this.#at = now;
	}

	/** A new rate keeps what was saved up, as far as the new capacity allows. */
	change(perMinute: number, burstSeconds: number, now: number): void {
		this.#refill(now);
		this.#perMs = perMinute / minuteMs;
		this.#capacity = capacityOf(perMinute, burstSeconds);
		this.#level = Math.min(this.#level, this.#capacity);
	}

	/** Ms until `cost` may be taken. More than a full bucket is asked of a full one and leaves a debt. */
	waitMs(cost: number, now: number): number {
		this.#refill(now);
		const missing = Math.min(cost, this.#capacity) - this.#level;
		return missing <= 1e-9 ? 0 : missing / this.#perMs;
	}

	take(cost: number): void {
		this.#level -= cost;
	}

	level(limit: number, now: number): Level {
		this.#refill(now);
		return {
			limit,
			remaining: Math.max(0, Math.floor(this.#level)),
			resetMs: (this.#capacity - this.#level) / this.#perMs,
		};
	}

	#refill(now: number): void {
		this.#level = Math.min(this.#capacity, this.#level + (now - this.#at) * this.#perMs);
		this.#at = now;
	}
}

// A bucket that cannot hold one request would never let any through.
function capacityOf(perMinute: number, burstSeconds: number): number {
	return Math.max(1, (perMinute * burstSeconds) / 60);
}

/** Admits or refuses the requests of one account. A refused request costs nothing. */
export class AccountLimits {
	readonly #now: () => number;
	#limits: Limits = {};
	#requests: Bucket | undefined;
	#tokens: Bucket | undefined;
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
		if (requestsPerDay !== undefined && this.#today(now) >= requestsPerDay) {
			return { admitted: false, limitedBy: "requests-day", retryAfterMs: dayMs - (now % dayMs) };
		}
		if (maxInFlight !== undefined && this.#inFlight >= maxInFlight) {
			return { admitted: false, limitedBy: "in-flight", retryAfterMs: 0 };
		}
		const requestWait = this.#requests?.waitMs(1, now) ?? 0;
		const tokenWait = this.#tokens?.waitMs(tokens, now) ?? 0;
		if (requestWait > 0 || tokenWait > 0) {
			return {
				admitted: false,
				limitedBy: tokenWait > requestWait ? "tokens" : "requests",
				retryAfterMs: Math.max(requestWait, tokenWait),
			};
		}
		this.#requests?.take(1);
		this.#tokens?.take(tokens);
		this.#usedToday++;
		this.#inFlight++;
		return admitted;
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
			requests: this.#requests?.level(requestsPerMinute ?? 0, now),
			tokens: this.#tokens?.level(tokensPerMinute ?? 0, now),
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

	#renew(bucket: Bucket | undefined, perMinute: number | undefined, now: number): Bucket | undefined {
		if (perMinute === undefined) {
			return undefined;
		}
		const burstSeconds = this.#limits.burstSeconds ?? 60;
		if (bucket === undefined) {
			return new Bucket(perMinute, burstSeconds, this.#limits.initialFill ?? 1, now);
		}
		bucket.change(perMinute, burstSeconds, now);
		return bucket;
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
