import { RequestError } from "../errors.ts";
import { isSpent, type RateSnapshot } from "../limits/rate-headers.ts";
import type { QueuedItem } from "./queued-item.ts";

/**
 * How many are refused at the moment is told by so many items that were sent for the first time, and by the very last of
 * them if that is more: refusals come in bursts.
 */
const lastItems = 128;
const veryLastItems = 32;
/** The chance that one item of the whole run is given up that was not refused for itself. */
const mostMistaken = 1e-3;
/** Before anything is known, one in so many items is thought to be refused for itself. */
const priorItems = 100;
/** An item is refused this often before it is given up. */
const leastRefusals = 4;
/** By chance so many are refused again and again for each that was answered after it had been refused, and as many before there is one. */
const stuckByChance = 4;
/** Limits come back within a minute, and some more: if nothing is answered for so long at the end of a run, it is not for the rate. */
const longestWindowMs = 65_000;

/**
 * Tells refusals that have to do with one item (too large, not allowed for this account) from those of the account. Each
 * refusal is as good evidence against the item as others are rarely refused at that time: of a hundred others one, and it
 * is strong; of two others one, and it says next to nothing. While nothing that is sent later is answered, it is none: an
 * account with nothing left refuses whatever it is sent. Overloads have nothing to do with limits, and are counted apart.
 */
export class RowRefusals {
	#answered = 0;
	/** When the last was sent that is known to have been answered. */
	#answeredAt = Number.NEGATIVE_INFINITY;
	/** Items that were sent, and those of them that were refused when they were first sent. */
	#sent = 0;
	#refused = 0;
	/** Items that met an overload. */
	#overloaded = 0;
	/** How often the items that were answered had been sent, and refused. */
	#sendings = 0;
	#refusals = 0;
	#givenUp = 0;
	/** Items that are likelier refused for themselves than not, and are still sent. */
	#stuck = 0;
	/** Items that were answered after they had been refused. */
	#recovered = 0;
	/** Refusals since nothing has been answered for longer than limits take to come back. */
	#late = 0;
	/** Answers with which the account said that it has nothing left. */
	#spent = 0;
	readonly #last = new Uint8Array(lastItems);

	/** The item is sent. */
	sent(queued: QueuedItem<unknown>, now: number): void {
		queued.sentAt = now;
		queued.isGivenUp = false;
		if (queued.attempts > 1) return;
		queued.first.sentAt = now;
		queued.number = this.#sent;
		this.#last[this.#sent++ % lastItems] = 0;
	}

	/** `snapshot`: what the answer said of the account. */
	answered(queued: QueuedItem<unknown>, snapshot?: RateSnapshot): void {
		const refusals = limitRefusals(queued);
		this.#answered++;
		this.#late = 0;
		if (isSpent(snapshot)) this.#spent++;
		if (refusals > 0) this.#recovered++;
		if (queued.isStuck) this.#stuck--;
		this.#refusals += refusals;
		this.#sendings += refusals + 1;
		this.#answeredAt = Math.max(this.#answeredAt, queued.sentAt);
	}

	/** Since the item was refused others were answered, and of those some that were sent after it: it was not for the account. */
	isOvertaken({ refusals, before, first }: QueuedItem<unknown>): boolean {
		return refusals > 0 && this.#sendings > before.sendings && this.#answeredAt > first.sentAt;
	}

	/**
	 * It is likelier that the item is refused for itself than that it is not. At the end of a run (`isTail`) those that are
	 * are among what is left: the less that is, the likelier is each.
	 */
	isOfRow({ evidence }: QueuedItem<unknown>, isTail: boolean): boolean {
		return evidence >= (isTail ? this.#tailOdds : this.#evenOdds);
	}

	/** The same by the very last refusal: while others are sent, an account at its limit refuses one twice as easily as once. */
	isSurelyOfRow({ evidence }: QueuedItem<unknown>, isTail: boolean): boolean {
		return evidence >= (isTail ? this.#tailOdds : 2 * this.#evenOdds);
	}

	/** How likely it is that an item that was refused is refused for itself; undefined when it was not. */
	ownShare({ refusals, evidence, unproven }: QueuedItem<unknown>, isTail: boolean): number | undefined {
		const odds = isTail ? this.#tailOdds : this.#evenOdds;
		return refusals === 0 ? undefined : 1 / (1 + Math.exp(odds - evidence - unproven));
	}

	/** `#evenOdds` of what is left at the end of a run. */
	get #tailOdds(): number {
		const left = Math.max(1, this.#sent - this.#answered - this.#givenUp);
		return Math.max(this.#evenOdds / 2, this.#evenOdds - Math.log(this.#sent / left));
	}

	/** Evidence from which an item is likelier refused for itself than not: the more, the rarer such items are. */
	get #evenOdds(): number {
		return this.#oddsWith(this.#lost);
	}

	#oddsWith(lost: number): number {
		return Math.log((priorItems + this.#answered) / (1 + lost));
	}

	/** What the item met is taken note of, if the server did not work on it. `isTail`, `snapshot` and `isAlone` as in `refused`. */
	failed(
		queued: QueuedItem<unknown>,
		error: unknown,
		now: number,
		isTail: boolean,
		snapshot?: RateSnapshot,
		isAlone = true,
	): void {
		const errorClass = error instanceof RequestError ? error.errorClass : undefined;
		if (errorClass === "rate_limit") this.refused(queued, now, isTail, snapshot, isAlone);
		if (errorClass === "overloaded") this.overloaded(queued, now, isTail);
	}

	/**
	 * The item was refused, once more if it was before. `isTail`: nothing is left but what was refused before. If the
	 * refusal's own headers say that nothing is left, it is no evidence, unless most answers say the same. `isAlone`: no other
	 * is in flight, which may be answered yet. Returns whether it is given up, because its refusals have to do with the item itself.
	 */
	refused(
		queued: QueuedItem<unknown>,
		now: number,
		isTail: boolean,
		snapshot?: RateSnapshot,
		isAlone = true,
	): boolean {
		const isForAccount = isSpent(snapshot) && 2 * this.#spent <= this.#answered;
		queued.isGivenUp = this.#isGivenUp(queued, now, isTail, isForAccount, isAlone);
		if (queued.isGivenUp) {
			this.#givenUp++;
			if (queued.isStuck) this.#stuck--;
		}
		return queued.isGivenUp;
	}

	#isGivenUp(
		queued: QueuedItem<unknown>,
		now: number,
		isTail: boolean,
		isForAccount: boolean,
		isAlone: boolean,
	): boolean {
		const isOvertaken = !isForAccount && this.isOvertaken(queued);
		if (this.#answeredAt > queued.before.sentAt) queued.proven = queued.evidence;
		if (!isForAccount) queued.unproven -= Math.log(this.#shareSince(queued));
		if (isOvertaken) {
			queued.evidence += queued.unproven;
			queued.unproven = 0;
			// Where refusals may be for the account, others that are stuck do not make it likelier, or all that wait would make each other so.
			const odds = this.#isNeverForAccount ? this.#evenOdds : this.#oddsWith(this.#givenUp);
			if (!queued.isStuck && queued.evidence >= odds) {
				queued.isStuck = true;
				this.#stuck++;
			}
		}
		if (limitRefusals(queued) === 0) {
			this.#refused++;
			if (this.#sent - queued.number <= lastItems) this.#last[queued.number % lastItems] = 1;
		}
		this.#note(queued, isOvertaken);
		const isLate = isTail && isAlone && this.#isLate(queued, now);
		const refusals = limitRefusals(queued);
		if (refusals >= leastRefusals && queued.evidence >= this.#certainty) return true;
		if (!isTail || this.#answered === 0 || isOvertaken || refusals < leastRefusals) return false;
		if (isLate) return true;
		const evidence = this.#isNeverForAccount ? queued.evidence + queued.unproven : queued.proven;
		return refusals >= this.needed && evidence >= this.#evenOdds;
	}

	/**
	 * The item met an overload. `isTail` as in `refused`: an outage takes longer than a limit to be over, and is an outage
	 * however many are refused.
	 */
	overloaded(queued: QueuedItem<unknown>, now: number, isTail: boolean): void {
		if (queued.overloads++ === 0) this.#overloaded++;
		this.#note(queued, this.isOvertaken(queued));
		queued.isGivenUp = isTail && this.#answered > 0 && this.silenceLeftMs(queued, now) <= -longestWindowMs;
	}

	/** It was refused once more, for whatever reason. */
	#note(queued: QueuedItem<unknown>, isOvertaken: boolean): void {
		queued.futile = isOvertaken ? 1 : queued.futile + 1;
		if (queued.refusals++ === 0) queued.first.answered = this.#answered;
		queued.before = { sendings: this.#sendings, refusals: this.#refusals, sentAt: queued.sentAt };
	}

	/**
	 * At the end of a run nothing has been answered for longer than limits take to come back, and several were refused since
	 * then: the item need not be sent again. While that is open it is sent without long waits.
	 */
	#isLate(queued: QueuedItem<unknown>, now: number): boolean {
		if (this.silenceLeftMs(queued, now) > 0) return false;
		queued.futile = 1;
		return ++this.#late >= leastRefusals;
	}

	/** For how many ms nothing has still to be answered at the end of a run until it is no more for a limit. */
	silenceLeftMs({ first }: QueuedItem<unknown>, now: number): number {
		return longestWindowMs - (now - Math.max(this.#answeredAt, first.sentAt));
	}

	/**
	 * Some are refused for themselves, nothing that was refused has ever been answered, and most were not refused to the very
	 * last: the account has not once had nothing left.
	 */
	get #isNeverForAccount(): boolean {
		const last = Math.min(veryLastItems, this.#sent);
		return this.#recovered === 0 && this.#lost > 0 && 2 * this.#refusedOfLast(last) < last;
	}

	/** How many others were answered since the item was first refused. */
	othersAnswered({ first }: QueuedItem<unknown>): number {
		return this.#answered - first.answered;
	}

	/** Refusals that an item may meet in this run by chance, without being at fault. */
	get needed(): number {
		return Math.ceil(-this.#certainty / Math.log(this.#shareOf(this.#refused, this.#sent)));
	}

	/** Overloads that an item may meet in this run by chance. */
	get neededOverloads(): number {
		return Math.ceil(-this.#certainty / Math.log((1 + this.#overloaded) / (2 + this.#sent)));
	}

	/** Evidence from which an item is given up: the more, the rarer such items are in this run. */
	get #certainty(): number {
		return Math.log((1 + this.#answered) / (1 + this.#lost) / mostMistaken);
	}

	/**
	 * Items that are refused for themselves, as far as is known: those given up, and those refused again and again beyond
	 * what is to be expected of good ones. They are the exception: more than half of what is answered are an account's doing.
	 */
	get #lost(): number {
		const stuck = Math.max(0, this.#stuck - stuckByChance * (1 + this.#recovered));
		return this.#givenUp + Math.min(stuck, this.#answered / 2);
	}

	/**
	 * What share of the sendings of good items was refused lately: of those sent last when they were sent first, or, if that
	 * is more, of those that were answered since the item was refused before. It is only known as well as so many items can
	 * tell, and what the item met itself is as good a sample.
	 */
	#shareSince(queued: QueuedItem<unknown>): number {
		const { sendings, refusals } = queued.before;
		const own = limitRefusals(queued);
		const lately = Math.max(this.#shareOfLast(lastItems), this.#shareOfLast(veryLastItems));
		const share = Math.max(lately, (this.#refusals - refusals + lately) / (this.#sendings - sendings + 1));
		return (share * this.#sent + own) / (this.#sent + own);
	}

	/** What share was refused of so many items that were sent last for the first time, but for those refused for themselves. */
	#shareOfLast(items: number): number {
		return this.#shareOf(this.#refusedOfLast(items), Math.min(items, this.#sent));
	}

	/** How many were refused of so many items that were sent last for the first time. */
	#refusedOfLast(items: number): number {
		let refused = 0;
		for (let number = Math.max(0, this.#sent - items); number < this.#sent; number++)
			refused += this.#last[number % lastItems] as number;
		return refused;
	}

	/** What share so many refused ones show of so many items to be refused for other reasons than themselves. */
	#shareOf(refused: number, sent: number): number {
		const own = (refused * this.#lost) / Math.max(1, this.#refused);
		return (1 + refused - own) / (2 + sent - own);
	}
}

/** How often the item was refused but for overloads. */
function limitRefusals({ refusals, overloads }: QueuedItem<unknown>): number {
	return refusals - overloads;
}
