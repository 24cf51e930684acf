import type { QueuedItem, RefusalCounts } from "./queued-item.ts";

/** So many others must be answered between two refusals of an item before the second has to do with the item. */
const leastOthers = 10;
/** An item is refused this often before it is given up. */
const leastRefusals = 6;
/** The chance that one item of the whole run is given up that was refused by chance alone. */
const mostMistaken = 1e-3;
/** Before anything is known, one in so many is refused: too few, and a row would be given up that chance refused. */
const priorRows = 20;
/** Where more items than that are refused, it has to do with the account, whichever items they are. */
const mostByChance = 0.5;
/** Limits come back within a minute: what is refused for that long at the end of a run is not refused for its rate. */
const longestWindowMs = 45_000;

/**
 * Tells refusals that have to do with one item (too large, not allowed for this account) from those of the account: the
 * item is refused again and again while others are answered.
 */
export class RowRefusals {
	#answered = 0;
	/** Items that were answered or refused when they were first sent, and the latter. */
	#firstSent = 0;
	#firstRefused = 0;

	answered(queued: QueuedItem<unknown>): void {
		this.#answered++;
		if (queued.refusals === 0) this.#firstSent++;
	}

	/** Enough others were answered since the item was refused: what was said of the account then does not hold. */
	isOvertaken(queued: QueuedItem<unknown>): boolean {
		return queued.refusals > 0 && this.#answered - queued.answeredBefore >= leastOthers;
	}

	/** A refusal of the item would have to do with the item, and not with the account. */
	isOfRow(queued: QueuedItem<unknown>): boolean {
		return this.#share <= mostByChance && (queued.strikes > 0 || this.isOvertaken(queued));
	}

	/**
	 * The item was refused, once more if it was before. `isTail`: nothing is left but what was refused before. Returns
	 * whether it is given up, because its refusals have to do with the item itself.
	 */
	refused(queued: QueuedItem<unknown>, now: number, isTail: boolean): boolean {
		const isOfRow = this.isOvertaken(queued);
		if (queued.refusals === 0) {
			this.#firstSent++;
			this.#firstRefused++;
			queued.firstRefusal = this.#counts(now);
		}
		queued.futile = isOfRow ? 1 : queued.futile + 1;
		queued.refusals++;
		queued.strikes += isOfRow ? 1 : 0;
		queued.answeredBefore = this.#answered;
		if (queued.refusals < this.#neededOf(queued)) return false;
		const others = this.othersAnswered(queued);
		const isProven = others >= leastOthers * (leastRefusals - 1) || queued.strikes >= leastRefusals - 1;
		const waitedMs = now - (queued.firstRefusal?.at ?? now);
		return isProven || (isTail && this.#answered > 0 && (queued.strikes > 0 || waitedMs >= longestWindowMs));
	}

	/** How many others were answered since the item was first refused. */
	othersAnswered(queued: QueuedItem<unknown>): number {
		return this.#answered - (queued.firstRefusal?.answered ?? this.#answered);
	}

	/** Refusals by chance that an item may meet in this run without being at fault; 0 where they are rare. */
	get allowance(): number {
		return this.needed > leastRefusals ? this.needed : 0;
	}

	/** Refusals from which chance is ruled out, by what share of the items was refused when it was first sent. */
	get needed(): number {
		return this.#neededFor(this.#share);
	}

	get #share(): number {
		return (1 + this.#firstRefused) / (priorRows + this.#firstSent);
	}

	/** The same, if more of the others were refused while the item was than usual: near a limit refusals come in bursts. */
	#neededOf({ firstRefusal }: QueuedItem<unknown>): number {
		const { firstSent, firstRefused } = firstRefusal ?? this.#counts(0);
		const refused = priorRows * this.#share + this.#firstRefused - firstRefused;
		return this.#neededFor(Math.max(this.#share, refused / (priorRows + this.#firstSent - firstSent)));
	}

	#neededFor(share: number): number {
		const mistaken = mostMistaken / (1 + this.#answered);
		return Math.max(leastRefusals, Math.ceil(Math.log(mistaken) / Math.log(share)));
	}

	#counts(now: number): RefusalCounts {
		const [answered, firstSent, firstRefused] = [this.#answered, this.#firstSent, this.#firstRefused];
		return { at: now, answered, firstSent, firstRefused };
	}
}
