/** Of a second's worth, so much may be saved up, or timers that ring late would cost rate. */
const savedSeconds = 0.05;

/** Lets requests through at a rate (per second) that others set. */
export class Throttle {
	#rate: number;
	#credit = 0;
	#at: number;
	/** When the rate last held something back: a rate that is not used up is not raised. */
	#heldBackAt: number;
	#silentUntil = Number.NEGATIVE_INFINITY;
	#idleMs = 0;

	constructor(rate: number, now: number) {
		this.#rate = rate;
		this.#at = now;
		this.#heldBackAt = now;
	}

	get rate(): number {
		return this.#rate;
	}

	set rate(rate: number) {
		this.#rate = rate;
		this.#credit = Math.min(this.#credit, Math.max(1, rate * savedSeconds));
	}

	/** For how long, in all, less was sent than the rate allowed. */
	get idleMs(): number {
		return this.#idleMs;
	}

	/** Ms until the next request fits the rate, 0 when it does now. */
	waitMs(now: number): number {
		if (now < this.#silentUntil) {
			this.#heldBackAt = now;
			return this.#silentUntil - now;
		}
		if (this.#credit >= 1) return 0;
		this.#heldBackAt = now;
		return ((1 - this.#credit) / this.#rate) * 1000;
	}

	take(now: number): void {
		this.#credit--;
		if (this.#credit < 1) this.#heldBackAt = now;
	}

	/** The server has not counted one. */
	giveBack(): void {
		this.#credit = Math.max(this.#credit, Math.min(1, this.#credit + 1));
	}

	/** So many may be sent at once. */
	fill(requests: number): void {
		this.#credit = requests;
	}

	/** The next one is due at this rate by the last that was let through, which was sent at `admittedAt`. */
	restart(now: number, admittedAt: number): void {
		this.#credit = Math.min(this.#credit, 1, ((now - admittedAt) * this.#rate) / 1000);
		this.#at = now;
	}

	/** Nothing is sent until then: that is not for want of something to send. */
	silence(until: number): void {
		this.#silentUntil = until;
	}

	isSilent(now: number): boolean {
		return now < this.#silentUntil;
	}

	/** All of the rate is used. */
	isUsed(now: number): boolean {
		return now - this.#heldBackAt <= Math.max(250, 2000 / this.#rate);
	}

	/** Returns the ms that have passed since the last call. */
	elapse(now: number): number {
		const silentMs = Math.max(0, Math.min(now, this.#silentUntil) - this.#at);
		const elapsed = Math.max(0, now - this.#at);
		this.#at = Math.max(this.#at, now);
		const most = Math.max(1, this.#credit, this.#rate * savedSeconds);
		const credit = this.#credit + (this.#rate * elapsed) / 1000;
		this.#credit = Math.min(most, credit);
		const unused = credit - most - (this.#rate * silentMs) / 1000;
		if (unused > 0) this.#idleMs += (unused / this.#rate) * 1000;
		return elapsed;
	}
}
