import { RequestError } from "../errors.ts";
import type { RateSnapshot } from "./rate-headers.ts";

/** What one request will use of an account's limits, as far as it is known before it is sent. */
export interface TokenCost {
	readonly inputTokens: number;
	/** The bound the request itself sets on its answer, when it sets one. */
	readonly maxOutputTokens?: number | undefined;
	/** A refusal showed that it uses at least so many tokens. */
	readonly leastTokens?: number | undefined;
}

/** One request on its way, as its limiter remembers it. */
export interface SentRequest {
	/** On the limiter's clock. */
	readonly sentAt: number;
}

export interface Success {
	/** Tokens the provider counted, when it said so. */
	readonly inputTokens?: number | undefined;
	readonly outputTokens?: number | undefined;
	readonly snapshot?: RateSnapshot | undefined;
}

export interface RateRefusal {
	/** It has to do with this request alone, which was refused before while others were answered. */
	readonly isOfRow?: boolean | undefined;
	/** The server's own hint, already checked for sense. */
	readonly hintMs?: number | undefined;
	readonly snapshot?: RateSnapshot | undefined;
}

/** What a limiter shows of itself in the progress line and with `--debug`. */
export interface LimiterState {
	readonly inFlight: number;
	/** Requests it would allow in flight now. */
	readonly window: number;
	/** Requests per minute that the server allows, as far as it says so or was found out; else null. */
	readonly requestsPerMinute: number | null;
	/** Ms for which it lets nothing through, because the server asked for that or does so itself. */
	readonly pausedMs: number;
	/** Why the window is what it is: "held by the request limit", … */
	readonly reason: string;
	/** The last thing the server said about limits, with the time it was heard; null before the first. */
	readonly lastSignal: { readonly at: number; readonly text: string } | null;
}

/**
 * Says when requests to one (provider, account, model) may be sent. Whoever sends asks `waitMs`, tells `sent`, and
 * ends every sending with exactly one of `succeeded`, `refused` (429), `overloaded` (503, 529), `failed` (anything
 * else that ended it).
 */
export interface Limiter {
	/** 0 when a request of this cost may be sent now; else ms until it is worth asking again, Infinity if an end must come first. */
	waitMs(cost: TokenCost): number;
	/** `own`: how likely it is (0 to 1) that a request that was refused before is refused for itself; undefined when it was not. */
	sent(cost: TokenCost, own?: number): SentRequest;
	succeeded(sending: SentRequest, success: Success): void;
	refused(sending: SentRequest, refusal: RateRefusal): void;
	overloaded(sending: SentRequest): void;
	failed(sending: SentRequest): void;
	/** The server was out of order and answers again, with this sending: how fast it is may have nothing to do with before. */
	revived(): void;
	state(): LimiterState;
}

/**
 * Ends a sending as what its error shows it to have been. `snapshot` is what the failing response said about limits;
 * `isOfRow` as in `RateRefusal`.
 */
export function endFailed(
	limiter: Limiter,
	sending: SentRequest,
	error: unknown,
	snapshot: RateSnapshot | undefined,
	isOfRow: boolean,
): void {
	const errorClass = error instanceof RequestError ? error.errorClass : undefined;
	if (error instanceof RequestError && errorClass === "rate_limit")
		limiter.refused(sending, { hintMs: error.advice.afterMs, snapshot, isOfRow });
	else if (errorClass === "overloaded") limiter.overloaded(sending);
	else limiter.failed(sending);
}
