import type { LeaseFile } from "./lease-file.ts";

/** So many s of spending are asked for ahead, so that nothing waits for Redis and little is away with a shard that dies. */
const aheadSeconds = 0.5;
/** So large a part of that is noted as used before it is: after a kill it counts as spent. */
const notedAhead = 0.1;
/** How fast the measured speed of spending follows the last measurement. */
const speedWeight = 0.3;
/** What Redis said about too little money holds so long, in ms. */
const answerHoldsMs = 250;

/** What is spent, as the guard of a run knows it. */
export interface Spender {
	/** USD that stay spent when nothing is in flight any more. */
	readonly settledUsd: number;
	/** USD spent and set aside for what is in flight. */
	readonly committedUsd: number;
}

/** Sums since the shard joined, in whole nanodollars, and what it would like to have more. */
export interface LeaseClaim {
	readonly spent: number;
	/** What it was ever granted, and what it ever gave back. */
	readonly granted: number;
	readonly returned: number;
	/** Of that, what goes back now. */
	readonly spare: number;
	/** Without so much nothing can be sent; 0 when something can. */
	readonly need: number;
	/** So much would do for a while. */
	readonly want: number;
}

export interface LeaseOptions {
	readonly now: () => number;
	readonly onShort: () => void;
}

/** What Redis says about a claim; see the script. */
export type LeaseState = "ok" | "calm" | "wait" | "none";

interface LeaseAnswer {
	readonly state: LeaseState;
	readonly at: number;
	/** What was asked for, and how much of that was given back with it. */
	readonly need: number;
	readonly returned: number;
}

/**
 * The money that a shard may spend: a part of what all share, taken in pieces before it is needed. Knows neither Redis nor
 * time; USD inside of the run, whole nanodollars outside, rounded so that never more is spent than was granted.
 */
export class Lease {
	readonly #now: () => number;
	readonly #onShort: () => void;
	/** Where it is noted how much of it may be used. */
	file: LeaseFile | undefined;
	#spender: Spender | undefined;
	#granted = 0;
	#returned = 0;
	#needUsd = 0;
	#answer: LeaseAnswer | undefined;
	#validUntil = Number.POSITIVE_INFINITY;
	/** USD per ms. */
	#speed = 0;
	#measured: { readonly at: number; readonly usd: number } | undefined;

	/** `now`: monotonic ms. `onShort` is called when more is needed than there is. */
	constructor({ now, onShort }: LeaseOptions) {
		this.#now = now;
		this.#onShort = onShort;
	}

	/** Whose spending the lease is for. */
	watch(spender: Spender): void {
		this.#spender = spender;
	}

	/**
	 * USD that may be spent and set aside. A shard that was not heard of for long may have been replaced, and what it had
	 * given to others: it spends nothing more until it has heard that this is not so.
	 */
	get usd(): number {
		const held = (this.#granted - this.#returned + drift) / nano;
		if (this.#now() <= this.#validUntil) return held;
		return Math.min(held, this.#spender?.committedUsd ?? 0);
	}

	/** More is wanted now than in a moment. */
	get isShort(): boolean {
		return this.#needUsd > 0;
	}

	/** So much is missing for the next request, in USD. False when it will not come: all of the cap is spent. */
	mayGet(missingUsd: number): boolean {
		const wasShort = this.isShort;
		this.#needUsd = Math.max(this.#needUsd, missingUsd);
		if (!wasShort) this.#onShort();
		const answer = this.#answer;
		return (
			answer?.state !== "none" ||
			this.#now() - answer.at > 4 * answerHoldsMs ||
			up(missingUsd) < answer.need - answer.returned
		);
	}

	/**
	 * What is committed is about to be sent: from now on it may be spent, whatever becomes of this process. A little more is
	 * noted at once, or every request would cost a write.
	 */
	use(): void {
		if (this.file === undefined) return;
		const committed = up(this.#spender?.committedUsd ?? 0);
		if (committed <= this.file.noted) return;
		const ahead = up(this.#aheadUsd * notedAhead);
		this.file.note(Math.max(committed, Math.min(this.#granted - this.#returned, committed + ahead)));
	}

	/** Whether it is time to ask for more. */
	get isLow(): boolean {
		const { state, at } = this.#answer ?? { state: "ok", at: 0 };
		if (state !== "ok" && this.#now() - at < answerHoldsMs) return false;
		return this.isShort || this.#idleUsd < this.#aheadUsd / 2;
	}

	/**
	 * What to tell Redis. `isLast`: the run is over; `isScarce`: somebody has too little, so what is not needed now goes
	 * back, and is asked for again by whoever needs it.
	 */
	claim({ isLast = false, isScarce = false } = {}): LeaseClaim {
		const { settledUsd = 0, committedUsd = 0 } = this.#spender ?? {};
		this.#measure(committedUsd);
		const committed = up(committedUsd);
		// An answer cost more than was thought possible: that is spent too.
		this.#granted = Math.max(this.#granted, this.#returned + committed);
		const ahead = up(this.#aheadUsd);
		const idle = this.#granted - this.#returned - committed;
		const spare = isLast || isScarce ? idle : this.isShort ? 0 : Math.max(0, idle - 4 * ahead);
		const isLow = this.isLow;
		this.#returned += spare;
		const need = isLast || !this.isShort ? 0 : up(this.#needUsd) + spare;
		const asks = need > 0 || (isLow && !isLast && !isScarce);
		const want = asks ? Math.max(2 * need, ahead) : 0;
		return { spent: up(settledUsd), granted: this.#granted, returned: this.#returned, spare, need, want };
	}

	/** What Redis answered to a claim: `granted` in all. What is held is good until then, in monotonic ms. */
	take(granted: number, state: LeaseState, { need, spare }: LeaseClaim, validUntil: number): void {
		this.#validUntil = validUntil;
		const more = granted > this.#granted;
		this.#granted = Math.max(this.#granted, granted);
		this.#answer = { state, at: this.#now(), need, returned: spare };
		// Whoever is still short says so again.
		if (more || need > 0) this.#needUsd = 0;
	}

	get #aheadUsd(): number {
		return this.#speed * aheadSeconds * 1000;
	}

	get #idleUsd(): number {
		return this.usd - (this.#spender?.committedUsd ?? 0);
	}

	#measure(usd: number): void {
		const now = this.#now();
		const { at, usd: before } = this.#measured ?? { at: now, usd };
		const ms = now - at;
		if (ms > 0) this.#speed += speedWeight * (Math.max(0, usd - before) / ms - this.#speed);
		this.#measured = { at: now, usd };
	}
}

/** Nanodollars in a dollar. */
export const nano = 1e9;

/** Sums of many small parts drift by less than so many nanodollars. */
const drift = 0.1;

/** USD as whole nanodollars, upwards. */
function up(usd: number): number {
	return Math.max(0, Math.ceil(usd * nano - drift));
}
