/** Reads the first source of prices.csv, the package genai-prices as scripts/price-snapshots.py keeps it. */
import { readFileSync } from "node:fs";
import type { ConditionalPrice, MatchLogic, ModelInfo, ModelPrice } from "@pydantic/genai-prices";
import type { Price } from "../src/models/price-table.ts";
import { possibleNames } from "../src/models/pricing.ts";

/** Our provider ids to those of the package. */
export const packageProviders: Readonly<Record<string, string>> = {
	openai: "openai",
	anthropic: "anthropic",
	gemini: "google",
	together: "together",
	openrouter: "openrouter",
	groq: "groq",
	mistral: "mistral",
	deepseek: "deepseek",
	xai: "x-ai",
	fireworks: "fireworks",
	cerebras: "cerebras",
	perplexity: "perplexity",
	moonshot: "moonshotai",
	zai: "zai",
};

/** Providers that charge half for batch jobs, by their price pages: OpenAI, Anthropic and Gemini say so for all models. */
const halfForBatch = new Set(["openai", "anthropic", "gemini"]);

/**
 * USD for each search that the provider runs, where its answers count them: https://platform.claude.com/docs/en/about-claude/pricing and
 * https://ai.google.dev/gemini-api/docs/pricing, read 2026-10-07. What a row says itself is preferred.
 */
export function searchPrice(provider: string, model: string): number | null {
	if (provider === "anthropic") return 0.01;
	if (provider !== "gemini" || !/^gemini-\d/.test(model)) return null;
	return /^gemini-[12]\./.test(model) ? 0.035 : 0.014;
}

/** Anthropic keeps a cache for an hour at twice the input price: the same page. */
export function hourPrice(provider: string, input: number): number | null {
	return provider === "anthropic" ? decimal(2 * input) : null;
}

/** Not for text answers; and no chat request can name them. */
export const otherKinds =
	/embed|moderation|whisper|transcribe|tts|realtime|image|imagen|veo|-live|live-|rerank|ocr|sora|dall-e/i;

/** The package lists models of Vertex AI with Gemini's; the Gemini API serves only these. */
const geminiNames = /^(?:gemini|gemma|learnlm)-/;

/** Charges that tokens do not tell: with them a cost from tokens alone would be too low. */
export const untoldCharges = [
	"requests_kcount",
	"input_text_messages_kcount",
	"output_citation_mtok",
	"output_reasoning_mtok",
	"output_image_mtok",
	"output_video_mtok",
	"audio_hours",
	"input_audio_hours",
	"input_image_mtok",
	"input_video_mtok",
];

/** Prices of a model for requests of one kind: batch jobs, a service tier, a speed. The first that fits counts. */
interface PriceVariant {
	readonly when: Readonly<Record<string, string>>;
	readonly prices: ModelPrice;
	readonly constraint?: ConditionalPrice["constraint"];
}

/** A model as the newest versions of the package describe it. */
export interface PackageModel extends ModelInfo {
	readonly price_variants?: readonly PriceVariant[];
}

/** The package's name with its version, and the day on which that was published. */
type PackageSource = Pick<Price, "source" | "date">;

let kept: { readonly source: PackageSource; readonly models: Map<string, PackageModel[]> } | undefined;

function keptPackage() {
	if (kept !== undefined) return kept;
	const file = new URL("./genai-prices.jsonl", import.meta.url);
	const [head = "", ...lines] = readFileSync(file, "utf8").trim().split("\n");
	const models = new Map<string, PackageModel[]>();
	for (const line of lines) {
		const { provider, ...model } = JSON.parse(line) as PackageModel & { readonly provider: string };
		const known = models.get(provider);
		if (known === undefined) models.set(provider, [model]);
		else known.push(model);
	}
	kept = { source: JSON.parse(head) as PackageSource, models };
	return kept;
}

/** The package's models of one of our providers. */
export function packageModels(provider: string): readonly PackageModel[] {
	const models = keptPackage().models.get(packageProviders[provider] ?? "");
	if (models === undefined) throw new Error(`the package has no provider ${packageProviders[provider]}`);
	return models;
}

/**
 * What two spellings of one name have in common: `claude-4.5-haiku` and `claude-haiku-4-5`, but not `gpt-5.4` and
 * `gpt-4.5`.
 */
export function spellingKey(name: string): string {
	const parts = name.toLowerCase().match(/[a-z]+|\d+/g) ?? [];
	const words = parts.filter((part) => !/^\d/.test(part)).sort();
	return [...words, ...parts.filter((part) => /^\d/.test(part))].join(" ");
}

/**
 * The rows that the package gives for a provider: one for each model, and one for each other name that the API takes
 * (`isApiName`), unless `findPrice` comes from that name to the model by itself. All other names that the package's
 * rules spell out become aliases.
 */
export function rowsOfPackage(provider: string, isApiName: (name: string) => boolean): Price[] {
	const models = packageModels(provider).filter(({ id }) => !otherKinds.test(id) && isName(provider, id));
	const rows: Price[] = [];
	const named = new Map<string, PackageModel>();
	for (const model of models) named.set(model.id.toLowerCase(), model);
	for (const model of models) {
		const others: string[] = [];
		for (const name of new Set(namesIn(model.match))) {
			const key = name.toLowerCase();
			if (named.has(key) || otherKinds.test(name) || !isName(provider, name)) continue;
			// The first model that matches a name gives its price.
			if (models.find((other) => matches(other.match, key)) !== model) continue;
			const found = [...possibleNames(key)].find((possible) => named.has(possible));
			if (found !== undefined && named.get(found) === model && !speaks(model)) continue;
			// A beginning of dates such as claude-sonnet-4-2025 is not a name.
			if (/\d{3}$/.test(name) && !isWhole(model.match, name)) continue;
			named.set(key, model);
			others.push(name);
		}
		rows.push(...rowsOfNames(provider, model, others, isApiName));
	}
	return rows;
}

/** `findPrice` takes no release of such a model for another: their prices of sound have differed. */
function speaks(model: ModelInfo): boolean {
	return periods(model).some(({ prices }) => prices.output_audio_mtok !== undefined);
}

/** The name by which the API knows a model first of all. */
function mainName(
	provider: string,
	id: string,
	others: readonly string[],
	isApiName: (name: string) => boolean,
): string {
	// Fireworks' API takes whole paths only; the package and people write the last part of them.
	if (provider === "fireworks" && !id.includes("/")) {
		const path = others.find((name) => name.startsWith("accounts/") && name.endsWith(`/${id}`));
		return path ?? `accounts/fireworks/models/${id}`;
	}
	if (isApiName(id)) return id;
	return others.find((name) => isApiName(name) && spellingKey(name) === spellingKey(id)) ?? id;
}

/** The rows of a model under each name that the API takes; every other spelling goes to the name that it is like. */
function rowsOfNames(
	provider: string,
	model: PackageModel,
	others: readonly string[],
	isApiName: (name: string) => boolean,
): Price[] {
	const main = mainName(provider, model.id, others, isApiName);
	const names = new Set([main, ...others.filter(isApiName)]);
	const aliases = new Map<string, string[]>();
	for (const name of [model.id, ...others]) {
		if (names.has(name)) continue;
		const like = [...names].find((candidate) => spellingKey(candidate) === spellingKey(name)) ?? main;
		aliases.set(like, [...(aliases.get(like) ?? []), name.toLowerCase()]);
	}
	return [...names].flatMap((name) =>
		rowsOfModel(provider, name, model).map((row) => ({ ...row, aliases: (aliases.get(name) ?? []).sort() })),
	);
}

/** Beginnings such as `claude-sonnet-4@`, and names in the form of other tools such as `cerebras:x`, are not names. */
export function isName(provider: string, name: string): boolean {
	return (
		/^[a-z0-9][^,"\s]*[a-z0-9]$/i.test(name) &&
		!name.startsWith(`${provider}:`) &&
		!name.startsWith(`${provider}/`) &&
		!name.startsWith(`${packageProviders[provider]}/`) &&
		(provider !== "gemini" || geminiNames.test(name)) &&
		// OpenRouter names no model without its vendor.
		(provider !== "openrouter" || name.includes("/"))
	);
}

function rowsOfModel(provider: string, name: string, model: PackageModel): Price[] {
	const rows: Price[] = [];
	for (const { prices, from, to } of periods(model)) {
		if (untoldCharges.some((charge) => prices[charge] !== undefined)) return [];
		const starts = new Set([0]);
		for (const price of Object.values(prices))
			if (typeof price === "object") for (const tier of price.tiers) starts.add(tier.start);
		const variant = (kind: string, value: string) => variantOf(model, kind, value, to);
		const batch = variant("processing", "batch");
		const priority = variant("service_tier", "priority");
		const fast = variant("speed", "fast") ?? variant("service_tier", "fast");
		for (const start of [...starts].sort((a, b) => a - b)) {
			const input = priceAt(prices.input_mtok, start);
			const output = priceAt(prices.output_mtok, start);
			if (input === null || output === null) return [];
			const half = halfForBatch.has(provider);
			rows.push({
				...nothing,
				provider,
				model: name,
				input,
				output,
				cachedInput: priceAt(prices.cache_read_mtok, start),
				cacheWrite: priceAt(prices.cache_write_mtok, start),
				cacheWriteHour: priceAt(prices.cache_write_1h_mtok, start),
				batchInput: priceAt(batch?.input_mtok, start) ?? (half ? decimal(input / 2) : null),
				batchOutput: priceAt(batch?.output_mtok, start) ?? (half ? decimal(output / 2) : null),
				contextWindow: model.context_window ?? null,
				audioInput: priceAt(prices.input_audio_mtok, start),
				audioOutput: priceAt(prices.output_audio_mtok, start),
				priority: factorOf(priority, prices),
				fast: factorOf(fast, prices),
				aboveInputTokens: threshold(provider, start),
				effectiveFrom: from,
				effectiveTo: to,
				...keptPackage().source,
			});
		}
	}
	return rows;
}

/** Whether the package knows a name and has charges for it that tokens do not tell. */
export function isLeftOut(provider: string, name: string): boolean {
	if (packageProviders[provider] === undefined) return false;
	const model = packageModels(provider).find(({ match }) => matches(match, name.toLowerCase()));
	return model !== undefined && rowsOfModel(provider, model.id, model).length === 0;
}

/** A price for requests of so many input tokens. */
function priceAt(price: ModelPrice[string], inputTokens: number): number | null {
	if (price === undefined || typeof price === "number") return price ?? null;
	return price.tiers.findLast((tier) => tier.start <= inputTokens)?.price ?? price.base;
}

/** The prices for requests of a kind that hold on the last day of a period, or from some day on where it has no end. */
function variantOf(
	{ price_variants: variants = [] }: PackageModel,
	kind: string,
	value: string,
	lastDay: string | null,
): ModelPrice | undefined {
	return variants.find(({ when, constraint }) => {
		const begins = constraint !== undefined && "start_date" in constraint ? constraint.start_date : "";
		return when[kind] === value && (lastDay === null || begins <= lastDay);
	})?.prices;
}

/** How many times the ordinary price a variant costs; the most, where its prices do not agree. */
function factorOf(variant: ModelPrice | undefined, ordinary: ModelPrice): number | null {
	const factors = Object.entries(variant ?? {}).map(([unit, price]) => {
		const base = priceAt(ordinary[unit], 0);
		return base ? (priceAt(price, 0) ?? 0) / base : 0;
	});
	const most = Math.max(0, ...factors);
	return most === 0 ? null : decimal(most);
}

/** A row that says nothing yet. */
export const nothing: Price = {
	provider: "",
	model: "",
	aliases: [],
	input: Number.NaN,
	output: Number.NaN,
	cachedInput: null,
	cacheWrite: null,
	cacheWriteHour: null,
	batchInput: null,
	batchOutput: null,
	audioInput: null,
	audioOutput: null,
	imageOutput: null,
	priority: null,
	fast: null,
	perRequest: null,
	perSearch: null,
	contextWindow: null,
	maxOutput: null,
	aboveInputTokens: 0,
	effectiveFrom: null,
	effectiveTo: null,
	endpoint: null,
	retired: null,
	source: "",
	date: "",
};

/**
 * The most input tokens that have the lower price. The sources write `> 271999` or `> 272000` for OpenAI's "more than
 * 272K"; at xAI the dearer price begins with 200,000 itself.
 */
export function threshold(provider: string, start: number): number {
	if (provider === "xai") return start > 0 && start % 1000 === 0 ? start - 1 : start;
	return start % 1000 === 999 ? start + 1 : start;
}

interface Period {
	readonly prices: ModelPrice;
	readonly from: string | null;
	readonly to: string | null;
}

/**
 * A model's prices over time. Of prices that change with the time of the day the dearest is taken for the whole day: our
 * table knows days only, and a cost must not be too low.
 */
function periods(model: ModelInfo): Period[] {
	if (!Array.isArray(model.prices)) return [{ prices: model.prices, from: null, to: null }];
	const dated: { prices: ModelPrice; from: string | null }[] = [];
	for (const { constraint, prices } of model.prices) {
		const last = dated.at(-1);
		if (constraint === undefined) dated.push({ prices, from: null });
		else if (constraint.type === "start_date") dated.push({ prices, from: constraint.start_date });
		else if (last !== undefined && isDearer(prices, last.prices)) last.prices = prices;
	}
	return dated.map(({ prices, from }, index) => {
		const next = dated[index + 1]?.from;
		return { prices, from, to: next === undefined || next === null ? null : dayBefore(next) };
	});
}

function isDearer(one: ModelPrice, other: ModelPrice): boolean {
	return (priceAt(one.output_mtok, 0) ?? 0) > (priceAt(other.output_mtok, 0) ?? 0);
}

function dayBefore(day: string): string {
	return new Date(Date.parse(`${day}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}

/** Takes binary noise off a computed price. */
export function decimal(value: number): number {
	return Number(value.toPrecision(12));
}

/** The names that rules spell out, whole or as a beginning. */
export function namesIn(match: MatchLogic): string[] {
	if ("or" in match) return match.or.flatMap(namesIn);
	if ("and" in match) return match.and.flatMap(namesIn);
	if ("equals" in match) return [match.equals];
	return "starts_with" in match ? [match.starts_with] : [];
}

/** The name is spelt out whole in the rules, not as a beginning. */
export function isWhole(match: MatchLogic, name: string): boolean {
	if ("or" in match) return match.or.some((part) => isWhole(part, name));
	return "equals" in match && match.equals === name;
}

export function matches(match: MatchLogic, name: string): boolean {
	if ("or" in match) return match.or.some((part) => matches(part, name));
	if ("and" in match) return match.and.every((part) => matches(part, name));
	if ("equals" in match) return name === match.equals.toLowerCase();
	if ("starts_with" in match) return name.startsWith(match.starts_with.toLowerCase());
	if ("ends_with" in match) return name.endsWith(match.ends_with.toLowerCase());
	if ("contains" in match) return name.includes(match.contains.toLowerCase());
	return new RegExp(match.regex, "i").test(name);
}
