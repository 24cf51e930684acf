import { Cubic } from "./cubic.ts";
import { type Cause, RefusalOdds } from "./refusal-odds.ts";

/** An overload leaves this share of what was in flight. */
const kept = 0.85;

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
 * Fewer in flight at a server that has too much to do (503, 529, or 429 of which headers say that plenty was left), if it
 * says so more often than by chance, and as many as before if that turns out to be of no use.
 */
export class OverloadWindow {
	readonly #odds = new RefusalOdds();
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

	/**
	 * Number `sequence`, sent at `sentAt`, met an overload while up to `before` were in flight, and number `next` is sent next.
	 * Once for all that was sent before it, fewer are sent. Not fewer than are in flight by chance: that may be one, and it
	 * takes a minute to come back from there. True when fewer are sent.
	 */
	overloaded(sequence: number, sentAt: number, next: number, before: number, now: number): boolean {
		this.#odds.note(sequence);
		const hold = this.#hold;
		if (hold !== undefined && sentAt <= hold.at) return false;
		if (!this.#odds.refused(sequence) || this.#odds.isTrying) return false;
		this.#odds.cut(before, next);
		const size = Math.max(1, kept * before);
		// While nothing is answered at all, fewer and fewer are sent, but that does not show what the server can do.
		const target = hold === undefined || hold.isAnswered ? size : Math.max(size, hold.target);
		const curve = size < target ? undefined : { from: now, cubic: new Cubic(size, before) };
		this.#hold = { at: now, size, target, curve, isAnswered: false };
		return true;
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

	/** Whether fewer in flight helped, as far as that shows by the sendings before number `decided`. */
	judge(decided: number, now: number): Cause {
		if (!this.#odds.isTrying) return "unknown";
		const verdict = this.#odds.verdict(this.size(now), decided);
		if (verdict !== "unknown") this.#odds.settle(verdict, decided);
		if (verdict === "chance") this.#hold = undefined;
		return verdict;
	}
}
