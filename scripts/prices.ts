/**
 * Writes prices.csv from genai-prices, LiteLLM's table and scripts/price-overrides.csv, which stand beside this script;
 * `npm run prices`. The same inputs give the same file, and nothing is fetched. `--check` only compares.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Price, parsePrices, priceColumns } from "../src/models/price-table.ts";
import type { ProviderRow } from "../src/providers/provider-row.ts";
import { providers } from "../src/providers/registry.ts";
import { findDefaultFaults, findFaults, findPromotionFaults, oddButRight } from "./price-checks.ts";
import { completed, findCheaperRows, furtherRows } from "./price-litellm.ts";
import { type Override, readOverrides } from "./price-overrides.ts";
import {
	hourPrice,
	nothing,
	packageProviders,
	rowsOfPackage,
	searchPrice,
	spellingKey,
} from "./price-sources.ts";

const tablePath = fileURLToPath(new URL("../prices.csv", import.meta.url));
const overridesPath = fileURLToPath(new URL("./price-overrides.csv", import.meta.url));

/** The whole table as text. Throws an Error that lists what is wrong with it. */
export function generatePrices(overridesText: string = readFileSync(overridesPath, "utf8")): string {
	const overrides = readOverrides(overridesText);
	const apiNames = new Set(overrides.map(({ fields }) => nameOf(fields)));
	const generated = Object.keys(packageProviders).flatMap((provider) =>
		rowsOfPackage(provider, (model) => apiNames.has(nameOf({ provider, model }))),
	);
	const faults: string[] = [];
	const prices = applyOverrides([...generated, ...furtherRows(generated)], overrides, faults);
	const sendable = prices.filter((price) => !isBatchCard(price));
	const whole = sendable.map(completed).map(complete).sort(compare);
	const excused = new Set(
		overrides
			.filter(({ note }) => note.startsWith(oddButRight))
			.map(({ fields }) => `${fields.provider}/${fields.model}`),
	);
	faults.push(...findFaults(whole, excused), ...findPromotionFaults(overrides));
	const newest = whole.reduce((day, { date }) => (date > day ? date : day), "");
	faults.push(...findDefaultFaults(whole, defaultsOf(whole), newest));
	const noted = new Set(overrides.filter(({ note }) => note !== "").map(({ fields }) => nameOf(fields)));
	faults.push(...findCheaperRows(whole, noted, newest));
	if (faults.length > 0) throw new Error(`prices.csv is not written:\n${faults.join("\n")}`);
	return `${[priceColumns.join(), ...whole.map(toLine)].join("\n")}\n`;
}

/** The providers whose prices are in the table at all. */
function defaultsOf(prices: readonly Price[]): ProviderRow[] {
	const priced = new Set(prices.map(({ provider }) => provider));
	return Object.values<ProviderRow>(providers).filter(({ id }) => priced.has(id));
}

/** What a provider's pages say of all its models. */
function complete(price: Price): Price {
	const { provider, model, input, cacheWrite, retired } = price;
	// xAI answers requests for a retired model with a dearer one: its own price ends with it.
	const lastDay = provider === "xai" ? (price.effectiveTo ?? retired) : price.effectiveTo;
	return {
		...price,
		effectiveTo: lastDay,
		cacheWriteHour: price.cacheWriteHour ?? (cacheWrite === null ? null : hourPrice(provider, input)),
		perSearch: price.perSearch ?? searchPrice(provider, model),
	};
}

/**
 * OpenRouter lists what a model costs in a batch job as a model of its own, which no request can name, at prices that
 * change from minute to minute: what its batch jobs cost is unknown until they say so.
 */
function isBatchCard({ provider, model }: Price): boolean {
	return provider === "openrouter" && model.endsWith(":batch");
}

/** Replaces, patches and drops rows, and notes overrides that change nothing or disagree without saying why. */
function applyOverrides(
	generated: readonly Price[],
	overrides: readonly Override[],
	faults: string[],
): Price[] {
	const models = new Map<string, Price[]>();
	for (const price of generated) {
		const name = nameOf(price);
		models.set(name, [...(models.get(name) ?? []), price]);
	}
	const replaced = new Map<string, readonly Price[]>();
	for (const override of overrides) {
		const { action, fields, line, note } = override;
		const name = nameOf(fields);
		const fault = (problem: string) => faults.push(`price-overrides.csv:${line}: ${name} ${problem}`);
		const before = models.get(name);
		if (action === "set") {
			const first = !replaced.has(name);
			if (first) replaced.set(name, before ?? []);
			const row = withSpellings(rowOf(override), before);
			const known = replaced.get(name)?.find((price) => sameSlot(price, row));
			if (known !== undefined && differs(known, row) && note === "") {
				fault(`disagrees with the package (${known.input}/${known.output}) and no note says why`);
			}
			if (known !== undefined && factorBetween(known, row) > 10 && !note.startsWith(oddButRight)) {
				fault(`is more than ten times off the package's ${known.input}/${known.output}`);
			}
			models.set(name, [...(first ? [] : (before ?? [])), row]);
		} else if (action === "drop") {
			// Also for what the package does not have: the note says why nobody should add it.
			models.delete(name);
		} else if (action === "name") {
			if (before === undefined) fault("is not in the package");
		} else if (before === undefined) {
			fault("is not in the package");
		} else {
			const changes = { ...numbersOf(fields), ...textsOf(fields) };
			if (Object.keys(changes).length === 0 && note === "") fault("changes nothing and has no note");
			models.set(
				name,
				before.map((price) => ({ ...price, ...changes })),
			);
		}
	}
	return [...models.values()].flat();
}

/** Other spellings of a name stay with it; other names that the package priced alike need not cost what is set. */
function withSpellings(row: Price, before: readonly Price[] | undefined): Price {
	const known = before?.[0]?.aliases.filter((alias) => spellingKey(alias) === spellingKey(row.model)) ?? [];
	return { ...row, aliases: [...new Set([...row.aliases, ...known])].sort() };
}

const nameOf = ({ provider, model }: { readonly provider?: string; readonly model?: string }) =>
	`${provider}/${model}`.toLowerCase();

/** Our column names to fields that hold a number or nothing. */
const numberFields = {
	input: "input",
	output: "output",
	cached_input: "cachedInput",
	cache_write: "cacheWrite",
	cache_write_hour: "cacheWriteHour",
	batch_input: "batchInput",
	batch_output: "batchOutput",
	context_window: "contextWindow",
	max_output: "maxOutput",
	audio_input: "audioInput",
	audio_output: "audioOutput",
	image_output: "imageOutput",
	priority: "priority",
	fast: "fast",
	per_request: "perRequest",
	per_search: "perSearch",
} as const;

function numbersOf(fields: Override["fields"]): Partial<Price> {
	const filled = Object.entries(numberFields).filter(([column]) => fields[column]);
	return Object.fromEntries(filled.map(([column, field]) => [field, Number(fields[column])]));
}

/** The texts of a patch. Its own source and date are those of the figures that it fills in, not of the row. */
function textsOf({ aliases, endpoint, retired }: Override["fields"]): Partial<Price> {
	return {
		...(aliases && { aliases: aliases.split(" ").sort() }),
		...(endpoint && { endpoint }),
		...(retired && { retired }),
	};
}

function rowOf({ fields, date }: Override): Price {
	return {
		...nothing,
		provider: fields.provider ?? "",
		model: fields.model ?? "",
		...numbersOf(fields),
		...textsOf(fields),
		aboveInputTokens: Number(fields.above_input_tokens || 0),
		effectiveFrom: fields.effective_from || null,
		effectiveTo: fields.effective_to || null,
		source: fields.source ?? "",
		date,
	};
}

const sameSlot = (a: Price, b: Price) =>
	a.aboveInputTokens === b.aboveInputTokens && a.effectiveFrom === b.effectiveFrom;

const differs = (a: Price, b: Price) =>
	a.input !== b.input || a.output !== b.output || a.cachedInput !== b.cachedInput;

function factorBetween(a: Price, b: Price): number {
	const factors = [a.input / b.input, a.output / b.output].filter(
		(factor) => factor > 0 && factor < Infinity,
	);
	return Math.max(1, ...factors.map((factor) => Math.max(factor, 1 / factor)));
}

function compare(a: Price, b: Price): number {
	const order = (x: string, y: string) => (x < y ? -1 : x > y ? 1 : 0);
	return (
		order(a.provider, b.provider) ||
		order(a.model.toLowerCase(), b.model.toLowerCase()) ||
		order(a.model, b.model) ||
		order(a.effectiveFrom ?? "", b.effectiveFrom ?? "") ||
		a.aboveInputTokens - b.aboveInputTokens
	);
}

function toLine(price: Price): string {
	const fields = [
		price.provider,
		price.model,
		price.aliases.join(" "),
		price.input,
		price.output,
		price.cachedInput,
		price.cacheWrite,
		price.cacheWriteHour,
		price.batchInput,
		price.batchOutput,
		price.audioInput,
		price.audioOutput,
		price.imageOutput,
		price.priority,
		price.fast,
		price.perRequest,
		price.perSearch,
		price.contextWindow,
		price.maxOutput,
		price.aboveInputTokens || null,
		price.effectiveFrom,
		price.effectiveTo,
		price.endpoint,
		price.retired,
		price.source,
		price.date,
	];
	return fields.map((field) => field ?? "").join();
}

function main(): void {
	const text = generatePrices();
	if (process.argv.includes("--check")) {
		if (readFileSync(tablePath, "utf8") !== text) {
			process.stderr.write("prices.csv differs from its sources: run npm run prices\n");
			process.exitCode = 1;
		}
		return;
	}
	writeFileSync(tablePath, text);
	process.stderr.write(`prices.csv: ${parsePrices(text).length} rows\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	try {
		main();
	} catch (error) {
		process.stderr.write(`${(error as Error).message}\n`);
		process.exitCode = 1;
	}
}
