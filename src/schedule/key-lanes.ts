import type { LlmxError, RequestError } from "../errors.ts";
import type { Limiter, LimiterState, TokenCost } from "../limits/limiter.ts";
import { type ExhaustionReason, KeysExhaustedError, parkAfterMs } from "./key-pool.ts";

/** A key and the limiter of the account it belongs to; keys of one account share one limiter. */
export interface KeyLane {
	/** Undefined for a provider that needs none. */
	readonly key: string | undefined;
	readonly limiter: Limiter;
}

interface LaneState {
	readonly lane: KeyLane;
	/** Why nothing is sent by it; undefined while it is good. */
	closed:
		| { readonly reason: ExhaustionReason; readonly until: number; readonly cause: RequestError }
		| undefined;
}

/** All keys by which requests to one model may go. */
export class KeyLanes {
	readonly #provider: string;
	readonly #lanes: readonly LaneState[];
	readonly #now: () => number;
	#turn = 0;
	#waitMs = 0;

	/** `provider` is named in errors. */
	constructor(provider: string, lanes: readonly KeyLane[], now: () => number) {
		this.#provider = provider;
		this.#lanes = lanes.map((lane) => ({ lane, closed: undefined }));
		this.#now = now;
	}

	/** Why nothing can be sent any more in this run, once no key is left. */
	get end(): LlmxError | undefined {
		const now = this.#now();
		let last: NonNullable<LaneState["closed"]> | undefined;
		for (const { closed } of this.#lanes) {
			if (closed === undefined || closed.until <= now) {
				return undefined;
			}
			// The best news of all: a parked key comes back, a spent one is at least a good key.
			if (
				last === undefined ||
				closed.until < last.until ||
				(closed.reason === "spent" && last.reason === "refused")
			) {
				last = closed;
			}
		}
		if (last === undefined) {
			return undefined;
		}
		if (this.#lanes.length === 1 && last.reason !== "parked") {
			return last.cause;
		}
		const readyInMs = last.reason === "parked" ? last.until - now : undefined;
		return new KeysExhaustedError(this.#provider, last.reason, readyInMs);
	}

	/** What each account's limiter has to say; keys of one account count once. */
	get states(): readonly LimiterState[] {
		return [...new Set(this.#lanes.map(({ lane }) => lane.limiter))].map((limiter) => limiter.state());
	}

	/** The lane that may send a request of this cost now, or undefined; then `waitMs` says when to ask again. */
	pick(cost: TokenCost): KeyLane | undefined {
		const index = this.#find(cost);
		if (index < 0) {
			return undefined;
		}
		// The next request tries the next key first, so that the load spreads over the accounts.
		this.#turn = index + 1;
		return this.#lanes[index]?.lane;
	}

	/** After `pick` said no: ms until it is worth asking again, Infinity if an end must come first. */
	get waitMs(): number {
		return this.#waitMs;
	}

	/** Draws the consequence of a failure for the key it happened on. True when that key is out of use. */
	note(lane: KeyLane, error: RequestError): boolean {
		const { key, afterMs = 0 } = error.advice;
		const state = this.#lanes.find((candidate) => candidate.lane === lane);
		if (state === undefined) {
			return false;
		}
		if (key === "drop" || key === "retire") {
			const reason = key === "drop" ? "refused" : "spent";
			state.closed = { reason, until: Number.POSITIVE_INFINITY, cause: error };
			return true;
		}
		if (afterMs > parkAfterMs) {
			state.closed = { reason: "parked", until: this.#now() + afterMs, cause: error };
			return true;
		}
		return false;
	}

	#find(cost: TokenCost): number {
		const lanes = this.#lanes;
		let shortest = Number.POSITIVE_INFINITY;
		for (let step = 0; step < lanes.length; step++) {
			const index = (this.#turn + step) % lanes.length;
			const state = lanes[index];
			if (state === undefined) {
				continue;
			}
			const closedMs = state.closed === undefined ? 0 : state.closed.until - this.#now();
			const waitMs = closedMs > 0 ? closedMs : state.lane.limiter.waitMs(cost);
			if (waitMs <= 0) {
				return index;
			}
			shortest = Math.min(shortest, waitMs);
		}
		this.#waitMs = shortest;
		return -1;
	}
}
