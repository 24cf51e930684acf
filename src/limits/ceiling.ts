/** How much of a minute's allowance may be used at once. */
const burstSeconds = 1;

const toldReason = "held by --rpm";

/** A ceiling the user set (`--rpm`, `--tpm`): a bucket that refills evenly. */
export class Ceiling {
	#perMs: number;
	#capacity: number;
	#level: number;
	#at: number;
	#reason = toldReason;

	constructor(perMinute: number, now: number) {
		this.#perMs = perMinute / 60_000;
		this.#capacity = capacityOf(perMinute);
		this.#level = this.#capacity;
		this.#at = now;
	}

	/** In words, what holds back whoever has to wait. */
	get reason(): string {
		return this.#reason;
	}

	/** From now on so many a minute, Infinity for any number; what was saved up or overdrawn stays, as far as it fits. */
	change(perMinute: number, now: number, reason = toldReason): void {
		this.#reason = reason;
		this.waitMs(0, now);
		// Without a ceiling nothing was saved up.
		if (this.#perMs === Number.POSITIVE_INFINITY) this.#level = 0;
		this.#perMs = perMinute / 60_000;
		this.#capacity = capacityOf(perMinute);
		this.#level = Math.min(this.#level, this.#capacity);
	}

	get perSecond(): number {
		return this.#perMs * 1000;
	}

	/** Ms until `cost` fits; more than the bucket holds is asked of a full one and leaves a debt. */
	waitMs(cost: number, now: number): number {
		if (this.#perMs === Number.POSITIVE_INFINITY) {
			this.#at = now;
			return 0;
		}
		this.#level = Math.min(this.#capacity, this.#level + (now - this.#at) * this.#perMs);
		this.#at = now;
		return Math.max(0, (Math.min(cost, this.#capacity) - this.#level) / this.#perMs);
	}

	take(cost: number): void {
		if (this.#perMs < Number.POSITIVE_INFINITY) this.#level -= cost;
	}
}

function capacityOf(perMinute: number): number {
	return Math.max(1, (perMinute / 60) * burstSeconds);
}
