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
