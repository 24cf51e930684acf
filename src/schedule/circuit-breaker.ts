/** Sendings whose ends are looked at. */
const lastEnds = 50;
const firstPauseMs = 1_000;
const longestPauseMs = 5_000;

/**
 * Notices that a server does not work any more: when more than half of the last 50 sendings failed, nothing is sent
 * for a while, then single requests are tried, at growing distances, until one is answered.
 */
export class CircuitBreaker {
	/** True for a failure, oldest first. */
	#ends: boolean[] = [];
	#failures = 0;
	#pauses = 0;
	#pausedUntil = Number.NEGATIVE_INFINITY;
	#brokenSince: number | undefined;
	/** Nothing but refusals since then. */
	#refusedSince: number | undefined;
	#trying = false;
	#proven = false;

	/** The server seems out of order: what fails now is not held against the row. */
	get isOpen(): boolean {
		return this.#brokenSince !== undefined;
	}

	/** Some request was answered. */
	get isProven(): boolean {
		return this.#proven;
	}

	/** Since when nothing has been answered, as far as that is no accident; undefined while it works. */
	get silentSince(): number | undefined {
		if (this.#brokenSince === undefined || this.#refusedSince === undefined)
			return this.#brokenSince ?? this.#refusedSince;
		return Math.min(this.#brokenSince, this.#refusedSince);
	}

	/** Ms until something may be sent: 0 for now, Infinity while a single request is being tried. */
	waitMs(now: number): number {
		if (this.#brokenSince === undefined) return 0;
		return this.#trying ? Number.POSITIVE_INFINITY : Math.max(0, this.#pausedUntil - now);
	}

	sent(): void {
		this.#trying = this.isOpen;
	}

	answered(): void {
		this.#proven = true;
		this.#refusedSince = undefined;
		this.#trying = false;
		if (this.#brokenSince !== undefined) {
			this.#brokenSince = undefined;
			this.#pauses = 0;
			this.#ends = [];
			this.#failures = 0;
		}
		this.#note(false);
	}

	/** A failure that says nothing about the server, or that we caused ourselves. */
	ended(): void {
		this.#trying = false;
	}

	/** A refusal for rate is the limiter's business, unless there is nothing else for a long time. */
	refused(now: number): void {
		this.#trying = false;
		this.#refusedSince ??= now;
	}

	/**
	 * A failure that is the server's; `isCertain`: the next request would meet it, too. Gives back the ms of the pause
	 * that begins.
	 */
	failed(now: number, isCertain = false): number | undefined {
		this.#trying = false;
		this.#note(true);
		if (this.#brokenSince === undefined) {
			if (!isCertain && this.#failures * 2 <= lastEnds) return undefined;
			this.#brokenSince = now;
		} else if (now < this.#pausedUntil) {
			// It was in flight when the pause began.
			return undefined;
		}
		const pauseMs = Math.min(firstPauseMs * 2 ** this.#pauses++, longestPauseMs);
		this.#pausedUntil = now + pauseMs;
		return pauseMs;
	}

	#note(isFailure: boolean): void {
		this.#ends.push(isFailure);
		this.#failures += isFailure ? 1 : 0;
		if (this.#ends.length > lastEnds) this.#failures -= this.#ends.shift() === true ? 1 : 0;
	}
}
