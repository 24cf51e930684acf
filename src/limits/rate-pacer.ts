import { Cubic } from "./cubic.ts";
import { burstGapMs, type RateBounds, RateEstimate } from "./rate-estimate.ts";
import { type Cause, RefusalOdds } from "./refusal-odds.ts";

/** Requests per second until something is heard: refusals are quick to come, so the first few are sent more slowly. */
const firstRate = 40;
const firstFew = 6;
const nextRate = 120;
/** While looking upwards the rate doubles in the time of ten answers, within these bounds. */
const longestDoublingMs = 2_000;
const shortestDoublingMs = 50;
const leastPerDoubling = 4;
/** Per second: an account slower than three an hour is not one that a run waits for. */
const leastRate = 0.001;
const highestRate = 100_000;
/** After a cut the rate begins so far below the limit; less far where a few requests a minute would lose their place. */
const depth = 0.08;
/** And it is held a little below what was found. */
const justBelow = 0.99;
/** Whether a cut helps is tried at this share of it, where no limit was known before. */
const trialShare = 0.75;
const farAbove = 1.15;
/** A hint that would have it so much lower is not about the rate. */
const deepestHint = 0.7;
/** One cut leaves at least this share of the rate. */
const deepestCut = 0.25;
/** From this share of the limit on, a refusal is what was to be expected. */
const atLimit = 0.98;
/** What comes back all at once is spread with so much to spare, on so many seconds of the curve in all. */
const surplus = 1.06;
const curveSeconds = 6;
/** Below this rate (requests per second) the curve is stretched, so that refusals stay rare among the answers. */
const fullSpeedRate = 25;
/** And however low it is, about nine times so many are sent until the next refusal is to be expected. */
const leastEpisode = 3;

/**
 * `start` until the first answer; `open` leaves it to others (headers, the number in flight); `try` finds out whether a
 * cut helps; `hold` keeps to a limit and feels its way up; `climb` doubles, because the limit was disproved.
 */
export type PacerPhase = "start" | "open" | "try" | "hold" | "climb";

const reasons: Readonly<Record<PacerPhase, string>> = {
	start: "waiting for the first answers",
	open: "spreading what the account has saved up",
	try: "trying whether fewer requests are refused at a lower rate",
	hold: "held at the rate the server lets through",
	climb: "looking for a higher rate",
};

/** Finds and keeps the request rate of an account that says nothing about its limits but 429. Rates are per second. */
export class RatePacer {
	readonly #estimate = new RateEstimate();
	readonly #odds = new RefusalOdds();
	#phase: PacerPhase = "start";
	#rate = firstRate;
	#credit = 1;
	#at: number;
	/** When the rate last held something back: a rate that is not used up is not raised. */
	#heldBackAt: number;
	#doublingMs = longestDoublingMs;
	#curve: Cubic | undefined;
	#curveMs = 0;
	/** Sendings before this one were sent at a higher rate. */
	#cutBefore = 0;
	#cuts = 0;
	/** The limit that is not kept to while the number in flight is held instead. */
	#suspended: number | undefined;
	#refusedAt = Number.NEGATIVE_INFINITY;
	/** With this sending the rate came near the limit. */
	#atLimitFrom = 0;
	/** What to go back to when a cut turns out to be of no use. */
	#before:
		| { readonly phase: PacerPhase; readonly rate: number; readonly limit: number | undefined }
		| undefined;
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

	/** Requests per second that the server was found to allow; undefined while no limit has shown. */
	get limit(): number | undefined {
		return this.#phase === "hold" || this.#phase === "climb" ? this.#estimate.limit : undefined;
	}

	/** The rate that is kept to; undefined while there is none. */
	get bound(): number | undefined {
		return this.#phase === "start" || this.#rate >= highestRate ? undefined : this.#rate;
	}

	/** How often the rate was cut. */
	get cuts(): number {
		return this.#cuts;
	}

	/** The number of the next sending. */
	get next(): number {
		return this.#estimate.next;
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

	/** Returns the number by which `refused` knows the sending again. */
	sent(now: number): number {
		this.#credit--;
		if (this.#credit < 1) {
			this.#heldBackAt = now;
		}
		const sequence = this.#estimate.sent(now);
		if (this.#phase === "start" && sequence >= firstFew) {
			this.#rate = nextRate;
		}
		if (this.#odds.isTrying) {
			this.#judge(now);
		}
		return sequence;
	}

	/** `latencyMs`: the mean time of an answer. */
	succeeded(latencyMs: number): void {
		this.#doublingMs = clamp(10 * latencyMs, shortestDoublingMs, longestDoublingMs);
		if (this.#phase === "start") {
			this.open(highestRate);
		}
	}

	/** From now on others (headers, the number in flight) set the pace; this only keeps it below `rate`. */
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
		this.#odds.forget();
	}

	/** The number in flight is held instead, to see whether that is what is limited: what is known of the rate is kept. */
	suspend(rate: number): void {
		if (this.#phase === "hold") {
			this.#suspended = this.#estimate.limit;
		}
		this.release(rate);
	}

	/** It was not the number in flight. */
	recall(now: number): void {
		if (this.#suspended !== undefined) {
			this.#phase = "hold";
			this.#hold(this.#suspended, now);
			this.#suspended = undefined;
		}
	}

	/** The refusal is noted without drawing a conclusion about the rate: something else explains it. */
	noteRefused(sequence: number, now: number): void {
		this.#estimate.noteRefused(sequence, now);
		this.#odds.note(sequence);
		this.#credit = Math.min(1, this.#credit + 1);
	}

	/** How many sendings before and with this one were refused without one let through between them. */
	runOf(sequence: number): number {
		return this.#estimate.refusedInRow(sequence);
	}

	/** So many refusals in a row are too many for chance. */
	isRun(count: number): boolean {
		return this.#odds.isRun(count);
	}

	/**
	 * Finds out what a refusal was due to. `hintMs`: after that time the server lets one through again. "load" when the
	 * rate was cut for it, or had been just before.
	 */
	refused(sequence: number, now: number, hintMs: number): Cause {
		this.#advance(now);
		// The server has not counted it, so it does not count here.
		this.noteRefused(sequence, now);
		const sentAt = this.#estimate.sentAt(sequence);
		const bounds = this.#estimate.refused(sequence, sentAt + hintMs);
		if (sequence < this.#cutBefore) {
			// The rest of a burst does not cut again, but shows how deep its one cut should have been.
			const { limit } = this.#estimate;
			if (bounds.seen !== undefined && limit !== undefined && bounds.seen < 0.9 * limit) {
				this.#hold(Math.max(leastRate, bounds.seen), now);
			}
			return "load";
		}
		const isSurplus = this.#odds.refused(sequence);
		const isFirst = now - this.#refusedAt > burstGapMs;
		this.#refusedAt = now;
		const { limit } = this.#estimate;
		const upper = this.#usedRate(now);
		const isExpected =
			this.#phase === "hold" && limit !== undefined && upper >= atLimit * limit && this.#isUsed(now);
		if (isSurplus) {
			return this.#cut(upper, bounds, now);
		}
		if (isExpected && this.#odds.isRare) {
			this.#odds.byLoad(sequence - this.#atLimitFrom);
			this.#cuts++;
			// With a hint the time from the last one that was let through to the next is known: the limit gives one in it.
			const { least = 0 } = bounds;
			const hinted = hintMs > 0 ? 1000 / (sentAt + hintMs - this.#estimate.admittedAt) : upper;
			const most = hinted >= deepestHint * limit ? Math.min(upper, hinted) : upper;
			// Refused only far above the limit, it must be higher than was thought.
			const better = upper > farAbove * limit ? (limit + upper) / 2 : limit;
			// It is at least what was let through, and less only for what an idle account could not save up.
			const found =
				least > 0 ? (least + Math.max(least, Math.min(better, most))) / 2 : Math.min(better, most);
			this.#hold(justBelow * found, now);
			this.#silentUntil = now + Math.min(hintMs, 1000 / limit);
			return "load";
		}
		if (this.#phase === "start" || (this.#odds.isRare && (this.bound !== undefined || isFirst))) {
			// What becomes of those sent meanwhile will tell.
			this.#silentUntil = now + (this.bound === undefined ? 1.5 * this.refusalDelayMs : 100 / this.#rate);
		}
		return "unknown";
	}

	/** More is refused than by chance: less is sent, and where no limit is known to be there, it is seen whether that helps. */
	#cut(upper: number, { least = 0, seen }: RateBounds, now: number): Cause {
		const { limit } = this.#estimate;
		if (this.#odds.isTrying) {
			const verdict = this.#judge(now);
			if (verdict !== "unknown") {
				return verdict;
			}
		}
		const passed = Math.max(deepestCut, (1 - this.#odds.share) / (1 - this.#odds.chance));
		const found = Math.max(leastRate, Math.min(upper, seen ?? Math.max(least, passed * upper)));
		const isThere =
			limit !== undefined && this.#phase !== "try" && upper >= atLimit * limit && upper <= 2 * limit;
		this.#silentUntil = this.bound === undefined ? now + 1.5 * this.refusalDelayMs : this.#silentUntil;
		this.#cuts++;
		// If the limit is there, so much more must be refused above it.
		if (isThere && this.#phase === "climb" && this.#odds.share >= 0.5 * (1 - limit / upper)) {
			this.#odds.settle("load", this.#estimate.next);
			this.#phase = "hold";
			this.#hold(found, now);
			return "load";
		}
		this.#before ??= { phase: this.#phase, rate: this.#rate, limit };
		this.#odds.cut(upper, this.#estimate.next);
		this.#phase = "try";
		this.#hold(found, now);
		this.#rate = (isThere ? 1 - depth : trialShare) * found;
		return "load";
	}

	/** The rate at which was sent lately. */
	#usedRate(now: number): number {
		const recent = this.#estimate.recentRate(now);
		return this.bound === undefined
			? recent
			: Math.min(this.#rate, Math.max(recent, this.#estimate.limit ?? 0));
	}

	/** After a pause in which nothing was let through, it is again. */
	resumed(now: number): void {
		const found = this.#estimate.resumed(now);
		if (found !== undefined) {
			this.#odds.settle("load", this.#estimate.next);
			this.#before = undefined;
			const rate = surplus * found.rate;
			this.#phase = "hold";
			this.#hold(rate, now, found.periodMs / 1000 / curveSeconds, 1);
		}
	}

	/** Whether the cut helped, as far as that shows by now. */
	#judge(now: number): Cause {
		const decided = this.#estimate.decidedAt(now);
		const verdict = this.#odds.verdict(this.#rate, decided);
		if (verdict === "unknown") {
			return verdict;
		}
		this.#odds.settle(verdict, decided);
		if (verdict === "load") {
			this.#rate = Math.max(this.#rate, (1 - depth) * (this.#estimate.limit ?? 0));
			// The first time it may have been an accident: going up again at once shows whether the limit is there.
			this.#phase = this.#before?.limit === undefined ? "climb" : "hold";
		} else if (this.#before !== undefined) {
			const { phase, rate, limit } = this.#before;
			this.#phase = phase === "start" ? "open" : phase;
			this.#rate = phase === "start" ? highestRate : rate;
			if (limit === undefined) {
				this.#estimate.forget();
			} else {
				this.#estimate.limit = limit;
			}
		}
		this.#before = undefined;
		return verdict;
	}

	#hold(
		limit: number,
		now: number,
		stretch = this.#stretchFor(limit),
		from = 1 - depth * Math.min(1, Math.sqrt(limit / fullSpeedRate)),
	): void {
		this.#estimate.limit = limit;
		this.#rate = from * limit;
		this.#curve = new Cubic(this.#rate, limit, stretch);
		this.#curveMs = 0;
		if (this.#phase !== "try") {
			this.#phase = "hold";
		}
		// What was refused has used up nothing, so the next one is due by the last that was let through.
		const since = now - this.#estimate.admittedAt;
		this.#credit = Math.min(this.#credit, 1, (since * this.#rate) / 1000);
		this.#cutBefore = this.#estimate.next;
		this.#estimate.exhausted(now);
		this.#at = now;
	}

	#stretchFor(limit: number): number {
		const least = Math.max(1, leastEpisode / limit);
		return clamp(fullSpeedRate / limit, least, Math.max(least, 1 + this.#estimate.samples / 20));
	}

	#isUsed(now: number): boolean {
		return now - this.#heldBackAt <= Math.max(250, 2000 / this.#rate);
	}

	#advance(now: number): void {
		const elapsed = now - this.#at;
		if (elapsed <= 0) {
			return;
		}
		this.#at = now;
		if (this.#isUsed(now)) {
			this.#grow(elapsed, now);
		}
		// A little may be saved up, or timers that ring late would cost rate.
		const most = Math.max(1, this.#rate * 0.05);
		this.#credit = Math.min(most, this.#credit + (this.#rate * elapsed) / 1000);
	}

	#grow(elapsed: number, now: number): void {
		if (this.#phase === "climb") {
			// A few answers have to show that a higher rate is good before it is raised again.
			const doublingMs = Math.max(this.#doublingMs, (leastPerDoubling * 1000) / this.#rate);
			this.#rate = Math.min(highestRate, this.#rate * 2 ** (elapsed / doublingMs));
		} else if (this.#phase === "hold" && this.#curve !== undefined) {
			this.#curveMs += elapsed;
			this.#rate = Math.max(this.#rate, this.#curve.at(this.#curveMs));
			if (this.#rate < atLimit * (this.#estimate.limit ?? 0)) {
				this.#atLimitFrom = this.#estimate.next;
			}
			if (this.#estimate.limitIsDisproved(now, this.#rate)) {
				this.#phase = "climb";
			}
		}
	}
}

function clamp(value: number, least: number, most: number): number {
	return Math.min(most, Math.max(least, value));
}
