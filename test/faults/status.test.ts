import { describe, expect, it } from "vitest";
import { meet, nasty, plantedKey } from "./encounter.ts";
import { failed, modes, retried, retriedOnce } from "./outcomes.ts";
import { wires } from "./wires.ts";

describe.each(wires)("row 8 on the %s wire: the request is wrong", (wire) => {
	describe.each(modes)("%s", (mode) => {
		it.each([
			["400", "invalid_request"],
			["404", "not_found"],
			["413", "too_large"],
			["422", "invalid_request"],
			["501", "invalid_request"],
		] as const)("%s is %s", async (spec, errorClass) => {
			const seen = await failed(spec, errorClass, { wire, mode });
			expect(seen.error).toMatchObject({ status: Number(spec), maybeBilled: false });
			expect(seen.error?.message).toMatch(new RegExp(`answered ${spec}`));
		});
	});

	it("a prompt that is too long names both sizes", async () => {
		const seen = await failed("context-length", "context_length", { wire });
		expect(seen.error?.message).toMatch(/8193/);
		expect(seen.error?.message).toMatch(/8192/);
		expect(seen.error?.hint).toBeTruthy();
	});

	it("shows no control character of an error's text", async () => {
		await failed("hostile-error", "invalid_request", { wire });
	});
});

it("row 8: llama-server's numeric code and its sizes are understood", async () => {
	const seen = await failed("context-length-local", "context_length", { model: "local/echo" });
	expect(seen.error?.message).toMatch(/8193 tokens, the limit is 8192/);
});

describe.each(wires)("rows 9 and 10 on the %s wire: the key", (wire) => {
	it("that is refused is dropped, and with the last one the call ends", async () => {
		const seen = await failed("401", "auth", { wire, exitCode: 4 });
		expect(seen.error?.advice.key).toBe("drop");
		expect(seen.error?.hint).toContain("key");
	});

	it("that is refused is replaced by the next, without waiting", async () => {
		const options = { wire, keys: [plantedKey, "sk-second"], times: 2, llm: { cache: false } } as const;
		const seen = await meet("", { ...options, simulator: { keyFaults: { [plantedKey]: "401" } } });
		expect([seen.error, seen.waits]).toEqual([undefined, []]);
		// The second question is not sent with the dropped key again.
		expect(seen.simulator.requests.map(({ key }) => key)).toEqual([plantedKey, "sk-second", "sk-second"]);
	});

	it("whose text comes back in an error is not shown", async () => {
		for (const status of [400, 401, 403, 404, 422, 500]) {
			const seen = await meet(`key-echo=${status}`, { wire, llm: { maxRetries: 0 } });
			expect(seen.error?.status).toBe(status);
		}
	});

	it("is kept at 403, which is about the request", async () => {
		const seen = await failed("403", "forbidden", { wire, exitCode: 4 });
		expect(seen.error?.advice.key).toBe("keep");
		await failed("403-moderation", "forbidden", { wire, exitCode: 4 });
	});

	it("without credit is retired, and with the last one the call ends", async () => {
		for (const spec of ["402", ...(wire === "anthropic" ? [] : ["insufficient-quota"])]) {
			const seen = await failed(spec, "quota", { wire, exitCode: 7 });
			expect(seen.error?.advice.key).toBe("retire");
			expect(seen.error?.maybeBilled).toBe(false);
		}
	});

	it("without credit is replaced by the next, without waiting", async () => {
		const keyFaults = { [plantedKey]: "402" };
		const seen = await meet("", { wire, keys: [plantedKey, "sk-second"], simulator: { keyFaults } });
		expect([seen.result?.text, seen.waits]).toEqual([nasty, []]);
	});
});

describe("row 9 and 10, one provider's own ways", () => {
	it("Mistral's 401 has only a detail", async () => {
		await failed("401-detail", "auth", { model: "mistral/echo", exitCode: 4 });
	});

	it("OpenAI's spend limit is final", async () => {
		await failed("spend-limit", "quota", { exitCode: 7 });
	});

	it("SambaNova's insufficient_quota is the limit of the minute", async () => {
		await retried("insufficient-quota", "rate_limit", { model: "sambanova/echo" });
	});

	it("Anthropic's low credit balance is a 400", async () => {
		await failed("credit-balance", "quota", { wire: "anthropic", exitCode: 7 });
	});

	it.each(["per-day", "limit-zero"])("Gemini's %s does not come back by waiting", async (spec) => {
		await failed(spec, "quota", { wire: "gemini", exitCode: 7 });
	});
});

describe.each(wires)("row 11 on the %s wire: the server", (wire) => {
	describe.each(modes)("%s", (mode) => {
		it.each([
			["409", "server"],
			["425", "server"],
			["500", "server"],
			["502", "server"],
			["503", "overloaded"],
			["529", "overloaded"],
			["521", "server"],
			["522", "server"],
			["523", "server"],
		] as const)("%s is tried again", async (spec, errorClass) => {
			await retried(spec, errorClass, { wire, mode });
		});

		it.each([
			"408",
			"499",
			"504",
			"524",
			"598",
			"599",
		])("%s may have been billed: one re-send", async (spec) => {
			await retriedOnce(spec, "timeout", { wire, mode });
		});

		it("520 may have been billed: one re-send", async () => {
			await retriedOnce("520", "server", { wire, mode });
		});

		it.each(["410", "418"])("%s is final", async (spec) => {
			await failed(spec, spec === "410" ? "not_found" : "invalid_request", { wire, mode });
		});
	});

	it("that says not to try again is obeyed", async () => {
		await failed("should-retry-false", "overloaded", { wire });
	});

	it("shows at most 200 safe characters of a page", async () => {
		const seen = await retried("html-502", "server", { wire });
		expect(seen.error?.message.length).toBeLessThan(300);
	});

	it("may answer in plain text", async () => {
		const seen = await retried("text-503", "overloaded", { wire });
		expect(seen.error?.message).toContain("Service Temporarily Unavailable");
	});
});

describe.each(wires)("rows 12 and 13 on the %s wire: 429", (wire) => {
	const firstWait = async (spec: string) => {
		const seen = await meet(`${spec} x1`, { wire });
		expect(seen.error).toBeUndefined();
		expect(seen.requests).toBe(2);
		return seen.waits[0] as number;
	};

	it("is tried again within the budget", async () => {
		await retried("429", "rate_limit", { wire });
	});

	it.each([
		["429-retry-after=7", 7_000],
		["429-retry-after-ms=3500", 3_500],
		["429-message=6.5s", 6_500],
		...(wire === "gemini"
			? ([
					["429-retry-info=4.25s", 4_250],
					["429-retry-info=900ms", 900],
				] as const)
			: []),
	] as const)("is waited out as %s says, and not much longer", async (spec, ms) => {
		const wait = await firstWait(spec);
		expect(wait).toBeGreaterThanOrEqual(ms);
		expect(wait).toBeLessThanOrEqual(ms * 1.3 + 1);
	});

	it("is waited out until a date", async () => {
		const wait = await firstWait("429-date=30");
		expect(wait).toBeGreaterThan(28_000);
		expect(wait).toBeLessThan(40_000);
	});

	it.each([
		"429-retry-after=-5",
		"429-retry-after=Wed, 21 Oct 2015 07:28:00 GMT",
		"429-retry-after=soon",
		"429-retry-after-ms=Infinity",
		"429-retry-after=1e999",
		"429-message=-3s",
	])("is backed off from in the ordinary way when it says %s", async (spec) => {
		const wait = await firstWait(spec);
		expect(wait).toBeGreaterThanOrEqual(250);
		expect(wait).toBeLessThanOrEqual(500);
	});

	it("goes to the next key at once", async () => {
		const keyFaults = { [plantedKey]: "429-retry-after=60" };
		const seen = await meet("", { wire, keys: [plantedKey, "sk-second"], simulator: { keyFaults } });
		expect(seen.result?.text).toBe(nasty);
		expect(seen.waits.every((ms) => ms === 0)).toBe(true);
	});

	it("with a hint over 300 s is not waited for", async () => {
		const seen = await failed("429-retry-after=301", "rate_limit", { wire, exitCode: 5 });
		expect(seen.error?.maybeBilled).toBe(false);
	});

	it("with a hint over 300 s sets that key aside and goes on with the other", async () => {
		const keyFaults = { [plantedKey]: "429-retry-after=4000" };
		const seen = await meet("", {
			wire,
			keys: [plantedKey, "sk-second"],
			times: 3,
			llm: { cache: false },
			simulator: { keyFaults },
		});
		expect(seen.error).toBeUndefined();
		expect(seen.simulator.requests.filter(({ key }) => key === plantedKey)).toHaveLength(1);
	});
});

describe("row 12, dialects", () => {
	it.each([
		["openai", "openai/echo"],
		["azure", "openai/echo"],
		["sambanova", "sambanova/echo"],
		["groq", "groq/echo"],
		["together", "together_ai/echo"],
		["mistral", "mistral/echo"],
		["openrouter", "openrouter/echo"],
		["none", "openai/echo"],
	] as const)("a 429 of %s is waited out", async (dialect, model) => {
		// One request a minute: the second question is refused until the minute is over, so its error names the limit.
		const simulator = { dialect, limits: { requestsPerMinute: 1 } };
		const seen = await meet("", { model, times: 2, llm: { cache: false, maxRetries: 1 }, simulator });
		const errorClass = dialect === "openrouter" ? "overloaded" : "rate_limit";
		expect(seen.error).toMatchObject({ errorClass, exitCode: 5, maybeBilled: false });
		expect(seen.waits).toHaveLength(1);
		const hasHint = ["openai", "sambanova", "groq", "together", "openrouter"].includes(dialect);
		expect((seen.waits[0] as number) > 50_000).toBe(hasHint);
	});

	it.each(wires)("the limit of the %s wire's own provider is waited out as it says", async (wire) => {
		const simulator = { limits: { requestsPerMinute: 1 } };
		const seen = await meet("", { wire, times: 2, llm: { cache: false, maxRetries: 1 }, simulator });
		expect(seen.error).toMatchObject({ errorClass: "rate_limit", exitCode: 5, maybeBilled: false });
		expect(seen.waits[0]).toBeGreaterThan(50_000);
	});

	it("SambaNova's full queue is tried again", async () => {
		await retried("queue-full", "rate_limit", { model: "sambanova/echo" });
	});

	it("a numeric error code is understood", async () => {
		await retried("numeric-code", "overloaded", { model: "local/echo" });
	});
});
