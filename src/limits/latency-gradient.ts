const firstSize = 4;
const leastPerRound = 8;
/** Answers may take so many times as long as at the best before fewer are asked for. */
const tolerance = 2;
/** When fewer requests do not make answers faster, answers have become longer: then the best time is taken for this much more. */
const relearning = 1.3;
const smoothing = 0.5;

/**
 * How many requests a server should have that queues what it cannot do at once, instead of refusing it: more as long
 * as answers take about as long as at the best, fewer when they take longer and longer. (Netflix' gradient limiter.)
 */
export class LatencyGradient {
	readonly #most: number;
	#size: number;
	#bestMs = Number.POSITIVE_INFINITY;
	#before = { size: 0, meanMs: 0 };
	#sumMs = 0;
	#count = 0;
	#mostInFlight = 0;

	constructor(most: number) {
		this.#most = most;
		this.#size = Math.min(firstSize, most);
	}

	get size(): number {
		return Math.max(1, Math.floor(this.#size));
	}

	/** An answer took so long, and was asked for as number `inFlight` of those in flight. */
	answered(latencyMs: number, inFlight: number): void {
		this.#sumMs += latencyMs;
		this.#mostInFlight = Math.max(this.#mostInFlight, inFlight);
		if (++this.#count < Math.max(leastPerRound, this.#size)) {
			return;
		}
		const meanMs = this.#sumMs / this.#count;
		const fewerDidNotHelp = this.#size < 0.95 * this.#before.size && meanMs > 0.95 * this.#before.meanMs;
		this.#bestMs = Math.min(meanMs, fewerDidNotHelp ? this.#bestMs * relearning : this.#bestMs);
		this.#before = { size: this.#size, meanMs };
		const gradient = Math.min(1, Math.max(0.5, (tolerance * this.#bestMs) / meanMs));
		const wanted = this.#size * gradient + Math.sqrt(this.#size);
		// A window that was not used up says nothing about a larger one.
		if (gradient < 1 || this.#mostInFlight >= 0.9 * this.size) {
			const next = this.#size + smoothing * (wanted - this.#size);
			this.#size = Math.min(this.#most, Math.max(1, next));
		}
		this.#sumMs = 0;
		this.#count = 0;
		this.#mostInFlight = 0;
	}

	/** The server refused or failed for too much work. */
	overloaded(): void {
		this.#size = Math.max(1, this.#size * 0.85);
	}
}
