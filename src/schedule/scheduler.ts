import { AbortedError, RequestError } from "../errors.ts";
import { endFailed, type TokenCost } from "../limits/limiter.ts";
import { SlotSupply } from "../slots/slot-supply.ts";
import { Alarm } from "./alarm.ts";
import { Backlog } from "./backlog.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { KeyLane } from "./key-lanes.ts";
import { OutageWatch } from "./outage-watch.ts";
import { nextKeyDelay, type QueuedItem, retryDelay } from "./queued-item.ts";
import { defaultMaxRetries } from "./retry.ts";
import { RowRefusals } from "./row-refusals.ts";
import { type Items, type ScheduleOptions, SendContext } from "./schedule-options.ts";
import type { Server } from "./server.ts";
import type { ServerWish } from "./servers.ts";

const noTokens: TokenCost = { inputTokens: 0 };
/** What others decide is asked about so often, in ms. */
const holdMs = 25;

/**
 * Sends every item, as many at a time as the route's limiters allow, and reports each outcome as it comes. One item, or
 * one group of them, is taken before it can be sent at most, so memory is flat for any iterable.
 */
export class Schedule<Item, Value> {
	readonly #options: ScheduleOptions<Item, Value>;
	readonly #clock: Clock;
	readonly #abort = new AbortController();
	/** Ends the alarms once all is done. */
	readonly #over = new AbortController();
	readonly #backlog: Backlog<Item>;
	readonly #refusals = new RowRefusals();
	readonly #end = Promise.withResolvers<void>();
	readonly #alarm: Alarm;
	readonly #watch: OutageWatch;
	readonly #slots: SlotSupply | undefined;
	#inFlight = 0;
	/** Of those in flight, what was never refused. */
	#unrefused = 0;
	#started = false;
	#stopped = false;
	#error: unknown;

	constructor(items: Items<Item>, options: ScheduleOptions<Item, Value>) {
		this.#options = options;
		this.#clock = options.clock ?? systemClock;
		this.#watch = new OutageWatch({
			...options,
			servers: options.route.servers,
			now: () => this.#clock.now(),
		});
		const pump = () => this.#pump();
		const stop = (error: unknown) => this.stop(error);
		const cost = (item: Item) => options.cost?.(item) ?? noTokens;
		const { prefix } = options;
		this.#backlog = new Backlog(items, { cost, prefix, onChange: pump, onError: stop });
		this.#alarm = new Alarm(this.#clock, this.#over.signal, pump);
		const { acquireSlot } = options;
		this.#slots = acquireSlot && new SlotSupply(() => acquireSlot(this.#over.signal), pump, stop);
	}

	/**
	 * Sends all there is to send. Resolves when the last outcome is known.
	 * @throws what ended the run: the error given to `stop`, an AbortedError, or that of the last usable key
	 */
	run(): Promise<void> {
		if (!this.#started) this.#start();
		return this.#end.promise;
	}

	/** Whoever takes the outcomes has room again. */
	resume(): void {
		this.#pump();
	}

	/**
	 * Sends nothing more and lets what is in flight land; then `run` ends, by throwing `error` if one is given. Items that were not answered by then get no outcome.
	 */
	stop(error?: unknown): void {
		if (this.#stopped) return;
		this.#stopped = true;
		this.#error = error;
		this.#backlog.close();
		this.#endIfDone();
	}

	/** Like `stop`, and aborts what is in flight; those items still get an outcome, with the AbortedError. */
	abort(error?: unknown): void {
		this.stop(error);
		this.#abort.abort();
	}

	#start(): void {
		this.#started = true;
		this.#watch.begin();
		const { signal, route } = this.#options;
		if (signal !== undefined) {
			const onAbort = () => this.abort(new AbortedError(undefined, { cause: signal.reason }));
			signal.addEventListener("abort", onAbort, { once: true, signal: this.#over.signal });
			if (signal.aborted) onAbort();
		}
		// An earlier run over the same route may have used up its keys.
		if (route.servers.end !== undefined) this.stop(route.servers.end);
		this.#pump();
	}

	/** Sends all that may be sent now. Called whenever something has changed. */
	#pump(): void {
		if (!this.#started) return;
		if (!this.#stopped) {
			const now = this.#clock.now();
			const waitMs = this.#sendWhatMay(now);
			this.#alarm.set(Math.min(now + waitMs, this.#backlog.nextAt));
		}
		this.#endIfDone();
	}

	/** Gives back ms until it is worth trying again, Infinity when an end must come first. */
	#sendWhatMay(now: number): number {
		const { route, isFull } = this.#options;
		while (!this.#stopped && isFull?.() !== true) {
			const most = this.#options.maxInFlight?.() ?? Number.POSITIVE_INFINITY;
			// With none in flight there is no end that would let the next one go.
			if (this.#inFlight >= most) return most < 1 ? holdMs : Number.POSITIVE_INFINITY;
			const outageMs = route.servers.waitMs(now);
			if (outageMs > 0) return outageMs;
			const queued = this.#backlog.peek(now, route.servers.areOut);
			if (queued === undefined) {
				const waitMs = this.#hasten(now);
				if (waitMs > 0) return waitMs;
				continue;
			}
			if (this.#slots?.request() === false) return Number.POSITIVE_INFINITY;
			const lane = route.pick(queued.cost, now, wishOf(queued));
			if (lane === undefined) return route.waitMs;
			const admission = this.#options.admit?.(queued.item) ?? "go";
			if (admission === "stop" || (admission === "wait" && this.#inFlight === 0)) {
				this.stop();
			} else if (admission === "wait") {
				return Number.POSITIVE_INFINITY;
			} else if (admission === "hold") {
				return holdMs;
			} else {
				this.#backlog.take(queued);
				this.#send(queued, lane);
			}
		}
		return Number.POSITIVE_INFINITY;
	}

	/** Nothing is left but what was refused before. */
	get #isTail(): boolean {
		return this.#backlog.isTail && this.#unrefused === 0;
	}

	/** At the end of a run nothing waits for a hint while others are answered. Returns ms until that is worth a look. */
	#hasten(now: number): number {
		if (!this.#backlog.isTail) return Number.POSITIVE_INFINITY;
		return this.#backlog.hasten(now, (queued) => this.#refusals.isOvertaken(queued));
	}

	#send(queued: QueuedItem<Item>, lane: KeyLane): void {
		this.#inFlight++;
		const isUnrefused = queued.refusals === 0 ? 1 : 0;
		this.#unrefused += isUnrefused;
		const { server } = lane;
		server.inFlight++;
		server.breaker.sent();
		const releaseSlot = this.#slots?.take();
		const sending = lane.limiter.sent(queued.cost, this.#refusals.ownShare(queued, this.#isTail));
		const { signal } = this.#abort;
		const attempt = new SendContext(lane, ++queued.attempts, queued.retries.resends > 0, signal);
		this.#refusals.sent(queued, sending.sentAt);
		this.#options.attempt(queued.item, attempt).then(
			(value) => {
				this.#inFlight--;
				server.inFlight--;
				this.#unrefused -= isUnrefused;
				releaseSlot?.();
				this.#refusals.answered(queued, attempt.snapshot);
				if (server.breaker.isOpen) lane.limiter.revived();
				lane.limiter.succeeded(sending, attempt);
				this.#watch.answered(server, sending.sentAt);
				this.#options.onOutcome({ ok: true, item: queued.item, value, attempts: queued.attempts });
				this.#pump();
			},
			(error) => {
				this.#inFlight--;
				server.inFlight--;
				this.#unrefused -= isUnrefused;
				releaseSlot?.();
				const isTail = this.#isTail;
				let isOfRow = this.#refusals.isOfRow(queued, isTail);
				const isAlone = this.#inFlight === 0;
				this.#refusals.failed(queued, error, this.#clock.now(), isTail, attempt.snapshot, isAlone);
				isOfRow ||= this.#refusals.isSurelyOfRow(queued, isTail);
				endFailed(lane.limiter, sending, error, attempt.snapshot, isOfRow);
				this.#fail(queued, lane, attempt, error);
				this.#pump();
			},
		);
	}

	#fail(queued: QueuedItem<Item>, lane: KeyLane, attempt: SendContext, error: unknown): void {
		const { route, onOutcome, onRetry, random = Math.random, maxRetries = defaultMaxRetries } = this.#options;
		const lose = (reason: unknown = error) =>
			onOutcome({ ok: false, item: queued.item, error: reason, attempts: queued.attempts });
		const { server } = lane;
		if (!(error instanceof RequestError) || this.#abort.signal.aborted) {
			server.breaker.ended();
			lose();
			return;
		}
		error.attempts = queued.attempts;
		const { servers } = route;
		const isElsewhere = servers.noteFailure(server, error);
		if (isElsewhere) queued.failedAt = server;
		if (error.errorClass === "tls" && !isElsewhere) {
			this.stop(error);
			return;
		}
		const isMoved = isElsewhere && server.isUnfit;
		this.#noteFailure(queued, server, error, isMoved);
		const now = this.#clock.now();
		if (error.errorClass === "rate_limit" && queued.isGivenUp) {
			lose(refusedTooOften(error, queued, this.#refusals.othersAnswered(queued)));
			return;
		}
		const isOut = server.keys.note(lane.key, error) || isMoved;
		const { neededOverloads } = this.#refusals;
		const chanceRefusals = neededOverloads > maxRetries ? neededOverloads : 0;
		const isOutage = server.breaker.isOpen;
		const delayMs = isOut
			? nextKeyDelay(queued, error)
			: retryDelay(queued, error, attempt.snapshot, {
					now,
					random,
					maxRetries,
					isOutage,
					isAmongOthers: this.#inFlight > 0,
					chanceRefusals,
					silenceLeftMs: this.#isTail ? this.#refusals.silenceLeftMs(queued, now) : undefined,
				});
		if (delayMs === undefined) {
			lose();
		} else {
			this.#backlog.add(now + delayMs, queued);
			onRetry?.(queued.item, { attempt: queued.attempts + 1, delayMs, reason: error.message });
		}
		const { end } = servers;
		if (end !== undefined) this.stop(end);
	}

	/**
	 * Tells the watch of a failure. Once there is nothing left but what has failed before, a failure says nothing new
	 * about its server: the last few items that nobody could answer are not an outage.
	 */
	#noteFailure(queued: QueuedItem<Item>, server: Server, error: RequestError, isMoved: boolean): void {
		const isTail = queued.hasFailed && this.#backlog.isTail && !server.breaker.isOpen;
		// One of several that gives no answers of the API is out of order; the only one may be asked what it cannot answer.
		const isLiar = error.errorClass === "malformed_response" && this.#options.route.servers.areSeveral;
		const isFinal = error.advice.retry === "never" && !isMoved && !isLiar;
		const isCrowded = error.advice.isCrowded === true && this.#inFlight > 0;
		if (isCrowded) this.#options.onCrowded?.(this.#inFlight, error);
		const isOfRow =
			error.errorClass === "rate_limit" ? this.#refusals.isOfRow(queued, this.#isTail) : isFinal || isTail;
		const saysNothing = isCrowded || isOfRow;
		if (saysNothing) server.breaker.ended();
		else {
			queued.hasFailed ||= error.errorClass !== "rate_limit";
			const end = this.#watch.failed(server, error);
			if (end !== undefined) this.stop(end);
		}
	}

	#endIfDone(): void {
		const unfinished = this.#inFlight + (this.#stopped ? 0 : this.#backlog.size);
		if (unfinished === 0) {
			this.#over.abort();
			if (this.#error === undefined) this.#end.resolve();
			else this.#end.reject(this.#error);
		}
	}
}

function wishOf({ prefix, failedAt, retries }: QueuedItem<unknown>): ServerWish {
	return { prefix, not: failedAt, isLast: retries.resends > 0 };
}

/** The server's own words, and why they are taken for final. */
function refusedTooOften(
	error: RequestError,
	{ refusals }: QueuedItem<unknown>,
	others: number,
): RequestError {
	return error.withMessage(
		`refused ${refusals} times while ${others} others were answered: ${error.message}`,
	);
}
