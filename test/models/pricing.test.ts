import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
	allPrices,
	costOf,
	costOfCall,
	findPrice,
	nearestModels,
	type Price,
	parsePrices,
	priceColumns,
} from "../../src/models/pricing.ts";
import type { Usage } from "../../src/types.ts";

const noUsage: Usage = {
	inputTokens: 0,
	cachedInputTokens: 0,
	cacheWriteTokens: 0,
	audioInputTokens: 0,
	outputTokens: 0,
	reasoningTokens: 0,
};
const table = (...lines: string[]) => parsePrices([priceColumns.join(), ...lines, ""].join("\n"));
const at = (day: string) => Date.parse(`${day}T12:00:00Z`);

describe("parsePrices", () => {
	const text = `${priceColumns.join()}\na,m,1,2,,,,,,,,,,,s\nb,m,3,4,0.5,1,1.5,2,1000,100,9,200000,2026-01-01,2026-12-31,s\nb,n,0,0,,,,,,,,,,,s\n`;

	it("reads every column, and what is empty is null", () => {
		const [first, second] = parsePrices(text);
		expect(first).toEqual({
			provider: "a",
			model: "m",
			input: 1,
			output: 2,
			cachedInput: null,
			cacheWrite: null,
			batchInput: null,
			batchOutput: null,
			contextWindow: null,
			maxOutput: null,
			audioInput: null,
			aboveInputTokens: 0,
			effectiveFrom: null,
			effectiveTo: null,
			source: "s",
		});
		expect(second).toEqual({
			provider: "b",
			model: "m",
			input: 3,
			output: 4,
			cachedInput: 0.5,
			cacheWrite: 1,
			batchInput: 1.5,
			batchOutput: 2,
			contextWindow: 1000,
			maxOutput: 100,
			audioInput: 9,
			aboveInputTokens: 200_000,
			effectiveFrom: "2026-01-01",
			effectiveTo: "2026-12-31",
			source: "s",
		});
	});

	it("reads the rows of one provider only", () => {
		expect(parsePrices(text, "b").map((price) => price.model)).toEqual(["m", "n"]);
		expect(parsePrices(text, "c")).toEqual([]);
		expect(parsePrices("", "a")).toEqual([]);
	});
});

describe("findPrice", () => {
	it("finds the shipped table", () => {
		expect(allPrices().length).toBeGreaterThan(1000);
		expect(findPrice("sambanova", "Meta-Llama-3.3-70B-Instruct")).toMatchObject({ input: 0.6, output: 1.2 });
	});

	it.each([
		["openai", "gpt-4.1-mini-2025-04-14", 0.4],
		["openai", "gpt-4o-2024-05-13", 5],
		["openai", "gpt-4o-2024-08-06", 2.5],
		["openai", "gpt-5.6", 4],
		["anthropic", "claude-3-5-haiku-20241022", 0.8],
		["anthropic", "claude-3-5-haiku-latest", 0.8],
		["anthropic", "claude-sonnet-4-20250514", 3],
		["anthropic", "claude-sonnet-5-5", 2],
		["gemini", "models/gemini-2.0-flash-001", 0.1],
		["openrouter", "openai/gpt-4.1-mini", 0.4],
		["openrouter", "anthropic/claude-sonnet-5.5", 2],
		["sambanova", "meta-llama-3.3-70b-instruct", 0.6],
	])("knows %s/%s", (provider, model, input) => {
		expect(findPrice(provider, model, { at: at("2026-11-22") })?.input).toBe(input);
	});

	it.each([
		["openai", "gpt-nonsense"],
		["nonsense", "gpt-4.1-mini"],
		["openrouter", "openai/gpt-4.1-mini:nonsense"],
		["openai", "constructor"],
	])("does not know %s/%s", (provider, model) => {
		expect(findPrice(provider, model)).toBeNull();
	});

	it("goes by the day of the call, first and last day included", () => {
		const inputOn = (model: string, day: string) => findPrice("gemini", model, { at: at(day) })?.input;
		expect(inputOn("gemini-3.6-flash", "2026-12-31")).toBe(0.75);
		expect(inputOn("gemini-3.6-flash", "2027-01-01")).toBe(1.5);
		expect(findPrice("openai", "o3", { at: at("2025-06-09") })?.output).toBe(40);
		expect(findPrice("openai", "o3", { at: at("2025-06-10") })?.output).toBe(8);
	});

	it("goes by the length of the input", () => {
		const inputAt = (inputTokens: number) => findPrice("gemini", "gemini-2.5-pro", { inputTokens })?.input;
		expect(inputAt(200_000)).toBe(1.25);
		expect(inputAt(200_001)).toBe(2.5);
	});

	it("goes by both together", () => {
		const price = (day: string, inputTokens: number) =>
			findPrice("openai", "gpt-5.6-luna", { at: at(day), inputTokens })?.input;
		expect([price("2026-07-29", 1), price("2026-07-29", 300_000)]).toEqual([1, 2]);
		expect([price("2026-07-30", 1), price("2026-07-30", 300_000)]).toEqual([0.2, 0.4]);
	});
});

describe("costOf", () => {
	const [price] = table("p,m,2,10,0.5,2.5,1,5,,,8,,,,s") as [Price];

	it("counts each input token once, at its own price", () => {
		const usage = {
			inputTokens: 1_000_000,
			cachedInputTokens: 400_000,
			cacheWriteTokens: 100_000,
			audioInputTokens: 50_000,
			outputTokens: 200_000,
			reasoningTokens: 150_000,
		};
		// 450k x 2 + 400k x 0.5 + 100k x 2.5 + 50k x 8 + 200k x 10
		expect(costOf(usage, price)).toBe(0.9 + 0.2 + 0.25 + 0.4 + 2);
	});

	it("takes the full input price where none is published for cached, written or audio tokens", () => {
		const [plain] = table("p,m,2,10,,,,,,,,,,,s") as [Price];
		const usage = {
			...noUsage,
			inputTokens: 1000,
			cachedInputTokens: 300,
			cacheWriteTokens: 200,
			audioInputTokens: 100,
		};
		expect(costOf(usage, plain)).toBe(0.002);
	});

	it("gives batch jobs their price, also for cached tokens, or does not know it", () => {
		const usage = { ...noUsage, inputTokens: 1_000_000, cachedInputTokens: 500_000, outputTokens: 100_000 };
		expect(costOf(usage, price, { batch: true })).toBe(0.5 + 0.125 + 0.5);
		expect(costOf(usage, { ...price, batchInput: null }, { batch: true })).toBeNull();
	});

	it("never makes a call cheaper by counting overlapping figures twice", () => {
		const usage = { ...noUsage, inputTokens: 1000, cachedInputTokens: 1000, audioInputTokens: 1000 };
		expect(costOf(usage, price)).toBe(0.0005);
	});

	it("is free of binary noise and grows with every figure", () => {
		expect(costOf({ ...noUsage, inputTokens: 3 }, { ...price, input: 0.1 })).toBe(3e-7);
		const tokens = fc.integer({ min: 0, max: 2_000_000 });
		fc.assert(
			fc.property(tokens, tokens, tokens, (inputTokens, outputTokens, more) => {
				const less = costOf({ ...noUsage, inputTokens, outputTokens }, price) as number;
				expect(
					costOf({ ...noUsage, inputTokens: inputTokens + more, outputTokens }, price),
				).toBeGreaterThanOrEqual(less);
			}),
		);
	});
});

describe("costOfCall", () => {
	const usage = { ...noUsage, inputTokens: 1_000_000 };
	const provider = (id: string, more = {}) => ({ id, local: false, reportsCost: false, ...more });

	it("does not know what has no usage or no price", () => {
		expect(costOfCall({ provider: provider("openai"), modelId: "gpt-4.1-mini", usage: null })).toBeNull();
		expect(costOfCall({ provider: provider("openai"), modelId: "nonsense", usage })).toBeNull();
		expect(costOfCall({ provider: provider("openai"), modelId: "gpt-4.1-mini", usage })).toBe(0.4);
	});

	it("knows that local servers charge nothing", () => {
		expect(costOfCall({ provider: provider("ollama", { local: true }), modelId: "x", usage: null })).toBe(0);
	});

	it("prefers a reported cost only where the provider's row says so, and only a sensible one", () => {
		const reporting = provider("openrouter", { reportsCost: true });
		const call = { modelId: "openai/gpt-4.1-mini", usage };
		expect(costOfCall({ ...call, provider: reporting, reportedCostUsd: 0.123 })).toBe(0.123);
		expect(costOfCall({ ...call, provider: reporting, reportedCostUsd: 0 })).toBe(0);
		for (const reportedCostUsd of [-1, Number.NaN, Number.POSITIVE_INFINITY, null]) {
			expect(costOfCall({ ...call, provider: reporting, reportedCostUsd })).toBe(0.4);
		}
		expect(costOfCall({ ...call, provider: provider("openrouter"), reportedCostUsd: 0.123 })).toBe(0.4);
		expect(costOfCall({ ...call, provider: reporting, usage: null, reportedCostUsd: 0.123 })).toBe(0.123);
	});
});

describe("nearestModels", () => {
	it("finds what a mistyped name of that provider most likely means", () => {
		expect(nearestModels("openai", "gpt-4.1-mnii")[0]).toBe("gpt-4.1-mini");
		expect(nearestModels("sambanova", "Llama-3.3-70B-Instruct")).toContain("Meta-Llama-3.3-70B-Instruct");
		expect(nearestModels("nonsense", "gpt-4.1")).toEqual([]);
	});
});
