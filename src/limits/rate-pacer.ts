import { Climb, HoldCurve, type HoldOptions } from "./cubic.ts";
import { limitBelow, limitMetAgain, limitTold } from "./limit-guess.ts";
import { type KnownOdds, LimitLearners } from "./limit-learner.ts";
import { likely, near, unlikely } from "./limit-odds.ts";
import { PeriodLimit } from "./period-limit.ts";
import { type RateBounds, RateEstimate } from "./rate-estimate.ts";
import { type PacerPhase, phaseReasons, StartRounds, Throttle } from "./throttle.ts";

const highestRate = 100_000;
/** From this share of the limit on, a refusal is what was to be expected. */
const atLimit = 0.98;
/** What comes back all at once is spread over its time with so much to spare. */
const surplus = 1.06;

/** Finds and keeps the request rate of an account that says nothing about its limits but 429. Rates are per second. */
export class RatePacer {
	/** What was sent and refused, and what that shows. */
	readonly estimate = new RateEstimate();
	/** What that shows of limits and of chance. */
	readonly learners = new LimitLearners(this.estimate);
	/** What comes back all at once, and when. */
	readonly #period = new PeriodLimit(this.estimate);
	#phase: PacerPhase = "start";
	readonly #start = new StartRounds();
	readonly #throttle: Throttle;
	readonly #climb = new Climb();
	#curve: HoldCurve | undefined;
	/** Sendings before this one were sent at a higher rate. */
	#cutBefore = 0;
	/** What is known of the rate while the number in flight is held instead. */
	#suspended: { readonly odds: KnownOdds; readonly limit: number | undefined } | undefined;
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
		return this.#phase === "start" || this.#phase === "open" ? undefined : this.estimate.limit;
	}

	/** The rate that is kept to; undefined while there is none. */
	get bound(): number | undefined {
		if (this.#phase === "period") return this.#period.rate;
		return this.#phase === "start" || this.#throttle.rate >= highestRate ? undefined : this.#throttle.rate;
	}

	/** It comes back all at once, as far as is known. */
	get isPeriodic(): boolean {
		return this.#phase === "period";
	}

	/** The same, but for what headers allow. */
	get kept(): number | undefined {
		return this.#phase === "open" || this.#phase === "period" ? undefined : this.bound;
	}

	/** Ms until the next request fits the rate, 0 when it does now. `isLeft`: headers say that there is enough for it. */
	waitMs(now: number, isLeft = false): number {
		this.#advance(now);
		// What is left need not be spread: only what comes back meanwhile is a guess.
		if (isLeft && this.#phase === "open" && !this.#throttle.isSilent(now)) return 0;
		if (this.#phase === "start") return this.#start.waitMs(this.#throttle, now);
		return Math.max(this.#throttle.waitMs(now), this.#phase === "period" ? this.#period.waitMs(now) : 0);
	}

	/** Returns the number by which `refused` knows the sending again. `own` as in `Limiter`. */
	sent(now: number, own?: number): number {
		this.#throttle.take(now);
		const { bound } = this;
		const isKept = bound !== undefined && (this.#phase === "hold" || this.#phase === "period");
		const mean = isKept ? this.estimate.meanRate(now, bound) : bound;
		const sequence = this.estimate.sent(now, this.#throttle.idleMs, bound, mean, own);
		this.#period.sent(sequence);
		this.#learn(now);
		return sequence;
	}

	/** `latencyMs`: the mean time of an answer. */
	succeeded(latencyMs: number): void {
		this.#climb.succeeded(latencyMs);
		if (this.#phase === "start") this.open(highestRate);
	}

	/** From now on others (headers, the number in flight) set the pace; this only keeps it below `rate`. */
	open(rate: number): void {
		if (this.#phase === "open" || this.#phase === "start" || (this.bound ?? highestRate) >= rate) {
			this.#leave("open");
			this.#throttle.rate = Math.min(highestRate, rate);
		}
	}

	/** Leaves it to others and forgets what was learnt before: what was let through by another limit says nothing. */
	release(rate: number): void {
		this.#leave("open");
		this.#throttle.rate = rate;
		this.estimate.forget();
		this.learners.forget();
	}

	/** The number in flight is held instead: what was refused before says nothing of the rate, and what is known of it is kept. */
	suspend(rate: number, now: number): void {
		const isKept = this.#phase === "hold" || this.#phase === "period";
		this.#suspended = { odds: this.learners.renew(), limit: isKept ? this.estimate.limit : undefined };
		this.release(rate);
		this.#throttle.silence(now);
		this.#cutBefore = this.estimate.next;
	}

	/** It was not the number in flight: what was known before holds, or there is no rate to keep to. */
	recall(now: number): void {
		if (this.#suspended === undefined) return;
		const { odds, limit } = this.#suspended;
		this.learners.recall(odds);
		this.#suspended = undefined;
		if (limit === undefined) this.#phase = "climb";
		else this.#hold(limit, now);
	}

	/** The refusal is noted without drawing a conclusion about the rate. True when what comes back all at once explains it. */
	noteRefused(sequence: number, now: number): boolean {
		this.estimate.noteRefused(sequence, now);
		return this.#period.refused(sequence);
	}

	/** Nothing is sent until then. `isIdle`: whatever the rate, so that what is let through meanwhile says nothing of it. */
	silence(until: number, isIdle: boolean): void {
		this.#throttle.silence(until, isIdle);
	}

	/** So many refusals in a row were not chance: where there is no rate yet, there is one now. */
	ruleOutChance(sequence: number, now: number): void {
		if (this.bound !== undefined) return;
		this.learners.follow(sequence);
		this.learners.ofLimit.meet(this.estimate.runOf(sequence), this.estimate.usedRate(now, this.bound), now);
		this.#cut(this.estimate.usedRate(now, this.bound), {}, now);
	}

	/** There is likely no limit below the rate at which is sent, or number `refused` was not refused for one. */
	isFree(now: number, refused?: number): boolean {
		return this.learners.isFree(this.estimate.recentRate(now), refused);
	}

	/** A refusal that nothing else explains. `hintMs`: after that time the server lets one through again. */
	refused(sequence: number, now: number, hintMs: number): void {
		this.#advance(now);
		if (this.noteRefused(sequence, now)) return;
		this.estimate.noteUnexplained(sequence);
		const isOther = this.#phase === "hold" && this.learners.isOther(sequence);
		if (isOther) this.#learn(now);
		if (isOther) return;
		this.learners.follow(sequence);
		this.#throttle.giveBack();
		const sentAt = this.estimate.sentAt(sequence);
		this.#bounds = this.estimate.refused(sequence, sentAt + hintMs);
		if (this.#phase === "period") {
			// It comes back bit by bit after all.
			const isShown = this.learners.ofLimit.isChanceRare || this.estimate.runOf(sequence).count > 1;
			const { spanMs, samples, isProven } = this.#period;
			if (isShown && !isProven) this.#hold((1000 * surplus * samples) / spanMs, now, { periodMs: spanMs });
			return;
		}
		const { limit } = this.estimate;
		const isHeld = this.#phase === "hold" && limit !== undefined;
		if (sequence < this.#cutBefore) {
			// The rest of a burst does not cut again, but shows how deep its one cut should have been.
			const { seen } = this.#bounds;
			if (isHeld && seen !== undefined && seen < 0.9 * limit) this.#hold(seen, now);
			return;
		}
		const upper = this.estimate.usedRate(now, this.bound);
		const { isChanceRare, odds } = this.learners.ofLimit;
		const isMet = isHeld && isChanceRare && (upper >= atLimit * limit || odds.below(upper) >= likely);
		const intervalMs = hintMs > 0 ? sentAt + hintMs - this.estimate.admittedAt : undefined;
		const found = isMet
			? limitMetAgain(limit, upper, this.#bounds, intervalMs)
			: limitTold(limit, this.estimate.record, intervalMs);
		if (isHeld && found !== undefined && this.#throttle.isUsed(now)) {
			this.#hold(found, now, { isTold: hintMs > 0 });
			this.#throttle.silence(now + Math.min(hintMs, 1000 / limit));
		} else if (isHeld) {
			this.#throttle.silence(now + Math.min(hintMs || 100 / limit, 1000 / limit));
		} else {
			if (this.#phase === "start") this.#start.refused();
			// What becomes of those sent meanwhile will tell, unless it is known.
			const waitMs = this.bound === undefined ? 1.5 * this.estimate.refusalDelayMs : 100 / this.bound;
			const isOpen = isChanceRare && (this.bound !== undefined || !this.isFree(now, sequence));
			if (this.#phase === "start" || isOpen) this.#throttle.silence(now + waitMs);
		}
		this.#learn(now);
	}

	/** There is likely a limit below the rate `upper`. */
	#cut(upper: number, bounds: RateBounds, now: number): void {
		if (this.bound === undefined) this.#throttle.silence(now + 1.5 * this.estimate.refusalDelayMs);
		this.#isShown = false;
		const isKnown = this.#phase === "hold";
		if (!isKnown) this.#before = this.#phase === "start" ? highestRate : this.#throttle.rate;
		const limit = limitBelow(upper, bounds, this.learners.ofLimit.odds.likely(upper), isKnown);
		this.#hold(limit, now, { samples: 0 });
		// What is a guess is tried as it is.
		if (!isKnown) this.#throttle.rate = limit;
		this.#guessedBelow = upper;
	}

	/** If a limit below the rate is likely by what was refused, it is kept to. */
	#learn(now: number): void {
		this.learners.learn(now, (sequence, odds) => {
			if (sequence < this.#cutBefore || this.#phase === "period") return;
			const upper = this.estimate.usedRate(now, this.bound);
			// At a limit that is known a little more is refused than elsewhere; it must have fallen if much more is.
			if (odds.below(this.#phase === "hold" ? upper / near : upper) < likely) return;
			this.learners.follow(sequence);
			this.#cut(upper, this.#bounds, now);
		});
		this.#raise();
	}

	/** A limit that is not there is not kept to. */
	#raise(): void {
		const { limit } = this.estimate;
		if (this.#phase !== "hold" || this.#isShown || limit === undefined) return;
		if (this.learners.ofLimit.doubt()) this.#phase = "climb";
		// What was let through since a limit was guessed may show that it is likely higher.
		const isHigher =
			this.#guessedBelow !== undefined && this.learners.ofLimit.odds.likely(this.#guessedBelow) > limit;
		if (!isHigher && this.learners.ofLimit.odds.below(near * limit) >= unlikely) return;
		const isNone = this.learners.ofLimit.odds.below(this.#before) < unlikely;
		this.#throttle.rate = Math.max(this.#throttle.rate, isNone ? this.#before : near * limit);
		this.#phase = isNone && this.#before >= highestRate ? "open" : "climb";
		if (this.#phase === "open") this.estimate.forget();
	}

	/** After a pause in which nothing was let through, it is again. */
	resumed(now: number, isTold: boolean): void {
		if (!this.#period.resumed(isTold)) return;
		const { rate, samples, spanMs, isOn } = this.#period;
		this.estimate.resumed(now, samples);
		this.learners.ofLimit.odds.assume(near * surplus * rate);
		this.#isShown = true;
		if (isOn) {
			this.estimate.limit = rate;
			this.#phase = "period";
			this.#throttle.rate = highestRate;
			this.#throttle.fill(1);
			this.estimate.exhausted(now);
		} else this.#hold(surplus * rate, now, { periodMs: spanMs });
	}

	/** `samples`: how many sendings the limit is known from. `periodMs`: it comes back all at once in that time. */
	#hold(limit: number, now: number, known: Partial<HoldOptions> = {}): void {
		this.estimate.limit = limit;
		this.#guessedBelow = undefined;
		this.#curve = new HoldCurve(limit, { samples: this.estimate.samples, ...known });
		this.#throttle.rate = this.#curve.start;
		this.#leave("hold");
		this.#cutBefore = this.estimate.next;
		this.estimate.exhausted(now);
		// What was refused has used up nothing.
		this.#throttle.restart(now, this.estimate.admittedAt);
	}

	#leave(next: PacerPhase): void {
		if (this.#phase === "period") {
			this.#throttle.fill(0);
			this.#period.end();
		}
		this.#phase = next;
	}

	#advance(now: number): void {
		const elapsed = this.#throttle.elapse(now);
		if (elapsed === 0 || !this.#throttle.isUsed(now)) return;
		if (this.#phase === "climb") {
			this.#throttle.rate = Math.min(highestRate, this.#climb.from(this.#throttle.rate, elapsed));
		} else if (this.#phase === "hold" && this.#curve !== undefined) {
			this.#throttle.rate = Math.max(this.#throttle.rate, this.#curve.advance(elapsed));
			if (this.estimate.limitIsDisproved(now, this.#throttle.rate)) this.#phase = "climb";
		}
	}
}
