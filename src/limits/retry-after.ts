import { durationAt, parseDuration, parseMoment, parseNumber, parseReset, serverNow } from "./durations.ts";

/** What a refusal may hold a hint in. */
export interface RefusedResponse {
	readonly status: number;
	/** Lower-case names. */
	readonly headers?: Readonly<Record<string, string>> | undefined;
	readonly body?: string | undefined;
	/** Wall clock in epoch ms. */
	readonly nowMs: number;
}

/** No limit known to us resets later than daily; a hint beyond that is a mistake or malice. */
const longestHintMs = 48 * 3_600_000;
const longestText = 2_048;

/**
 * How long the server asks us to wait, in whole ms, or undefined when it does not say or says nonsense (negative, past,
 * infinite, garbage, or zero: ordinary back-off then). The sources in order of exactness; the first with an answer wins.
 */
export function retryHint(response: RefusedResponse): number | undefined {
	// Anthropic and Hugging Face send retry-after with a 200 too, where it means nothing.
	if (response.status < 400) return undefined;
	const headers = response.headers ?? {};
	const nowMs = serverNow(headers, response.nowMs);
	const sources = [
		() => fromMilliseconds(headers["retry-after-ms"]),
		() => fromRetryAfter(headers["retry-after"], nowMs),
		() => fromBody(response.body ?? ""),
		() => fromExhausted(headers, nowMs),
	];
	for (const source of sources) {
		const hint = source();
		// Azure sends `retry-after-ms: 0` beside `retry-after: 1`: a zero leaves the word to the next.
		if (hint !== undefined && hint > 0 && hint <= longestHintMs) return Math.ceil(hint);
	}
	return undefined;
}

/** OpenAI's and Azure's own header. */
function fromMilliseconds(value: string | undefined): number | undefined {
	return value === undefined ? undefined : parseNumber(value);
}

/** RFC 9110 10.2.3: seconds or an HTTP date; servers also send fractions, and Go durations. */
function fromRetryAfter(value: string | undefined, nowMs: number): number | undefined {
	if (value === undefined) return undefined;
	const seconds = parseNumber(value);
	if (seconds !== undefined) return seconds * 1_000;
	return parseDuration(value) ?? parseMoment(value, nowMs);
}

function fromBody(body: string): number | undefined {
	const texts: string[] = [];
	const delays: number[] = [];
	collect(parseJson(body), { texts, delays }, 0);
	if (texts.length === 0 && delays.length === 0) texts.push(body);
	// Gemini says it twice, rounded down the first time: 48s, and "Please retry in 48.94s".
	const hints = [...delays, ...texts.flatMap((text) => fromText(text) ?? [])];
	return hints.length === 0 ? undefined : Math.max(...hints);
}

/**
 * The places of an error body that speak of time: Google's RetryInfo (`retryDelay: "34.07s"`), the message of the
 * error, and OpenRouter's `metadata.raw`, which is the upstream provider's body or message as a string.
 */
function collect(value: unknown, found: { texts: string[]; delays: number[] }, depth: number): void {
	if (depth > 6 || typeof value !== "object" || value === null) return;
	for (const [name, child] of Object.entries(value)) {
		if (typeof child === "object") collect(child, found, depth + 1);
		if (typeof child !== "string") continue;
		if (name === "retryDelay") {
			const delay = parseDuration(child);
			if (delay !== undefined) found.delays.push(delay);
		} else if (name === "raw") {
			const inner = parseJson(child);
			if (inner === undefined) found.texts.push(child);
			else collect(inner, found, depth + 1);
		} else if (name === "message" || name === "error" || name === "detail") found.texts.push(child);
	}
}

function parseJson(text: string): unknown {
	if (!/^\s{0,16}[{[]/.test(text)) return undefined;
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/** "Please retry in 27.39s", "try again in 6m0s", "Please retry after 6 seconds." */
function fromText(text: string): number | undefined {
	const head = text.slice(0, longestText).toLowerCase();
	for (const phrase of ["try again in", "retry in", "try again after", "retry after"]) {
		for (let at = head.indexOf(phrase); at >= 0; at = head.indexOf(phrase, at + 1)) {
			const duration = durationAt(head, at + phrase.length);
			if (duration !== undefined) return duration.ms;
		}
	}
	return undefined;
}

/**
 * Without any of the above, the resets of what has run out: `x-ratelimit-remaining-X: 0` and
 * `x-ratelimit-reset-X`. The latest counts, since each is a condition of its own.
 */
function fromExhausted(headers: Readonly<Record<string, string>>, nowMs: number): number | undefined {
	let latest: number | undefined;
	for (const name in headers) {
		const what = /^(x-)?ratelimit-remaining(.{0,40})$/.exec(name);
		if (what === null || parseNumber(headers[name] as string) !== 0) continue;
		const reset = headers[`${what[1] ?? ""}ratelimit-reset${what[2]}`];
		// Azure counts its bare numbers in ms and is told by its renewal period.
		const unit = headers[`x-ratelimit-renewalperiod${what[2]}`] === undefined ? "s" : "ms";
		const ms = reset === undefined ? undefined : parseReset(reset, { unit, nowMs });
		if (ms !== undefined && ms > (latest ?? 0)) latest = ms;
	}
	return latest;
}
