import { Cubic } from "./cubic.ts";
import { LimitOdds, near, unlikely } from "./limit-odds.ts";

/** An overload leaves this share of what was in flight. */
const kept = 0.85;

/** Sendings that are remembered until it is known whether they met an overload. */
const remembered = 4_096;

/** So many may be in flight at a server that said it has too much to do. */
interface Hold {
	/** What was sent before this knows nothing of it. */
	readonly at: number;
	readonly size: number;
	/** Up to here it grows by one with each answer; further up along the curve. */
	readonly target: number;
	readonly curve: { readonly from: number; readonly cubic: Cubic } | undefined;
	/** Something that was sent since then was answered. */
	readonly isAnswered: boolean;
}

/**
 * Fewer in flight at a server that has too much to do (503, 529), if it says so more often than by chance, and as many as
 * before if that turns out to be of no use.
 */
export class OverloadWindow {
	readonly #odds = new LimitOdds();
	/** How many were in flight after the last that was sent at one moment, by the number of the first. */
	readonly #loads = new Float64Array(remembered);
	readonly #moments = new Float64Array(remembered);
	#moment = 0;
	/** The moment of the one that was learnt from last. */
	#learntMoment = -1;
	#momentAt = Number.NEGATIVE_INFINITY;
	readonly #isOverloaded = new Uint8Array(remembered);
	/** What was sent before this number has been learnt from. */
	#learnt = 0;
	#hold: Hold | undefined;

	/** How many may be in flight; Infinity while nothing was heard of an overload. */
	size(now: number): number {
		const hold = this.#hold;
		if (hold === undefined) return Number.POSITIVE_INFINITY;
		return hold.curve === undefined ? hold.size : hold.curve.cubic.at(now - hold.curve.from);
	}

	/** It is over: there is no reason any more to have fewer in flight. */
	end(): void {
		this.#hold = undefined;
	}

	/** Number `sequence` was sent as one of so many in flight: so were those that were sent at the same moment. */
	sent(sequence: number, inFlight: number, now: number): void {
		if (now !== this.#momentAt) this.#moment = sequence;
		this.#momentAt = now;
		this.#moments[sequence % remembered] = this.#moment;
		this.#loads[this.#moment % remembered] = inFlight;
		this.#isOverloaded[sequence % remembered] = 0;
	}

	/**
	 * Number `sequence`, sent at `sentAt`, met an overload while up to `before` were in flight. Once for all that was sent
	 * before it, fewer are sent, if it is likely that fewer would not meet it. Not fewer than are in flight by chance: that
	 * may be one, and it takes a minute to come back from there.
	 */
	overloaded(sequence: number, sentAt: number, before: number, now: number): void {
		const load = this.#loadOf(sequence);
		this.#isOverloaded[sequence % remembered] = 1;
		if (load > 0) this.#odds.refused(load, this.#isSame(sequence));
		const hold = this.#hold;
		if ((hold !== undefined && sentAt <= hold.at) || this.#odds.below(before) <= 1 - unlikely) return;
		const size = Math.max(1, kept * before);
		// While nothing is answered at all, fewer and fewer are sent, but that does not show what the server can do.
		const target = hold === undefined || hold.isAnswered ? size : Math.max(size, hold.target);
		const curve = size < target ? undefined : { from: now, cubic: new Cubic(size, before) };
		this.#hold = { at: now, size, target, curve, isAnswered: false };
	}

	/** A request that was sent at `sentAt` was answered. */
	answered(sentAt: number, now: number): void {
		const hold = this.#hold;
		if (hold === undefined || sentAt <= hold.at || (hold.isAnswered && hold.curve !== undefined)) return;
		if (hold.curve !== undefined) {
			this.#hold = { ...hold, isAnswered: true };
			return;
		}
		const size = hold.size + 1;
		const isBack = size >= hold.target;
		const curve = isBack
			? { from: now, cubic: new Cubic(size, Math.max(size, hold.target) / kept) }
			: undefined;
		this.#hold = { ...hold, size, curve, isAnswered: true };
	}

	/**
	 * Learns from what met no overload by now, of what was sent before number `decided`. When overloads turn out to be due to
	 * nothing of ours, as many are sent as before.
	 */
	judge(decided: number, now: number): void {
		for (; this.#learnt < decided; this.#learnt++) {
			const load = this.#loadOf(this.#learnt);
			if (load > 0) this.#odds.passed(load, this.#isSame(this.#learnt));
		}
		if (this.#hold !== undefined && this.#odds.below(near * this.size(now)) < unlikely)
			this.#hold = undefined;
	}

	/** How many were in flight with this one; 0 for what met an overload. */
	#loadOf(sequence: number): number {
		if (this.#isOverloaded[sequence % remembered] === 1) return 0;
		return this.#loads[(this.#moments[sequence % remembered] as number) % remembered] as number;
	}

	/** Whether it was sent at the moment of the one that was learnt from before: what it met is of the same server. */
	#isSame(sequence: number): boolean {
		const moment = this.#moments[sequence % remembered] as number;
		const isSame = moment === this.#learntMoment;
		this.#learntMoment = moment;
		return isSame;
	}
}
