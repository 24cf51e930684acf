/** So many requests are looked at together, or those of so many ms. */
const leastRequests = 20;
const longestMs = 5_000;
/** Refusals above this share are no accident. */
const mostRefused = 0.02;
/** So many refusals, and this share, show a limit where none was known. */
const provenRefusals = 3;
const provenShare = 0.05;
/** Where a limit showed, so much less than what got through is asked for. */
const belowLimit = 0.98;
/** Chance refuses the same share of less: within these factors it is the same. */
const sameFrom = 0.6;
const sameTo = 1.6;
/** That can be judged when so much less is sent than before; of many refusals, which a limit explains better, later. */
const judgedAt = 0.8;
const many = 0.4;
const manyJudgedAt = 0.2;
/** A limit without refusals grows by so much a second, and twice as fast after each 10 s without one. */
const growth = 0.002;
const fastestGrowth = 0.02;
const doublingMs = 20_000;
/** Refusals that are not about the rate are left to the shards themselves for so long. */
const ignoredMs = 120_000;

/** Sums over all shards since the run began. */
export interface SharedCounts {
	/** Requests that were not refused for rate. */
	readonly admitted: number;
	readonly refused: number;
}

/**
 * The rate that an account allows to all shards together, found by what they tell of their requests. One shard alone
 * cannot find it: what it sends less the others send more, so that its own refusals seem to have nothing to do with its
 * rate. Each shard computes it from the same sums. Knows neither Redis nor time.
 */
export class FoundLimit {
	#before: (SharedCounts & { readonly at: number }) | undefined;
	#perSecond: number | undefined;
	/** What was sent and got through in a second, and the share that was refused, before it was cut. */
	#uncut = { perSecond: 0, through: 0, share: 0 };
	#refusedAt = Number.NEGATIVE_INFINITY;
	#ignoredUntil = Number.NEGATIVE_INFINITY;

	/** Requests per second of all shards; undefined while no limit has shown. */
	get perSecond(): number | undefined {
		return this.#perSecond;
	}

	/** What the sums are now, in monotonic ms; to be called about once a second. */
	note(counts: SharedCounts, at: number): void {
		const before = this.#before ?? { ...counts, at };
		const ms = at - before.at;
		const admitted = counts.admitted - before.admitted;
		const refused = counts.refused - before.refused;
		// Redis may have forgotten what dead shards had told.
		const isGone = admitted < 0 || refused < 0;
		if (this.#before !== undefined && !isGone && admitted + refused < leastRequests && ms < longestMs) return;
		this.#before = { ...counts, at };
		if (isGone || ms <= 0) return;
		const share = refused / Math.max(1, admitted + refused);
		const sent = ((admitted + refused) * 1_000) / ms;
		const through = (admitted * 1_000) / ms;
		if (share > mostRefused && refused >= 2) this.#cut(sent, through, refused, share, at);
		else this.#grow(through, ms, at);
	}

	#cut(sent: number, through: number, refused: number, share: number, at: number): void {
		if (at < this.#ignoredUntil) return;
		this.#refusedAt = at;
		const isKnown = this.#perSecond !== undefined;
		if (!isKnown && (refused < provenRefusals || share < provenShare)) return;
		const isSame = share > sameFrom * this.#uncut.share && share < sameTo * this.#uncut.share;
		// Under a limit the same gets through of less; by chance, less gets through.
		const byChance = (this.#uncut.through * sent) / this.#uncut.perSecond;
		const isLess = through < (byChance + this.#uncut.through) / 2;
		const isCut = sent < (this.#uncut.share > many ? manyJudgedAt : judgedAt) * this.#uncut.perSecond;
		if (isKnown && isSame && isLess && isCut) {
			this.#perSecond = undefined;
			this.#ignoredUntil = at + ignoredMs;
			return;
		}
		if (!isKnown || !isSame) this.#uncut = { perSecond: sent, through, share };
		this.#perSecond = belowLimit * Math.min(this.#perSecond ?? through, through);
	}

	#grow(through: number, ms: number, at: number): void {
		// A limit that is not used up is not raised.
		if (this.#perSecond === undefined || through < 0.9 * this.#perSecond) return;
		const faster = 2 ** ((at - this.#refusedAt) / doublingMs);
		this.#perSecond *= 1 + (Math.min(fastestGrowth, growth * faster) * ms) / 1_000;
	}
}
