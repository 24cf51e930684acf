import { logLikelihood } from "./log-likelihood.ts";
import type { Run } from "./send-record.ts";

/** Refusals that are expected before anything is known: one among so many. */
const priorSendings = 50;
/** What was seen this many sendings ago counts half. */
const memory = 4_000;
/** Log odds from which it is taken that refusals come more often than they used to. */
const surplusOdds = 9;
/** So many runs of refusals in a second would come by chance at most. */
const mostRuns = 1 / 60;
/** Log odds from which one cause is taken for certain. */
const certain = 3;
/** A cut is judged when so many refusals had to be expected if it were of no use. */
const leastExpected = 2;
/** Sendings after which the likelier cause is taken: it costs more to go on than to be wrong. */
const longestTrial = 20;
/** What was taken for chance is looked into again after so many sendings, by more than the first time. */
const reviewAfter = 1_000;
const longestReview = 40;
/** A trial begins where most was refused, so by chance alone less will be after it: such odds mean nothing. */
const hindsight = 2;
/** No server refuses more than this by chance. */
const mostChance = 0.5;
/** A large share by chance is unlikely to begin with: as if so many had been let through besides. */
const mildness = 4;
const rare = 0.03;
/** Refusals that are remembered one by one. */
const remembered = 32;

/** What refusals depend on: on the load (the rate, or the number in flight), or on nothing of ours. */
export type Cause = "load" | "chance" | "unknown";

/** Sendings under one load since refusals became frequent. */
interface Segment {
	load: number;
	/** The first sending. */
	readonly from: number;
	/** Those refused. */
	readonly refusals: number[];
	/** How many were sent and refused, as far as all of them are known. */
	sent: number;
	refused: number;
}

/**
 * Tells refusals that the load causes from those that come by chance, whatever the load.
 *
 * Two questions are asked. Do refusals come more often now than they used to (a likelihood ratio against the share known
 * from before)? And since they do: does the share depend on the load? Under a limit of L, of the load R a share 1 - L/R is
 * refused, and nothing below L; by chance the share is the same at any load. Both laws are fitted to what was refused at
 * each load since then, and their likelihoods compared. One load alone can't tell them apart; the first cut can.
 */
export class RefusalOdds {
	/** Sendings, and refusals that were put down to chance, fading. */
	#calm = { sent: 0, refused: 0 };
	/** Up to which sending `#calm` has counted. */
	#counted = 0;
	#refusals: number[] = [];
	#segments: Segment[] = [];
	/** Sendings under the loads before, since the last verdict. */
	#history = { sent: 0, refused: 0 };
	#settledAt = 0;
	#share = 0;
	/** What share was refused when that was last found to be chance. */
	#proven = 0;
	/** The trial looks into what was taken for chance. */
	#isReview = false;
	/** The sending with which refusals became frequent. */
	#onset = 0;

	/** Share of all sendings that is refused whatever the load. */
	get chance(): number {
		return (1 + this.#calm.refused) / (priorSendings + this.#calm.sent);
	}

	/** The load was cut, and it is not known yet whether that helps. */
	get isTrying(): boolean {
		return this.#segments.length > 0;
	}

	/**
	 * So many refusals in a row, which have been counted, are not chance. While it is being found out how many come by
	 * chance, it may be any of those seen, though hardly more than half, as of those that were refused before. `rate`: so
	 * many are sent in a second, any of which may begin such a run; once a minute it would be nothing unusual.
	 */
	isRun({ count, again }: Run, rate: number): boolean {
		const share = Math.max(this.#chanceWithout(count, count), Math.min(mostChance, this.#pooled.share));
		return count >= 2 && share ** (count - again) * mostChance ** again * rate < mostRuns;
	}

	/** Besides the last one, refusals by chance are so rare that a single one at a known limit is due to the limit. */
	get isRare(): boolean {
		return this.#chanceWithout(0, 1) < rare;
	}

	/** Share of the last stretch in which refusals were more than chance. */
	get share(): number {
		return this.#share;
	}

	/** More than twice as many were refused in that stretch as when it was last found to be chance. */
	get isFarAboveChance(): boolean {
		return this.#share > 2 * Math.max(this.chance, this.#proven);
	}

	/** Number `sequence` was refused, whatever for: it belongs to the load under which it was sent. */
	note(sequence: number): void {
		this.#segments.findLast(({ from }) => sequence >= from)?.refusals.push(sequence);
	}

	/**
	 * Number `sequence` was refused, which is put down to chance for now. True when refusals come more often than
	 * that, or, where the load is held, when it is time to look into it again.
	 */
	refused(sequence: number, isHeld = false): boolean {
		this.#count(sequence, 1);
		this.#refusals.push(sequence);
		this.#refusals.sort((a, b) => a - b);
		if (this.#refusals.length > remembered) this.#refusals.shift();
		return this.#isSurplus() || (isHeld && this.#isDue(sequence));
	}

	/** The last refusal is put down to the load: neither it nor the `sent` before it, under as high a load, say what chance is. */
	byLoad(sent: number): void {
		this.#calm.refused = Math.max(0, this.#calm.refused - 1);
		this.#calm.sent = Math.max(0, this.#calm.sent - sent);
	}

	/** Number `sequence` is one of `count` refusals in a row, which were not chance. */
	ruleOutChance(sequence: number, count: number): void {
		this.#calm.refused = Math.max(0, this.#calm.refused - count);
		this.#onset = Math.max(0, sequence - count + 1);
		this.#share = mostChance;
	}

	/** The load goes from `before` to less with number `next`, to see whether that helps. */
	cut(before: number, next: number): void {
		const refusals = this.#refusals.filter((sequence) => sequence >= this.#onset);
		if (this.#segments.length === 0) {
			const sent = Math.max(0, this.#onset - this.#settledAt);
			this.#history = { sent, refused: Math.min(sent, this.#refusals.length - refusals.length) };
			this.#segments.push({ load: before, from: this.#onset, refusals, sent: 0, refused: 0 });
		}
		this.#segments.push({ load: before, from: next, refusals: [], sent: 0, refused: 0 });
		// What is being looked into says nothing about chance before the verdict.
		const from = this.#segments.at(-2)?.from ?? next;
		this.#count(next, 0);
		this.#calm.sent = Math.max(0, this.#calm.sent - (next - from));
		this.#calm.refused = Math.max(0, this.#calm.refused - refusals.length);
		this.#refusals = [];
	}

	/** What the trial shows by now: all sendings before number `decided` are known to be let through or refused. */
	verdict(load: number, decided: number, loadOf?: (from: number, to: number) => number | undefined): Cause {
		const last = this.#segments.at(-1);
		if (last === undefined) return "unknown";
		last.load = load;
		for (const [index, segment] of this.#segments.entries()) {
			const end = Math.min(decided, this.#segments[index + 1]?.from ?? decided);
			segment.sent = Math.max(0, end - segment.from);
			segment.load = loadOf?.(segment.from, end) ?? segment.load;
			segment.refused = segment.refusals.filter((sequence) => sequence < end).length;
		}
		const { share } = this.#pooled;
		const longest = this.#isReview ? longestReview : longestTrial;
		if (this.#isReview && last.sent < longest) return "unknown";
		if (last.sent * share < leastExpected && last.sent < longest) return "unknown";
		const odds = this.#loadOdds(share);
		if (last.sent >= longest) return odds > hindsight || share > mostChance ? "load" : "chance";
		return odds >= certain + hindsight
			? "load"
			: odds <= -certain && share <= mostChance
				? "chance"
				: "unknown";
	}

	/** The trial is over. It counts as chance if that was the verdict; else it says nothing about chance. */
	settle(cause: Cause, decided: number): void {
		this.#calm.refused = Math.max(0, this.#calm.refused - this.#refusals.length);
		this.#counted = Math.max(this.#counted, decided);
		if (cause === "chance") {
			this.#proven = this.#pooled.share;
			for (const { sent, refused } of this.#segments) {
				this.#calm.sent += sent;
				this.#calm.refused += refused;
			}
		}
		this.#segments = [];
		this.#refusals = [];
		this.#settledAt = decided;
		this.#isReview = false;
	}

	/** What was known of another account, or another time, says nothing. */
	forget(): void {
		this.#segments = [];
		this.#refusals = [];
	}

	#count(sequence: number, refused: number): void {
		const sent = Math.max(0, sequence - this.#counted);
		this.#counted = Math.max(this.#counted, sequence);
		const kept = 0.5 ** (sent / memory);
		this.#calm.sent = this.#calm.sent * kept + sent;
		this.#calm.refused = Math.max(0, this.#calm.refused * kept + refused);
	}

	/** Chance as it was known before a stretch of sendings. */
	#chanceWithout(sent: number, refused: number): number {
		const calm = this.#calm;
		return (1 + Math.max(0, calm.refused - refused)) / (priorSendings + Math.max(0, calm.sent - sent));
	}

	/** So many refusals were put down to chance, for so long, that it is time to see whether fewer would be refused at less. */
	#isDue(sequence: number): boolean {
		if (this.isTrying || this.isRare || sequence - this.#settledAt < reviewAfter) return false;
		this.#isReview = true;
		this.#onset = this.#refusals[0] as number;
		this.#share = this.#refusals.length / Math.max(1, sequence - this.#onset);
		this.#calm = { sent: 0, refused: 0 };
		return true;
	}

	/** The stretch from some refusal to this one is compared with chance; the first of a stretch is not evidence itself. */
	#isSurplus(): boolean {
		let best = 0;
		for (let first = this.#refusals.length - 2; first >= 0; first--) {
			const sent = Math.max(1, (this.#refusals.at(-1) as number) - (this.#refusals[first] as number));
			const refused = Math.min(sent, this.#refusals.length - 1 - first);
			const share = refused / sent;
			const chance = this.#chanceWithout(sent, refused);
			if (share <= chance) continue;
			const odds = logLikelihood(sent, refused, share) - logLikelihood(sent, refused, chance);
			if (odds > best) {
				best = odds;
				this.#share = share;
				this.#onset = this.#refusals[first] as number;
			}
		}
		return best >= surplusOdds;
	}

	/** Of all that was sent in the trial. */
	get #pooled(): { readonly sent: number; readonly share: number } {
		const sent = this.#segments.reduce((sum, segment) => sum + segment.sent, 0);
		const refused = this.#segments.reduce((sum, segment) => sum + segment.refused, 0);
		return { sent, share: sent === 0 ? 0 : refused / sent };
	}

	/** Log odds of the load against chance as the cause of what was refused since refusals became frequent. */
	#loadOdds(share: number): number {
		const byChance = this.#likelihoodOfChance(share);
		let byLoad = this.#likelihoodOfStep();
		for (const { load, sent: n, refused: k } of this.#segments) {
			// The limit that each load alone would show, and one just under it.
			for (const limit of [load, load * (1 - k / Math.max(1, n)), 0.9 * load])
				byLoad = Math.max(byLoad, this.#likelihoodOf(limit));
		}
		return byLoad - byChance;
	}

	/**
	 * The same share since refusals became frequent, and as many as usual before; or all the time as many as now: under a
	 * limit that was found by mistake refusals go on as before.
	 */
	#likelihoodOfChance(share: number): number {
		const of = (counts: readonly { readonly sent: number; readonly refused: number }[], chance: number) =>
			counts.reduce((sum, { sent, refused }) => sum + logLikelihood(sent, refused, chance), 0);
		const { sent, refused } = this.#history;
		const all = [...this.#segments, this.#history];
		const pooled =
			all.reduce((sum, counts) => sum + counts.refused, 0) /
			all.reduce((sum, counts) => sum + counts.sent, 0);
		const since = of(this.#segments, share);
		const usual = logLikelihood(sent, refused, this.chance);
		return logLikelihood(mildness, 0, share) + Math.max(since, of(all, pooled) - usual);
	}

	/** Chance alone under the present load, and some other share under all those before. */
	#likelihoodOfStep(): number {
		const before = this.#segments.slice(0, -1);
		const last = this.#segments.at(-1) as Segment;
		const sent = before.reduce((sum, segment) => sum + segment.sent, 0);
		const refused = before.reduce((sum, segment) => sum + segment.refused, 0);
		return (
			logLikelihood(sent, refused, refused / Math.max(1, sent)) +
			logLikelihood(last.sent, last.refused, this.chance)
		);
	}

	#likelihoodOf(limit: number): number {
		const { chance } = this;
		return this.#segments.reduce((sum, { load, sent, refused }) => {
			const share = chance + (1 - chance) * Math.max(0, 1 - limit / load);
			return sum + logLikelihood(sent, refused, share);
		}, 0);
	}
}
