import { LimitOdds, unlikely } from "./limit-odds.ts";
import type { RateEstimate } from "./rate-estimate.ts";
import type { Run, SendRecord } from "./send-record.ts";

/** Chance below this is so rare that a refusal at a known limit is due to the limit. */
const rare = 0.03;
/** So many runs of refusals in a second would come by chance at most. */
const mostRuns = 1 / 60;
/** To forget what is known because of a run that was chance costs more than a cut: that may happen so many times more rarely. */
const timesRarer = 10;
/** Of those that were refused before, so many may be refused again by chance. */
const leastAgain = 0.5;
/** What is sent again is compared with what is sent for the first time while that is among so many: later all may be refused more often. */
const mostSinceFresh = 16;
/** As if so many of them had been let through as often as others, before anything is known. */
const firstAgain = 10;

/**
 * What is sent again is refused as often as what is sent for the first time, if that is for the load or by chance. What more
 * of it is refused is refused for itself.
 */
class AgainShare {
	readonly #record: SendRecord;
	/** Sendings before this one have been looked at, and those before that one have been learnt from. */
	#seen = 0;
	#learnt = 0;
	/** Requests sent for the first time, and those of them that were let through. */
	#fresh = 1;
	#freshPassed = 1;
	/** So many were sent again since one was sent for the first time. */
	#sinceFresh = 0;
	/** How many of the others were let through, and how many would have been if they were like the first. */
	#passed = firstAgain;
	#expected = firstAgain;

	constructor(record: SendRecord) {
		this.#record = record;
	}

	/** What share of those that are sent again is refused for itself. */
	get ownShare(): number {
		return Math.max(0, 1 - this.#passed / this.#expected);
	}

	/** Learns from sendings before this one; while nothing is let through, what is refused has nothing to do with the request. */
	learn(decided: number): void {
		const { oldest } = this.#record;
		for (this.#seen = Math.max(this.#seen, oldest); this.#seen < decided; this.#seen++) {
			if (this.#record.wasRefused(this.#seen)) continue;
			for (this.#learnt = Math.max(this.#learnt, oldest); this.#learnt <= this.#seen; this.#learnt++)
				this.#note(this.#learnt);
		}
	}

	#note(sequence: number): void {
		const passed = this.#record.wasRefused(sequence) ? 0 : 1;
		if (this.#record.isAgain(sequence)) {
			if (++this.#sinceFresh > mostSinceFresh) return;
			this.#expected += this.#freshPassed / this.#fresh;
			this.#passed += passed;
		} else {
			this.#sinceFresh = 0;
			this.#fresh++;
			this.#freshPassed += passed;
		}
	}
}

/** Weighs what became of sendings as evidence for limits and for chance, in their order, by refusals of one kind. */
class LimitLearner {
	odds = new LimitOdds();
	readonly #estimate: RateEstimate;
	/** Sendings before this one have been learnt from. */
	#learnt = 0;

	readonly #isHinted: boolean;
	readonly #again: AgainShare;
	/** The refusals in a row that a limit was taken for granted for, and the rate at which was sent then. */
	#met: { readonly run: Run; readonly rate: number } | undefined;

	/** `isHinted`: by refusals that say when to send again, or by those that do not. */
	constructor(estimate: RateEstimate, isHinted: boolean, again: AgainShare) {
		this.#estimate = estimate;
		this.#isHinted = isHinted;
		this.#again = again;
	}

	/** What was sent so far says nothing of what is learnt from now on. Returns what was known. */
	renew(): LimitOdds {
		const { odds } = this;
		this.odds = new LimitOdds();
		this.#learnt = this.#estimate.next;
		return odds;
	}

	/** Hardly anything is refused but for a limit. */
	get isChanceRare(): boolean {
		return this.odds.chance < rare;
	}

	/** Learns from all of which it is known what became of them; `onRefused` after each that was refused. */
	learn(now: number, onRefused: (sequence: number) => void): void {
		const estimate = this.#estimate;
		const decided = estimate.decidedAt(now);
		for (; this.#learnt < decided; this.#learnt++) {
			const end = estimate.endOf(this.#learnt, this.#isHinted);
			// What was not used since there was nothing left may have been saved up: to pass is no sign of a higher limit.
			if (end === "passed") this.odds.passed(estimate.meanLoadAt(this.#learnt));
			if (end === "refused") {
				const own = estimate.record.isAgain(this.#learnt)
					? Math.max(this.#again.ownShare, estimate.record.likelyOwn(this.#learnt))
					: 0;
				this.odds.refused(estimate.meanLoadAt(this.#learnt), false, own);
				onRefused(this.#learnt);
			}
		}
	}

	/**
	 * So many refusals in a row show that there is a limit below this load. Where so little had been refused before that they
	 * are no chance by far, what was let through had been saved up, and says nothing of where the limit is.
	 */
	meet(run: Run, load: number, now: number): void {
		const { count } = run;
		const before = this.#estimate.refusedBefore(count);
		const rate = this.#estimate.recentRate(now);
		this.#met = { run, rate };
		const isChance = before >= rare || before ** count * rate >= mostRuns / timesRarer;
		if (isChance) {
			this.odds.assume(load);
			return;
		}
		this.odds.assumeUnknown(load);
		this.#learnt = this.#estimate.next;
	}

	/** So many refusals in a row are too many for chance, at a rate at which any sending may begin such a run. */
	isRun(run: Run, now: number): boolean {
		return run.count >= 2 && this.#runsAt(this.#estimate.recentRate(now), run) < mostRuns;
	}

	/** By what is known of chance now, the refusals in a row that a limit was taken for granted for were nothing else. */
	doubt(): boolean {
		if (this.#met === undefined || this.#runsAt(this.#met.rate, this.#met.run) < mostRuns) return false;
		this.#met = undefined;
		this.odds.doubt();
		return true;
	}

	/** How many such runs come by chance in a second. */
	#runsAt(rate: number, { count, again }: Run): number {
		const mostAgain = Math.max(leastAgain, this.#again.ownShare);
		const fresh = count - again.length;
		const { chance } = this.odds;
		return again.reduce(
			(sum, own) => sum * Math.max(mostAgain, own + (1 - own) * chance),
			rate * chance ** fresh,
		);
	}
}

/** What is known by refusals without a hint and by those with one. */
export type KnownOdds = readonly [LimitOdds, LimitOdds];

/**
 * Who says when to send again does so whenever a limit is the reason. So refusals with a hint and those without one are
 * learnt from apart: rows that are never answered, or a gateway that refuses now and then, do not make a limit look lower.
 */
export class LimitLearners {
	readonly #estimate: RateEstimate;
	readonly #again: AgainShare;
	readonly #unhinted: LimitLearner;
	readonly #hinted: LimitLearner;
	/** By the refusals with a hint the limit is known that is kept to. */
	#isHinted = false;

	constructor(estimate: RateEstimate) {
		this.#estimate = estimate;
		this.#again = new AgainShare(estimate.record);
		this.#unhinted = new LimitLearner(estimate, false, this.#again);
		this.#hinted = new LimitLearner(estimate, true, this.#again);
	}

	/** What is known by refusals of the kind that the limit is known by. */
	get ofLimit(): LimitLearner {
		return this.#isHinted ? this.#hinted : this.#unhinted;
	}

	/** This number was refused in another way than by the limit that is known. */
	isOther(sequence: number): boolean {
		return this.#estimate.record.isHinted(sequence) !== this.#isHinted;
	}

	/** The limit is known by refusals of the kind of this one. */
	follow(sequence: number): void {
		this.#isHinted = this.#estimate.record.isHinted(sequence);
	}

	/** The refusals of the same kind in a row around this one are too many for chance. */
	isRun(sequence: number, now: number): boolean {
		const learner = this.#estimate.record.isHinted(sequence) ? this.#hinted : this.#unhinted;
		return learner.isRun(this.#estimate.runOf(sequence), now);
	}

	/** There is likely no limit below this load, by refusals of the kind that was met last; and if others were met, by those. */
	isFree(load: number, refused?: number): boolean {
		if (refused !== undefined && this.#estimate.isOvertaken(refused)) return true;
		const other = this.#isHinted ? this.#unhinted : this.#hinted;
		return this.ofLimit.odds.below(load) < unlikely && other.odds.isFree(load);
	}

	forget(): void {
		this.#unhinted.odds.forget();
		this.#hinted.odds.forget();
	}

	/** What was sent so far says nothing of what is learnt from now on. Returns what was known, for `recall`. */
	renew(): KnownOdds {
		return [this.#unhinted.renew(), this.#hinted.renew()];
	}

	recall([unhinted, hinted]: KnownOdds): void {
		this.#unhinted.odds = unhinted;
		this.#hinted.odds = hinted;
	}

	/** Learns from all of which it is known what became of them; `onRefused` after each refusal, with the odds that it tells. */
	learn(now: number, onRefused: (sequence: number, odds: LimitOdds) => void): void {
		this.#again.learn(this.#estimate.decidedAt(now));
		for (const learner of [this.#unhinted, this.#hinted])
			learner.learn(now, (sequence) => onRefused(sequence, learner.odds));
	}
}
