import { readFileSync } from "node:fs";
import { join } from "node:path";
import papaparse from "papaparse";
import { describe, expect, it } from "vitest";
import { readOverrides } from "../../scripts/price-overrides.ts";
import { findPrice } from "../../src/models/pricing.ts";
import { besideFolder, describeWithMaterial } from "../helpers/recordings.ts";

const root = join(import.meta.dirname, "../..");
const fixtures = join(root, "test/fixtures/prices");
const at = Date.parse("2026-11-22T02:00:00Z");

const readCsv = (path: string) =>
	papaparse.parse<Record<string, string>>(readFileSync(path, "utf8"), {
		header: true,
		skipEmptyLines: true,
	}).data;

/** Every model of a list costs what the list says; USD for a million tokens. */
function expectSame(rows: Record<string, string>[], columns: readonly [string, string, string]): void {
	const number = (text: string | undefined) => (text ? Number(text) : null);
	for (const row of rows) {
		const price = findPrice(row.provider as string, row.model as string, { at });
		const [input, output, cached] = columns.map((column) => number(row[column]));
		expect({
			model: row.model,
			input: price?.input,
			output: price?.output,
			cached: price?.cachedInput,
		}).toEqual({ model: row.model, input, output, cached });
	}
}

/** For every model whose price two sources tell differently, an override decides and says why. */
function expectDecided(rows: Record<string, string>[]): void {
	const overrides = readOverrides(readFileSync(join(root, "scripts/price-overrides.csv"), "utf8"));
	const noted = new Set(
		overrides
			.filter(({ note }) => note !== "")
			.map(({ fields }) => `${fields.provider}/${fields.model}`.toLowerCase()),
	);
	for (const { provider = "", model = "" } of rows) {
		const price = findPrice(provider, model, { at });
		const names = [model, price?.model ?? model].map((name) => `${provider}/${name}`.toLowerCase());
		expect(
			names.some((name) => noted.has(name)),
			names.join(" or "),
		).toBe(true);
	}
}

describe("prices.csv", () => {
	it("has the newest models at the price that their makers ask", () => {
		expectSame(readCsv(join(fixtures, "newest.csv")), ["input", "output", "cached_input"]);
	});

	it("says why, wherever other tables disagree with each other", () => {
		expectDecided(readCsv(join(fixtures, "disputed.csv")));
	});

	it.each([
		"DeepSeek-R1",
		"DeepSeek-R1-Distill-Llama-70B",
		"DeepSeek-V3-0324",
		"DeepSeek-V3.1",
		"DeepSeek-V3.2",
		"Llama-4-Maverick-17B-128E-Instruct",
		"Meta-Llama-3.1-8B-Instruct",
		"Meta-Llama-3.3-70B-Instruct",
		"MiniMax-M2.7",
		"QwQ-32B",
		"Qwen3-32B",
		"gemma-4-31B-it",
		"gpt-oss-120b",
	])("has SambaNova's %s", (model) => {
		expect(findPrice("sambanova", model, { at })).not.toBeNull();
	});
});

describeWithMaterial("other price tables", () => {
	const beside = (name: string) => readCsv(join(besideFolder, "prices", name));

	it("agree on the newest models", () => {
		expectSame(beside("prices_newest.csv"), ["input_per_1m", "output_per_1m", "cached_input_per_1m"]);
	});

	it("are decided with a note wherever they disagree", () => {
		expectDecided(beside("prices_disagreements.csv"));
	});

	it("list no SambaNova model that the table lacks", () => {
		const listed = beside("prices_litellm.csv").filter(({ provider }) => provider === "sambanova");
		for (const { model } of listed) {
			expect(findPrice("sambanova", model as string, { at }), model).not.toBeNull();
		}
	});
});
