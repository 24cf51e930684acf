import type { Clock } from "./clock.ts";

const longestSleepMs = 60_000;
/** What timers can do; a wait too small to move the clock would go round for ever. */
const shortestSleepMs = 1;

/** Rings at the earliest time that was asked for. It may ring earlier, never later, and never after `signal`. */
export class Alarm {
	readonly #clock: Clock;
	readonly #signal: AbortSignal;
	readonly #ring: () => void;
	#at = Number.POSITIVE_INFINITY;

	constructor(clock: Clock, signal: AbortSignal, ring: () => void) {
		this.#clock = clock;
		this.#signal = signal;
		this.#ring = ring;
	}

	/** `at` is on the clock; Infinity asks for nothing. */
	set(at: number): void {
		if (at >= this.#at) return;
		const now = this.#clock.now();
		const ringAt = Math.min(Math.max(at, now + shortestSleepMs), now + longestSleepMs);
		this.#at = ringAt;
		this.#clock.sleep(ringAt - now, this.#signal).then(
			() => {
				// One that was overtaken by an earlier one is not taken back, only ignored.
				if (this.#at === ringAt) {
					this.#at = Number.POSITIVE_INFINITY;
					this.#ring();
				}
			},
			() => {},
		);
	}
}
