import { describe, expect, it } from "vitest";
import { Estimate, loadTokenCounter } from "../../src/batch/estimate.ts";
import { inputTokenRange } from "../../src/batch/input-tokens.ts";
import type { PricedModel } from "../../src/batch/priced-model.ts";
import { rowBounds } from "../../src/batch/row-bounds.ts";
import { countTextTokens } from "../../src/batch/tokenizer.ts";
import { route } from "../../src/models/router.ts";
import type { BatchRow } from "../../src/prompts/row-builder.ts";
import type { OwnPrices } from "../../src/types.ts";

const mini: PricedModel = {
	provider: "openai",
	modelId: "gpt-4.1-mini",
	isFree: false,
};
const llama: PricedModel = {
	provider: "sambanova",
	modelId: "Meta-Llama-3.3-70B-Instruct",
	isFree: false,
};
const nobody: PricedModel = {
	provider: "openai",
	modelId: "no-such-model",
	isFree: false,
};

function row(text: string, maxTokens?: number): BatchRow {
	return {
		line: 1,
		id: "1",
		model: undefined,
		messages: [{ role: "user", content: text }],
		prompt: { text, system: undefined },
		parameters: maxTokens === undefined ? {} : { maxTokens },
		n: 1,
		linksImages: false,
		metadata: undefined,
	};
}

describe("counting tokens", () => {
	it("takes time in proportion to the text, whatever is in it", () => {
		// Each of these alone takes the tokenizer more than ten seconds in one piece.
		expect(countTextTokens("a".repeat(200_000))).toBeGreaterThan(20_000);
		expect(countTextTokens(" ".repeat(200_000))).toBeGreaterThan(1_000);
	});

	it("counts what stands between pieces once", () => {
		const text = "The quick brown fox jumps over the lazy dog. ".repeat(500);
		expect(Math.abs(countTextTokens(text) - 5000)).toBeLessThanOrEqual(5);
	});

	it("takes marks of the tokenizer and half characters for text", () => {
		expect(countTextTokens("a <|endoftext|> b")).toBeGreaterThan(4);
		expect(countTextTokens(`${"x".repeat(399)}😀\ud800`)).toBeGreaterThan(50);
	});
});

describe("an estimate", () => {
	it("is narrow where the model's tokenizer is known, honest where it is not", async () => {
		const count = await loadTokenCounter();
		const messages = [
			{ role: "user" as const, content: "The quick brown fox jumps over the lazy dog. ".repeat(100) },
		];
		const exact = inputTokenRange(messages, mini, count);
		expect(exact.low).toBeLessThanOrEqual(1001);
		expect(exact.high).toBeGreaterThanOrEqual(1001);
		expect(exact.high / exact.low).toBeLessThan(1.06);
		const other = inputTokenRange(messages, llama, count);
		expect(other.high / other.low).toBeGreaterThan(1.5);
		const rough = inputTokenRange(messages, mini, undefined);
		expect(rough.low).toBeLessThan(1000);
		expect(rough.high).toBeGreaterThan(1000);
	});

	it("sums rows and keeps those of unknown price apart", () => {
		const estimate = new Estimate((text) => text.length);
		estimate.add(row("x".repeat(1_000_000), 100_000), mini);
		expect(estimate.usd.low).toBeLessThan(0.4 + 0.16);
		expect(estimate.usd.high).toBeGreaterThan(0.4 + 0.16);
		expect(estimate.usd.high).toBeLessThan(0.6);
		expect(estimate.unboundedRows).toBe(0);
		const before = estimate.usd;
		estimate.add(row("x"), nobody);
		estimate.add(row("x"), { ...nobody, isFree: true });
		expect(estimate).toMatchObject({ rows: 3, unpricedRows: 1, unboundedRows: 2, usd: before });
		expect(rowBounds(row("x"), nobody, undefined).usd).toBeNull();
	});
});

describe("a price that changes within a day", () => {
	const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
	const usdWith = (own: OwnPrices) => {
		const { prices } = route("gpt-4.1-mini", { env: { OPENAI_API_KEY: "k" }, prices: [own] });
		return rowBounds(row("hello", 100), { ...mini, own: prices }, countTextTokens).usd;
	};

	it("counts as the dearer one at the upper end", () => {
		const now = usdWith({});
		const dearer = usdWith({ "gpt-4.1-mini": { input: 4, output: 16, from: tomorrow } });
		expect(dearer?.low).toBe(now?.low);
		expect(dearer?.high).toBeCloseTo(10 * (now?.high ?? Number.NaN), 9);
		expect(usdWith({ "gpt-4.1-mini": { input: 0.1, output: 0.4, from: tomorrow } })).toEqual(now);
	});
});
