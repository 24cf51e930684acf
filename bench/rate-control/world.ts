import { type ErrorClass, RequestError } from "../../src/errors.ts";
import type { RateLevel, RateSnapshot } from "../../src/limits/rate-headers.ts";
import type { Clock } from "../../src/schedule/clock.ts";
import { AccountLimits, type LimitDecision, type Limits } from "../../src/simulator/limits.ts";
import { gaussian, type Latency, seeded } from "./provider.ts";

/** A time, in seconds of the run, in which something is the case. */
export interface Span {
	readonly from: number;
	readonly to: number;
}

/** A server and a source of rows, with everything that a client can meet there. */
export interface World {
	readonly limits: Limits;
	/** Limits from second `at` on. */
	readonly changes: readonly { readonly at: number; readonly limits: Limits }[];
	/** Tokens of an answer count against the limit when it is there, and not when it is asked for. */
	readonly chargesAfterwards: boolean;
	readonly latency: Latency;
	/** Requests that are worked on at once; the others wait in a queue. */
	readonly workers: number;
	/** `false`: ten times too much is said to be left; `zero`: always nothing; `healthy`: nearly all of a large limit. */
	readonly headers: "none" | "true" | "false" | "zero" | "healthy";
	/** Headers come with each answer from this second on. */
	readonly headersFrom: number;
	/** What a 429 says: nothing, the truth, or always so many ms. */
	readonly hints: "none" | "exact" | number;
	/** Refusals that have nothing to do with what the client does. */
	readonly chance: {
		readonly share: number;
		readonly errorClass: ErrorClass;
		readonly hintMs: number | undefined;
	};
	/** Share of the rows that are refused every time. */
	readonly permanent: number;
	/** What they are refused with: a 429 like any other, or one that says that it can never succeed. */
	readonly permanentClass: "rate_limit" | "invalid_request";
	/** Rows that are refused once, with a hint of so many ms. */
	readonly refusedOnce: ReadonlyMap<number, number>;
	readonly outages: readonly (Span & { readonly errorClass: ErrorClass })[];
	/** Times in which the source has no row. */
	readonly pauses: readonly Span[];
	/** Tokens of a request: prompt and answer. */
	readonly meanTokens: number;
	/** Deviation of the logarithm of an answer's tokens. */
	readonly tokenSpread: number;
	/** Share of the request limit that another process tries to use. */
	readonly others: number;
}

export const plainWorld: World = {
	limits: {},
	changes: [],
	chargesAfterwards: false,
	latency: { medianMs: 1_000, spread: 0.25, mostMs: 60_000 },
	workers: Number.POSITIVE_INFINITY,
	headers: "none",
	headersFrom: 0,
	hints: "none",
	chance: { share: 0, errorClass: "rate_limit", hintMs: undefined },
	permanent: 0,
	permanentClass: "rate_limit",
	refusedOnce: new Map(),
	outages: [],
	pauses: [],
	meanTokens: 600,
	tokenSpread: 0.9,
	others: 0,
};

export interface Reply {
	readonly snapshot: RateSnapshot | undefined;
	readonly inputTokens: number;
	readonly outputTokens: number;
}

const statusOf: Partial<Record<ErrorClass, number>> = {
	rate_limit: 429,
	invalid_request: 429,
	overloaded: 503,
	server: 500,
};

/** How a request failed, as an adapter would report it. */
export class ServerError extends RequestError {
	readonly snapshot: RateSnapshot | undefined;

	constructor(errorClass: ErrorClass, hintMs?: number, snapshot?: RateSnapshot) {
		super(errorClass, {
			provider: "simulated",
			errorClass,
			status: statusOf[errorClass],
			advice: {
				retry: errorClass === "quota" || errorClass === "invalid_request" ? "never" : "always",
				key: errorClass === "quota" ? "retire" : errorClass === "rate_limit" ? "next" : "keep",
				afterMs: hintMs,
			},
			maybeBilled: false,
		});
		this.snapshot = snapshot;
	}
}

/** The clock of a world: the virtual one, or that of a server that programs send to. */
export interface WorldClock extends Clock {
	after(ms: number, callback: () => void): void;
}

/** The server of a world, with what came in and what became of it. */
export class WorldServer {
	readonly world: World;
	readonly #clock: WorldClock;
	readonly #random: () => number;
	readonly #salt: number;
	readonly #limits: AccountLimits;
	readonly #queue: (() => void)[] = [];
	#working = 0;
	readonly #refusedOnce = new Set<number>();
	readonly #sendings = new Map<number, number>();
	/** By second. */
	readonly admitted: number[] = [];
	readonly tokens: number[] = [];
	readonly refused: number[] = [];
	readonly refusedAt: number[] = [];
	readonly latencies: number[] = [];
	#inFlight = 0;
	mostInFlight = 0;
	/** When the last request ended, in ms. */
	lastMs = 0;
	/** Integral of requests that are worked on, in ms. */
	busyMs = 0;

	constructor(world: World, clock: WorldClock, random: () => number) {
		this.world = world;
		this.#clock = clock;
		this.#random = random;
		this.#salt = Math.floor(random() * 2 ** 32);
		this.#limits = new AccountLimits(world.limits, () => clock.now());
		for (const { at, limits } of world.changes) clock.after(at * 1000, () => this.#limits.change(limits));
		if (world.others > 0) void this.#compete();
	}

	/** Whether this row is refused for ever. */
	isPermanent(row: number): boolean {
		return isChosen(row, this.world.permanent);
	}

	/** How often a row was sent. */
	sendingsOf(row: number): number {
		return this.#sendings.get(row) ?? 0;
	}

	/** Sends row number `row`, which has `inputTokens`. @throws ServerError */
	async request(row: number, inputTokens: number): Promise<Reply> {
		const { world } = this;
		this.#sendings.set(row, this.sendingsOf(row) + 1);
		const random = this.#randomOf(row);
		this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight);
		try {
			await this.#clock.sleep(5 + 20 * random());
			const outputTokens = this.#drawOutput(random);
			const tokens = inputTokens + outputTokens;
			await this.#refuse(row, random);
			const decision = this.#limits.admit(world.chargesAfterwards ? inputTokens : tokens);
			if (!decision.admitted) await this.#refuseFor(decision, random);
			const snapshot = this.#snapshot();
			this.#note(this.admitted, 1);
			const from = this.#clock.now();
			await this.#work(random);
			this.latencies.push(this.#clock.now() - from);
			this.#limits.release();
			if (world.chargesAfterwards) this.#limits.charge(outputTokens);
			this.#note(this.tokens, tokens);
			await this.#clock.sleep(5 + 20 * random());
			return { snapshot, inputTokens, outputTokens };
		} finally {
			this.#inFlight--;
			this.lastMs = this.#clock.now();
		}
	}

	/**
	 * What a row meets when it is sent for the nth time is the same whoever sends it and whenever, so that clients are
	 * compared on the same server and not by their luck.
	 */
	#randomOf(row: number): () => number {
		return seeded(mix(mix(this.#salt, row), this.sendingsOf(row)));
	}

	/** What has nothing to do with limits. */
	async #refuse(row: number, random: () => number): Promise<void> {
		const { chance, outages, refusedOnce } = this.world;
		const seconds = this.#clock.now() / 1000;
		const outage = outages.find(({ from, to }) => seconds >= from && seconds < to);
		if (outage !== undefined) await this.#fail(outage.errorClass, undefined, random);
		if (this.isPermanent(row)) await this.#fail(this.world.permanentClass, undefined, random);
		const onceMs = refusedOnce.get(row);
		if (onceMs !== undefined && !this.#refusedOnce.has(row)) {
			this.#refusedOnce.add(row);
			await this.#fail("rate_limit", onceMs, random);
		}
		if (random() < chance.share) await this.#fail(chance.errorClass, chance.hintMs, random);
	}

	async #refuseFor(decision: LimitDecision & { admitted: false }, random: () => number): Promise<void> {
		const { hints } = this.world;
		const exact = decision.retryAfterMs === 0 ? undefined : Math.ceil(decision.retryAfterMs);
		const hintMs = hints === "none" ? undefined : hints === "exact" ? exact : hints;
		await this.#fail(decision.limitedBy === "requests-day" ? "quota" : "rate_limit", hintMs, random);
	}

	async #fail(errorClass: ErrorClass, hintMs: number | undefined, random: () => number): Promise<never> {
		const snapshot = this.#snapshot();
		if (errorClass === "rate_limit") {
			this.#note(this.refused, 1);
			this.refusedAt.push(this.#clock.now());
		}
		await this.#clock.sleep(20 + 100 * random());
		throw new ServerError(errorClass, hintMs, snapshot);
	}

	async #work(random: () => number): Promise<void> {
		const { latency, workers } = this.world;
		if (this.#working >= workers) await new Promise<void>((resolve) => this.#queue.push(resolve));
		this.#working++;
		const ms = Math.min(latency.mostMs, latency.medianMs * Math.exp(latency.spread * gaussian(random)));
		await this.#clock.sleep(ms);
		this.busyMs += ms;
		this.#working--;
		this.#queue.shift()?.();
	}

	#drawOutput(random: () => number): number {
		const { meanTokens, tokenSpread } = this.world;
		const drawn = Math.exp(tokenSpread * gaussian(random) - tokenSpread ** 2 / 2);
		return Math.min(20 * meanTokens, Math.round((meanTokens / 2) * drawn) + 1);
	}

	#note(bySecond: number[], amount: number): void {
		const second = Math.floor(this.#clock.now() / 1000);
		bySecond[second] = (bySecond[second] ?? 0) + amount;
	}

	#snapshot(): RateSnapshot | undefined {
		const { headers, headersFrom } = this.world;
		if (headers === "none" || this.#clock.now() < headersFrom * 1000) return undefined;
		if (headers === "healthy") {
			return { requests: { limit: 10_000, remaining: 9_990, resetMs: 60, windowMs: 60_000 } };
		}
		const { requests, tokens } = this.#limits.state();
		const state = { requests, tokens };
		const stated = (of: keyof typeof state): RateLevel | undefined => {
			const level = state[of];
			if (level === undefined) return undefined;
			const { limit, remaining, resetMs } = level;
			if (headers === "zero") return { limit, remaining: 0, resetMs: 60_000, windowMs: 60_000 };
			const factor = headers === "false" ? 10 : 1;
			const left = headers === "false" ? limit * factor - 5 : remaining;
			return { limit: limit * factor, remaining: left, resetMs, windowMs: 60_000 };
		};
		return { requests: stated("requests"), tokens: stated("tokens") };
	}

	async #compete(): Promise<void> {
		for (;;) {
			const perMinute = this.#limits.limits.requestsPerMinute ?? 0;
			await this.#clock.sleep((-Math.log(1 - this.#random()) * 60_000) / (perMinute * this.world.others));
			if (this.#limits.admit(0).admitted) this.#limits.release();
		}
	}
}

/** Chooses a share of all rows, always the same ones. */
function isChosen(row: number, share: number): boolean {
	return mix(0, row) / 4_294_967_296 < share;
}

/** A number below 2^32 that depends on both, and looks like chance. */
function mix(salt: number, value: number): number {
	let mixed = Math.imul((value + 1) ^ salt, 0x9e3779b1);
	mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
	return (mixed ^ (mixed >>> 13)) >>> 0;
}
