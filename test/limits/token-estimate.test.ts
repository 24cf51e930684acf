import { expect, it } from "vitest";
import { TokenEstimate } from "../../src/limits/token-estimate.ts";

const used = { inputTokens: 100, outputTokens: 300 };

it("takes a request that was refused to use more than was left", () => {
	const estimate = new TokenEstimate(false);
	expect(estimate.of({ inputTokens: 100, leastTokens: 50_000 })).toEqual({ input: 100, output: 49_900 });
	estimate.learn(100, used);
	expect(estimate.of({ inputTokens: 100, leastTokens: 900 })).toEqual({ input: 100, output: 800 });
	expect(estimate.of({ inputTokens: 100, leastTokens: 200 })).toEqual({ input: 100, output: 300 });
});

it("does not when far more was left than any request has used", () => {
	const estimate = new TokenEstimate(false);
	estimate.learn(100, used);
	expect(estimate.of({ inputTokens: 100, leastTokens: 50_000 })).toEqual({ input: 100, output: 300 });
});
