import { AbortedError, type LlmxError, RequestError } from "../errors.ts";
import type { RetryNotice } from "../types.ts";
import { backOffMs } from "./back-off.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Fifo } from "./fifo.ts";
import type { Cost, Sending } from "./limiter.ts";
import { Outbox } from "./outbox.ts";
import type { RateSnapshot } from "./rate-headers.ts";
import type { Lane, Route } from "./route.ts";
import { Source } from "./source.ts";
import { TimeQueue } from "./time-queue.ts";

/** What one attempt is told, and where it writes down what it learnt before it settles. */
export class Attempt {
	readonly key: string | undefined;
	/** 1 for the first sending of an item. */
	readonly number: number;
	/** Fires when the run is aborted. */
	readonly signal: AbortSignal;
	/** An earlier sending of the item may have been billed; this one is the last that may be added to it. */
	readonly resend: boolean;
	inputTokens: number | undefined;
	outputTokens: number | undefined;
	/** The rate-limit headers of the response, also of a refusing one. */
	snapshot: RateSnapshot | undefined;

	constructor(key: string | undefined, number: number, signal: AbortSignal, resend: boolean) {
		this.key = key;
		this.number = number;
		this.signal = signal;
		this.resend = resend;
	}
}

/** What became of one item; `attempts` counts the requests sent for it. */
export type Outcome<Item, Value> =
	| { readonly ok: true; readonly item: Item; readonly value: Value; readonly attempts: number }
	| { readonly ok: false; readonly item: Item; readonly error: unknown; readonly attempts: number };

/** `wait` asks again when the next request has ended; `stop` sends nothing more and lets what is in flight land. */
export type Admission = "go" | "wait" | "stop";

export interface ScheduleOptions<Item, Value> {
	/** Sends one request. Rejects with RequestError whose advice decides what follows. */
	readonly attempt: (item: Item, attempt: Attempt) => Promise<Value>;
	/** By which keys an item may go: one route for all, or one per item (rows of several models). */
	readonly route: Route | ((item: Item) => Route);
	readonly cost?: ((item: Item) => Cost) | undefined;
	/** How often an item is sent again after failures; refusals for rate do not count, unless it is 0. Default 5. */
	readonly maxRetries?: number | undefined;
	/** Asked right before every sending. */
	readonly admit?: ((item: Item) => Admission) | undefined;
	/** Called when a sending that was admitted has ended, however it ended, and before its outcome is handed on. */
	readonly onSettled?: ((item: Item) => void) | undefined;
	readonly onRetry?: ((item: Item, notice: RetryNotice) => void) | undefined;
	/** Aborts everything at once; iteration then throws AbortedError. */
	readonly signal?: AbortSignal | undefined;
	readonly clock?: Clock | undefined;
	/** 0 <= x < 1. */
	readonly random?: (() => number) | undefined;
}

interface Job<Item> {
	readonly item: Item;
	readonly route: Route;
	readonly cost: Cost;
	attempts: number;
	/** Failures that count against `maxRetries`. */
	failures: number;
	/** It was sent again once although it may have been billed. */
	resent: boolean;
}

const noCost: Cost = { inputTokens: 0 };
/** Rows that may wait for their next attempt before no new item is taken. */
const maxWaiting = 512;
/** Items taken but not sendable yet, when items go by different routes. */
const maxHeld = 256;
/** Outcomes kept for a consumer that is slower than the requests. */
const maxUnread = 1024;
const longestSleepMs = 60_000;

/**
 * Sends every item, as many at a time as its route's limiters allow, and yields the outcomes as they come.
 * Takes an item only when it can be sent, so memory is flat for any iterable. Breaking off the iteration aborts
 * what is in flight.
 */
export function schedule<Item, Value>(
	items: Iterable<Item> | AsyncIterable<Item>,
	options: ScheduleOptions<Item, Value>,
): Schedule<Item, Value> {
	return new Schedule(items, options);
}

export class Schedule<Item, Value> implements AsyncIterableIterator<Outcome<Item, Value>> {
	readonly #options: ScheduleOptions<Item, Value>;
	readonly #clock: Clock;
	readonly #random: () => number;
	readonly #maxRetries: number;
	readonly #abort = new AbortController();
	/** Ends the alarms once all is done. */
	readonly #over = new AbortController();
	readonly #source: Source<Item>;
	readonly #outbox = new Outbox<Outcome<Item, Value>>();
	/** The one route of all items, when there is only one. */
	readonly #route: Route | undefined;
	/** Taken, due, and not sendable at this moment. */
	readonly #held = new Map<Route, Fifo<Job<Item>>>();
	readonly #waiting = new TimeQueue<Job<Item>>();
	#heldCount = 0;
	#inFlight = 0;
	#started = false;
	#stopped = false;
	#error: unknown;
	#alarmAt = Number.POSITIVE_INFINITY;

	constructor(items: Iterable<Item> | AsyncIterable<Item>, options: ScheduleOptions<Item, Value>) {
		this.#options = options;
		this.#clock = options.clock ?? systemClock;
		this.#random = options.random ?? Math.random;
		this.#maxRetries = options.maxRetries ?? 5;
		this.#route = typeof options.route === "function" ? undefined : options.route;
		this.#source = new Source(items, (error) => (error === undefined ? this.#pump() : this.stop(error)));
	}

	get inFlight(): number {
		return this.#inFlight;
	}

	/** Rows that wait for their next attempt. */
	get waiting(): number {
		return this.#waiting.size;
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	next(): Promise<IteratorResult<Outcome<Item, Value>>> {
		if (!this.#started) {
			this.#start();
		}
		const result = this.#outbox.read();
		if (this.#outbox.size === maxUnread - 1) {
			this.#pump();
		}
		return result;
	}

	async return(): Promise<IteratorResult<Outcome<Item, Value>>> {
		this.abort();
		return { done: true, value: undefined };
	}

	/**
	 * Sends nothing more and lets what is in flight land; then the iteration ends, by throwing `error` if one is
	 * given. Items that were not answered by then get no outcome.
	 */
	stop(error?: unknown): void {
		if (this.#stopped) {
			return;
		}
		this.#stopped = true;
		this.#error = error ?? this.#error;
		this.#source.close();
		this.#endIfDone();
	}

	/** Like `stop`, and aborts what is in flight; those items still get an outcome, with the AbortedError. */
	abort(error?: unknown): void {
		this.stop(error);
		this.#abort.abort();
	}

	#start(): void {
		this.#started = true;
		const { signal } = this.#options;
		if (signal !== undefined) {
			const onAbort = () => this.abort(new AbortedError(undefined, { cause: signal.reason }));
			signal.addEventListener("abort", onAbort, { once: true, signal: this.#abort.signal });
			if (signal.aborted) {
				onAbort();
			}
		}
		this.#pump();
	}

	/** Sends all that may be sent now. Called whenever something has changed. */
	#pump(): void {
		if (this.#stopped) {
			this.#endIfDone();
			return;
		}
		if (!this.#started) {
			return;
		}
		const now = this.#clock.now();
		for (let job = this.#waiting.takeDue(now); job !== undefined; job = this.#waiting.takeDue(now)) {
			this.#hold(job);
		}
		let wakeInMs = this.#sendHeld();
		while (this.#mayTake()) {
			if (this.#route !== undefined && !this.#route.isOpen(noCost)) {
				wakeInMs = Math.min(wakeInMs, this.#route.waitMs);
				break;
			}
			const taken = this.#take();
			if (taken === undefined) {
				break;
			}
			this.#hold(taken);
			wakeInMs = this.#sendHeld();
		}
		this.#setAlarm(Math.min(now + wakeInMs, this.#waiting.nextAt));
		this.#endIfDone();
	}

	#mayTake(): boolean {
		return (
			!this.#stopped &&
			this.#heldCount < (this.#route === undefined ? maxHeld : 1) &&
			this.#waiting.size < maxWaiting &&
			this.#outbox.size < maxUnread
		);
	}

	#take(): Job<Item> | undefined {
		let taken: { readonly item: Item } | undefined;
		try {
			taken = this.#source.take();
		} catch (error) {
			this.stop(error);
		}
		if (taken === undefined) {
			return undefined;
		}
		const { item } = taken;
		const { route, cost } = this.#options;
		return {
			item,
			route: typeof route === "function" ? route(item) : route,
			cost: cost?.(item) ?? noCost,
			attempts: 0,
			failures: 0,
			resent: false,
		};
	}

	#hold(job: Job<Item>): void {
		if (job.route.end !== undefined) {
			return;
		}
		let queue = this.#held.get(job.route);
		if (queue === undefined) {
			queue = new Fifo();
			this.#held.set(job.route, queue);
		}
		queue.push(job);
		this.#heldCount++;
	}

	/** Sends held jobs as far as their limiters go; gives back ms until a limiter is worth asking again. */
	#sendHeld(): number {
		let wakeInMs = Number.POSITIVE_INFINITY;
		if (this.#heldCount === 0) {
			return wakeInMs;
		}
		for (const [route, queue] of this.#held) {
			for (let job = queue.peek(); job !== undefined; job = queue.peek()) {
				if (this.#outbox.size >= maxUnread) {
					return wakeInMs;
				}
				const lane = route.pick(job.cost);
				if (lane === undefined) {
					wakeInMs = Math.min(wakeInMs, route.waitMs);
					break;
				}
				const admission = this.#options.admit?.(job.item) ?? "go";
				if (admission === "stop" || (admission === "wait" && this.#inFlight === 0)) {
					this.stop();
					return wakeInMs;
				}
				if (admission === "wait") {
					return wakeInMs;
				}
				queue.shift();
				this.#heldCount--;
				this.#send(job, lane);
			}
		}
		return wakeInMs;
	}

	#send(job: Job<Item>, lane: Lane): void {
		this.#inFlight++;
		const sending = lane.limiter.sent(job.cost);
		const attempt = new Attempt(lane.key, ++job.attempts, this.#abort.signal, job.resent);
		this.#options.attempt(job.item, attempt).then(
			(value) => {
				lane.limiter.succeeded(sending, attempt);
				this.#settle(job);
				this.#outbox.put({ ok: true, item: job.item, value, attempts: job.attempts });
				this.#pump();
			},
			(error) => {
				this.#fail(job, lane, sending, attempt, error);
				this.#pump();
			},
		);
	}

	#fail(job: Job<Item>, lane: Lane, sending: Sending, attempt: Attempt, error: unknown): void {
		tellLimiter(lane, sending, attempt, error);
		this.#settle(job);
		if (!(error instanceof RequestError)) {
			this.#outbox.put({ ok: false, item: job.item, error, attempts: job.attempts });
			return;
		}
		error.attempts = job.attempts;
		if (error.errorClass === "tls") {
			this.stop(error);
			return;
		}
		job.route.note(lane, error);
		const delayMs = this.#abort.signal.aborted ? undefined : this.#retryDelay(job, error);
		if (delayMs === undefined) {
			this.#outbox.put({ ok: false, item: job.item, error, attempts: job.attempts });
		} else {
			this.#waiting.add(this.#clock.now() + delayMs, job);
			this.#options.onRetry?.(job.item, { attempt: job.attempts, delayMs, reason: error.message });
		}
		const end = job.route.end;
		if (end !== undefined) {
			this.#abandon(job.route, end);
		}
	}

	/** Ms until the job is sent again; undefined when this failure is its last. */
	#retryDelay(job: Job<Item>, error: RequestError): number | undefined {
		const { retry, key, afterMs } = error.advice;
		// What failed for its key's sake is not the item's fault: it goes again by another key, or stays unanswered.
		if (key === "drop" || key === "retire") {
			return 0;
		}
		if (retry === "never" || this.#maxRetries === 0 || (retry === "once" && job.resent)) {
			return undefined;
		}
		job.resent ||= retry === "once";
		if (error.errorClass !== "rate_limit" && ++job.failures > this.#maxRetries) {
			return undefined;
		}
		return backOffMs(job.attempts, afterMs, this.#random);
	}

	/** No key of the route is left. Items of other routes go on; the run then ends with what closed this one. */
	#abandon(route: Route, error: LlmxError): void {
		this.#error ??= error;
		const queue = this.#held.get(route);
		this.#heldCount -= queue?.size ?? 0;
		this.#held.set(route, new Fifo());
		if ([...this.#held.keys()].every((known) => known.end !== undefined)) {
			this.stop(error);
		}
	}

	#settle(job: Job<Item>): void {
		this.#inFlight--;
		this.#options.onSettled?.(job.item);
	}

	#setAlarm(at: number): void {
		// An alarm is never taken back: one that rings early is ignored, one that rings for nothing looks around.
		if (at >= this.#alarmAt || at === Number.POSITIVE_INFINITY) {
			return;
		}
		const now = this.#clock.now();
		const alarmAt = Math.min(at, now + longestSleepMs);
		this.#alarmAt = alarmAt;
		this.#clock.sleep(alarmAt - now, this.#over.signal).then(
			() => {
				if (this.#alarmAt === alarmAt) {
					this.#alarmAt = Number.POSITIVE_INFINITY;
					this.#pump();
				}
			},
			() => {},
		);
	}

	#endIfDone(): void {
		const unfinished = this.#stopped
			? this.#inFlight
			: this.#inFlight + this.#heldCount + this.#waiting.size + (this.#source.exhausted ? 0 : 1);
		if (unfinished === 0) {
			this.#over.abort();
			this.#outbox.end(this.#error);
		}
	}
}

function tellLimiter(lane: Lane, sending: Sending, attempt: Attempt, error: unknown): void {
	const errorClass = error instanceof RequestError ? error.errorClass : undefined;
	if (error instanceof RequestError && errorClass === "rate_limit") {
		lane.limiter.refused(sending, { hintMs: error.advice.afterMs, snapshot: attempt.snapshot });
	} else if (errorClass === "overloaded") {
		lane.limiter.overloaded(sending);
	} else {
		lane.limiter.failed(sending);
	}
}
