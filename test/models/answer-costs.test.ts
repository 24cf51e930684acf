import { describe, expect, it } from "vitest";
import { type PricedCall, priceCall } from "../../src/models/cost.ts";
import { providers } from "../../src/providers/registry.ts";
import { answerFixtures } from "../fixtures/answers/index.ts";
import { usageOf } from "../helpers/answers.ts";

const costOfCall = (call: PricedCall) => priceCall(call).usd;

const priced = Object.entries(answerFixtures).filter(([, { cost }]) => cost !== undefined);

describe("the cost of an answer of", () => {
	it.each(priced)("%s, is right to a millionth of a cent", async (_name, fixture) => {
		const { provider, cost: { model: modelId, day = "2026-11-22", usd } = { model: "", usd: null } } =
			fixture;
		const usage = await usageOf(fixture);
		const cost = costOfCall({ provider, modelId, usage, at: Date.parse(`${day}T12:00:00Z`) });
		if (usd === null) expect(cost).toBeNull();
		else expect(cost).toBeCloseTo(usd, 10);
	});

	it("a batch job is half", () => {
		const usage = {
			inputTokens: 40,
			cachedInputTokens: 0,
			cacheWriteTokens: 0,
			audioInputTokens: 0,
			outputTokens: 200,
			reasoningTokens: 128,
		};
		const call = { provider: providers.openai, modelId: "gpt-5-nano-2025-08-07", usage };
		expect(costOfCall({ ...call, batch: true })).toBeCloseTo((40 * 0.025 + 200 * 0.2) / 1e6, 10);
		expect(costOfCall(call)).toBeCloseTo((40 * 0.05 + 200 * 0.4) / 1e6, 10);
	});

	it("a call without usage is unknown, unless the provider says what it was", () => {
		const call = { provider: providers.openrouter, modelId: "minimax/minimax-m2:free", usage: null };
		expect(costOfCall(call)).toBeNull();
		expect(costOfCall({ ...call, charges: { reportedUsd: 0.00042 } })).toBe(0.00042);
	});
});
