import { parseNumber, parseReset, serverNow } from "./durations.ts";

/** How a provider spells its rate-limit headers; a field of its registry row. */
export type RateDialect =
	| "openai"
	| "anthropic"
	| "gemini"
	| "sambanova"
	| "groq"
	| "together"
	| "mistral"
	| "cerebras"
	| "xai"
	| "none";

/** One limit as a response states it. */
export interface RateLevel {
	/** Units allowed per `windowMs`. */
	readonly limit: number | undefined;
	/** Units left when the response was made; may exceed `limit` (Together) or any exact integer (Hugging Face). */
	readonly remaining: number;
	/** Time until the limit is full again, or until its window ends; 0 when it is full. */
	readonly resetMs: number | undefined;
	/** The period that `limit` is counted by: a minute unless the provider counts otherwise. */
	readonly windowMs: number;
}

/** What one response said about the limits of its account and model. */
export interface RateSnapshot {
	readonly requests?: RateLevel | undefined;
	readonly tokens?: RateLevel | undefined;
	readonly inputTokens?: RateLevel | undefined;
	readonly outputTokens?: RateLevel | undefined;
	readonly requestsPerDay?: RateLevel | undefined;
}

/** Nothing is left of one of the limits. */
export function isSpent(snapshot: RateSnapshot | undefined): boolean {
	return Object.values(snapshot ?? {}).some((level: RateLevel | undefined) => level?.remaining === 0);
}

const second = 1_000;
const minute = 60_000;
const day = 86_400_000;

/** Where one limit stands: three headers, of which providers send some. */
interface Spelling {
	readonly of: keyof RateSnapshot;
	readonly limit: string;
	readonly remaining: string;
	readonly reset: string;
	readonly windowMs: number;
	/** What a bare number in `reset` counts; seconds unless told. */
	readonly unit?: "s" | "ms";
}

function dashed(of: keyof RateSnapshot, name: string, windowMs: number, unit: "s" | "ms" = "s"): Spelling {
	return {
		of,
		limit: `x-ratelimit-limit-${name}`,
		remaining: `x-ratelimit-remaining-${name}`,
		reset: `x-ratelimit-reset-${name}`,
		windowMs,
		unit,
	};
}

function anthropic(of: keyof RateSnapshot, name: string): Spelling {
	const prefix = `anthropic-ratelimit-${name}`;
	return {
		of,
		limit: `${prefix}-limit`,
		remaining: `${prefix}-remaining`,
		reset: `${prefix}-reset`,
		windowMs: minute,
	};
}

/** The first spelling of a limit whose headers are there wins. */
const dialects: Readonly<Record<RateDialect, readonly Spelling[]>> = {
	// Azure's bare numbers are ms: one of 120 requests a minute used gives a reset of 500.
	openai: [dashed("requests", "requests", minute, "ms"), dashed("tokens", "tokens", minute, "ms")],
	xai: [dashed("requests", "requests", minute), dashed("tokens", "tokens", minute)],
	// Groq's request headers count a day, its token headers a minute.
	groq: [dashed("requestsPerDay", "requests", day), dashed("tokens", "tokens", minute)],
	sambanova: [
		dashed("requests", "requests", minute),
		dashed("requestsPerDay", "requests-day", day),
		dashed("tokens", "tokens", minute),
	],
	cerebras: [
		dashed("requests", "requests-minute", minute),
		dashed("requestsPerDay", "requests-day", day),
		dashed("tokens", "tokens-minute", minute),
	],
	mistral: [
		dashed("requests", "req-minute", minute),
		dashed("requests", "req-10-second", 10 * second),
		dashed("requests", "req-second", second),
		dashed("tokens", "tokens-minute", minute),
	],
	together: [
		{
			of: "requests",
			limit: "x-ratelimit-limit",
			remaining: "x-ratelimit-remaining",
			reset: "x-ratelimit-reset",
			windowMs: second,
		},
		{
			of: "tokens",
			limit: "x-tokenlimit-limit",
			remaining: "x-tokenlimit-remaining",
			reset: "x-tokenlimit-reset",
			windowMs: second,
		},
	],
	anthropic: [
		anthropic("requests", "requests"),
		anthropic("tokens", "tokens"),
		anthropic("inputTokens", "input-tokens"),
		anthropic("outputTokens", "output-tokens"),
	],
	gemini: [],
	none: [],
};

/**
 * Reads the limits that a response states, from lower-case headers. `nowMs` is the wall clock in epoch ms, used
 * where the response has no Date of its own. Nothing sane there gives an empty snapshot.
 */
export function readRateHeaders(
	headers: Readonly<Record<string, string>>,
	dialect: RateDialect,
	nowMs: number,
): RateSnapshot {
	const snapshot: { -readonly [Name in keyof RateSnapshot]: RateSnapshot[Name] } = {};
	let isEmpty = true;
	let now: number | undefined;
	for (const spelling of dialects[dialect]) {
		if (snapshot[spelling.of] !== undefined) continue;
		const remaining = count(headers[spelling.remaining]);
		// A limit or a reset alone says nothing about how much is left.
		if (remaining === undefined) continue;
		const limit = count(headers[spelling.limit]);
		now ??= serverNow(headers, nowMs);
		const resetMs = reset(headers[spelling.reset], spelling, now);
		snapshot[spelling.of] = { limit, remaining, resetMs, windowMs: spelling.windowMs };
		isEmpty = false;
	}
	if (!isEmpty) return snapshot;
	const requests = readIetf(headers);
	return requests === undefined ? snapshot : { requests };
}

/**
 * The drafts of the IETF, as Hugging Face and many gateways send them: `RateLimit: "default";r=50;t=30` beside
 * `RateLimit-Policy: "default";q=100;w=60`, or, in older ones, `RateLimit-Limit`, `-Remaining` and `-Reset` (seconds).
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 */
function readIetf(headers: Readonly<Record<string, string>>): RateLevel | undefined {
	if (headers.ratelimit === undefined && headers["ratelimit-remaining"] === undefined) return undefined;
	const policy = headers["ratelimit-policy"] ?? "";
	const state = headers.ratelimit ?? "";
	const remaining =
		parameter(state, "r") ?? parameter(state, "remaining") ?? count(headers["ratelimit-remaining"]);
	const limit = parameter(policy, "q") ?? count(headers["ratelimit-limit"]) ?? count(policy.split(/[;,]/)[0]);
	const resetSeconds =
		parameter(state, "t") ?? parameter(state, "reset") ?? count(headers["ratelimit-reset"]);
	if (remaining === undefined || limit === undefined) return undefined;
	const windowSeconds = parameter(policy, "w");
	const windowMs = windowSeconds === undefined || windowSeconds === 0 ? minute : windowSeconds * second;
	const resetMs =
		resetSeconds === undefined || resetSeconds > 2 * (day / second) ? undefined : resetSeconds * second;
	return { limit, remaining, resetMs, windowMs };
}

/** A number among the parameters of a structured field: `"default";r=50;t=30`, also `limit=100, remaining=50`. */
function parameter(field: string, name: string): number | undefined {
	for (const part of field.slice(0, 256).split(/[;,]/)) {
		const [key = "", value] = part.split("=");
		if (key.trim() === name && value !== undefined) return count(value);
	}
	return undefined;
}

function count(value: string | undefined): number | undefined {
	return value === undefined ? undefined : parseNumber(value);
}

/** A moment that has just passed means the limit is whole; one more than twice the window away is a mistake. */
function reset(value: string | undefined, { unit, windowMs }: Spelling, nowMs: number): number | undefined {
	if (value === undefined) return undefined;
	const ms = parseReset(value, { unit: unit ?? "s", nowMs });
	if (ms === undefined || ms < -windowMs || ms > 2 * Math.max(windowMs, day)) return undefined;
	return Math.max(0, ms);
}
