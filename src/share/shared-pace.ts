import { FoundLimit, type SharedCounts } from "./found-limit.ts";

/** After a refusal of any shard, all of them are in touch more often for so long, in ms. */
const alertMs = 3_000;

/** What a shard hears of the others. */
export interface HeardPace {
	/** Which of the living shards it is, counted from 0. */
	readonly rank: number;
	/** Of all shards. */
	readonly counts: SharedCounts;
	/** Requests per second that the first of them found to be allowed; undefined: nothing. */
	readonly found: number | undefined;
}

/**
 * The pace of all shards together, which the first of them finds and all keep to, so that they feel their way as one
 * sender does.
 */
export class SharedPace {
	readonly #found = new FoundLimit();
	#isFirst = false;
	#perSecond: number | undefined;
	/** Of all shards, and of this one. */
	#refused = 0;
	#ownRefused = 0;
	#refusedAt: number | undefined;

	/** Requests per second that all shards together may send; undefined while no limit has shown. */
	get perSecond(): number | undefined {
		return this.#perSecond;
	}

	/** What this shard has to tell the others of it; undefined when it is not the one to do so. */
	get toTell(): { readonly perSecond: number | undefined } | undefined {
		return this.#isFirst ? { perSecond: this.#perSecond } : undefined;
	}

	/** Whether it is worth being in touch more often than to show that one lives; `refused`: of this shard, so far. */
	isAlert(refused: number, now: number): boolean {
		if (refused > this.#ownRefused) {
			this.#ownRefused = refused;
			this.#refusedAt = now;
		}
		// So it begins, too.
		this.#refusedAt ??= now;
		return now - this.#refusedAt < alertMs;
	}

	/** Hears what the others say. True when there is something new to tell them. */
	hear({ rank, counts, found }: HeardPace, now: number): boolean {
		if (counts.refused > this.#refused) this.#refusedAt = now;
		this.#refused = counts.refused;
		const wasFirst = this.#isFirst;
		this.#isFirst = rank === 0;
		if (!this.#isFirst) {
			this.#perSecond = found;
			return false;
		}
		if (!wasFirst) this.#found.adopt(found);
		this.#found.note(counts, now);
		const isNew = this.#found.perSecond !== found;
		this.#perSecond = this.#found.perSecond;
		return isNew;
	}
}
