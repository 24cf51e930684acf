import type { QueuedItem } from "./queued-item.ts";

/** So many others must be answered between two refusals of an item before the second has to do with the item. */
const leastOthers = 10;
/** An item is refused this often before it is given up. */
const leastRefusals = 6;
/** The chance that one item of the whole run is given up that was refused by chance alone. */
const mostMistaken = 1e-3;
/** Limits come back within a minute: what is refused for that long at the end of a run is not refused for its rate. */
const longestWindowMs = 45_000;

/**
 * Tells refusals that have to do with one item (too large, not allowed for this account) from those of the account: the
 * item is refused again and again while others are answered.
 */
export class RowRefusals {
	#answered = 0;
	#refusalsOfAnswered = 0;

	answered(queued: QueuedItem<unknown>): void {
		this.#answered++;
		this.#refusalsOfAnswered += queued.refusals;
	}

	/** Enough others were answered since the item was refused: what was said of the account then does not hold. */
	isOvertaken(queued: QueuedItem<unknown>): boolean {
		return queued.refusals > 0 && this.#answered - queued.answeredBefore >= leastOthers;
	}

	/** A refusal of the item would have to do with the item, and not with the account. */
	isOfRow(queued: QueuedItem<unknown>): boolean {
		return queued.strikes > 0 || this.isOvertaken(queued);
	}

	/**
	 * The item was refused, once more if it was before. `isTail`: nothing is left but what was refused before. Returns
	 * whether it is given up, because its refusals have to do with the item itself.
	 */
	refused(queued: QueuedItem<unknown>, now: number, isTail: boolean): boolean {
		const isOfRow = this.isOvertaken(queued);
		if (queued.refusals === 0) queued.firstRefusal = { at: now, answered: this.#answered };
		queued.futile = isOfRow ? 1 : queued.futile + 1;
		queued.refusals++;
		queued.strikes += isOfRow ? 1 : 0;
		queued.answeredBefore = this.#answered;
		if (queued.refusals < this.needed) return false;
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

	/** Refusals from which chance is ruled out, by how often items were refused that were answered in the end. */
	get needed(): number {
		const share = (1 + this.#refusalsOfAnswered) / (100 + this.#answered + this.#refusalsOfAnswered);
		return Math.max(
			leastRefusals,
			Math.ceil(Math.log(mostMistaken / (1 + this.#answered)) / Math.log(share)),
		);
	}
}
