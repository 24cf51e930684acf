import { HoldCurve, type HoldOptions } from "./cubic.ts";
import { limitBelow, limitMetAgain } from "./limit-guess.ts";
import { LimitOdds, likely, near, unlikely } from "./limit-odds.ts";
import { type PacerPhase, phaseReasons } from "./pacer-phase.ts";
import { type RateBounds, RateEstimate } from "./rate-estimate.ts";
import type { Run } from "./send-record.ts";
import { StartRounds } from "./start-rounds.ts";
import { Throttle } from "./throttle.ts";

/** While looking upwards the rate doubles in the time of ten answers, within these bounds. */
const longestDoublingMs = 2_000;
const shortestDoublingMs = 50;
const leastPerDoubling = 4;
const highestRate = 100_000;
/** Chance below this is so rare that a refusal at a known limit is due to the limit. */
const rare = 0.03;
/** So many runs of refusals in a second would come by chance at most. */
const mostRuns = 1 / 60;
/** Of those that were refused before, no more than this are refused again by chance. */
const mostAgain = 0.5;
/** From this share of the limit on, a refusal is what was to be expected. */
const atLimit = 0.98;
/** What comes back all at once is spread over its time with so much to spare. */
const surplus = 1.06;

/** Finds and keeps the request rate of an account that says nothing about its limits but 429. Rates are per second. */
export class RatePacer {
	/** What was sent and refused, and what that shows. */
	readonly estimate = new RateEstimate();
	readonly #odds = new LimitOdds();
	/** Sendings before this one that were let through have been learnt from. */
	#learnt = 0;
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
	/** What the last refusal shows of the limit. */
	#bounds: RateBounds = {};
	/** A limit that comes back all at once was seen to: however refusals depend on the rate, it is there. */
	#isShown = false;
	/** The rate at which a limit below it became likely, while where it is has only been guessed. */
	#guessedBelow: number | undefined;
	/** The rate before it was cut for a limit that nobody knew of. */
	#before = highestRate;

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

	/** Requests per second that the server was found to allow; undefined while no limit has shown. */
	get limit(): number | undefined {
		return this.#phase === "hold" || this.#phase === "climb" ? this.estimate.limit : undefined;
	}

	/** The rate that is kept to; undefined while there is none. */
	get bound(): number | undefined {
		return this.#phase === "start" || this.#throttle.rate >= highestRate ? undefined : this.#throttle.rate;
	}

	/** The same, but for what headers allow. */
	get kept(): number | undefined {
		return this.#phase === "open" ? undefined : this.bound;
	}

	/** How often the rate was cut. */
	get cuts(): number {
		return this.#cuts;
	}

	/** Ms until the next request fits the rate, 0 when it does now. `isLeft`: headers say that there is enough for it. */
	waitMs(now: number, isLeft = false): number {
		this.#advance(now);
		// What is left need not be spread: only what comes back meanwhile is a guess.
		if (isLeft && this.#phase === "open" && !this.#throttle.isSilent(now)) return 0;
		return this.#phase === "start" ? this.#start.waitMs(this.#throttle, now) : this.#throttle.waitMs(now);
	}

	/** Returns the number by which `refused` knows the sending again. */
	sent(now: number): number {
		this.#throttle.take(now);
		const { bound } = this;
		const mean = this.#phase === "hold" && bound !== undefined ? this.estimate.meanRate(now, bound) : bound;
		const sequence = this.estimate.sent(now, this.#throttle.idleMs, bound, mean);
		this.#learn(now);
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
		this.#hold(this.#suspended, now);
		this.#suspended = undefined;
	}

	/** The refusal is noted without drawing a conclusion about the rate: something else explains it. */
	noteRefused(sequence: number, now: number): void {
		this.estimate.noteRefused(sequence, now);
	}

	/** Nothing is sent until then, for other reasons than the rate. */
	silence(until: number): void {
		this.#throttle.silence(until);
	}

	/** Refusals in a row were not chance: where there is no rate yet, there is one now. */
	ruleOutChance(now: number): void {
		if (this.bound !== undefined) return;
		this.#odds.assume(this.#usedRate(now));
		this.#cut(this.#usedRate(now), {}, now);
	}

	/** So many refusals in a row are too many for chance, at a rate at which any sending may begin such a run. */
	isRun({ count, again }: Run, now: number): boolean {
		const runs = this.#odds.chance ** (count - again) * mostAgain ** again * this.estimate.recentRate(now);
		return count >= 2 && runs < mostRuns;
	}

	/** A refusal that nothing else explains. `hintMs`: after that time the server lets one through again. */
	refused(sequence: number, now: number, hintMs: number): void {
		this.#advance(now);
		this.noteRefused(sequence, now);
		this.estimate.noteUnexplained(sequence);
		this.#throttle.giveBack();
		const sentAt = this.estimate.sentAt(sequence);
		const bounds = this.estimate.refused(sequence, sentAt + hintMs);
		const { limit } = this.estimate;
		const isHeld = this.#phase === "hold" && limit !== undefined;
		this.#bounds = bounds;
		if (sequence < this.#cutBefore) {
			// The rest of a burst does not cut again, but shows how deep its one cut should have been.
			if (isHeld && bounds.seen !== undefined && bounds.seen < 0.9 * limit) this.#hold(bounds.seen, now);
			return;
		}
		const upper = this.#usedRate(now);
		const isMet = isHeld && (upper >= atLimit * limit || this.#odds.below(upper) >= likely);
		if (isMet && this.#throttle.isUsed(now) && this.#odds.chance < rare) {
			this.#cuts++;
			const intervalMs = hintMs > 0 ? sentAt + hintMs - this.estimate.admittedAt : undefined;
			this.#hold(limitMetAgain(limit, upper, bounds, intervalMs), now, { isTold: hintMs > 0 });
			this.#throttle.silence(now + Math.min(hintMs, 1000 / limit));
		} else if (isHeld) {
			const waitMs = hintMs > 0 || this.#odds.chance >= rare ? hintMs : 100 / limit;
			if (waitMs > 0) this.#throttle.silence(now + Math.min(waitMs, 1000 / limit));
		} else {
			if (this.#phase === "start") this.#start.refused();
			// What becomes of those sent meanwhile will tell.
			if (this.#phase === "start" || this.#odds.chance < rare) {
				const waitMs =
					this.bound === undefined ? 1.5 * this.estimate.refusalDelayMs : 100 / this.#throttle.rate;
				this.#throttle.silence(now + waitMs);
			}
		}
		this.#learn(now);
	}

	/** There is likely a limit below the rate `upper`. */
	#cut(upper: number, bounds: RateBounds, now: number): void {
		if (this.bound === undefined) this.#throttle.silence(now + 1.5 * this.estimate.refusalDelayMs);
		this.#cuts++;
		this.#isShown = false;
		const isKnown = this.#phase === "hold";
		if (!isKnown) this.#before = this.#phase === "start" ? highestRate : this.#throttle.rate;
		const limit = limitBelow(upper, bounds, this.#odds.likely(upper), isKnown);
		this.#hold(limit, now, { samples: 0 });
		// What is a guess is tried as it is.
		if (!isKnown) this.#throttle.rate = limit;
		this.#guessedBelow = upper;
	}

	/** What became of sendings is evidence in their order, once it is known of all. */
	#learn(now: number): void {
		const decided = this.estimate.decidedAt(now);
		for (; this.#learnt < decided; this.#learnt++) {
			const end = this.estimate.endOf(this.#learnt);
			// What was not used since there was nothing left may have been saved up: to pass is no sign of a higher limit.
			if (end === "passed") this.#odds.passed(this.estimate.meanLoadAt(this.#learnt));
			if (end === "refused") {
				this.#odds.refused(this.estimate.meanLoadAt(this.#learnt));
				if (this.#learnt >= this.#cutBefore) this.#reduce(now);
			}
		}
		this.#raise();
	}

	/** More was refused. If a limit below the rate is likely by now, it is kept to. */
	#reduce(now: number): void {
		const upper = this.#usedRate(now);
		// At a limit that is known a little more is refused than elsewhere; it must have fallen if much more is.
		const isBelow = this.#odds.below(this.#phase === "hold" ? upper / near : upper) >= likely;
		if (isBelow) this.#cut(upper, this.#bounds, now);
	}

	/** A limit that is not there is not kept to. */
	#raise(): void {
		const { limit } = this.estimate;
		if (this.#phase !== "hold" || this.#isShown || limit === undefined) return;
		// What was let through since a limit was guessed may show that it is likely higher.
		const isHigher = this.#guessedBelow !== undefined && this.#odds.likely(this.#guessedBelow) > limit;
		if (!isHigher && this.#odds.below(near * limit) >= unlikely) return;
		const isNone = this.#odds.below(this.#before) < unlikely;
		this.#throttle.rate = Math.max(this.#throttle.rate, isNone ? this.#before : near * limit);
		this.#phase = isNone && this.#before >= highestRate ? "open" : "climb";
		if (this.#phase === "open") this.estimate.forget();
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
		this.#odds.assume(near * surplus * found.rate);
		this.#isShown = true;
		this.#hold(surplus * found.rate, now, { periodMs: found.periodMs });
	}

	/** `samples`: how many sendings the limit is known from. `periodMs`: it comes back all at once in that time. */
	#hold(
		limit: number,
		now: number,
		{ samples = this.estimate.samples, ...known }: Partial<HoldOptions> = {},
	): void {
		this.estimate.limit = limit;
		this.#guessedBelow = undefined;
		this.#curve = new HoldCurve(limit, { samples, ...known });
		this.#throttle.rate = this.#curve.start;
		this.#phase = "hold";
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
			if (this.estimate.limitIsDisproved(now, this.#throttle.rate)) this.#phase = "climb";
		}
	}
}
