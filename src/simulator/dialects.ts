import type { Dialect } from "./dialect-names.ts";
import type { Level, LimitState } from "./limits.ts";

/** Whether and what a 429 says about waiting: what the buckets compute, nothing, or always the same ms. */
export type RetryHint = "computed" | "none" | number;

/** Headers as a flat list: name, value, name, value, as node:http takes them. */
export type HeaderList = string[];

/** The headers that an answer carries in this dialect, as its provider was seen to send them. `epochMs` dates the resets that are given as instants. */
export function limitHeaders(dialect: Dialect, state: LimitState, epochMs: number): HeaderList {
	const list: HeaderList = [];
	const { requests, tokens, requestsDay } = state;
	switch (dialect) {
		case "openai":
			levelHeaders(list, "x-ratelimit", "requests", requests, goDuration);
			levelHeaders(list, "x-ratelimit", "tokens", tokens, goDuration);
			break;
		case "azure":
			levelHeaders(list, "x-ratelimit", "requests", requests, seconds);
			levelHeaders(list, "x-ratelimit", "tokens", tokens, seconds);
			break;
		case "groq":
			levelHeaders(list, "x-ratelimit", "requests", requestsDay, goDuration);
			levelHeaders(list, "x-ratelimit", "tokens", tokens, goDuration);
			break;
		case "anthropic":
			anthropicHeaders(list, "requests", requests, epochMs);
			anthropicHeaders(list, "tokens", tokens, epochMs);
			break;
		case "sambanova":
			levelHeaders(list, "x-ratelimit", "requests", requests, (ms) => seconds(epochMs + ms));
			levelHeaders(list, "x-ratelimit", "requests-day", requestsDay, (ms) => seconds(epochMs + ms));
			break;
		case "together":
			if (requests !== undefined) {
				const perSecond = { ...requests, limit: Math.ceil(requests.limit / 60) };
				list.push("x-ratelimit-limit", String(perSecond.limit));
				list.push(
					"x-ratelimit-remaining",
					String(perSecond.remaining),
					"x-ratelimit-reset",
					seconds(perSecond.resetMs),
				);
			}
			if (tokens !== undefined) {
				list.push("x-tokenlimit-limit", String(Math.ceil(tokens.limit / 60)));
				list.push("x-tokenlimit-remaining", String(tokens.remaining));
			}
			break;
		case "mistral":
			levelHeaders(list, "x-ratelimit", "req-minute", requests, undefined);
			levelHeaders(list, "x-ratelimit", "tokens-minute", tokens, undefined);
			break;
		case "gemini":
		case "openrouter":
		case "none":
			break;
	}
	return list;
}

function levelHeaders(
	list: HeaderList,
	prefix: string,
	name: string,
	level: Level | undefined,
	reset: ((ms: number) => string) | undefined,
): void {
	if (level === undefined) return;
	list.push(
		`${prefix}-limit-${name}`,
		String(level.limit),
		`${prefix}-remaining-${name}`,
		String(level.remaining),
	);
	if (reset !== undefined) list.push(`${prefix}-reset-${name}`, reset(level.resetMs));
}

function anthropicHeaders(list: HeaderList, name: string, level: Level | undefined, epochMs: number): void {
	if (level === undefined) return;
	const reset = `${new Date(epochMs + level.resetMs).toISOString().slice(0, 19)}Z`;
	list.push(`anthropic-ratelimit-${name}-limit`, String(level.limit));
	list.push(`anthropic-ratelimit-${name}-remaining`, String(level.remaining));
	list.push(`anthropic-ratelimit-${name}-reset`, reset);
}

function seconds(ms: number): string {
	return String(Math.ceil(ms / 1_000));
}

/** A duration as Go prints it: "12ms", "1.5s", "6m0s". */
export function goDuration(ms: number): string {
	if (ms <= 0) return "0s";
	if (ms < 1_000) return `${Math.ceil(ms)}ms`;
	const total = Math.ceil(ms) / 1_000;
	const hours = Math.floor(total / 3_600);
	const minutes = Math.floor((total % 3_600) / 60);
	const rest = `${Number((total % 60).toFixed(3))}s`;
	return `${hours > 0 ? `${hours}h` : ""}${total >= 60 ? `${minutes}m` : ""}${rest}`;
}
