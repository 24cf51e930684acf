/** How full one limit is, in requests or tokens, by the way in which the provider counts. All times in ms. */
export interface Meter {
	/** A new allowance per minute keeps what was saved up or used, as far as that is possible. */
	change(perMinute: number, burstSeconds: number, now: number): void;
	/** Ms until `cost` may be taken, 0 for now. */
	waitMs(cost: number, now: number): number;
	take(cost: number, now: number): void;
	/** Whole units left, never negative, and the time until all of the limit is there again. */
	level(now: number): { readonly remaining: number; readonly resetMs: number };
}

/** `bucket` refills evenly, `window` all at once at the full minute, `log` allows so much in any sixty seconds. */
export type LimitShape = "bucket" | "window" | "log";

const minuteMs = 60_000;

/** `fill`: how much of what it may save up is there at the start, 0 to 1; for buckets only. */
export function newMeter(
	shape: LimitShape,
	perMinute: number,
	burstSeconds: number,
	fill: number,
	now: number,
): Meter {
	switch (shape) {
		case "bucket":
			return new Bucket(perMinute, burstSeconds, fill, now);
		case "window":
			return new FixedWindow(perMinute);
		case "log":
			return new SlidingLog(perMinute);
	}
}

/** Refills continuously, as OpenAI's headers show theirs does. */
class Bucket implements Meter {
	#perMs: number;
	#capacity: number;
	#level: number;
	#at: number;

	constructor(perMinute: number, burstSeconds: number, fill: number, now: number) {
		this.#perMs = perMinute / minuteMs;
		this.#capacity = capacityOf(perMinute, burstSeconds);
		this.#level = this.#capacity * fill;
		this.#at = now;
	}

	change(perMinute: number, burstSeconds: number, now: number): void {
		this.#refill(now);
		this.#perMs = perMinute / minuteMs;
		this.#capacity = capacityOf(perMinute, burstSeconds);
		this.#level = Math.min(this.#level, this.#capacity);
	}

	/** More than a full bucket is asked of a full one and leaves a debt. */
	waitMs(cost: number, now: number): number {
		this.#refill(now);
		const missing = Math.min(cost, this.#capacity) - this.#level;
		return missing <= 1e-9 ? 0 : missing / this.#perMs;
	}

	take(cost: number, now: number): void {
		this.#refill(now);
		this.#level -= cost;
	}

	level(now: number): { readonly remaining: number; readonly resetMs: number } {
		this.#refill(now);
		return {
			remaining: Math.max(0, Math.floor(this.#level)),
			resetMs: (this.#capacity - this.#level) / this.#perMs,
		};
	}

	#refill(now: number): void {
		this.#level = Math.min(this.#capacity, this.#level + (now - this.#at) * this.#perMs);
		this.#at = now;
	}
}

// A bucket that cannot hold one request would never let any through.
function capacityOf(perMinute: number, burstSeconds: number): number {
	return Math.max(1, (perMinute * burstSeconds) / 60);
}

/** Comes back all at once at the full minute of the clock. */
class FixedWindow implements Meter {
	#perMinute: number;
	#window = 0;
	#used = 0;

	constructor(perMinute: number) {
		this.#perMinute = perMinute;
	}

	change(perMinute: number): void {
		this.#perMinute = perMinute;
	}

	waitMs(cost: number, now: number): number {
		this.#turn(now);
		const fits = this.#used + Math.min(cost, this.#perMinute) <= this.#perMinute;
		return fits ? 0 : minuteMs - (now % minuteMs);
	}

	take(cost: number, now: number): void {
		this.#turn(now);
		this.#used += cost;
	}

	level(now: number): { readonly remaining: number; readonly resetMs: number } {
		this.#turn(now);
		return {
			remaining: Math.max(0, Math.floor(this.#perMinute - this.#used)),
			resetMs: minuteMs - (now % minuteMs),
		};
	}

	#turn(now: number): void {
		const window = Math.floor(now / minuteMs);
		if (window !== this.#window) {
			this.#window = window;
			this.#used = 0;
		}
	}
}

/** Counts what was taken in the last sixty seconds. */
class SlidingLog implements Meter {
	#perMinute: number;
	#taken: { readonly at: number; readonly cost: number }[] = [];
	#first = 0;
	#used = 0;

	constructor(perMinute: number) {
		this.#perMinute = perMinute;
	}

	change(perMinute: number): void {
		this.#perMinute = perMinute;
	}

	waitMs(cost: number, now: number): number {
		this.#forget(now);
		let missing = this.#used + Math.min(cost, this.#perMinute) - this.#perMinute;
		let waitMs = 0;
		for (let index = this.#first; missing > 1e-9 && index < this.#taken.length; index++) {
			const entry = this.#taken[index];
			missing -= entry?.cost ?? 0;
			waitMs = (entry?.at ?? now) + minuteMs - now;
		}
		return waitMs;
	}

	take(cost: number, now: number): void {
		this.#taken.push({ at: now, cost });
		this.#used += cost;
	}

	level(now: number): { readonly remaining: number; readonly resetMs: number } {
		this.#forget(now);
		const last = this.#taken.at(-1);
		return {
			remaining: Math.max(0, Math.floor(this.#perMinute - this.#used)),
			resetMs: last === undefined || this.#used === 0 ? 0 : last.at + minuteMs - now,
		};
	}

	#forget(now: number): void {
		for (let entry = this.#taken[this.#first]; entry !== undefined; entry = this.#taken[this.#first]) {
			if (entry.at > now - minuteMs) break;
			this.#used -= entry.cost;
			this.#first++;
		}
		if (this.#first > 1024) {
			this.#taken = this.#taken.slice(this.#first);
			this.#first = 0;
		}
	}
}
