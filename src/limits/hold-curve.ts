import { Cubic } from "./cubic.ts";

/** After a cut the rate begins so far below the limit; less far where a few requests a minute would lose their place. */
export const cutDepth = 0.08;
/** What comes back all at once is spread on so many seconds of the curve in all. */
const curveSeconds = 6;
/** Below this rate (requests per second) the curve is stretched, so that refusals stay rare among the answers. */
const fullSpeedRate = 25;
/** And however low it is, about nine times so many are sent until the next refusal is to be expected. */
const leastEpisode = 3;

/** The rate over time after a limit was met: from just below it back to it, and then slowly beyond. Rates are per second. */
export class HoldCurve {
	readonly start: number;
	readonly #curve: Cubic;
	#elapsedMs = 0;

	/**
	 * `samples`: how many sendings the limit is known from, for what is known better is tested more rarely. `periodMs`: it
	 * comes back all at once in that time, and is spread over it.
	 */
	constructor(limit: number, samples: number, periodMs?: number) {
		const depth = periodMs === undefined ? cutDepth * Math.min(1, Math.sqrt(limit / fullSpeedRate)) : 0;
		const least = Math.max(1, leastEpisode / limit);
		const usual = Math.min(Math.max(fullSpeedRate / limit, least), Math.max(least, 1 + samples / 20));
		this.start = (1 - depth) * limit;
		this.#curve = new Cubic(
			this.start,
			limit,
			periodMs === undefined ? usual : periodMs / 1000 / curveSeconds,
		);
	}

	/** The rate after `elapsedMs` more. */
	advance(elapsedMs: number): number {
		this.#elapsedMs += elapsedMs;
		return this.#curve.at(this.#elapsedMs);
	}
}
