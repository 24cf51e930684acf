/** Of a second's worth, so much may be saved up, or timers that ring late would cost rate. */
const savedSeconds = 0.05;
/** So many are sent at first; while nothing is heard, some more after each time in which a refusal would have come. */
const firstFew = 5;
const growth = 1.5;
export const hearingMs = 120;

/** Lets requests through at a rate (per second) that others set. */
export class Throttle {
	#rate: number;
	#credit = 0;
	#at: number;
	/** When the rate last held something back: a rate that is not used up is not raised. */
	#heldBackAt: number;
	#silentUntil = Number.NEGATIVE_INFINITY;
	#idleMs = 0;
	/** What is not sent while it is silent says nothing of the rate. */
	#isIdle = false;

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

	/** Nothing is sent until then: that is not for want of something to send. `isIdle`: nor is it for the rate. */
	silence(until: number, isIdle = false): void {
		this.#silentUntil = until;
		this.#isIdle = isIdle;
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
		const silentMs = this.#isIdle ? 0 : Math.max(0, Math.min(now, this.#silentUntil) - this.#at);
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

/**
 * `start` until the first answer; `open` leaves it to others (headers, the number in flight); `hold` keeps to a limit and feels its way up; `period` uses up at once what comes back all at once; `climb` doubles, because the limit was disproved.
 */
export type PacerPhase = "start" | "open" | "hold" | "period" | "climb";

/** In words, why a request has to wait for the rate. */
export const phaseReasons: Readonly<Record<PacerPhase, string>> = {
	start: "waiting for the first answers",
	open: "spreading what the account has saved up",
	hold: "held at the rate the server lets through",
	period: "waiting until what the server lets through at once is back",
	climb: "looking for a higher rate",
};
