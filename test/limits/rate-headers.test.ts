import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type RateDialect, type RateSnapshot, readRateHeaders } from "../../src/limits/rate-headers.ts";
import { rateHeaders } from "../fixtures/rate-headers.ts";
import { besideFolder, describeWithMaterial } from "../helpers/recordings.ts";

const now = Date.UTC(2026, 0, 6, 7, 11, 0);

function read(headers: Record<string, string>, dialect: RateDialect): RateSnapshot {
	return readRateHeaders(headers, dialect, now);
}

describe("rate-limit headers", () => {
	test("of OpenAI, with resets as Go durations", () => {
		const snapshot = read(
			{
				"x-ratelimit-limit-requests": "30000",
				"x-ratelimit-remaining-requests": "29999",
				"x-ratelimit-reset-requests": "2ms",
				"x-ratelimit-limit-tokens": "150000000",
				"x-ratelimit-remaining-tokens": "149999982",
				"x-ratelimit-reset-tokens": "6m0s",
			},
			"openai",
		);
		expect(snapshot).toEqual({
			requests: { limit: 30_000, remaining: 29_999, resetMs: 2, windowMs: 60_000 },
			tokens: { limit: 150_000_000, remaining: 149_999_982, resetMs: 360_000, windowMs: 60_000 },
		});
	});

	test("of Azure, with bare ms or no limits", () => {
		const headers = { "x-ratelimit-remaining-requests": "119", "x-ratelimit-reset-requests": "500" };
		expect(read(headers, "openai")).toEqual({
			requests: { limit: undefined, remaining: 119, resetMs: 500, windowMs: 60_000 },
		});
	});

	test("of Anthropic, with moments on the server's clock", () => {
		const snapshot = read(
			{
				date: "Tue, 06 Jan 2026 07:11:49 GMT",
				"anthropic-ratelimit-requests-limit": "4000",
				"anthropic-ratelimit-requests-remaining": "3999",
				"anthropic-ratelimit-requests-reset": "2026-01-06T07:11:51Z",
				"anthropic-ratelimit-input-tokens-limit": "400000",
				"anthropic-ratelimit-input-tokens-remaining": "1000",
				"anthropic-ratelimit-input-tokens-reset": "2026-01-06T07:11:47Z",
				"anthropic-ratelimit-output-tokens-limit": "80000",
				"anthropic-ratelimit-output-tokens-remaining": "80000",
			},
			"anthropic",
		);
		expect(snapshot.requests).toEqual({ limit: 4000, remaining: 3999, resetMs: 2_000, windowMs: 60_000 });
		expect(snapshot.inputTokens).toMatchObject({ remaining: 1000, resetMs: 0 });
		expect(snapshot.outputTokens).toMatchObject({ limit: 80_000, resetMs: undefined });
		expect(snapshot.tokens).toBeUndefined();
	});

	test("of Groq count requests by the day and tokens by the minute", () => {
		const snapshot = read(
			{
				"x-ratelimit-limit-requests": "14400",
				"x-ratelimit-remaining-requests": "14397",
				"x-ratelimit-reset-requests": "17.4s",
				"x-ratelimit-limit-tokens": "30000",
				"x-ratelimit-remaining-tokens": "29987",
				"x-ratelimit-reset-tokens": "26ms",
			},
			"groq",
		);
		expect(snapshot.requests).toBeUndefined();
		expect(snapshot.requestsPerDay).toMatchObject({ limit: 14_400, windowMs: 86_400_000 });
		expect(snapshot.tokens).toMatchObject({ remaining: 29_987, resetMs: 26, windowMs: 60_000 });
	});

	test("of SambaNova, by the minute and by the day, with resets as epoch seconds", () => {
		const snapshot = read(
			{
				"x-ratelimit-limit-requests": "240",
				"x-ratelimit-remaining-requests": "12",
				"x-ratelimit-reset-requests": String(now / 1000 + 41),
				"x-ratelimit-limit-requests-day": "48000",
				"x-ratelimit-remaining-requests-day": "47000",
				"x-ratelimit-reset-requests-day": String(now / 1000 + 3_600),
			},
			"sambanova",
		);
		expect(snapshot.requests).toEqual({ limit: 240, remaining: 12, resetMs: 41_000, windowMs: 60_000 });
		expect(snapshot.requestsPerDay).toMatchObject({ limit: 48_000, resetMs: 3_600_000 });
	});

	test("of Together count a second, and remaining may exceed the limit", () => {
		const snapshot = read(
			{
				"x-ratelimit-limit": "2",
				"x-ratelimit-remaining": "8",
				"x-ratelimit-reset": "2",
				"x-tokenlimit-limit": "2000",
				"x-tokenlimit-remaining": "1900",
			},
			"together",
		);
		expect(snapshot.requests).toEqual({ limit: 2, remaining: 8, resetMs: 2_000, windowMs: 1_000 });
		expect(snapshot.tokens).toMatchObject({ limit: 2000, remaining: 1900 });
	});

	test("of Mistral, by the minute or by ten seconds", () => {
		const headers = {
			"x-ratelimit-limit-tokens-minute": "500000",
			"x-ratelimit-remaining-tokens-minute": "499497",
		};
		expect(
			read(
				{ ...headers, "x-ratelimit-limit-req-minute": "60", "x-ratelimit-remaining-req-minute": "52" },
				"mistral",
			),
		).toMatchObject({ requests: { limit: 60, windowMs: 60_000 }, tokens: { limit: 500_000 } });
		expect(
			read(
				{ ...headers, "x-ratelimit-limit-req-10-second": "60", "x-ratelimit-remaining-req-10-second": "52" },
				"mistral",
			).requests,
		).toMatchObject({ limit: 60, windowMs: 10_000 });
	});

	test("of Cerebras, with resets in seconds", () => {
		const snapshot = read(
			{
				"x-ratelimit-limit-requests-day": "14400",
				"x-ratelimit-remaining-requests-day": "14000",
				"x-ratelimit-reset-requests-day": "33011.382867",
				"x-ratelimit-limit-tokens-minute": "60000",
				"x-ratelimit-remaining-tokens-minute": "9223372036854767616",
				"x-ratelimit-reset-tokens-minute": "11.38",
			},
			"cerebras",
		);
		expect(snapshot.requestsPerDay?.resetMs).toBeCloseTo(33_011_382.867, 3);
		expect(snapshot.tokens).toMatchObject({ remaining: Number("9223372036854767616"), resetMs: 11_380 });
	});

	test("that are garbage or of another dialect are not there", () => {
		const headers = {
			"x-ratelimit-limit-requests": "many",
			"x-ratelimit-remaining-requests": "-4",
			"x-ratelimit-limit-tokens": "NaN",
			"x-ratelimit-reset-tokens": "never",
		};
		expect(read(headers, "openai")).toEqual({});
		expect(read({ "x-ratelimit-limit-requests": "5" }, "none")).toEqual({});
		expect(read({ "x-ratelimit-limit-requests": "5" }, "gemini")).toEqual({});
		expect(read({ "x-ratelimit-limit-requests": "5" }, "xai")).toEqual({});
		expect(
			read({ "x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "1e99" }, "xai"),
		).toEqual({ requests: { limit: undefined, remaining: 5, resetMs: undefined, windowMs: 60_000 } });
	});
});

describe("headers as the providers send them", () => {
	test.each(Object.entries(rateHeaders))("of %s", (_name, { dialect, headers, expected }) => {
		expect(read(headers, dialect)).toEqual(expected);
	});
});

const hosts: Readonly<Record<string, RateDialect>> = {
	"api.openai.com": "openai",
	"api.anthropic.com": "anthropic",
	"api.groq.com": "groq",
	"api.mistral.ai": "mistral",
	"api.together.xyz": "together",
	"api.x.ai": "xai",
	"traceloop-stg.openai.azure.com": "openai",
	"rubyllm.services.ai.azure.com": "openai",
};

describeWithMaterial("recorded headers", () => {
	test("are read in full where they speak of requests or tokens", () => {
		const rows = readFileSync(join(besideFolder, "recorded/ratelimit_headers.jsonl"), "utf8")
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line) as { host: string; status: number; headers: Record<string, string> });
		let read = 0;
		for (const { host, headers } of rows) {
			const dialect = hosts[host];
			if (dialect === undefined) continue;
			const snapshot = readRateHeaders(headers, dialect, now);
			const limits = Object.values(snapshot);
			for (const limit of limits) {
				for (const value of Object.values(limit))
					if (value !== undefined) expect(value).toBeGreaterThanOrEqual(0);
				// A limit that is nearly whole is whole again within the window it is counted by, or shortly after.
				if (limit.resetMs !== undefined) expect(limit.resetMs).toBeLessThanOrEqual(2 * limit.windowMs);
			}
			const speaks = Object.keys(headers).some((name) =>
				/^(x-ratelimit-remaining-(requests|tokens|req-minute)|anthropic-ratelimit-|x-ratelimit-remaining$)/.test(
					name,
				),
			);
			// A proxy in front of Anthropic once answered in OpenAI's dialect.
			if (speaks && !(dialect === "anthropic" && "x-ratelimit-tokens" in headers)) {
				expect(limits.length, JSON.stringify(headers)).toBeGreaterThan(0);
				read++;
			}
		}
		expect(read).toBeGreaterThan(20);
	});
});
