import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { costOf, type PricedCall, possibleUsage, priceCall } from "../../src/models/cost.ts";
import { allPrices, type Price, parsePrices, priceColumns, pricesOf } from "../../src/models/price-table.ts";
import { findPrice, nearestModels } from "../../src/models/pricing.ts";
import type { Charges, Usage } from "../../src/types.ts";

const noUsage: Usage = {
	inputTokens: 0,
	cachedInputTokens: 0,
	cacheWriteTokens: 0,
	audioInputTokens: 0,
	outputTokens: 0,
	reasoningTokens: 0,
};
/** A line of the table of what is given by column. */
const line = (fields: Partial<Record<(typeof priceColumns)[number], string | number>>) =>
	priceColumns.map((column) => fields[column] ?? "").join();
const table = (...rows: Parameters<typeof line>) =>
	parsePrices([priceColumns.join(), ...rows.map(line), ""].join("\n"));
const at = (day: string) => Date.parse(`${day}T12:00:00Z`);

describe("parsePrices", () => {
	const everything = Object.fromEntries(priceColumns.map((column, index) => [column, index]));
	const dated = {
		effective_from: "2026-01-01",
		effective_to: "2026-12-31",
		retired: "2027-01-01",
		date: "2026-11-01",
	};
	const text = [
		priceColumns.join(),
		line({ provider: "a", model: "m", input: 1, output: 2, source: "s", date: "2026-11-01" }),
		line({ ...everything, provider: "b", model: "m", aliases: "n o", endpoint: "responses", ...dated }),
		line({ provider: "b", model: "n", input: 0, output: 0, source: "s", date: "2026-11-01" }),
		"",
	].join("\n");

	it("reads every column, and what is empty is null", () => {
		const [first, second] = parsePrices(text) as [Price, Price];
		const { provider, model, aliases, input, output, aboveInputTokens, source, date, ...rest } = first;
		expect([provider, model, input, output, aboveInputTokens, source, date]).toEqual([
			..."a m".split(" "),
			1,
			2,
			0,
			"s",
			"2026-11-01",
		]);
		expect(aliases).toEqual([]);
		expect(new Set(Object.values(rest))).toEqual(new Set([null]));
		const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
		for (const [field, value] of Object.entries(second)) {
			const column = snake(field);
			if (typeof value === "number") expect([column, value]).toEqual([column, everything[column]]);
		}
		expect(second).toMatchObject({
			provider: "b",
			aliases: ["n", "o"],
			effectiveFrom: dated.effective_from,
			effectiveTo: dated.effective_to,
			endpoint: "responses",
			retired: dated.retired,
			date: dated.date,
		});
	});

	it("reads the rows of one provider only", () => {
		expect(parsePrices(text, "b").map((price) => price.model)).toEqual(["m", "n"]);
		expect(parsePrices(text, "c")).toEqual([]);
		expect(parsePrices("", "a")).toEqual([]);
	});
});

describe("the prices of a provider", () => {
	it("are found by every name and spelling, as if all of the table were read", () => {
		for (const provider of new Set(allPrices().map((price) => price.provider))) {
			const rows = allPrices().filter((price) => price.provider === provider);
			const models = new Set(rows.map(({ model }) => model.toLowerCase()));
			const prices = pricesOf(provider);
			expect(prices.all()).toEqual(rows);
			for (const name of models)
				expect(prices.get(name)).toEqual(rows.filter(({ model }) => model.toLowerCase() === name));
			for (const alias of new Set(rows.flatMap(({ aliases }) => aliases).filter((name) => !models.has(name))))
				expect(prices.get(alias)).toEqual(rows.filter(({ aliases }) => aliases.includes(alias)));
		}
	});

	it.each([
		"",
		",",
		"\n",
		"\nopenai,gpt-4.1",
		"gpt-4.1,",
		"openai",
		"gpt-4.",
		"0.4",
		" ",
	])("hold nothing under %j", (name) => expect(pricesOf("openai").get(name)).toBeUndefined());

	it("are none of a provider that the table does not know", () => {
		expect(pricesOf("nobody").all()).toEqual([]);
		expect(pricesOf("nobody").get("gpt-4.1")).toBeUndefined();
	});
});

describe("findPrice", () => {
	it("finds the shipped table", () => {
		expect(allPrices().length).toBeGreaterThan(1000);
		// Its names are found in the text in lower case, at the same places.
		const text = readFileSync(new URL("../../prices.csv", import.meta.url), "utf8");
		expect(text).toMatch(/^[\x20-\x7e\n]+$/);
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

	it("knows what OpenRouter gives away by name, and lends no fee of a vendor's to it", () => {
		expect(findPrice("openrouter", "minimax/minimax-m2:free")).toMatchObject({ input: 0, output: 0 });
		expect(findPrice("openrouter", "openrouter/free")).toMatchObject({ input: 0, output: 0 });
		expect(findPrice("openrouter", "openai/gpt-4.1-mini:free-of-charge")).toBeNull();
		expect(findPrice("openai", "gpt-4.1-mini:free")).toBeNull();
		expect(findPrice("openai", "gpt-4o-mini-search-preview")?.perRequest).toBe(0.025);
		expect(findPrice("openrouter", "openai/gpt-4o-mini-search-preview")).toBeNull();
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
	const [price] = table({
		provider: "p",
		model: "m",
		input: 2,
		output: 10,
		cached_input: 0.5,
		cache_write: 2.5,
		cache_write_hour: 4,
		batch_input: 1,
		batch_output: 5,
		audio_input: 8,
		audio_output: 40,
		priority: 2,
		per_search: 0.01,
	}) as [Price];
	const [plain] = table({ provider: "p", model: "m", input: 2, output: 10 }) as [Price];
	const million = { ...noUsage, inputTokens: 1_000_000, outputTokens: 100_000 };
	const charged = (charges: Charges, usage: Usage = million) => costOf(usage, price, { charges });

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

	it("takes the full input price for cached tokens without one of their own", () => {
		expect(costOf({ ...noUsage, inputTokens: 1000, cachedInputTokens: 300 }, plain)).toBe(0.002);
	});

	it("does not know what sound, images and cache writes cost without a price of their own", () => {
		const usage = { ...noUsage, inputTokens: 1000, outputTokens: 1000 };
		expect(costOf({ ...usage, audioInputTokens: 1 }, plain)).toBeNull();
		expect(costOf({ ...usage, cacheWriteTokens: 1 }, plain)).toBeNull();
		for (const charges of [
			{ imageInputTokens: 1 },
			{ audioOutputTokens: 1 },
			{ imageOutputTokens: 1 },
			{ webSearches: 1 },
			{ untold: "something" },
			{ tier: "priority" },
			{ tier: "fast" },
			{ tier: "scale" },
			{ tier: "flex" },
			{ region: "mars" },
		])
			expect(costOf(usage, plain, { charges })).toBeNull();
	});

	it("adds what tiers, regions, sound, searches and long caches cost", () => {
		// 1M x 2 + 100k x 10
		expect(charged({})).toBe(3);
		expect(charged({ tier: "priority" })).toBe(6);
		expect(charged({ tier: "flex" })).toBe(1.5);
		expect(charged({ region: "us" })).toBe(3.3);
		expect(charged({ webSearches: 5 })).toBe(3.05);
		expect(charged({ audioOutputTokens: 50_000 })).toBe(2 + 0.5 + 2);
		const written = { ...million, cacheWriteTokens: 500_000 };
		expect(charged({}, written)).toBe(1 + 1.25 + 1);
		expect(charged({ longCacheWriteTokens: 500_000 }, written)).toBe(1 + 2 + 1);
		expect(charged({ longCacheWriteTokens: 200_000 }, written)).toBe(1 + 0.75 + 0.8 + 1);
		const heard = { ...million, cachedInputTokens: 400_000, audioInputTokens: 500_000 };
		// Of the sound 300k were cached, at the discount of text, and 200k were not.
		// 400k x 2 + 100k x 0.5 + 300k x 2 + 200k x 8 + 100k x 10
		expect(charged({ cachedAudioTokens: 300_000 }, heard)).toBe(4.05);
	});

	it("gives batch jobs their price, also for cached tokens, or does not know it", () => {
		const usage = { ...noUsage, inputTokens: 1_000_000, cachedInputTokens: 500_000, outputTokens: 100_000 };
		expect(costOf(usage, price, { batch: true })).toBe(0.5 + 0.125 + 0.5);
		expect(costOf(usage, { ...price, batchInput: null }, { batch: true })).toBeNull();
	});

	it("takes sound at its full price where it may be cached or not", () => {
		const usage = { ...noUsage, inputTokens: 1000, cachedInputTokens: 1000, audioInputTokens: 1000 };
		expect(costOf(usage, price)).toBe(0.008);
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

describe("priceCall", () => {
	const usage = { ...noUsage, inputTokens: 1_000_000 };
	const provider = (id: string, more = {}) => ({
		id,
		local: false,
		free: false,
		reportsCost: false,
		...more,
	});
	const costOfCall = (call: PricedCall) => priceCall(call).usd;

	it("does not know what has no usage or no price", () => {
		const openai = { provider: provider("openai"), modelId: "gpt-4.1-mini" };
		expect(priceCall({ ...openai, usage: null })).toEqual({ usd: null, reason: "no_usage" });
		expect(priceCall({ ...openai, modelId: "nonsense", usage })).toEqual({ usd: null, reason: "no_price" });
		expect(priceCall({ ...openai, usage, charges: { tier: "scale" } })).toEqual({
			usd: null,
			reason: "untold",
		});
		expect(priceCall({ ...openai, usage })).toEqual({ usd: 0.4, basis: "computed" });
	});

	it("knows that local servers charge nothing", () => {
		expect(costOfCall({ provider: provider("ollama", { local: true }), modelId: "x", usage: null })).toBe(0);
	});

	it("prefers a reported cost only where the provider's row says so, and only a sensible one", () => {
		const reporting = provider("openrouter", { reportsCost: true });
		const call = { modelId: "openai/gpt-4.1-mini", usage };
		expect(costOfCall({ ...call, provider: reporting, charges: { reportedUsd: 0.123 } })).toBe(0.123);
		expect(costOfCall({ ...call, provider: reporting, charges: { reportedUsd: 0 } })).toBe(0);
		for (const reportedUsd of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
			expect(costOfCall({ ...call, provider: reporting, charges: { reportedUsd } })).toBe(0.4);
		}
		expect(costOfCall({ ...call, provider: provider("openrouter"), charges: { reportedUsd: 0.123 } })).toBe(
			0.4,
		);
		expect(costOfCall({ ...call, provider: reporting, usage: null, charges: { reportedUsd: 0.123 } })).toBe(
			0.123,
		);
	});
});

describe("possibleUsage", () => {
	const of = (inputTokens: number, outputTokens: number, more: { n?: number; charges?: Charges } = {}) =>
		possibleUsage(
			{ ...noUsage, inputTokens, outputTokens },
			{ provider: "openai", modelId: "gpt-4.1-mini", n: 1, ...more },
		);

	it("is null for what no request can have", () => {
		expect(of(1000, 9e15)).toBeNull();
		expect(of(1_050_001, 10)).toBeNull();
		expect(of(1_047_576, 10)).not.toBeNull();
		expect(of(10, 1_500_000)).toBeNull();
		expect(of(10, 1_500_000, { n: 2 })).not.toBeNull();
		// A search reads the prompt again.
		expect(of(1_500_000, 10, { charges: { webSearches: 1 } })).not.toBeNull();
		const unknown = { provider: "nobody", modelId: "x", n: 1 };
		expect(possibleUsage({ ...noUsage, inputTokens: 9e15 }, unknown)).toBeNull();
		expect(possibleUsage({ ...noUsage, inputTokens: 9e6 }, unknown)).not.toBeNull();
	});
});

describe("nearestModels", () => {
	it("finds what a mistyped name of that provider most likely means", () => {
		expect(nearestModels("openai", "gpt-4.1-mnii")[0]).toBe("gpt-4.1-mini");
		expect(nearestModels("sambanova", "Llama-3.3-70B-Instruct")).toContain("Meta-Llama-3.3-70B-Instruct");
		expect(nearestModels("nonsense", "gpt-4.1")).toEqual([]);
	});
});
