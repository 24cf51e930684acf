import type { LlmxError } from "../errors.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import type { Keys } from "./keys.ts";

/** In flight until the first answer, so that a server that is down costs few requests. */
const maxUnproven = 64;
/** An answer's time counts for a tenth of the mean. */
const latencyWeight = 0.1;
/** What was seen of a server's speed is half forgotten after this time, in ms. */
const latencyHalfLifeMs = 15_000;
/** After a failure a server is the last to be asked for a second, and for longer after each further one. */
const firstShunMs = 1_000;
const longestShunMs = 8_000;

/** One of the servers that serve a model: its keys, how busy and how fast it is, and whether it is out of order. */
export class Server {
	/** As messages name it. */
	readonly name: string;
	/** Its place among the servers of the model. */
	readonly index: number;
	readonly keys: Keys;
	readonly breaker = new CircuitBreaker();
	inFlight = 0;
	answers = 0;
	failures = 0;
	/** It failed in a way in which every request to it would fail, and has answered none since. */
	isUnfit = false;
	#latencyMs: number | undefined;
	#answeredAt = 0;
	/** Failures since the last answer. */
	#failuresInARow = 0;
	#shunnedUntil = Number.NEGATIVE_INFINITY;

	constructor(name: string, index: number, keys: Keys) {
		this.name = name;
		this.index = index;
		this.keys = keys;
	}

	/** Why nothing can be sent to it any more. */
	get end(): LlmxError | undefined {
		return this.keys.end();
	}

	/** Mean ms of its answers; undefined before the first. */
	get latencyMs(): number | undefined {
		return this.#latencyMs;
	}

	/** Ms until something may be sent to it in a run of many rows: 0 for now, Infinity when an end must come first. */
	waitMs(now: number): number {
		if (!this.breaker.isProven && this.inFlight >= maxUnproven) return Number.POSITIVE_INFINITY;
		return this.breaker.waitMs(now);
	}

	/** How long a request may take that is sent to it now, in ms. `usualMs` stands for what is not known of it. */
	load(now: number, usualMs: number): number {
		const known = 2 ** ((this.#answeredAt - now) / latencyHalfLifeMs);
		const ms = this.#latencyMs === undefined ? usualMs : usualMs + known * (this.#latencyMs - usualMs);
		return (this.inFlight + 1) * ms;
	}

	/** It failed just now, and is asked when no other can be. */
	isShunned(now: number): boolean {
		return now < this.#shunnedUntil;
	}

	answered(now: number, latencyMs: number): void {
		const mean = this.#latencyMs ?? latencyMs;
		this.#latencyMs = mean + latencyWeight * (latencyMs - mean);
		this.#answeredAt = now;
		this.#failuresInARow = 0;
		this.isUnfit = false;
		this.#shunnedUntil = Number.NEGATIVE_INFINITY;
		this.answers += 1;
	}

	failed(now: number): void {
		const ms = Math.min(firstShunMs * 2 ** this.#failuresInARow, longestShunMs);
		this.#shunnedUntil = now + ms;
		this.#failuresInARow += 1;
		this.failures += 1;
	}
}
