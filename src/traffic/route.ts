import { type LlmxError, RequestError } from "../errors.ts";
import type { Cost, Limiter } from "./limiter.ts";

/** A key and the limiter of the account it belongs to; keys of one account share one limiter. */
export interface Lane {
	/** Undefined for a provider that needs none. */
	readonly key: string | undefined;
	readonly limiter: Limiter;
}

interface LaneState {
	readonly lane: Lane;
	/** Nothing is sent before; Infinity when the key was refused or is spent. */
	closedUntil: number;
	/** What closed it. */
	cause: LlmxError | undefined;
}

/** A hint longer than this sets its key aside instead of being waited for. */
const parkBeyondMs = 300_000;

/** All keys by which requests to one model may go. */
export class Route {
	readonly #lanes: readonly LaneState[];
	readonly #now: () => number;
	#turn = 0;
	#waitMs = 0;

	constructor(lanes: readonly Lane[], now: () => number) {
		this.#lanes = lanes.map((lane) => ({ lane, closedUntil: Number.NEGATIVE_INFINITY, cause: undefined }));
		this.#now = now;
	}

	/** Why nothing can be sent any more in this run, once no key is left. */
	get end(): LlmxError | undefined {
		let last: LaneState | undefined;
		for (const state of this.#lanes) {
			if (state.cause === undefined || state.closedUntil <= this.#now()) {
				return undefined;
			}
			// A parked key comes back some day, which is better news than a spent or wrong one.
			last = last === undefined || state.closedUntil < last.closedUntil ? state : last;
		}
		return last?.cause;
	}

	/** The lane that may send a request of this cost now, or undefined; then `waitMs` says when to ask again. */
	pick(cost: Cost): Lane | undefined {
		const index = this.#find(cost);
		if (index < 0) {
			return undefined;
		}
		// The next request tries the next key first, so that the load spreads over the accounts.
		this.#turn = index + 1;
		return this.#lanes[index]?.lane;
	}

	/** Whether a request of this cost could be sent now; if not, `waitMs` says when to ask again. */
	isOpen(cost: Cost): boolean {
		return this.#find(cost) >= 0;
	}

	/** After `pick` or `isOpen` said no: ms until it is worth asking again, Infinity if an end must come first. */
	get waitMs(): number {
		return this.#waitMs;
	}

	/** Draws the consequence of a failure for the key it happened on. */
	note(lane: Lane, error: unknown): void {
		if (!(error instanceof RequestError)) {
			return;
		}
		const { key, afterMs = 0 } = error.advice;
		const state = this.#lanes.find((candidate) => candidate.lane === lane);
		if (state === undefined) {
			return;
		}
		if (key === "drop" || key === "retire") {
			state.closedUntil = Number.POSITIVE_INFINITY;
			state.cause = error;
		} else if (afterMs > parkBeyondMs) {
			state.closedUntil = this.#now() + afterMs;
			state.cause = error;
		}
	}

	#find(cost: Cost): number {
		const lanes = this.#lanes;
		let shortest = Number.POSITIVE_INFINITY;
		for (let step = 0; step < lanes.length; step++) {
			const index = (this.#turn + step) % lanes.length;
			const state = lanes[index];
			if (state === undefined) {
				continue;
			}
			const closedMs = state.cause === undefined ? 0 : state.closedUntil - this.#now();
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
