import { describe, expect, test } from "vitest";
import { parseDuration, parseReset } from "../../src/limits/durations.ts";
import { retryHint } from "../../src/limits/retry-after.ts";

const now = Date.UTC(2026, 7, 19, 14, 34, 22);

function hint(headers: Record<string, string>, body?: string, status = 429): number | undefined {
	return retryHint({ status, headers, body, nowMs: now });
}

function message(text: string): string {
	return JSON.stringify({ error: { message: text, code: "rate_limit_exceeded" } });
}

describe("a hint in headers", () => {
	test.each<[string, Record<string, string>, number | undefined]>([
		["retry-after-ms", { "retry-after-ms": "1500" }, 1500],
		["retry-after-ms before retry-after", { "retry-after-ms": "250", "retry-after": "1" }, 250],
		["Azure's zero ms beside a second", { "retry-after-ms": "0", "retry-after": "1" }, 1000],
		["seconds", { "retry-after": "27" }, 27_000],
		["a fraction of a second", { "retry-after": "0.5" }, 500],
		["a Go duration", { "retry-after": "1m30s" }, 90_000],
		["a date", { "retry-after": "Wed, 19 Aug 2026 14:34:52 GMT" }, 30_000],
		[
			"a date, by the server's clock",
			{ "retry-after": "Wed, 19 Aug 2026 10:00:10 GMT", date: "Wed, 19 Aug 2026 10:00:00 GMT" },
			10_000,
		],
		[
			"an exhausted limit's reset",
			{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s" },
			360_000,
		],
		[
			"the latest reset of several exhausted limits",
			{
				"x-ratelimit-remaining-requests": "0",
				"x-ratelimit-reset-requests": "12ms",
				"x-ratelimit-remaining-tokens": "0",
				"x-ratelimit-reset-tokens": "2s",
			},
			2_000,
		],
		[
			"no hint where nothing is exhausted",
			{ "x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "6m" },
			undefined,
		],
		[
			"Azure's bare ms",
			{
				"x-ratelimit-remaining-requests": "0",
				"x-ratelimit-reset-requests": "500",
				"x-ratelimit-renewalperiod-requests": "60",
			},
			500,
		],
		["bare seconds", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2" }, 2_000],
		["an epoch second", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(now / 1000 + 7) }, 7_000],
		["an epoch ms", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(now + 7_000) }, 7_000],
	])("%s", (_name, headers, expected) => {
		expect(hint(headers)).toBe(expected);
	});
});

describe("a hint in the body", () => {
	test.each<[string, string, number | undefined]>([
		["OpenAI's message", message("Rate limit reached. Please try again in 6m0s. Visit x"), 360_000],
		["milliseconds", message("Please try again in 20ms."), 20],
		["a fraction", message("Limit 30000, Used 30100. Please try again in 7.66s."), 7_660],
		["words", message("Please retry after 6 seconds."), 6_000],
		["several words", message("try again in 1 minute 30 seconds"), 90_000],
		["Gemini's message", message("Quota exceeded.\nPlease retry in 27.392341s."), 27_393],
		[
			"Gemini's RetryInfo",
			JSON.stringify([
				{
					error: {
						code: 429,
						message: "Please retry in 5s",
						details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.07s" }],
					},
				},
			]),
			34_070,
		],
		[
			"the larger of Gemini's two",
			JSON.stringify({
				error: {
					message: "You exceeded your current quota.\nPlease retry in 48.94s.",
					details: [{ retryDelay: "48s" }],
				},
			}),
			48_940,
		],
		["RetryInfo in ms", JSON.stringify({ error: { details: [{ retryDelay: "900ms" }] } }), 900],
		[
			"OpenRouter's raw text",
			JSON.stringify({
				error: {
					message: "Provider returned error",
					metadata: { raw: "model is busy, please retry in 12s" },
				},
			}),
			12_000,
		],
		[
			"OpenRouter's raw JSON",
			JSON.stringify({
				error: { metadata: { raw: JSON.stringify({ error: { details: [{ retryDelay: "3s" }] } }) } },
			}),
			3_000,
		],
		["plain text", "Too many requests, try again in 2s", 2_000],
		["nothing", message("Slow down"), undefined],
		["a count of something else", message("retry after 3 attempts"), undefined],
		["JSON that is none", '{"error": "try again in 4s', 4_000],
	])("%s", (_name, body, expected) => {
		expect(hint({}, body)).toBe(expected);
	});

	test("is not looked for beyond 2 KB of a text", () => {
		expect(hint({}, `${"x".repeat(2_100)} try again in 5s`)).toBeUndefined();
	});
});

describe("nonsense gives ordinary back-off", () => {
	test.each([
		"-5",
		"0",
		"NaN",
		"Infinity",
		"1e9",
		"soon",
		"",
		"999999999999",
		"99999999999999999999999999",
		"Wed, 19 Aug 2020 14:34:52 GMT",
		"Fri, 31 Dec 9999 23:59:59 GMT",
		"5 apples",
		"1,2",
		"12:00",
	])("retry-after: %s", (value) => {
		expect(hint({ "retry-after": value })).toBeUndefined();
		expect(hint({ "retry-after-ms": value === "999999999999" ? value : "-1" })).toBeUndefined();
	});

	test("a 200's retry-after", () => {
		expect(hint({ "retry-after": "25" }, undefined, 200)).toBeUndefined();
	});

	test("a hostile text is read in no time", () => {
		const texts = [
			"1".repeat(60_000),
			"try again in ".repeat(5_000),
			`retry in ${"1h".repeat(30_000)}`,
			"[".repeat(60_000),
		];
		const started = process.cpuUsage();
		for (const text of texts) hint({ "retry-after": text }, text);
		expect(process.cpuUsage(started).user).toBeLessThan(1_000_000);
	});
});

describe("durations", () => {
	test.each<[string, number | undefined]>([
		["12ms", 12],
		["6m0s", 360_000],
		["1h2m3.5s", 3_723_500],
		["17.399999999s", 17_399.999999],
		["500µs", 0.5],
		["1d", 86_400_000],
		["5", undefined],
		["s", undefined],
		["-5s", undefined],
		["5s later", undefined],
	])("%s", (text, expected) => {
		const parsed = parseDuration(text);
		if (expected === undefined) expect(parsed).toBeUndefined();
		else expect(parsed).toBeCloseTo(expected, 6);
	});

	test("a reset in RFC 3339", () => {
		expect(parseReset("2026-08-19T14:34:30Z", { unit: "s", nowMs: now })).toBe(8_000);
	});
});
