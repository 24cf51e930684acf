import type { RequestError } from "../errors.ts";
import type { TokenCost } from "../limits/limiter.ts";
import type { RateSnapshot } from "../limits/rate-headers.ts";
import { defaultMaxRetries, freshRetryState, nextRetry, type RetryState, withNextKey } from "./retry.ts";
import type { Server } from "./server.ts";

/** What was known of all items when one was refused. */
export interface ItemCounts {
	/** How often the items that were answered by then had been sent, and refused but for overloads. */
	readonly sendings: number;
	readonly refusals: number;
	/** When it had been sent. */
	readonly sentAt: number;
}

/** An item on its way through the scheduler. */
export interface QueuedItem<Item> {
	readonly item: Item;
	cost: TokenCost;
	/** Stands for the beginning of its prompt. */
	readonly prefix: number | undefined;
	/** The server where it failed last, though it need not fail at another. */
	failedAt: Server | undefined;
	/** It was the so-manyth to be sent. */
	number: number;
	/** When it was last sent. */
	sentAt: number;
	/** Requests sent for it. */
	attempts: number;
	/** How often it was refused, for whatever reason; what an overload refuses counts here, too. */
	refusals: number;
	/** How many of those were overloads. */
	overloads: number;
	/** It is likelier refused for itself than not. */
	isStuck: boolean;
	/** Refusals since others were last answered in between: these make its waits longer. */
	futile: number;
	/** How much its refusals speak against the item itself: the logarithm of how unlikely they are otherwise. */
	evidence: number;
	/** What its refusals are worth as evidence once something that was sent later is answered. */
	unproven: number;
	/** The same, of refusals after which something was answered that was sent later: the account had something left. */
	proven: number;
	/** What was known of all items when it was last refused. */
	before: ItemCounts;
	/** When it was first sent, and how many items had been answered when it was first refused. */
	readonly first: { sentAt: number; answered: number };
	/** When it was last sent it was refused once too often: that has to do with the item, or will not end. */
	isGivenUp: boolean;
	/** It would be sent again then if the server had not said how long to wait. */
	earliestAt: number;
	retries: RetryState;
	/** It has failed before, other than by a refusal for rate. */
	hasFailed: boolean;
}

export interface RetryRules {
	readonly now: number;
	readonly random: () => number;
	readonly maxRetries: number;
	/** The provider seems out of order: what fails now is not held against the item. */
	readonly isOutage: boolean;
	/** Others are in flight. */
	readonly isAmongOthers: boolean;
	/** Refusals that may be due to chance do not count against `maxRetries` up to this number. */
	readonly chanceRefusals: number;
	/** Nothing is left but what was refused before: for how many ms nothing has still to be answered until it is given up. */
	readonly silenceLeftMs: number | undefined;
}

export function queuedItem<Item>(item: Item, cost: TokenCost, prefix: number | undefined): QueuedItem<Item> {
	return {
		item,
		cost,
		prefix,
		failedAt: undefined,
		attempts: 0,
		refusals: 0,
		isStuck: false,
		overloads: 0,
		futile: 0,
		evidence: 0,
		unproven: 0,
		proven: 0,
		before: { sendings: 0, refusals: 0, sentAt: 0 },
		number: 0,
		sentAt: 0,
		first: { sentAt: 0, answered: 0 },
		isGivenUp: false,
		earliestAt: 0,
		retries: freshRetryState,
		hasFailed: false,
	};
}

/** 0 when the item may be sent again with another key, because its own is out of use; undefined when it may not. */
export function nextKeyDelay<Item>(queued: QueuedItem<Item>, { maybeBilled }: RequestError): 0 | undefined {
	const retries = withNextKey(queued.retries, maybeBilled);
	if (retries === undefined) return undefined;
	queued.retries = retries;
	return 0;
}

/**
 * Ms until the item is sent again after a failure, which the item takes note of; undefined when it was the last.
 * `snapshot` is what the failing response said about limits.
 */
export function retryDelay<Item>(
	queued: QueuedItem<Item>,
	error: RequestError,
	snapshot: RateSnapshot | undefined,
	rules: RetryRules,
): number | undefined {
	const { now, random, maxRetries, isOutage, silenceLeftMs } = rules;
	const isCrowded = error.advice.isCrowded === true && rules.isAmongOthers;
	const isRefusal = error.errorClass === "rate_limit";
	// While nobody else is answered either, an overload has nothing to do with the item.
	const isNotOfItem = queued.refusals < rules.chanceRefusals || (queued.futile > 1 && !queued.isGivenUp);
	const isByChance = error.errorClass === "overloaded" && maxRetries >= defaultMaxRetries && isNotOfItem;
	const counts = maxRetries === 0 || !(isRefusal || isOutage || isByChance || isCrowded);
	// At the end of a run a limit that comes back by the minute is given time to, with few requests.
	const waits = silenceLeftMs === undefined ? queued.futile - 1 : 2 * (queued.futile - 1);
	const before = counts ? queued.retries : { ...queued.retries, retries: Math.max(0, waits) };
	const { hintless, next } = retries(before, error, random, counts ? maxRetries : Number.POSITIVE_INFINITY);
	if (next === undefined) return undefined;
	if (counts) queued.retries = next.state;
	else queued.retries = { ...queued.retries, resends: next.state.resends };
	queued.earliestAt = now + hintless;
	const remaining = isRefusal ? snapshot?.tokens?.remaining : undefined;
	if (remaining !== undefined) {
		// What was left did not suffice, so the request uses more than that.
		queued.cost = { ...queued.cost, leastTokens: remaining + 1 };
	}
	// A wait of more than half of what is left is as well one of all of it.
	const isLast = !counts && silenceLeftMs !== undefined && silenceLeftMs < 2 * hintless;
	return isLast ? Math.max(next.delayMs, silenceLeftMs) : next.delayMs;
}

/** The next retry, and the ms that it would wait if the server had not said how long. */
function retries(state: RetryState, { advice }: RequestError, random: () => number, most: number) {
	const next = nextRetry(state, advice, random, most);
	const hintless = nextRetry(state, { ...advice, afterMs: undefined }, random, most)?.delayMs ?? 0;
	return { next, hintless };
}
