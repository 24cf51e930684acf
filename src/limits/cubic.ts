/**
 * How fast the curve of CUBIC (RFC 9438) rises, as a share of its plateau per s^3: after a cut it flattens towards
 * the level that was too much, stays near it, and then looks further up, faster and faster.
 */
const steepness = 0.00045;

/** A curve from `start` through `plateau`, as a function of the ms since the cut. */
export class Cubic {
	readonly #plateau: number;
	readonly #stretch: number;
	readonly #inflectionSeconds: number;

	/** `stretch` slows everything down: at 2 the curve takes twice as long. */
	constructor(start: number, plateau: number, stretch = 1) {
		this.#plateau = plateau;
		this.#stretch = stretch;
		this.#inflectionSeconds = Math.cbrt((plateau - start) / (steepness * plateau));
	}

	at(elapsedMs: number): number {
		const seconds = elapsedMs / 1000 / this.#stretch - this.#inflectionSeconds;
		return this.#plateau * (1 + steepness * seconds ** 3);
	}
}

/** After a cut the rate begins so far below the limit; less far where a few requests a minute would lose their place. */
export const cutDepth = 0.08;
/** What comes back all at once is spread on so many seconds of the curve in all. */
const curveSeconds = 6;
/** Below this rate (requests per second) the curve is stretched, so that refusals stay rare among the answers. */
const fullSpeedRate = 25;
/** And however low it is, about nine times so many are sent until the next refusal is to be expected. */
const leastEpisode = 3;
/** The same of a limit that the server's hints have told: it is tested more rarely. */
const toldEpisode = 5;

/** How a limit is known. */
export interface HoldOptions {
	readonly samples: number;
	readonly periodMs?: number | undefined;
	readonly isTold?: boolean | undefined;
}

/** The rate over time after a limit was met: from just below it back to it, and then slowly beyond. Rates are per second. */
export class HoldCurve {
	readonly start: number;
	readonly #curve: Cubic;
	#elapsedMs = 0;

	/**
	 * `samples`: how many sendings the limit is known from, for what is known better is tested more rarely. `periodMs`: it
	 * comes back all at once in that time, and is spread over it. `isTold`: a hint has stated it.
	 */
	constructor(limit: number, { samples, periodMs, isTold = false }: HoldOptions) {
		const depth = periodMs === undefined ? cutDepth * Math.min(1, Math.sqrt(limit / fullSpeedRate)) : 0;
		const least = Math.max(1, (isTold ? toldEpisode : leastEpisode) / limit);
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

/** While looking upwards the rate doubles in the time of ten answers, within these bounds. */
const longestDoublingMs = 2_000;
const shortestDoublingMs = 50;
/** A few answers have to show that a higher rate is good before it is raised again. */
const leastPerDoubling = 4;

/** How fast a rate is raised while nothing speaks against it. */
export class Climb {
	#doublingMs = longestDoublingMs;

	/** `latencyMs`: the mean time of an answer. */
	succeeded(latencyMs: number): void {
		this.#doublingMs = Math.min(longestDoublingMs, Math.max(shortestDoublingMs, 10 * latencyMs));
	}

	/** From this rate (per second), the one after `elapsedMs` more. */
	from(rate: number, elapsedMs: number): number {
		const doublingMs = Math.max(this.#doublingMs, (leastPerDoubling * 1000) / rate);
		return rate * 2 ** (elapsedMs / doublingMs);
	}
}
