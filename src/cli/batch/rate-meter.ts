const windowSeconds = 60;

/** How much of something happens in a minute, over the last minute or since the start. */
export class RateMeter {
	readonly #now: () => number;
	readonly #startedAt: number;
	readonly #buckets = new Array<number>(windowSeconds).fill(0);
	#second = 0;

	/** `now` gives monotonic ms. */
	constructor(now: () => number) {
		this.#now = now;
		this.#startedAt = now();
	}

	add(amount: number): void {
		const second = this.#advance();
		const bucket = second % windowSeconds;
		this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + amount;
	}

	get perMinute(): number {
		this.#advance();
		const elapsed = Math.min((this.#now() - this.#startedAt) / 1000, windowSeconds);
		if (elapsed <= 0) return 0;
		return (this.#buckets.reduce((sum, amount) => sum + amount, 0) / Math.max(elapsed, 1)) * 60;
	}

	#advance(): number {
		const second = Math.floor((this.#now() - this.#startedAt) / 1000);
		for (let past = Math.max(this.#second + 1, second - windowSeconds + 1); past <= second; past++) {
			this.#buckets[past % windowSeconds] = 0;
		}
		this.#second = second;
		return second;
	}
}
