import { cutDepth, HoldCurve } from "./cubic.ts";
import { limitBelow, limitMetAgain } from "./limit-guess.ts";
import { type PacerPhase, type PacerState, phaseReasons } from "./pacer-phase.ts";
import { burstGapMs, type RateBounds, RateEstimate } from "./rate-estimate.ts";
import { type Cause, RefusalOdds } from "./refusal-odds.ts";
import type { Run } from "./send-record.ts";
import { StartRounds } from "./start-rounds.ts";
import { Throttle } from "./throttle.ts";

/** While looking upwards the rate doubles in the time of ten answers, within these bounds. */
const longestDoublingMs = 2_000;
const shortestDoublingMs = 50;
const leastPerDoubling = 4;
const highestRate = 100_000;
/** Whether a cut helps is tried at this share of it, where no limit was known before. */
const trialShare = 0.75;
/** From this share of the limit on, a refusal is what was to be expected. */
const atLimit = 0.98;
/** What comes back all at once is spread over its time with so much to spare. */
const surplus = 1.06;

/** Finds and keeps the request rate of an account that says nothing about its limits but 429. Rates are per second. */
export class RatePacer {
	/** What was sent and refused, and what that shows. */
	readonly estimate = new RateEstimate();
	readonly #odds = new RefusalOdds();
	#phase: PacerPhase = "start";
	readonly #start = new StartRounds();
	readonly #throttle: Throttle;
	#doublingMs = longestDoublingMs;
	#curve: HoldCurve | undefined;
	/** Sendings before this one were sent at a higher rate. */
	#cutBefore = 0;
	#cuts = 0;
	/** The limit that is not kept to while the number in flight is held instead. */
	#suspended: number | undefined;
	#refusedAt = Number.NEGATIVE_INFINITY;
	/** With this sending the rate came near the limit. */
	#atLimitFrom = 0;
	/** What to go back to when a cut turns out to be of no use. */
	#before: PacerState | undefined;

	/** `eager` starts without a rate of its own, until something is refused or headers tell one. */
	constructor(now: number, eager: boolean) {
		this.#throttle = new Throttle(0, now);
		if (eager) {
			this.open(highestRate);
			this.#throttle.fill(highestRate);
		}
	}

	/** In words, why the last request had to wait for the rate. */
	get reason(): string {
		return phaseReasons[this.#phase];
	}

	get rate(): number {
		return this.#throttle.rate;
	}

	/** Requests per second that the server was found to allow; undefined while no limit has shown. */
	get limit(): number | undefined {
		return this.#phase === "hold" || this.#phase === "climb" ? this.estimate.limit : undefined;
	}

	/** The rate that is kept to; undefined while there is none. */
	get bound(): number | undefined {
		return this.#phase === "start" || this.#throttle.rate >= highestRate ? undefined : this.#throttle.rate;
	}

	/** How often the rate was cut. */
	get cuts(): number {
		return this.#cuts;
	}

	/** Ms until the next request fits the rate, 0 when it does now. */
	waitMs(now: number): number {
		this.#advance(now);
		return this.#phase === "start" ? this.#start.waitMs(this.#throttle, now) : this.#throttle.waitMs(now);
	}

	/** Returns the number by which `refused` knows the sending again. */
	sent(now: number): number {
		this.#throttle.take(now);
		const sequence = this.estimate.sent(now, this.#throttle.idleMs);
		if (this.#odds.isTrying) this.#judge(now);
		return sequence;
	}

	/** `latencyMs`: the mean time of an answer. */
	succeeded(latencyMs: number): void {
		this.#doublingMs = Math.min(longestDoublingMs, Math.max(shortestDoublingMs, 10 * latencyMs));
		if (this.#phase === "start") this.open(highestRate);
	}

	/** From now on others (headers, the number in flight) set the pace; this only keeps it below `rate`. */
	open(rate: number): void {
		if (this.#phase === "open" || this.#phase === "start" || this.#throttle.rate >= rate) {
			this.#phase = "open";
			this.#throttle.rate = Math.min(highestRate, rate);
		}
	}

	/** Leaves it to others and forgets what was learnt before: what was let through by another limit says nothing. */
	release(rate: number): void {
		this.#phase = "open";
		this.#throttle.rate = rate;
		this.estimate.forget();
		this.#odds.forget();
	}

	/** The number in flight is held instead, to see whether that is what is limited: what is known of the rate is kept. */
	suspend(rate: number): void {
		if (this.#phase === "hold") this.#suspended = this.estimate.limit;
		this.release(rate);
	}

	/** It was not the number in flight. */
	recall(now: number): void {
		if (this.#suspended === undefined) return;
		this.#phase = "hold";
		this.#hold(this.#suspended, now);
		this.#suspended = undefined;
	}

	/** The refusal is noted without drawing a conclusion about the rate: something else explains it. */
	noteRefused(sequence: number, now: number): void {
		this.estimate.noteRefused(sequence, now);
		this.#odds.note(sequence);
	}

	/** Nothing is sent until then, for other reasons than the rate. */
	silence(until: number): void {
		this.#throttle.silence(until);
	}

	/** Number `sequence` ended `run` refusals in a row, which were not chance: where there is no rate yet, there is one now. */
	ruleOutChance(sequence: number, run: number, now: number): void {
		this.#odds.ruleOutChance(sequence, run);
		if (this.bound === undefined) this.#cut(this.#usedRate(now), {}, now);
	}

	/** So many refusals in a row are too many for chance. */
	isRun(run: Run, now: number): boolean {
		return this.#odds.isRun(run, this.estimate.recentRate(now));
	}

	/**
	 * Finds out what a refusal was due to. `hintMs`: after that time the server lets one through again. "load" when the
	 * rate was cut for it, or had been just before.
	 */
	refused(sequence: number, now: number, hintMs: number): Cause {
		this.#advance(now);
		this.noteRefused(sequence, now);
		this.#throttle.giveBack();
		const sentAt = this.estimate.sentAt(sequence);
		const bounds = this.estimate.refused(sequence, sentAt + hintMs);
		if (sequence < this.#cutBefore) {
			// The rest of a burst does not cut again, but shows how deep its one cut should have been.
			const { limit } = this.estimate;
			if (bounds.seen !== undefined && limit !== undefined && bounds.seen < 0.9 * limit)
				this.#hold(bounds.seen, now);
			return "load";
		}
		const isSurplus = this.#odds.refused(sequence, this.bound !== undefined);
		const { limit } = this.estimate;
		const isFirst = now - this.#refusedAt > burstGapMs;
		this.#refusedAt = now;
		const upper = this.#usedRate(now);
		const isExpected =
			this.#phase === "hold" && limit !== undefined && upper >= atLimit * limit && this.#throttle.isUsed(now);
		if (isSurplus) return this.#cut(upper, bounds, now);
		if (isExpected && this.#odds.isRare) {
			this.#odds.byLoad(sequence - this.#atLimitFrom);
			this.#cuts++;
			const intervalMs = hintMs > 0 ? sentAt + hintMs - this.estimate.admittedAt : undefined;
			this.#hold(limitMetAgain(limit, upper, bounds, intervalMs), now);
			this.#throttle.silence(now + Math.min(hintMs, 1000 / limit));
			return "load";
		}
		if (this.#phase === "hold" && limit !== undefined) {
			this.#throttle.silence(now + Math.min(hintMs || 100 / limit, 1000 / limit));
			return "unknown";
		}
		if (this.#phase === "start") this.#start.refused();
		if (this.#phase === "start" || (this.#odds.isRare && (this.bound !== undefined || isFirst))) {
			// What becomes of those sent meanwhile will tell.
			this.#throttle.silence(
				now + (this.bound === undefined ? 1.5 * this.estimate.refusalDelayMs : 100 / this.#throttle.rate),
			);
		}
		return "unknown";
	}

	/** More is refused than by chance: less is sent, and where no limit is known to be there, it is seen whether that helps. */
	#cut(upper: number, bounds: RateBounds, now: number): Cause {
		const { limit } = this.estimate;
		if (this.#odds.isTrying) {
			const verdict = this.#judge(now);
			if (verdict !== "unknown") return verdict;
		}
		const found = limitBelow(
			upper,
			bounds,
			(1 - this.#odds.share) / (1 - this.#odds.chance),
			this.#phase === "hold",
		);
		const isThere =
			limit !== undefined && this.#phase !== "try" && upper >= atLimit * limit && upper <= 2 * limit;
		if (this.bound === undefined) this.#throttle.silence(now + 1.5 * this.estimate.refusalDelayMs);
		this.#cuts++;
		// If the limit is there, so much more must be refused above it.
		if (
			isThere &&
			this.#phase === "climb" &&
			this.#odds.isFarAboveChance &&
			this.#odds.share >= 0.5 * (1 - limit / upper)
		) {
			this.#odds.settle("load", this.estimate.next);
			this.#phase = "hold";
			this.#hold(found, now);
			return "load";
		}
		this.#before ??= { phase: this.#phase, rate: this.#throttle.rate, limit };
		this.#odds.cut(upper, this.estimate.next);
		this.#phase = "try";
		this.#hold(found, now);
		this.#throttle.rate = (isThere ? 1 - cutDepth : trialShare) * found;
		return "load";
	}

	/** The rate at which was sent lately. */
	#usedRate(now: number): number {
		const recent = this.estimate.recentRate(now);
		return Math.min(this.bound ?? recent, Math.max(recent, this.estimate.limit ?? 0));
	}

	/** After a pause in which nothing was let through, it is again. */
	resumed(now: number): void {
		const found = this.estimate.resumed(now);
		if (found === undefined) return;
		this.#odds.settle("load", this.estimate.next);
		this.#before = undefined;
		this.#phase = "hold";
		this.#hold(surplus * found.rate, now, found.periodMs);
	}

	/** Whether the cut helped, as far as that shows by now. */
	#judge(now: number): Cause {
		const decided = this.estimate.decidedAt(now);
		const verdict = this.#odds.verdict(this.#throttle.rate, decided, (from, to) =>
			this.estimate.rateBetween(from, to),
		);
		if (verdict === "unknown") return verdict;
		this.#odds.settle(verdict, decided);
		if (verdict === "load") {
			this.#throttle.rate = Math.max(this.#throttle.rate, (1 - cutDepth) * (this.estimate.limit ?? 0));
			// The first time it may have been an accident: going up again at once shows whether the limit is there.
			this.#phase = this.#before?.limit === undefined ? "climb" : "hold";
		} else if (this.#before !== undefined) {
			const { phase, rate, limit } = this.#before;
			this.#throttle.rate = phase === "start" ? highestRate : rate;
			// The limit was found by refusals like these: whether it is there shows above it.
			this.#phase = limit === undefined ? "open" : "climb";
			if (limit === undefined) this.estimate.forget();
			else this.estimate.limit = limit;
		}
		this.#before = undefined;
		return verdict;
	}

	#hold(limit: number, now: number, periodMs?: number): void {
		this.estimate.limit = limit;
		this.#curve = new HoldCurve(limit, this.estimate.samples, periodMs);
		this.#throttle.rate = this.#curve.start;
		if (this.#phase !== "try") this.#phase = "hold";
		this.#cutBefore = this.estimate.next;
		this.estimate.exhausted(now);
		// What was refused has used up nothing.
		this.#throttle.restart(now, this.estimate.admittedAt);
	}

	#advance(now: number): void {
		const elapsed = this.#throttle.elapse(now);
		if (elapsed > 0 && this.#throttle.isUsed(now)) this.#grow(elapsed, now);
	}

	#grow(elapsed: number, now: number): void {
		if (this.#phase === "climb") {
			// A few answers have to show that a higher rate is good before it is raised again.
			const doublingMs = Math.max(this.#doublingMs, (leastPerDoubling * 1000) / this.#throttle.rate);
			this.#throttle.rate = Math.min(highestRate, this.#throttle.rate * 2 ** (elapsed / doublingMs));
		} else if (this.#phase === "hold" && this.#curve !== undefined) {
			this.#throttle.rate = Math.max(this.#throttle.rate, this.#curve.advance(elapsed));
			if (this.#throttle.rate < atLimit * (this.estimate.limit ?? 0)) this.#atLimitFrom = this.estimate.next;
			if (this.estimate.limitIsDisproved(now, this.#throttle.rate)) this.#phase = "climb";
		}
	}
}
