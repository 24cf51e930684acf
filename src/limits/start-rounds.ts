import type { Throttle } from "./throttle.ts";

/** So many are sent at first; while nothing is heard, some more after each time in which a refusal would have come. */
const firstFew = 5;
const growth = 1.5;
const hearingMs = 120;

/**
 * What is sent before anything is heard: a few at once, and then more and more, in rounds far enough apart that refusals
 * are heard in between. Few find out about a small account, and a large one is not kept waiting for its first answer.
 */
export class StartRounds {
	#count = firstFew;
	#at = Number.NEGATIVE_INFINITY;

	/** Ms until the next request may be sent, 0 for now; `throttle` is given what a round has to give. */
	waitMs(throttle: Throttle, now: number): number {
		const waitMs = throttle.waitMs(now);
		if (waitMs === 0 || throttle.isSilent(now)) return waitMs;
		if (now < this.#at + hearingMs) return this.#at + hearingMs - now;
		throttle.fill(this.#count);
		this.#count = Math.max(this.#count + 1, Math.floor(growth * this.#count));
		this.#at = now;
		return 0;
	}

	refused(): void {
		this.#count = Math.ceil(this.#count / 2);
	}
}
