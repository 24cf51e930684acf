import type { RateLevel } from "./rate-headers.ts";
import { resetErrorMs, WindowEnd } from "./window-end.ts";

/** Of the stated refill only this much is counted on, so that errors fall on the safe side. */
const trustedRefill = 0.98;
const driftEveryMs = 2_000;
const driftWeight = 0.4;
/** Others are thought to go on for so long, and twice the delay of readings, after the last one. */
const othersForMs = 5_000;
/** Never hold back more than this share of what the account can save up. */
const mostReserve = 0.5;
/** From this share of the refill on that went missing, others are there. */
const sharedFrom = 0.02;
/** Then no less is kept back than comes back in this time: who keeps less takes what the other waits for. */
const sharedReserveMs = 500;
/** Others get so much more of their share when they have less than we have, and less when they have more. */
const yielding = 0.1;
/** By how much the worst error fades with each reading: it is remembered over some two thousand. */
const errorFading = 0.9995;
/** A reserve is filled up for so long beyond a hint. */
const hintSlackMs = 500;
/** An account is taken to save up at least what comes back in this time. */
const leastBurstMs = 1_000;

/** What a sending remembers of one level, to read the answer's headers against. */
export interface LevelMark {
	/** In units of the limit: requests or tokens. */
	readonly cost: number;
	/** All that was sent up to and with this request. */
	readonly spent: number;
	/** What should be left after it, as far as was known then. */
	readonly predicted: number;
}

interface Reading {
	readonly remaining: number;
	/** When the request was sent that this reading is about. */
	readonly at: number;
	readonly spent: number;
}

/**
 * One limit as headers state it, carried forward from the last reading: what was left, less what was sent since,
 * plus what has come back. Others who use the same account show as drift between readings.
 */
export class HeaderLevel {
	#limit = 0;
	#windowMs = 60_000;
	#base: Reading | undefined;
	#driftBase: Reading | undefined;
	#spent = 0;
	#othersPerMs = 0;
	#ownPerMs = 0;
	/** How old the last reading was when it came. */
	#readingDelayMs = 0;
	/** By how much more was predicted than was left, at worst, lately. */
	#worstError = 0;
	/** What the account can save up. */
	#capacity = 0;
	#capacityIsShown = false;
	/** Requests sent before this know nothing of the limit as it is now. */
	#changedAt = Number.NEGATIVE_INFINITY;
	#isWindowed = false;
	#resetBase: { readonly resetMs: number; readonly remaining: number; readonly at: number } | undefined;
	readonly #windowEnd = new WindowEnd();

	/** The limit comes back all at once at the end of a window. */
	get isWindowed(): boolean {
		return this.#isWindowed;
	}

	get isKnown(): boolean {
		return this.#base !== undefined;
	}

	get limit(): number {
		return this.#limit;
	}

	get windowMs(): number {
		return this.#windowMs;
	}

	/** What is left now, by the last reading. */
	at(now: number): number {
		this.#turn(now);
		const base = this.#base;
		if (base === undefined) return Number.POSITIVE_INFINITY;
		const spent = this.#spent - base.spent;
		if (this.isWindowed) return now < this.#windowEnd.at ? base.remaining - spent : this.#limit - spent;
		const elapsed = now - base.at;
		const others = this.#leftToOthers * Math.min(elapsed, this.#horizonMs);
		return Math.min(this.#capacity, base.remaining - spent + this.#refillPerMs * elapsed - others);
	}

	/** A window has passed of which nobody said anything: what was sent in it is back, whatever became of it. */
	#turn(now: number): void {
		const passed = Math.floor((now - this.#windowEnd.at) / this.#windowMs);
		if (this.#base === undefined || !this.isWindowed || !(passed >= 1)) return;
		const end = this.#windowEnd.at + passed * this.#windowMs;
		this.#windowEnd.read(end, end);
		this.#base = { ...this.#base, remaining: this.#limit, spent: this.#spent };
	}

	/** So much was left by the last reading that this fits, whatever has come back since. */
	isLeft(cost: number): boolean {
		const base = this.#base;
		return base !== undefined && base.remaining - (this.#spent - base.spent) >= cost;
	}

	/** Ms until a request of this cost should fit, 0 when it does now. */
	waitMs(cost: number, now: number): number {
		const base = this.#base;
		if (base === undefined) return 0;
		// What a window has left at its end is lost.
		const reserve = this.isWindowed ? 0 : this.#reserve(cost);
		// More than the account can ever hold is asked of a full one.
		const missing = Math.min(cost + reserve, this.#capacity) - this.at(now);
		if (missing <= 0) return 0;
		const end = this.#windowEnd.at;
		if (this.isWindowed) return Math.max(1, (now < end ? end : end + this.#windowMs) - now);
		const untilHorizonMs = Math.max(0, base.at + this.#horizonMs - now);
		const back = (this.#refillPerMs - this.#leftToOthers) * untilHorizonMs;
		return back >= missing
			? missing / (this.#refillPerMs - this.#leftToOthers)
			: untilHorizonMs + (missing - back) / this.#refillPerMs;
	}

	/** Nothing is left, nor will be when what comes back in `ms` is there. */
	isEmptyFor(ms: number, now: number): boolean {
		return this.isKnown && this.at(now) + this.#refillPerMs * ms < 0;
	}

	sent(cost: number, now: number): LevelMark {
		this.#spent += cost;
		// Around the end of a window nobody knows which one a request will fall into.
		const isGuess = this.isWindowed && now > this.#windowEnd.at - resetErrorMs;
		return { cost, spent: this.#spent, predicted: isGuess ? Number.NaN : this.at(now) };
	}

	/** A refused request used up nothing; `remaining` did not suffice for it, so it was bigger than thought. */
	givenBack(mark: LevelMark, remaining: number | undefined, hintMs: number | undefined): void {
		const { cost } = mark;
		if (this.isWindowed && Number.isNaN(mark.predicted)) this.#windowEnd.refused();
		else if (remaining !== undefined)
			this.#worstError = Math.max(this.#worstError, 1.25 * (remaining - cost));
		if (hintMs !== undefined) {
			// The server knows when there is enough again, so no reserve is worth more time than that.
			this.#worstError = Math.min(this.#worstError, this.#refillPerMs * (hintMs + hintSlackMs));
		}
		if (this.#base !== undefined && mark.spent > this.#base.spent)
			this.#base = { ...this.#base, spent: this.#base.spent + cost };
	}

	/** Takes what headers say about the request that was sent at `sentAt`; older ones than the last are ignored. */
	read(level: RateLevel, mark: LevelMark, sentAt: number, now: number): void {
		if (this.#base !== undefined && sentAt < this.#base.at) return;
		const limit = level.limit ?? this.#limit;
		if (limit <= 0) return;
		if (limit !== this.#limit) {
			// At a lower rate the predictions are off by less, and a reserve takes longer to fill.
			this.#worstError *= Math.min(1, limit / Math.max(1, this.#limit));
			this.#limit = limit;
			this.#windowMs = level.windowMs;
			this.#capacity = limit;
			this.#capacityIsShown = false;
			this.#changedAt = now;
			this.#driftBase = undefined;
			this.#resetBase = undefined;
		}
		this.#learnWindow(level, sentAt, now);
		this.#learnCapacity(level);
		if (Number.isFinite(mark.predicted) && sentAt > this.#changedAt) {
			const error = mark.predicted - level.remaining;
			this.#worstError = Math.max(error, this.#worstError * errorFading);
		}
		this.#base = { remaining: level.remaining, at: sentAt, spent: mark.spent };
		this.#readingDelayMs = now - sentAt;
		this.#learnDrift(this.#base, mark.cost);
	}

	/** The server refused for want of this, so there was nothing left when `sentAt` was. */
	exhausted(mark: LevelMark, sentAt: number): void {
		if (this.#base !== undefined && sentAt >= this.#base.at)
			this.#base = { remaining: 0, at: sentAt, spent: mark.spent };
	}

	get #refillPerMs(): number {
		return (trustedRefill * this.#limit) / this.#windowMs;
	}

	/** Predictions are off by what came in another order, or at another cost: by no more than all that is not read yet. */
	#reserve(cost: number): number {
		const least = this.#areOthers ? sharedReserveMs * this.#refillPerMs : 0;
		const unread = this.#spent - (this.#base?.spent ?? 0) + cost;
		return Math.min(mostReserve * this.#capacity, Math.max(least, Math.min(this.#worstError, unread)));
	}

	/** An account of which always nothing is left shows others who are not there. */
	get #areOthers(): boolean {
		return this.#othersPerMs > sharedFrom * this.#refillPerMs && this.#base?.remaining !== 0;
	}

	/** What others may take in a ms: with shares that differ, those of the larger one yield until they are the same. */
	get #leftToOthers(): number {
		const own = this.#ownPerMs;
		const others = this.#othersPerMs;
		return this.#areOthers ? others * (1 + (yielding * (own - others)) / (own + others)) : others;
	}

	/** How long after a reading others are still thought to take what they did: nobody waits for ever on a guess. */
	get #horizonMs(): number {
		return othersForMs + 2 * this.#readingDelayMs;
	}

	/**
	 * The reset of a bucket is the time to fill what is missing, so it moves with what remains; that of a window
	 * moves with the clock alone.
	 */
	#learnWindow(level: RateLevel, sentAt: number, now: number): void {
		const { resetMs, remaining } = level;
		if (resetMs === undefined) return;
		this.#windowEnd.read(sentAt + resetMs, now + resetMs);
		const before = this.#resetBase;
		if (before !== undefined && sentAt - before.at < driftEveryMs) return;
		this.#resetBase = { resetMs, remaining, at: sentAt };
		if (before === undefined) return;
		const moved = resetMs - before.resetMs;
		const offBucket = Math.abs(moved + ((remaining - before.remaining) / this.#limit) * this.#windowMs);
		// Meanwhile a window may have ended, and others have begun.
		const sinceWindow = (moved + sentAt - before.at) / this.#windowMs;
		const offWindow = Math.abs(sinceWindow - Math.round(sinceWindow)) * this.#windowMs;
		const isWindowed = offWindow <= resetErrorMs;
		if (isWindowed === offBucket <= resetErrorMs || isWindowed === this.#isWindowed) return;
		this.#isWindowed = isWindowed;
		// What was predicted by the wrong picture says nothing about the right one.
		this.#worstError = 0;
		this.#othersPerMs = 0;
		this.#changedAt = now;
	}

	/**
	 * A bucket's reset is the time to fill it, which shows its size; without one it may hold a whole window's worth.
	 * A reset may be too long, and an account thought larger than it is looks as if others used what it cannot hold.
	 */
	#learnCapacity({ remaining, resetMs }: RateLevel): void {
		const perMs = this.#limit / this.#windowMs;
		if (resetMs !== undefined && !this.isWindowed) {
			const shown = Math.min(this.#limit, remaining + Math.max(0, resetMs - resetErrorMs) * perMs);
			this.#capacity += (this.#capacityIsShown ? 0.1 : 1) * (shown - this.#capacity);
			this.#capacityIsShown = true;
		}
		this.#capacity = Math.max(this.#capacity, leastBurstMs * perMs, remaining, 1);
	}

	/**
	 * Others' use is what went missing between two readings. Where the account could have been full between them, part
	 * of that may have been lost instead: then only bounds are known, and what was known before is kept to them.
	 */
	#learnDrift(reading: Reading, cost: number): void {
		const base = this.#driftBase ?? reading;
		const elapsed = reading.at - base.at;
		const perMs = this.#limit / this.#windowMs;
		if (base !== reading && elapsed < Math.min(driftEveryMs, (0.3 * this.#capacity) / perMs)) return;
		this.#driftBase = reading;
		const expected = base.remaining + elapsed * perMs - (reading.spent - base.spent);
		const taken = (from: number) => (from - reading.remaining) / Math.max(1, elapsed);
		// Full it would have been before the last request took its part.
		const least = taken(Math.min(expected, 0.95 * this.#capacity - cost));
		const drift = this.isWindowed ? 0 : Math.min(Math.max(this.#othersPerMs, least), taken(expected));
		const weight = driftWeight * Math.min(1, elapsed / driftEveryMs);
		this.#othersPerMs = Math.max(0, this.#othersPerMs + weight * (drift - this.#othersPerMs));
		const own = (reading.spent - base.spent) / Math.max(1, elapsed);
		this.#ownPerMs += weight * (own - this.#ownPerMs);
	}
}
