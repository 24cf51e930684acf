/** So many requests are looked at together, or those of so many ms. */
const leastRequests = 20;
const longestMs = 5_000;
/** So many refusals, and so large a share of what is sent, show that there may be a limit: many soon, few in time. */
const clearly = { refusals: 8, share: 0.2 };
const slowly = { refusals: 16, share: 0.03 };
/** To see whether fewer refusals come of less, so much of what got through is asked for; of many refusals, less, for something may have been saved up. */
const trialShare = 0.75;
const firstTrialShare = 0.25;
/** It is seen once chance would have refused so many again. By chance less than this part of them is hardly ever refused. */
const expectedRefusals = 10;
const keptShare = 0.3;
/** After a change it takes so long until all shards have heard of it, and it shows in what they tell. */
const settleMs = 750;
/** Where a limit was met, refusals above this share beyond chance show that it is met again. */
const mostRefused = 0.02;
/**
 * Then so much less than what got through is asked for, and still less when that does not help. When nothing of it does,
 * refusals are chance.
 */
const belowLimit = 0.98;
const trialParts = [firstTrialShare, trialShare, trialShare];
const holdParts = [belowLimit, 0.9, 0.75];
/** Until the limit is met, so much more is tried in a second, and then this; twice as much after each time without a refusal. */
const climb = { growth: 0.2, fastest: 1, doublingMs: 3_000 };
const hold = { growth: 0.002, fastest: 0.1, doublingMs: 12_000 };
/** Chance refuses hardly ever more than it does in the mean by so many standard deviations. */
const badDay = 3;
/** How fast the share that is refused by chance follows what is seen, once less is. */
const chanceWeight = 0.05;

/** Sums over all shards since the run began. */
export interface SharedCounts {
	/** Requests that were sent, and those of them that are known to have been refused for rate. */
	readonly sent: number;
	readonly refused: number;
}

/** What was sent in some time, and what became of it. */
interface Window {
	readonly sent: number;
	readonly refused: number;
	readonly ms: number;
}

interface Looked {
	/** Refusals beyond those by chance, and their share. */
	readonly excess: number;
	readonly share: number;
	/** So many a second may be sent to have the same let through. */
	readonly through: number;
}

/**
 * `free`: nothing holds the shards back. `trial`: less is sent, to see whether there is a limit. `climb`: there is, and
 * more and more is sent, until it is met. `hold`: it was met.
 */
type Phase = "free" | "trial" | "climb" | "hold";

/** Less is sent than before, and it is not clear yet whether that helped. */
interface Cut {
	/** Share that was refused before, beyond chance. */
	readonly share: number;
	/** What was allowed before the first of the cuts that did not help; undefined: everything. */
	readonly from: number | undefined;
	/** How many there have been in a row. */
	readonly count: number;
	/** What was seen before them, and after each. */
	readonly sent: number;
	readonly refused: number;
}

/**
 * The rate that an account allows to all shards together, found by what they tell of their requests. One shard alone
 * cannot find it: what it sends less the others send more, so that its own refusals seem to have nothing to do with its
 * rate. So one of them looks at the sums of all. Knows neither Redis nor time.
 */
export class FoundLimit {
	#phase: Phase = "free";
	#before: (SharedCounts & { readonly at: number }) | undefined;
	#perSecond: number | undefined;
	#cut: Cut | undefined;
	#seen: Window | undefined;
	/** Share that is refused whatever is sent. */
	#chance = 0;
	#settledAt = Number.NEGATIVE_INFINITY;
	#refusedAt = Number.NEGATIVE_INFINITY;

	/** Requests per second that all shards together may send; undefined while no limit has shown. */
	get perSecond(): number | undefined {
		return this.#perSecond;
	}

	/** Goes on with what another found. */
	adopt(perSecond: number | undefined): void {
		this.#before = undefined;
		if (perSecond === this.#perSecond) return;
		this.#perSecond = perSecond;
		this.#phase = perSecond === undefined ? "free" : "hold";
		this.#cut = undefined;
	}

	/** What the sums are now, in monotonic ms; to be called about once a second, and more often while there are refusals. */
	note(counts: SharedCounts, at: number): void {
		this.#before ??= { ...counts, at };
		const { sent, refused, at: since } = this.#before;
		const window = { sent: counts.sent - sent, refused: counts.refused - refused, ms: at - since };
		// Redis may have forgotten what dead shards had told.
		const isGone = window.sent < 0 || window.refused < 0;
		const isSettling = at < this.#settledAt;
		const isSettled = !isSettling && since < this.#settledAt;
		if (!isGone && !isSettled && !this.#isEnough(window, isSettling ? undefined : this.#cut)) return;
		this.#before = { ...counts, at };
		if (isSettled) return;
		if (isGone || window.ms <= 0 || window.refused > window.sent) return;
		// Nothing gets through at any rate: a pause, and each shard hears by itself how long it is.
		if (window.sent > 0 && window.sent === window.refused) return;
		if (isSettling) this.#settle(window, at);
		else if (this.#cut !== undefined) this.#judge(this.#cut, window, at);
		else if (this.#phase === "free") this.#watch(window, at);
		else this.#keep(window, at);
	}

	#isEnough({ sent, refused, ms }: Window, cut: Cut | undefined): boolean {
		if (cut !== undefined)
			return refused >= expectedRefusals || sent * (cut.share + this.#chance) >= expectedRefusals;
		return sent >= leastRequests || ms >= longestMs;
	}

	/** Not all have heard of the cut. What gets through shows all the same that much less will have to be sent. */
	#settle(window: Window, at: number): void {
		const seen = this.#look(window);
		if (!isProof(seen, clearly) || this.#perSecond === undefined) return;
		const { through } = seen;
		const most = (this.#phase === "trial" ? trialShare : belowLimit) * through;
		if (most < 0.9 * this.#perSecond) this.#change(most, at);
	}

	#watch(window: Window, at: number): void {
		const found = this.#look(window);
		const since = this.#look(this.#sum(window));
		const seen = isProof(found, clearly) ? found : since;
		if (!isProof(found, clearly) && !isProof(since, slowly)) return;
		this.#seen = undefined;
		this.#phase = "trial";
		const part = seen.share >= clearly.share ? firstTrialShare : trialShare;
		const { sent, refused } = window;
		this.#less({ share: seen.share, from: undefined, count: 1, sent, refused }, part * found.through, at);
	}

	/** What was seen since nothing held the shards back; the older, the less it counts. */
	#sum({ sent, refused, ms }: Window): Window {
		const kept = this.#seen ?? { sent: 0, refused: 0, ms: 0 };
		const part = Math.min(1, slowly.refusals / slowly.share / Math.max(1, kept.sent));
		this.#seen = {
			sent: part * kept.sent + sent,
			refused: part * kept.refused + refused,
			ms: part * kept.ms + ms,
		};
		const share = this.#seen.refused / Math.max(1, this.#seen.sent);
		if (this.#chance > 0) this.#chance += chanceWeight * (share - this.#chance);
		return this.#seen;
	}

	#judge(cut: Cut, window: Window, at: number): void {
		const { share, through } = this.#look(window);
		const sent = cut.sent + window.sent;
		const refused = cut.refused + window.refused;
		if (share < keptShare * cut.share) {
			this.#cut = undefined;
			const part = this.#phase === "trial" ? trialShare : (holdParts[cut.count - 1] ?? belowLimit);
			if (this.#phase === "trial") this.#phase = "climb";
			this.#perSecond = ((this.#perSecond ?? through) * belowLimit) / part;
		} else if (cut.count < holdParts.length) {
			const parts = this.#phase === "trial" ? trialParts : holdParts;
			const part = parts[cut.count] ?? belowLimit;
			this.#less({ ...cut, share, count: cut.count + 1, sent, refused }, part * through, at);
		} else {
			this.#chance = refused / sent;
			this.#phase = cut.from === undefined ? "free" : "climb";
			this.#perSecond = cut.from;
			this.#cut = undefined;
			this.#settledAt = at + settleMs;
		}
	}

	#keep(window: Window, at: number): void {
		const { share, excess, through } = this.#look(window);
		if (share <= mostRefused || excess < 2) {
			this.#follow(window);
			this.#grow(window, at);
			return;
		}
		this.#phase = "hold";
		const from = this.#perSecond ?? through;
		this.#less(
			{ share, from, count: 1, sent: window.sent, refused: window.refused },
			belowLimit * Math.min(from, through),
			at,
		);
	}

	#grow({ sent, ms }: Window, at: number): void {
		// A limit that is not used up is not raised.
		if (this.#perSecond === undefined || (sent * 1_000) / ms < 0.9 * this.#perSecond) return;
		const { growth, fastest, doublingMs } = this.#phase === "climb" ? climb : hold;
		const more = Math.min(fastest, growth * 2 ** ((at - this.#refusedAt) / doublingMs));
		this.#perSecond *= 1 + (more * ms) / 1_000;
	}

	/** Less is refused than chance was thought to. */
	#follow({ sent, refused }: Window): void {
		const share = refused / Math.max(1, sent);
		if (share < this.#chance) this.#chance += chanceWeight * (share - this.#chance);
	}

	/** Refusals that chance, which has good and bad days, does not explain. */
	#look({ sent, refused, ms }: Window): Looked {
		const expected = this.#chance * sent;
		const excess = refused - expected < badDay * Math.sqrt(expected) ? 0 : refused - expected;
		return { share: excess / Math.max(1, sent), excess, through: ((sent - excess) * 1_000) / ms };
	}

	#less(cut: Cut, perSecond: number, at: number): void {
		this.#cut = cut;
		this.#refusedAt = at;
		this.#change(perSecond, at);
	}

	#change(perSecond: number, at: number): void {
		this.#perSecond = perSecond;
		this.#settledAt = at + settleMs;
	}
}

function isProof(
	{ excess, share }: Looked,
	wanted: { readonly refusals: number; readonly share: number },
): boolean {
	return excess >= wanted.refusals && share >= wanted.share;
}
