import { Cubic } from "./cubic.ts";
import { SendRecord } from "./send-record.ts";

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
/** Refusals further apart than this do not belong to one burst. */
const burstGapMs = 2_000;
const recentMs = 1_500;
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
	readonly #record = new SendRecord();
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
	/** What the server was seen to let through when there was nothing left to take. */
	#limit: number | undefined;
	/** How many sendings that is known from. */
	#samples = 0;
	/** First refusal of the current burst, last one of the burst before, last one of all. */
	#burstStart: number | undefined;
	#anchor: number | undefined;
	#lastRefused: number | undefined;
	/** Per ms, what was let through just before the current burst if the rate was climbing; else 0. */
	#reached = 0;
	#refusalDelayMs = 100;
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

	/** How long a refusal takes to come back, smoothed. */
	get refusalDelayMs(): number {
		return this.#refusalDelayMs;
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
		return this.#record.add(now);
	}

	/** `latencyMs`: the mean time of an answer. */
	succeeded(latencyMs: number): void {
		this.#proven = true;
		this.#doublingMs = clamp(10 * latencyMs, shortestDoublingMs, longestDoublingMs);
	}

	/** From now on others (headers) set the pace; this only keeps it below `rate`. */
	open(rate: number): void {
		if (this.#phase === "open" || this.#phase === "start") {
			this.#phase = "open";
			this.#rate = rate;
		} else if (this.#rate >= rate) {
			this.#phase = "open";
			this.#rate = rate;
		}
	}

	/** Leaves it to others and forgets what was learnt before: what was let through by another limit says nothing. */
	release(rate: number): void {
		this.#phase = "open";
		this.#rate = rate;
		this.#limit = undefined;
		this.#burstStart = undefined;
		this.#lastRefused = undefined;
	}

	/** The refusal is noted without drawing a conclusion about the rate: something else explains it. */
	noteRefused(sequence: number, now: number): void {
		this.#record.markRefused(sequence);
		this.#refusalDelayMs += 0.2 * (now - this.#record.sentAt(sequence) - this.#refusalDelayMs);
	}

	/** True when the refusal began an episode: it was sent after the last cut, so the rate was cut again. */
	refused(sequence: number, now: number): boolean {
		this.#advance(now);
		this.noteRefused(sequence, now);
		const sentAt = this.#record.sentAt(sequence);
		if (this.#phase === "start" && sequence < firstCredit) {
			// They went out at once, so they say what the account had saved up and not at which rate it comes back.
			this.#silentUntil = now + 1.5 * this.#refusalDelayMs;
			return false;
		}
		if (
			this.#burstStart === undefined ||
			this.#lastRefused === undefined ||
			sentAt - this.#record.sentAt(this.#lastRefused) > burstGapMs
		) {
			this.#anchor = this.#lastRefused;
			this.#burstStart = sequence;
			const climbing = this.#phase === "start" || this.#phase === "climb";
			this.#reached = climbing ? this.#recentRate(now) / 1000 : 0;
		}
		this.#lastRefused = Math.max(this.#lastRefused ?? 0, sequence);
		const estimate = this.#estimate(sequence);
		const episode = sentAt > this.#cutAt;
		if (episode) {
			const before = this.#phase === "open" ? this.#recentRate(now) : this.#rate;
			const limit = Math.max(leastRate, Math.min(estimate ?? before, before));
			if (this.#phase === "start" || this.#phase === "climb") {
				this.#silentUntil = now + 1.5 * this.#refusalDelayMs;
			}
			this.#cut(clamp(0.85 * before, 0.7 * limit, 0.95 * limit), limit, now);
		} else if (estimate !== undefined && this.#limit !== undefined && estimate < 0.9 * this.#limit) {
			// The rest of a burst does not cut again, but shows how deep its one cut should have been.
			const limit = Math.max(leastRate, estimate);
			this.#cut(Math.min(this.#rate, 0.9 * limit), limit, now);
		}
		return episode;
	}

	/** Whether the last `count` sendings before and with this one were all refused. */
	refusedInRow(sequence: number, count: number): boolean {
		return this.#record.refusedInRow(sequence, count) >= count;
	}

	#cut(rate: number, limit: number, now: number): void {
		this.#limit = limit;
		this.#rate = rate;
		this.#curve = new Cubic(rate, limit, clamp(fullSpeedRate / limit, 1, 1 + this.#samples / 20));
		this.#curveMs = 0;
		this.#phase = "cubic";
		this.#credit = Math.min(this.#credit, 0);
		this.#cutAt = now;
	}

	/** The limit in requests per second, from what was let through between refusals; undefined when too few are known. */
	#estimate(sequence: number): number | undefined {
		const record = this.#record;
		const start = this.#burstStart ?? sequence;
		this.#samples = this.#anchor === undefined ? sequence - start : sequence - this.#anchor;
		let long = this.#anchor === undefined ? undefined : record.admittedPerMs(this.#anchor, sequence);
		if (long !== undefined) {
			// On the way up less was sent than allowed, so the mean since the last refusal is too low.
			long = Math.max(long, this.#reached);
		}
		if (sequence - start < 8) {
			return long === undefined ? undefined : long * 1000;
		}
		const elapsed = record.sentAt(sequence) - record.sentAt(start);
		if (elapsed <= 0) {
			return long === undefined ? undefined : long * 1000;
		}
		const seen = record.admitted(start, sequence);
		if (long !== undefined && seen >= long * elapsed - 3 * Math.sqrt(long * elapsed) - 1) {
			// The long view is exact while the limit stays what it was; the burst would say if it did not.
			return long * 1000;
		}
		// A handful seen in a moment: by chance it may be too few, and too low a rate takes longer to notice.
		this.#samples = Math.min(this.#samples, seen);
		return ((seen + Math.sqrt(seen) + 1) / elapsed) * 1000;
	}

	#recentRate(now: number): number {
		const record = this.#record;
		let first = record.next;
		while (first > record.oldest && now - record.sentAt(first - 1) < recentMs) {
			first--;
		}
		return Math.max(1, ((record.next - first) / recentMs) * 1000);
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
			const fast = this.#rate < Math.max(fastUpTo, fastUpToTimesLimit * (this.#limit ?? 0));
			const factor = 2 ** (elapsed / (fast ? this.#doublingMs : slowness * this.#doublingMs));
			this.#rate = Math.max(this.#rate, Math.min(most, this.#rate * factor));
		} else if (this.#phase === "cubic" && this.#curve !== undefined) {
			this.#curveMs += elapsed;
			// What was concluded from a few requests is soon tested again.
			const least =
				this.#samples < reliableSamples ? this.#rate * 2 ** (elapsed / guessDoublingMs) : this.#rate;
			this.#rate = Math.max(least, this.#curve.at(this.#curveMs));
			if (this.#limitIsDisproved(now)) {
				this.#phase = "climb";
			}
		}
	}

	/** More was let through since the last refusal than the limit could have given: it must have risen. */
	#limitIsDisproved(now: number): boolean {
		if (this.#limit === undefined || this.#lastRefused === undefined) {
			return false;
		}
		const undecided = (this.#rate * this.#refusalDelayMs * 1.5) / 1000;
		const admitted = this.#record.next - 1 - this.#lastRefused - undecided;
		const possible = (this.#limit * (now - this.#record.sentAt(this.#lastRefused))) / 1000;
		return admitted > 1.02 * possible + Math.min(5, 2 + this.#samples / 20);
	}
}

function clamp(value: number, least: number, most: number): number {
	return Math.min(most, Math.max(least, value));
}
