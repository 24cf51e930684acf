import { describe, expect, it } from "vitest";
import { type Dialect, dialects } from "../../src/simulator/dialect-names.ts";
import { goDuration, limitHeaders } from "../../src/simulator/dialects.ts";
import type { LimitState } from "../../src/simulator/limits.ts";
import { refusal } from "../../src/simulator/refusals.ts";
import { startSimulator } from "../../src/simulator/server.ts";
import { ask } from "./wire-client.ts";

const state: LimitState = {
	requests: { limit: 600, remaining: 12, resetMs: 58_800 },
	tokens: { limit: 60_000, remaining: 500, resetMs: 59_500 },
	requestsDay: { limit: 1_000, remaining: 900, resetMs: 3_600_000 },
	inFlight: 3,
};
const epochMs = Date.UTC(2026, 0, 1);

function asObject(list: readonly string[]): Record<string, string> {
	return Object.fromEntries(
		list.flatMap((name, index) => (index % 2 === 0 ? [[name, list[index + 1] as string]] : [])),
	);
}

const refused = (dialect: Dialect, hints = true) => {
	const answer = refusal(dialect, "requests", hints ? 1_200 : undefined, state, epochMs, "model-x");
	return { headers: asObject(answer.headers), body: JSON.parse(answer.body) };
};

describe("limit headers", () => {
	it.each<[Dialect, Record<string, string>]>([
		[
			"openai",
			{
				"x-ratelimit-remaining-requests": "12",
				"x-ratelimit-reset-requests": "58.8s",
				"x-ratelimit-limit-tokens": "60000",
			},
		],
		["azure", { "x-ratelimit-remaining-tokens": "500", "x-ratelimit-reset-requests": "59" }],
		[
			"anthropic",
			{
				"anthropic-ratelimit-requests-remaining": "12",
				"anthropic-ratelimit-tokens-reset": "2026-01-01T00:00:59Z",
			},
		],
		[
			"groq",
			{
				"x-ratelimit-limit-requests": "1000",
				"x-ratelimit-reset-requests": "1h0m0s",
				"x-ratelimit-reset-tokens": "59.5s",
			},
		],
		["sambanova", { "x-ratelimit-remaining-requests": "12", "x-ratelimit-remaining-requests-day": "900" }],
		["together", { "x-ratelimit-limit": "10", "x-ratelimit-reset": "59", "x-tokenlimit-limit": "1000" }],
		["mistral", { "x-ratelimit-remaining-req-minute": "12", "x-ratelimit-limit-tokens-minute": "60000" }],
	])("of %s", (dialect, expected) => {
		expect(asObject(limitHeaders(dialect, state, epochMs))).toMatchObject(expected);
	});

	it.each<Dialect>(["gemini", "openrouter", "none"])("%s has none", (dialect) => {
		expect(limitHeaders(dialect, state, epochMs)).toEqual([]);
	});
});

describe("a refusal", () => {
	it("says how long to wait in each dialect's way", () => {
		expect(refused("openai").headers).toMatchObject({ "retry-after": "2", "retry-after-ms": "1200" });
		expect(refused("openai").body.error.message).toContain("try again in 1.2s");
		expect(refused("azure").headers).toMatchObject({ "retry-after": "1", "retry-after-ms": "0" });
		expect(refused("azure").body.error.code).toBe("RateLimitReached");
		expect(refused("anthropic")).toMatchObject({
			headers: { "retry-after": "2" },
			body: { error: { type: "rate_limit_error" } },
		});
		expect(refused("gemini").body.error.details.at(-1)).toMatchObject({ retryDelay: "1.2s" });
		expect(refused("gemini").body.error.message).toMatch(/Please retry in 1\.2s\.$/);
		expect(refused("sambanova").body.error.code).toBe("insufficient_quota");
		expect(refused("groq").headers["retry-after"]).toBe("2");
		expect(refused("together").body.error.type).toBe("model_rate_limit");
		expect(refused("mistral")).toMatchObject({ body: { code: "1300" } });
		expect(refused("openrouter").body.error).toMatchObject({ code: 429, message: "Provider returned error" });
		expect(refused("openrouter").body.error.metadata.raw).toContain("1.2s");
	});

	it.each(dialects)("of %s says nothing about waiting when it must not", (dialect) => {
		const { headers, body } = refused(dialect, false);
		expect(Object.keys(headers).filter((name) => name.startsWith("retry-after"))).toEqual([]);
		expect(JSON.stringify(body)).not.toMatch(/again in|retry in|retryDelay/);
	});

	it("names a daily quota of Gemini as PerDay", () => {
		const { body } = refusal("gemini", "requests-day", 1_000, state, epochMs, "m");
		expect(JSON.parse(body).error.details[1].violations[0]).toMatchObject({
			quotaId: expect.stringContaining("PerDay"),
			quotaValue: "1000",
		});
	});
});

it.each([
	[0, "0s"],
	[12.2, "13ms"],
	[1_000, "1s"],
	[360_000, "6m0s"],
	[3_723_500, "1h2m3.5s"],
])("writes %d ms as Go does: %s", (ms, text) => {
	expect(goDuration(ms)).toBe(text);
});

describe("limits on the wire", () => {
	const minute = { now: epochMs };

	it("are shared by the keys of an account and apart between accounts", async () => {
		await using simulator = await startSimulator({
			limits: { requestsPerMinute: 2 },
			accounts: { team: { keys: ["a", "b"] }, rich: { keys: ["c"], limits: { requestsPerMinute: 100 } } },
			now: () => minute.now,
		});
		const statuses = [];
		for (const key of ["a", "b", "a", "c", "c", "c", "lone", "lone", "lone"]) {
			statuses.push((await ask(simulator, "x", { key })).status);
		}
		expect(statuses).toEqual([200, 200, 429, 200, 200, 200, 200, 200, 429]);
		expect(simulator.stats).toMatchObject({ requests: 9, answered: 7, rateLimited: 2 });
	});

	it("speak the wire's dialect unless another is asked for, on answers too", async () => {
		await using plain = await startSimulator({ limits: { requestsPerMinute: 1 }, now: () => minute.now });
		const first = await ask(plain, "x", { wire: "anthropic", stream: true });
		expect(first.headers["anthropic-ratelimit-requests-remaining"]).toBe("0");
		expect(JSON.parse((await ask(plain, "x", { wire: "gemini" })).text).error.status).toBe(
			"RESOURCE_EXHAUSTED",
		);
		await using azure = await startSimulator({
			limits: { requestsPerMinute: 1 },
			dialect: "azure",
			retryHint: 90_000,
			now: () => minute.now,
		});
		await ask(azure, "x");
		expect((await ask(azure, "x")).headers).toMatchObject({ "retry-after": "1", "retry-after-ms": "0" });
	});

	it("change while running, also from outside", async () => {
		await using simulator = await startSimulator({ limits: { requestsPerMinute: 1 }, now: () => minute.now });
		await ask(simulator, "x");
		expect((await ask(simulator, "x")).status).toBe(429);
		simulator.setLimits({});
		expect((await ask(simulator, "x")).status).toBe(200);
		await fetch(`${simulator.url}/simulator/limits`, { method: "POST", body: '{"requestsPerMinute":0.001}' });
		expect((await ask(simulator, "x", { key: "new" })).status).toBe(200);
		expect((await ask(simulator, "x", { key: "new" })).status).toBe(429);
		const stats = await (await fetch(`${simulator.url}/simulator/stats`)).json();
		expect(stats).toMatchObject({ requests: 5, rateLimited: 2 });
	});

	it("count max_tokens up front when the provider does", async () => {
		await using simulator = await startSimulator({
			limits: { tokensPerMinute: 1_000 },
			chargeMaxTokens: true,
			now: () => minute.now,
		});
		const extra = { max_tokens: 900 };
		expect((await ask(simulator, "x", { extra })).status).toBe(200);
		expect((await ask(simulator, "x", { extra })).status).toBe(429);
	});

	it("hold their place until the answer is out or the client gone", async () => {
		await using simulator = await startSimulator({ limits: { maxInFlight: 1 } });
		const hanging = ask(simulator, "[[fault:stall-after-headers]]", {
			until: ({ status }) => status === 200,
		});
		await hanging;
		await expect.poll(async () => (await ask(simulator, "x")).status).toBe(200);
		expect(simulator.stats.mostInFlight).toBe(1);
	});
});
