import type { RequestError } from "../errors.ts";
import type { Cost } from "../limits/limiter.ts";
import type { RateSnapshot } from "../limits/rate-headers.ts";
import { freshRetryState, nextRetry, type RetryState, withNextKey } from "./retry.ts";

/** An item on its way through the scheduler. */
export interface Job<Item> {
	readonly item: Item;
	cost: Cost;
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

export function jobOf<Item>(item: Item, cost: Cost): Job<Item> {
	return { item, cost, attempts: 0, refusals: 0, retries: freshRetryState, hasFailed: false };
}

/** 0 when the job may be sent again with another key, because its own is out of use; undefined when it may not. */
export function nextKeyDelay<Item>(job: Job<Item>, { maybeBilled }: RequestError): 0 | undefined {
	const retries = withNextKey(job.retries, maybeBilled);
	if (retries === undefined) {
		return undefined;
	}
	job.retries = retries;
	return 0;
}

/**
 * Ms until the job is sent again after a failure, which the job takes note of; undefined when it was the last.
 * `snapshot` is what the failing response said about limits.
 */
export function retryDelay<Item>(
	job: Job<Item>,
	error: RequestError,
	snapshot: RateSnapshot | undefined,
	{ random, maxRetries, isOutage }: RetryRules,
): number | undefined {
	const isRefusal = error.errorClass === "rate_limit";
	const counts = maxRetries === 0 || !(isRefusal || isOutage);
	const before = counts ? job.retries : { ...job.retries, retries: job.refusals };
	const next = nextRetry(before, error.advice, random, counts ? maxRetries : Number.POSITIVE_INFINITY);
	if (next === undefined) {
		return undefined;
	}
	if (counts) {
		job.retries = next.state;
	} else {
		job.refusals++;
		job.retries = { ...job.retries, resends: next.state.resends };
	}
	const remaining = isRefusal ? snapshot?.tokens?.remaining : undefined;
	if (remaining !== undefined) {
		// What was left did not suffice, so the request uses more than that.
		job.cost = { ...job.cost, leastTokens: remaining + 1 };
	}
	return next.delayMs;
}
