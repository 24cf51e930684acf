import { readFileSync } from "node:fs";
import { join } from "node:path";
import { calcPrice } from "@pydantic/genai-prices";
import { describe, expect, it } from "vitest";
import { findFaults } from "../../scripts/price-checks.ts";
import { findCheaperRows } from "../../scripts/price-litellm.ts";
import { overrideColumns, readOverrides } from "../../scripts/price-overrides.ts";
import {
	isName,
	isWhole,
	namesIn,
	otherKinds,
	packageModels,
	packageProviders,
	untoldCharges,
} from "../../scripts/price-sources.ts";
import { generatePrices } from "../../scripts/prices.ts";
import { costOf } from "../../src/models/cost.ts";
import { allPrices, type Price, parsePrices } from "../../src/models/price-table.ts";
import { findPrice } from "../../src/models/pricing.ts";
import { providers } from "../../src/providers/registry.ts";

const root = join(import.meta.dirname, "../..");
const table = readFileSync(join(root, "prices.csv"), "utf8");
const overridesText = readFileSync(join(root, "scripts/price-overrides.csv"), "utf8");
const overrides = readOverrides(overridesText);
const overridden = new Set(
	overrides
		.filter(({ action }) => action === "set" || action === "drop")
		.map(({ fields }) => `${fields.provider}/${fields.model}`.toLowerCase()),
);
/** xAI answers for retired models with others, at other prices. */
const ended = new Set(
	allPrices()
		.filter(({ provider, retired }) => provider === "xai" && retired !== null)
		.flatMap(({ model, aliases }) => [model, ...aliases].map((name) => `xai/${name.toLowerCase()}`)),
);
/** Within the hours in which DeepSeek's price is at its peak, which the table takes for the whole day. */
const now = new Date("2026-11-22T02:00:00Z");

describe("prices.csv", () => {
	it("is what its sources give, twice the same", () => {
		expect(table).toBe(generatePrices());
		expect(generatePrices()).toBe(generatePrices());
	});

	it("names providers of the registry only, and says where each row comes from", () => {
		const known = Object.keys(providers);
		for (const price of allPrices()) {
			expect(known).toContain(price.provider);
			expect(price.source).not.toBe("");
			expect(price.date).toMatch(/^20\d\d-\d\d-\d\d$/);
		}
	});

	it("costs what the package says under every name that it knows and nobody corrected", () => {
		const differences: string[] = [];
		let compared = 0;
		for (const provider of Object.keys(packageProviders)) {
			const models = packageModels(provider);
			const asked = { id: provider, name: provider, api_pattern: "^$", models: [...models] };
			const names = new Set(
				models.flatMap((model) => [
					model.id,
					...namesIn(model.match).filter((name) => isWhole(model.match, name)),
				]),
			);
			for (const name of names) {
				if (otherKinds.test(name) || !isName(provider, name)) continue;
				// OpenRouter's cards of batch jobs are no models.
				if (provider === "openrouter" && name.endsWith(":batch")) continue;
				const price = findPrice(provider, name, { at: now.getTime(), inputTokens: 1_000_000 });
				// What is written to a cache without a price of its own is unknown to us.
				const written = price?.cacheWrite === null ? 0 : 100_000;
				const usage = {
					inputTokens: 1_000_000,
					cachedInputTokens: 400_000,
					cacheWriteTokens: written,
					audioInputTokens: 0,
					outputTokens: 100_000,
					reasoningTokens: 0,
				};
				const theirs = calcPrice(
					{
						input_tokens: 1_000_000,
						cache_read_tokens: 400_000,
						cache_write_tokens: written,
						output_tokens: 100_000,
					},
					name,
					{ provider: asked, timestamp: now },
				);
				if (theirs === null || otherKinds.test(theirs.model.id)) continue;
				if (untoldCharges.some((charge) => theirs.model_price[charge] !== undefined)) continue;
				if (theirs.model_price.input_mtok === undefined || theirs.model_price.output_mtok === undefined)
					continue;
				const models = [price?.model ?? name, theirs.model.id].map((id) => `${provider}/${id}`.toLowerCase());
				if (models.some((id) => overridden.has(id) || ended.has(id))) continue;
				compared += 1;
				// The package charges nothing for cached tokens without a price of their own; we charge them as input.
				const free = price?.cachedInput === null ? (400_000 * price.input) / 1e6 : 0;
				const ours = price === null ? null : costOf(usage, price);
				const same = [ours, ours === null ? null : ours - free].some(
					(usd) => usd !== null && Math.abs(usd - theirs.total_price) < 1e-9,
				);
				if (!same) {
					differences.push(`${provider}/${name}: ${ours} and not ${theirs.total_price} (${theirs.model.id})`);
				}
			}
		}
		expect(differences).toEqual([]);
		expect(compared).toBeGreaterThan(700);
	});
});

describe("the overrides", () => {
	const override = (fields: Partial<Record<(typeof overrideColumns)[number], string | number>>) => {
		const row = { provider: "openai", model: "gpt-4.1", source: "somewhere", date: "2026-10-07", ...fields };
		return `${overrideColumns.map((column) => (row as Record<string, unknown>)[column] ?? "").join()}\n`;
	};

	it("each have a source, a date, and a note where they disagree", () => {
		expect(() => generatePrices(overridesText.replace(/,2026-10-07,/, ",,"))).toThrow(/no date/);
		const silent = override({ action: "set", input: 2.5, output: 8 });
		expect(() => generatePrices(overridesText + silent)).toThrow(
			/openai\/gpt-4.1 disagrees with the package \(2\/8\) and no note says why/,
		);
		const idle = override({ action: "patch" });
		expect(() => generatePrices(overridesText + idle)).toThrow("changes nothing");
	});

	it("cannot be ten times off the package", () => {
		const line = override({ action: "set", input: 0.0002, output: 0.0008, note: "cheaper" });
		expect(() => generatePrices(overridesText + line)).toThrow(/more than ten times off the package's 2\/8/);
	});
});

describe("findFaults", () => {
	const sound = allPrices();
	const mini = sound.find((price) => price.provider === "openai" && price.model === "gpt-4.1-mini") as Price;
	const withChange = (change: Partial<Price>) => [{ ...mini, model: "new-model", ...change }];

	it.each<[string, Partial<Price>]>([
		[
			"a price per thousand tokens",
			{ input: 0.0004, output: 0.0016, cachedInput: null, batchInput: null, batchOutput: null },
		],
		["a price per token times 1e9", { input: 400, output: 1600 }],
		["an output ten times too dear", { output: 16 }],
		["an output ten times too cheap", { output: 0.03, batchOutput: null }],
		["a cached price above the full one", { cachedInput: 1 }],
		["a batch price above the full one", { batchInput: 0.5 }],
		["a cache write far above the input", { cacheWrite: 4 }],
		["a missing price", { input: Number.NaN }],
		["a negative price", { output: -1 }],
		["a comma in a field", { source: "a, b" }],
	])("refuses %s", (_, change) => {
		expect(findFaults(withChange({}))).toEqual([]);
		expect(findFaults(withChange(change))).not.toEqual([]);
	});

	it("refuses a model ten times off the same model elsewhere", () => {
		const elsewhere = {
			...mini,
			provider: "github",
			input: 4.4,
			output: 17,
			cachedInput: null,
			batchInput: null,
			batchOutput: null,
		};
		expect(findFaults([...sound, elsewhere]).join()).toContain(
			"github/gpt-4.1-mini: input 4.4, but the same model costs 0.4",
		);
	});

	it("refuses a row that is there twice", () => {
		expect(findFaults([mini, mini])).toEqual(["openai/gpt-4.1-mini is there twice"]);
	});
});

describe("the second source", () => {
	const row = (provider: string, model: string) =>
		allPrices().find((price) => price.provider === provider && price.model === model) as Price;

	it("says how long answers get, and what the first does not have", () => {
		expect(row("openai", "gpt-4.1-mini")).toMatchObject({ maxOutput: 32_768, retired: "2027-01-14" });
		expect(row("zai", "glm-5-code")).toMatchObject({ input: 1.2, output: 5, cachedInput: 0.3 });
		expect(row("openai", "ft:gpt-4.1-2025-04-14")).toBeUndefined();
	});

	it("is not undercut without a note", () => {
		const cheaper = { ...row("openai", "gpt-4.1-mini"), output: 1.2 };
		expect(findCheaperRows([cheaper], new Set(), "2026-11-29")).toEqual([
			expect.stringMatching(/^openai\/gpt-4.1-mini above 0: output 1.2, and litellm .* says 1.6$/),
		]);
		expect(findCheaperRows([cheaper], new Set(["openai/gpt-4.1-mini"]), "2026-11-29")).toEqual([]);
		expect(findCheaperRows([{ ...cheaper, effectiveTo: "2026-11-28" }], new Set(), "2026-11-29")).toEqual([]);
	});
});

describe("the first source", () => {
	const rowsOf = (model: string) =>
		allPrices().filter((price) => price.provider === "anthropic" && price.model === model);

	it("has the price of long requests, batch jobs and speeds", () => {
		expect(rowsOf("claude-haiku-5-5")).toMatchObject([
			{ aboveInputTokens: 0, input: 0.1, output: 0.5, cacheWriteHour: 0.2, batchOutput: 0.25 },
			{ aboveInputTokens: 100_000, input: 0.5, output: 2.5, cacheWriteHour: 1, batchOutput: 1.25 },
		]);
		expect(rowsOf("claude-opus-5-5")).toMatchObject([{ fast: 2 }]);
		expect(findPrice("openai", "gpt-5.5", { inputTokens: 1000 })).toMatchObject({ priority: 2.5 });
	});

	it("is taken at its dearest hour", () => {
		expect(findPrice("deepseek", "deepseek-flash")).toMatchObject({ input: 0.3, output: 1.2 });
	});
});

describe("parsePrices", () => {
	it("reads the table whole", () => {
		expect(parsePrices(table)).toHaveLength(table.trim().split("\n").length - 1);
	});

	it("gives a price an end where another follows it", () => {
		const endless = allPrices().filter(({ effectiveTo }) => effectiveTo === null);
		const slots = endless.map(({ provider, model, aboveInputTokens }) =>
			[provider, model.toLowerCase(), aboveInputTokens].join(),
		);
		expect(slots.filter((slot, place) => slots.indexOf(slot) !== place)).toEqual([]);
	});

	it("has no name that only a price list knows, and no price for batch jobs that changes by the minute", () => {
		expect(allPrices().filter(({ model }) => model.endsWith(":batch"))).toEqual([]);
		expect(findPrice("openrouter", "openai/gpt-4.1-mini:batch")).toBeNull();
		expect(findPrice("openrouter", "openai/gpt-4.1-mini")?.batchInput).toBeNull();
	});
});
