import type { LlmxError, RequestError } from "../errors.ts";
import type { Limiter, LimiterState, TokenCost } from "../limits/limiter.ts";
import type { ApiKey, Keys } from "./keys.ts";

/** A key and the limiter of the account it belongs to; keys of one account share one limiter. */
export interface KeyLane {
	readonly key: ApiKey;
	readonly limiter: Limiter;
}

/** All keys by which requests to one model may go. */
export class KeyLanes {
	readonly #keys: Keys;
	readonly #lanes: readonly KeyLane[];
	#turn = 0;
	#waitMs = 0;

	/** Makes a lane for each of the keys, with the limiter that `limiterOf` returns for it. */
	constructor(keys: Keys, limiterOf: (key: ApiKey) => Limiter) {
		this.#keys = keys;
		this.#lanes = keys.all.map((key) => ({ key, limiter: limiterOf(key) }));
	}

	/** Why nothing can be sent any more in this run, once no key is left. */
	get end(): LlmxError | undefined {
		return this.#keys.end();
	}

	/** What each account's limiter has to say; keys of one account count once. */
	get states(): readonly LimiterState[] {
		return [...new Set(this.#lanes.map(({ limiter }) => limiter))].map((limiter) => limiter.state());
	}

	/** The lane that may send a request of this cost now, or undefined; then `waitMs` says when to ask again. */
	pick(cost: TokenCost): KeyLane | undefined {
		const lanes = this.#lanes;
		this.#waitMs = Number.POSITIVE_INFINITY;
		for (let step = 0; step < lanes.length; step++) {
			const index = (this.#turn + step) % lanes.length;
			const lane = lanes[index] as KeyLane;
			const waitMs = this.#keys.waitMs(lane.key) || lane.limiter.waitMs(cost);
			if (waitMs <= 0) {
				// The next request tries the next key first, so that the load spreads over the accounts.
				this.#turn = index + 1;
				return lane;
			}
			this.#waitMs = Math.min(this.#waitMs, waitMs);
		}
		return undefined;
	}

	/** After `pick` said no: ms until it is worth asking again, Infinity if an end must come first. */
	get waitMs(): number {
		return this.#waitMs;
	}

	/** Draws the consequence of a failure for the key it happened on. Returns whether that key is out of use. */
	note(lane: KeyLane, error: RequestError): boolean {
		return this.#keys.note(lane.key, error);
	}
}
