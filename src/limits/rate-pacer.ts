import { Cubic } from "./cubic.ts";
import { RateEstimate } from "./rate-estimate.ts";

/** Requests per second before anything is known. */
const firstRate = 2;
/** Sent at once at the start. */
const firstCredit = 8;
/** No faster than this before the first answer: a server that never answers shall not be flooded. */
const unprovenRate = 8;
/** While looking upwards the rate doubles in the time of ten answers, within these bounds. */
const longestDoublingMs = 2_000;
const shortestDoublingMs = 20;
/** Far above what is known it takes four times as long: an account with a minute's worth saved up refuses nothing at first. */
const slowness = 4;
/** A limit that is known from fewer requests let through is a guess. */
const reliableSamples = 20;
const guessDoublingMs = 6_000;
const fastUpTo = 100;
const fastUpToTimesLimit = 4;
const leastRate = 0.02;
const highestRate = 100_000;
/** What comes back all at once is spread with so much to spare, on so many seconds of the curve in all. */
const surplus = 1.08;
const curveSeconds = 6;
/** Below this rate (requests per second) the curve is stretched, so that refusals stay rare among the answers. */
const fullSpeedRate = 25;

/** `start` and `climb` double, `cubic` returns to what was too much and feels its way up, `open` leaves it to others. */
export type PacerPhase = "start" | "cubic" | "climb" | "open";

const reasons: Readonly<Record<PacerPhase, string>> = {
	start: "starting slowly",
	climb: "looking for a higher rate",
	cubic: "held at the rate the server lets through",
	open: "spreading what the account has saved up",
};

/** Finds and keeps the request rate of an account that says nothing about its limits but 429. Rates are per second. */
export class RatePacer {
	readonly #estimate = new RateEstimate();
	#phase: PacerPhase = "start";
	#rate = firstRate;
	#credit = firstCredit;
	#at: number;
	/** When the rate last held something back: a rate that is not used up is not raised. */
	#heldBackAt: number;
	#proven = false;
	#doublingMs = longestDoublingMs;
	#curve: Cubic | undefined;
	#curveMs = 0;
	#cutAt = Number.NEGATIVE_INFINITY;
	/** While a burst's refusals come in, nothing is sent. */
	#silentUntil = Number.NEGATIVE_INFINITY;

	/** `eager` starts without a rate of its own, until something is refused or headers tell one. */
	constructor(now: number, eager: boolean) {
		this.#at = now;
		this.#heldBackAt = now;
		if (eager) {
			this.open(highestRate);
			this.#credit = highestRate;
		}
	}

	get phase(): PacerPhase {
		return this.#phase;
	}

	/** In words, why the last request had to wait for the rate. */
	get reason(): string {
		return reasons[this.#phase];
	}

	get rate(): number {
		return this.#rate;
	}

	/** How long a refusal takes to come back, in ms, smoothed. */
	get refusalDelayMs(): number {
		return this.#estimate.refusalDelayMs;
	}

	/** Ms until the next request fits the rate, 0 when it does now. */
	waitMs(now: number): number {
		this.#advance(now);
		if (now < this.#silentUntil) {
			this.#heldBackAt = now;
			return this.#silentUntil - now;
		}
		if (this.#credit >= 1) {
			return 0;
		}
		this.#heldBackAt = now;
		return ((1 - this.#credit) / this.#rate) * 1000;
	}

	/** Gives back the number by which `refused` knows the sending again. */
	sent(now: number): number {
		this.#credit--;
		if (this.#credit < 1) {
			this.#heldBackAt = now;
		}
		return this.#estimate.sent(now);
	}

	/** `latencyMs`: the mean time of an answer. */
	succeeded(latencyMs: number): void {
		this.#proven = true;
		this.#doublingMs = clamp(10 * latencyMs, shortestDoublingMs, longestDoublingMs);
	}

	/** From now on others (headers) set the pace; this only keeps it below `rate`. */
	open(rate: number): void {
		if (this.#phase === "open" || this.#phase === "start" || this.#rate >= rate) {
			this.#phase = "open";
			this.#rate = rate;
		}
	}

	/** Leaves it to others and forgets what was learnt before: what was let through by another limit says nothing. */
	release(rate: number): void {
		this.#phase = "open";
		this.#rate = rate;
		this.#estimate.forget();
	}

	/** The refusal is noted without drawing a conclusion about the rate: something else explains it. */
	noteRefused(sequence: number, now: number): void {
		this.#estimate.noteRefused(sequence, now);
	}

	/** True when the refusal began an episode: it was sent after the last cut, so the rate was cut again. */
	refused(sequence: number, now: number): boolean {
		this.#advance(now);
		if (this.#phase === "start" && sequence < firstCredit) {
			// They went out at once, so they say what the account had saved up and not at which rate it comes back.
			this.noteRefused(sequence, now);
			this.#silentUntil = now + 1.5 * this.refusalDelayMs;
			return false;
		}
		const known = this.#estimate.limit;
		const isClimbing = this.#phase === "start" || this.#phase === "climb";
		const estimate = this.#estimate.refused(sequence, now, isClimbing);
		const episode = this.#estimate.sentAt(sequence) > this.#cutAt;
		if (episode) {
			const before = this.#phase === "open" ? this.#estimate.recentRate(now) : this.#rate;
			const limit = Math.max(leastRate, Math.min(estimate ?? before, before));
			if (isClimbing) {
				this.#silentUntil = now + 1.5 * this.refusalDelayMs;
			}
			this.#cut(clamp(0.85 * before, 0.7 * limit, 0.95 * limit), limit, now);
		} else if (estimate !== undefined && known !== undefined && estimate < 0.9 * known) {
			// The rest of a burst does not cut again, but shows how deep its one cut should have been.
			const limit = Math.max(leastRate, estimate);
			this.#cut(Math.min(this.#rate, 0.9 * limit), limit, now);
		}
		return episode;
	}

	/** After a pause of `pauseMs` in which nothing was let through, it is again. */
	resumed(now: number, pauseMs: number): void {
		const found = this.#estimate.resumed(now, pauseMs);
		if (found !== undefined && this.#phase !== "open") {
			const rate = surplus * found.rate;
			this.#cut(rate, rate, now, found.periodMs / 1000 / curveSeconds);
		}
	}

	/** Whether the last `count` sendings before and with this one were all refused. */
	refusedInRow(sequence: number, count: number): boolean {
		return this.#estimate.refusedInRow(sequence, count);
	}

	#cut(rate: number, limit: number, now: number, stretch = this.#stretchFor(limit)): void {
		this.#estimate.limit = limit;
		this.#rate = rate;
		this.#curve = new Cubic(rate, limit, stretch);
		this.#curveMs = 0;
		this.#phase = "cubic";
		this.#credit = Math.min(this.#credit, 0);
		this.#cutAt = now;
	}

	#stretchFor(limit: number): number {
		return clamp(fullSpeedRate / limit, 1, 1 + this.#estimate.samples / 20);
	}

	#advance(now: number): void {
		const elapsed = now - this.#at;
		if (elapsed <= 0) {
			return;
		}
		this.#at = now;
		const used = now - this.#heldBackAt <= Math.max(250, 2000 / this.#rate);
		if (used) {
			this.#grow(elapsed, now);
		}
		// A little may be saved up, or timers that ring late would cost rate.
		const most = Math.max(this.#phase === "start" ? firstCredit : 1, this.#rate * 0.05);
		this.#credit = Math.min(most, this.#credit + (this.#rate * elapsed) / 1000);
	}

	#grow(elapsed: number, now: number): void {
		if (this.#phase === "start" || this.#phase === "climb") {
			const most = this.#proven ? highestRate : unprovenRate;
			const fast = this.#rate < Math.max(fastUpTo, fastUpToTimesLimit * (this.#estimate.limit ?? 0));
			const factor = 2 ** (elapsed / (fast ? this.#doublingMs : slowness * this.#doublingMs));
			this.#rate = Math.max(this.#rate, Math.min(most, this.#rate * factor));
		} else if (this.#phase === "cubic" && this.#curve !== undefined) {
			this.#curveMs += elapsed;
			// What was concluded from a few requests is soon tested again.
			const least =
				this.#estimate.samples < reliableSamples ? this.#rate * 2 ** (elapsed / guessDoublingMs) : this.#rate;
			this.#rate = Math.max(least, this.#curve.at(this.#curveMs));
			if (this.#estimate.limitIsDisproved(now, this.#rate)) {
				this.#phase = "climb";
			}
		}
	}
}

function clamp(value: number, least: number, most: number): number {
	return Math.min(most, Math.max(least, value));
}
