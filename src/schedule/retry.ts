import { AbortedError, type FailureAdvice, RequestError } from "../errors.ts";
import type { RetryNotice } from "../types.ts";
import type { Clock } from "./clock.ts";
import { parkAfterMs } from "./keys.ts";
import type { Server } from "./server.ts";
import type { Servers } from "./servers.ts";

/** What has been spent on one call so far. */
export interface RetryState {
	/** Times it was sent again after waiting. */
	readonly retries: number;
	/** Times it was sent again although it may have been billed before. */
	readonly resends: number;
}

export const freshRetryState: RetryState = { retries: 0, resends: 0 };

export interface NextRetry {
	readonly delayMs: number;
	readonly state: RetryState;
}

export const defaultMaxRetries = 5;
const firstDelayMs = 500;
const longestDelayMs = 60_000;

/**
 * When to send a failed call again; undefined when it cannot help, no retry is left, or the hint is over 300 s. Pure:
 * `random` gives numbers in [0, 1). The delay doubles from 500 ms to 60 s, of which a random half is taken, so that
 * many clients do not come back together. It is never shorter than the server's hint, and stretched by up to 0.3 of it.
 */
export function nextRetry(
	state: RetryState,
	advice: FailureAdvice,
	random: () => number,
	maxRetries: number = defaultMaxRetries,
): NextRetry | undefined {
	if (advice.retry === "never") return undefined;
	if (advice.afterMs !== undefined && advice.afterMs > parkAfterMs) return undefined;
	if (state.retries >= maxRetries) return undefined;
	if (advice.retry === "once" && state.resends >= 1) return undefined;

	const backoffMs = Math.min(firstDelayMs * 2 ** state.retries, longestDelayMs) * (0.5 + 0.5 * random());
	const hintMs = (advice.afterMs ?? 0) * (1 + 0.3 * random());
	return {
		delayMs: Math.ceil(Math.max(backoffMs, hintMs)),
		state: {
			retries: state.retries + 1,
			resends: state.resends + (advice.retry === "once" ? 1 : 0),
		},
	};
}

/**
 * The state of a call whose key is out of use, so that it goes on at once with another one. What may have been billed
 * is sent again only once, with whatever key: undefined when that is spent.
 */
export function withNextKey(state: RetryState, maybeBilled: boolean): RetryState | undefined {
	if (!maybeBilled) return state;
	return state.resends >= 1 ? undefined : { ...state, resends: state.resends + 1 };
}

/** One sending of a call. */
export interface RetryAttempt {
	readonly key: string | undefined;
	readonly server: Server;
	/** 1 for the first. */
	readonly number: number;
	/** An earlier sending may have been billed; this one is the last that may be added to it. */
	readonly resend: boolean;
}

export interface RetryOptions {
	readonly servers: Servers;
	/** Stands for the beginning of the prompt. */
	readonly prefix?: number | undefined;
	readonly clock: Clock;
	readonly random: () => number;
	readonly maxRetries?: number | undefined;
	readonly signal?: AbortSignal | undefined;
	readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
}

/**
 * Runs a call until it succeeds or its failure is final, one sending at a time, with the given servers and their keys.
 * A refused key, and a server that fails, is replaced at once where another is ready. Waiting ends with AbortedError when `signal` fires.
 * Throws the last RequestError, its `attempts` set; KeysExhaustedError when no key was usable from the start.
 */
export async function retry<T>(
	operation: (attempt: RetryAttempt) => Promise<T>,
	options: RetryOptions,
): Promise<T> {
	const { servers, prefix, clock, random, signal, maxRetries, onRetry } = options;
	let state = freshRetryState;
	let number = 0;
	/** Keys tried since the last wait: each gets one chance before the call waits. */
	let rotations = 0;
	/** Servers that have failed since then. */
	const tried = new Set<Server>();

	for (;;) {
		if (signal?.aborted) throw new AbortedError(undefined, { cause: signal.reason });
		const way = servers.acquire(prefix, tried);
		if (way === undefined) {
			const exhaustion = servers.exhaustion();
			if (exhaustion !== undefined) throw exhaustion;
			// Another call of the same run has set the keys to rest.
			await clock.sleep(servers.readyInMs() ?? 0, signal);
			continue;
		}
		const { server, key } = way;
		const sentAt = clock.now();
		number++;
		try {
			const value = await operation({ key: key.value, server, number, resend: state.resends > 0 });
			server.answered(clock.now(), clock.now() - sentAt);
			return value;
		} catch (error) {
			if (!(error instanceof RequestError)) throw error;
			error.attempts = number;
			const { advice } = error;
			const next = nextRetry(state, advice, random, maxRetries);
			const notice = (delayMs: number) => onRetry?.({ attempt: number + 1, delayMs, reason: error.message });
			tried.add(server);
			const isElsewhere = servers.noteFailure(server, error);

			if (advice.key === "drop") server.keys.drop(key, error);
			if (advice.key === "retire") server.keys.retire(key, error);
			if (advice.key === "drop" || advice.key === "retire") {
				const fresh = withNextKey(state, error.maybeBilled);
				if (fresh === undefined || servers.exhaustion() !== undefined) throw error;
				state = fresh;
				notice(servers.readyInMs() ?? 0);
				continue;
			}
			if (advice.key === "next") {
				server.keys.rest(key, next?.delayMs ?? advice.afterMs ?? 0);
				// Another key's limit is another limit: asking there costs no retry, but each key gets one turn a round.
				if (advice.retry === "always" && rotations < servers.keyCount - 1 && servers.readyInMs() === 0) {
					rotations++;
					notice(0);
					continue;
				}
			} else if (isElsewhere && servers.hasOther(tried)) {
				const fresh = withNextKey(state, error.maybeBilled);
				if (fresh === undefined) throw error;
				state = fresh;
				notice(0);
				continue;
			}
			if (next === undefined) throw error;
			state = next.state;
			rotations = 0;
			tried.clear();
			const delayMs = advice.key === "next" ? (servers.readyInMs() ?? next.delayMs) : next.delayMs;
			notice(delayMs);
			await clock.sleep(delayMs, signal);
		}
	}
}
