import type { RequestError } from "../errors.ts";
import type { TokenCost } from "../limits/limiter.ts";
import type { RateSnapshot } from "../limits/rate-headers.ts";
import { freshRetryState, nextRetry, type RetryState, withNextKey } from "./retry.ts";

/** An item on its way through the scheduler. */
export interface QueuedItem<Item> {
	readonly item: Item;
	cost: TokenCost;
	/** Requests sent for it. */
	attempts: number;
	/** How often it was refused for rate: that only makes its waits longer. */
	refusals: number;
	retries: RetryState;
	/** It has failed before, other than by a refusal for rate. */
	hasFailed: boolean;
}

export interface RetryRules {
	readonly random: () => number;
	readonly maxRetries: number;
	/** The provider seems out of order: what fails now is not held against the item. */
	readonly isOutage: boolean;
}

export function queuedItem<Item>(item: Item, cost: TokenCost): QueuedItem<Item> {
	return { item, cost, attempts: 0, refusals: 0, retries: freshRetryState, hasFailed: false };
}

/** 0 when the item may be sent again with another key, because its own is out of use; undefined when it may not. */
export function nextKeyDelay<Item>(queued: QueuedItem<Item>, { maybeBilled }: RequestError): 0 | undefined {
	const retries = withNextKey(queued.retries, maybeBilled);
	if (retries === undefined) {
		return undefined;
	}
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
	{ random, maxRetries, isOutage }: RetryRules,
): number | undefined {
	const isRefusal = error.errorClass === "rate_limit";
	const counts = maxRetries === 0 || !(isRefusal || isOutage);
	const before = counts ? queued.retries : { ...queued.retries, retries: queued.refusals };
	const next = nextRetry(before, error.advice, random, counts ? maxRetries : Number.POSITIVE_INFINITY);
	if (next === undefined) {
		return undefined;
	}
	if (counts) {
		queued.retries = next.state;
	} else {
		queued.refusals++;
		queued.retries = { ...queued.retries, resends: next.state.resends };
	}
	const remaining = isRefusal ? snapshot?.tokens?.remaining : undefined;
	if (remaining !== undefined) {
		// What was left did not suffice, so the request uses more than that.
		queued.cost = { ...queued.cost, leastTokens: remaining + 1 };
	}
	return next.delayMs;
}
