import { type ErrorClass, RequestError } from "../../src/errors.ts";
import type { RateLevel, RateSnapshot } from "../../src/limits/rate-headers.ts";
import type { VirtualClock } from "../../src/schedule/virtual-clock.ts";
import { AccountLimits, type Limits } from "../../src/simulator/limits.ts";

/** Median and spread (sigma of the logarithm) of the time an answer takes. */
export interface Latency {
	readonly medianMs: number;
	readonly spread: number;
	readonly mostMs: number;
}

export interface ProviderOptions {
	readonly clock: VirtualClock;
	readonly random: () => number;
	readonly limits: Limits;
	/** The limits come back all at once at the full minute. */
	readonly windowed: boolean;
	readonly latency: Latency;
	readonly headers: boolean;
	/** Whether a 429 says how long to wait. */
	readonly hints: boolean;
	/** When not 0: resets come in whole seconds, and are wrong by so many ms, as skewed clocks make them. */
	readonly skewMs: number;
	/** Tokens of a request: prompt and answer. */
	readonly meanTokens: number;
	/** Share of the request limit that another process tries to use. */
	readonly others: number;
}

/** One answer as the client sees it. */
export interface Reply {
	readonly snapshot: RateSnapshot | undefined;
	readonly inputTokens: number;
	readonly outputTokens: number;
}

export class RefusedError extends RequestError {
	readonly snapshot: RateSnapshot | undefined;

	constructor(errorClass: ErrorClass, hintMs: number | undefined, snapshot: RateSnapshot | undefined) {
		super("429", {
			provider: "simulated",
			errorClass,
			status: 429,
			advice: {
				retry: errorClass === "quota" ? "never" : "always",
				key: errorClass === "quota" ? "retire" : "next",
				afterMs: hintMs,
			},
			maybeBilled: false,
		});
		this.snapshot = snapshot;
	}
}

/** An account at a provider, on a virtual clock: the simulator's limits behind a network and a model that takes time. */
export class Provider {
	readonly limits: AccountLimits;
	readonly #options: ProviderOptions;
	/** Admitted and refused requests of ours by second. */
	readonly admitted: number[] = [];
	readonly refused: number[] = [];
	/** Admitted requests of the other process. */
	readonly othersAdmitted: number[] = [];
	tokensAdmitted = 0;
	/** Integral of requests in flight, in ms. */
	inFlightMs = 0;
	#inFlightAt = 0;

	constructor(options: ProviderOptions) {
		this.#options = options;
		const now = () => options.clock.now();
		this.limits = new AccountLimits(
			options.windowed ? { ...options.limits, shape: "window" } : options.limits,
			now,
		);
		if (options.others > 0) this.#compete();
	}

	/** Sends one request that will use `inputTokens`; rejects with RefusedError as a 429 would. */
	async request(inputTokens: number): Promise<Reply> {
		const { clock, random, latency } = this.#options;
		await clock.sleep(5 + 20 * random());
		const outputTokens = this.#drawOutput();
		const second = Math.floor(clock.now() / 1000);
		const admission = this.limits.admit(inputTokens + outputTokens);
		const snapshot = this.#snapshot();
		if (!admission.admitted) {
			this.refused[second] = (this.refused[second] ?? 0) + 1;
			await clock.sleep(20 + 100 * random());
			const isQuota = admission.limitedBy === "requests-day";
			const hintMs = this.#options.hints ? admission.retryAfterMs : undefined;
			throw new RefusedError(isQuota ? "quota" : "rate_limit", hintMs, snapshot);
		}
		this.admitted[second] = (this.admitted[second] ?? 0) + 1;
		this.tokensAdmitted += inputTokens + outputTokens;
		this.#countInFlight(-1);
		await clock.sleep(
			Math.min(latency.mostMs, latency.medianMs * Math.exp(latency.spread * gaussian(random))),
		);
		this.limits.release();
		this.#countInFlight(1);
		await clock.sleep(5 + 20 * random());
		return { snapshot, inputTokens, outputTokens };
	}

	#countInFlight(change: number): void {
		const now = this.#options.clock.now();
		this.inFlightMs += (now - this.#inFlightAt) * (this.limits.inFlight + change);
		this.#inFlightAt = now;
	}

	/** Answers are heavy-tailed: most are short, a few are ten times as long. */
	#drawOutput(): number {
		const { meanTokens, random } = this.#options;
		return Math.round((meanTokens / 2) * Math.exp(0.9 * gaussian(random) - 0.405)) + 1;
	}

	#snapshot(): RateSnapshot | undefined {
		if (!this.#options.headers) return undefined;
		const { requests, tokens, requestsDay } = this.limits.state();
		return {
			requests: this.#level(requests, 60_000),
			tokens: this.#level(tokens, 60_000),
			requestsPerDay: this.#level(requestsDay, 86_400_000),
		};
	}

	#level(
		level: { limit: number; remaining: number; resetMs: number } | undefined,
		windowMs: number,
	): RateLevel | undefined {
		if (level === undefined) return undefined;
		const { skewMs } = this.#options;
		const resetMs =
			skewMs === 0 ? level.resetMs : Math.max(0, 1000 * Math.ceil((level.resetMs + skewMs) / 1000));
		return { limit: level.limit, remaining: level.remaining, resetMs, windowMs };
	}

	async #compete(): Promise<void> {
		const { clock, random, others } = this.#options;
		for (;;) {
			const perMinute = this.limits.limits.requestsPerMinute ?? 0;
			await clock.sleep((-Math.log(1 - random()) * 60_000) / (perMinute * others));
			if (this.limits.admit(0).admitted) {
				const second = Math.floor(clock.now() / 1000);
				this.othersAdmitted[second] = (this.othersAdmitted[second] ?? 0) + 1;
				this.limits.release();
			}
		}
	}
}

export function gaussian(random: () => number): number {
	return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A small seeded generator (mulberry32), 0 <= x < 1. */
export function seeded(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}
