import type { TokenCost } from "../limits/limiter.ts";
import { Fifo } from "./fifo.ts";
import { type QueuedItem, queuedItem } from "./queued-item.ts";
import type { Items } from "./schedule-options.ts";
import { Source } from "./source.ts";
import { TimeQueue } from "./time-queue.ts";

/** Items that may wait for their next attempt before no new one is taken. */
const maxWaiting = 512;
/**
 * What was refused so often lets two others go before the next, and not one: at a pace a little above a limit every second
 * sending is refused for a while, and it would be the same item each time.
 */
const oftenRefused = 3;

export interface BacklogOptions<Item> {
	readonly cost: (item: Item) => TokenCost;
	readonly prefix?: ((item: Item) => number) | undefined;
	/** Something new may be there to be sent. */
	readonly onChange: () => void;
	/** The source failed. */
	readonly onError: (error: unknown) => void;
}

/** What is still to be sent: what the source has, at most a group of it taken ahead, and what is to be sent again. */
export class Backlog<Item> {
	readonly #options: BacklogOptions<Item>;
	readonly #source: Source<Item>;
	/** Taken from the source and not sent yet. */
	#fresh: QueuedItem<Item> | undefined;
	/** Due again, and not sendable at this moment. */
	readonly #due = new Fifo<QueuedItem<Item>>();
	/** Due again after refusals, which may have to do with these very items. */
	readonly #refused = new Fifo<QueuedItem<Item>>();
	readonly #waiting = new TimeQueue<QueuedItem<Item>>();
	/** So many others go before the next that was refused. */
	#owed = 0;

	constructor(items: Items<Item>, options: BacklogOptions<Item>) {
		this.#options = options;
		const { onChange, onError } = options;
		this.#source = new Source(items, (error) => (error === undefined ? onChange() : onError(error)));
	}

	/** Items that are not done and not in flight; one at least while the source may have more. */
	get size(): number {
		const mayCome = this.#fresh === undefined && this.#source.exhausted ? 0 : 1;
		return this.#due.size + this.#refused.size + this.#waiting.size + mayCome;
	}

	/** Nothing is left that has not been sent before. */
	get isTail(): boolean {
		return this.#source.exhausted && this.#fresh === undefined;
	}

	/** When the next item is due again; Infinity when none is. */
	get nextAt(): number {
		return this.#waiting.nextAt;
	}

	/** To be sent again at `at`. */
	add(at: number, queued: QueuedItem<Item>): void {
		this.#waiting.add(at, queued);
	}

	/**
	 * What is to be sent next, or undefined. `preferFresh`: a provider that seems out of order is best tried with what has
	 * not failed yet. What was refused before does not go before fresh items, but does not starve behind them either.
	 */
	peek(now: number, preferFresh: boolean): QueuedItem<Item> | undefined {
		this.#takeDue(now);
		const again = this.#due.peek();
		const refused = this.#refused.peek();
		const isFull = this.#waiting.size + this.#refused.size >= maxWaiting;
		const wantsFresh = preferFresh || (again === undefined && (refused === undefined || this.#owed > 0));
		if (wantsFresh && !isFull) this.#fresh ??= this.#take();
		const fresh = this.#fresh;
		if (preferFresh) return fresh ?? again ?? refused;
		return again ?? (this.#owed > 0 ? (fresh ?? refused) : (refused ?? fresh));
	}

	/** The item that `peek` returned is sent. */
	take(queued: QueuedItem<Item>): void {
		this.#owed--;
		if (queued === this.#fresh) {
			this.#fresh = undefined;
		} else if (queued === this.#due.peek()) {
			this.#due.shift();
		} else {
			this.#refused.shift();
			this.#owed = queued.refusals < oftenRefused ? 1 : 2;
		}
	}

	/** Nothing else is left to be sent, so an item need not wait for a hint that was overtaken by events. */
	hasten(now: number, isOvertaken: (queued: QueuedItem<Item>) => boolean): number {
		const first = this.#waiting.peek();
		if (first === undefined || this.#waiting.nextAt <= now || !isOvertaken(first))
			return Number.POSITIVE_INFINITY;
		if (first.earliestAt > now) return first.earliestAt - now;
		this.#waiting.takeDue(this.#waiting.nextAt);
		this.#refused.push(first);
		return 0;
	}

	/** Nothing is taken from the source any more. */
	close(): void {
		this.#source.close();
	}

	#takeDue(now: number): void {
		for (let due = this.#waiting.takeDue(now); due !== undefined; due = this.#waiting.takeDue(now))
			(due.refusals > 0 ? this.#refused : this.#due).push(due);
	}

	#take(): QueuedItem<Item> | undefined {
		try {
			const taken = this.#source.take();
			if (taken === undefined) return undefined;
			const { cost, prefix } = this.#options;
			return queuedItem(taken.item, cost(taken.item), prefix?.(taken.item));
		} catch (error) {
			this.#options.onError(error);
			return undefined;
		}
	}
}
