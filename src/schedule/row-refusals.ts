import type { QueuedItem } from "./queued-item.ts";

/** How many are refused at the moment is told by so many items that were sent for the first time. */
const lastItems = 64;
/** The chance that one item of the whole run is given up that was not refused for itself. */
const mostMistaken = 1e-3;
/** Before anything is known, one in so many items is thought to be refused for itself. */
const priorItems = 100;
/** An item is refused this often before it is given up. */
const leastRefusals = 6;
/** Limits come back within a minute: if nothing is answered for so long at the end of a run, it is not for the rate. */
const longestWindowMs = 45_000;

/**
 * Tells refusals that have to do with one item (too large, not allowed for this account) from those of the account. Each
 * refusal is as good evidence against the item as others are rarely refused at that time: of a hundred others one, and it
 * is strong; of two others one, and it says next to nothing.
 */
export class RowRefusals {
	#answered = 0;
	#answeredAt = Number.NEGATIVE_INFINITY;
	/** Items that were sent, and those of them that were refused when they were first sent. */
	#sent = 0;
	#refused = 0;
	#givenUp = 0;
	readonly #last = new Uint8Array(lastItems);

	/** The item is sent, if for the first time. */
	sent(queued: QueuedItem<unknown>): void {
		if (queued.attempts > 1) return;
		queued.number = this.#sent;
		this.#last[this.#sent++ % lastItems] = 0;
	}

	answered(now: number): void {
		this.#answered++;
		this.#answeredAt = now;
	}

	/** Others were answered since the item was refused: what was said of the account then does not hold. */
	isOvertaken(queued: QueuedItem<unknown>): boolean {
		return queued.refusals > 0 && this.#answered > queued.before.answered;
	}

	/**
	 * It is likelier that the item is refused for itself than that it is not. What is left at the end of a run (`isTail`) is
	 * so the more likely.
	 */
	isOfRow({ evidence }: QueuedItem<unknown>, isTail: boolean): boolean {
		return evidence >= Math.log((priorItems + this.#answered) / (1 + this.#givenUp)) / (isTail ? 2 : 1);
	}

	/**
	 * The item was refused, once more if it was before. `isTail`: nothing is left but what was refused before. Returns
	 * whether it is given up, because its refusals have to do with the item itself.
	 */
	refused(queued: QueuedItem<unknown>, now: number, isTail: boolean): boolean {
		const isGivenUp = this.#isGivenUp(queued, now, isTail);
		this.#givenUp += isGivenUp ? 1 : 0;
		return isGivenUp;
	}

	#isGivenUp(queued: QueuedItem<unknown>, now: number, isTail: boolean): boolean {
		const isOvertaken = this.isOvertaken(queued);
		if (isOvertaken || queued.refusals === 0) queued.evidence -= Math.log(this.#shareSince(queued));
		queued.futile = isOvertaken ? 1 : queued.futile + 1;
		if (queued.refusals++ === 0) {
			queued.answeredAtFirst = this.#answered;
			this.#refused++;
			if (this.#sent - queued.number <= lastItems) this.#last[queued.number % lastItems] = 1;
		}
		queued.before = { answered: this.#answered, sent: this.#sent, refused: this.#refused };
		if (queued.refusals >= leastRefusals && queued.evidence >= this.#certainty) return true;
		const isSilent = now - this.#answeredAt >= longestWindowMs;
		return (
			isTail &&
			this.#answered > 0 &&
			!isOvertaken &&
			queued.refusals >= Math.max(leastRefusals, this.needed) &&
			(isSilent || this.isOfRow(queued, isTail))
		);
	}

	/** How many others were answered since the item was first refused. */
	othersAnswered({ answeredAtFirst }: QueuedItem<unknown>): number {
		return this.#answered - answeredAtFirst;
	}

	/** Refusals that an item may meet in this run by chance, without being at fault. */
	get needed(): number {
		return Math.ceil(-this.#certainty / Math.log((1 + this.#refused) / (2 + this.#sent)));
	}

	/** Evidence from which an item is given up. */
	get #certainty(): number {
		return Math.log((1 + this.#answered) / mostMistaken);
	}

	/** What share of the others was refused since the item was refused before, or, if they are few, of those sent last. */
	#shareSince({ before: { sent, refused } }: QueuedItem<unknown>): number {
		const since = this.#sent - sent;
		if (since >= lastItems) return (1 + this.#refused - refused) / (2 + since);
		const known = Math.min(lastItems, this.#sent);
		const lately = this.#last.subarray(0, known).reduce((sum, isRefused) => sum + isRefused, 0);
		return (1 + lately) / (2 + known);
	}
}
