import { readFileSync } from "node:fs";
import type { ProviderRow } from "../providers/provider-row.ts";
import { nearestNames } from "../state/nearest.ts";
import type { Usage } from "../types.ts";

/** One row of prices.csv. Prices are in USD per million tokens. */
export interface Price {
	/** The provider's id in the registry. */
	readonly provider: string;
	/** The model as the provider names it. */
	readonly model: string;
	readonly input: number;
	readonly output: number;
	/** null where the provider publishes none, like the other prices below. */
	readonly cachedInput: number | null;
	readonly cacheWrite: number | null;
	readonly batchInput: number | null;
	readonly batchOutput: number | null;
	readonly audioInput: number | null;
	/** In tokens; null when unknown. */
	readonly contextWindow: number | null;
	/** In tokens; null when unknown. */
	readonly maxOutput: number | null;
	/** The row is for requests with more input tokens than this; 0 for the ordinary rate. */
	readonly aboveInputTokens: number;
	/** First day of the price, as 2026-11-22 in UTC; null: since ever. */
	readonly effectiveFrom: string | null;
	/** Last day of the price; null: until further notice. */
	readonly effectiveTo: string | null;
	/** Where the figures come from, with the date they were read. */
	readonly source: string;
}

/** The columns of prices.csv, in their order. */
export const priceColumns = [
	"provider",
	"model",
	"input",
	"output",
	"cached_input",
	"cache_write",
	"batch_input",
	"batch_output",
	"context_window",
	"max_output",
	"audio_input",
	"above_input_tokens",
	"effective_from",
	"effective_to",
	"source",
] as const;

type ProviderPrices = ReadonlyMap<string, readonly Price[]>;

// Beside dist/ in the package and beside src/ in the repository. Chunks of the bundle lie one folder deeper.
const locations = ["../prices.csv", "../../prices.csv"];
let table: string | undefined;
const byProvider = new Map<string, ProviderPrices>();

function readTable(): string {
	if (table !== undefined) return table;
	for (const location of locations) {
		try {
			const text = readFileSync(new URL(location, import.meta.url), "utf8");
			if (text.startsWith("provider,")) {
				table = text;
				return table;
			}
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		}
	}
	// Without its table llmx works on, and calls every price unknown.
	table = "";
	return table;
}

/**
 * Parses rows of prices.csv; with a provider only its rows, which lie together. No field holds a comma, a quote or a
 * line break: scripts/prices.ts refuses to write one.
 */
export function parsePrices(text: string, provider?: string): Price[] {
	const prices: Price[] = [];
	let position = text.indexOf("\n") + 1;
	if (provider !== undefined) {
		position = text.indexOf(`\n${provider},`) + 1;
		if (position === 0) return prices;
	}
	while (position > 0 && position < text.length) {
		const end = text.indexOf("\n", position);
		const line = text.slice(position, end < 0 ? text.length : end).trimEnd();
		position = end + 1;
		if (provider !== undefined && !line.startsWith(`${provider},`)) break;
		if (line !== "") prices.push(parseLine(line));
	}
	return prices;
}

function parseLine(line: string): Price {
	const fields = line.split(",");
	const text = (index: number) => fields[index] ?? "";
	const number = (index: number) => (text(index) === "" ? null : Number(text(index)));
	return {
		provider: text(0),
		model: text(1),
		input: number(2) ?? Number.NaN,
		output: number(3) ?? Number.NaN,
		cachedInput: number(4),
		cacheWrite: number(5),
		batchInput: number(6),
		batchOutput: number(7),
		contextWindow: number(8),
		maxOutput: number(9),
		audioInput: number(10),
		aboveInputTokens: number(11) ?? 0,
		effectiveFrom: text(12) || null,
		effectiveTo: text(13) || null,
		source: text(14),
	};
}

function pricesOf(provider: string): ProviderPrices {
	let prices = byProvider.get(provider);
	if (prices === undefined) {
		prices = groupByModel(parsePrices(readTable(), provider));
		byProvider.set(provider, prices);
	}
	return prices;
}

function groupByModel(prices: readonly Price[]): ProviderPrices {
	const grouped = new Map<string, Price[]>();
	for (const price of prices) {
		const name = price.model.toLowerCase();
		const rows = grouped.get(name);
		if (rows === undefined) grouped.set(name, [price]);
		else rows.push(price);
	}
	return grouped;
}

/** Every row of the table, tiers and past prices included. */
export function allPrices(): Price[] {
	return parsePrices(readTable());
}

export interface PriceOptions {
	/** Time of the call in ms since 1970; now when absent. */
	readonly at?: number | undefined;
	/** All input tokens of the request: long requests have a price of their own at some providers. */
	readonly inputTokens?: number | undefined;
}

/**
 * The price of a model at a provider (its registry id), or null when it is unknown. A dated or `-latest` name that
 * has no row of its own has the price of the model it is a release of.
 */
export function findPrice(provider: string, modelId: string, options: PriceOptions = {}): Price | null {
	return choosePrice(pricesOf(provider), modelId, options) ?? passedThrough(provider, modelId, options);
}

function choosePrice(prices: ProviderPrices, modelId: string, options: PriceOptions): Price | null {
	for (const name of possibleNames(modelId)) {
		const rows = prices.get(name);
		if (rows === undefined) continue;
		let best: Price | null = null;
		for (const row of rows) {
			if (!isInForce(row, options.at)) continue;
			if (row.aboveInputTokens > 0 && (options.inputTokens ?? 0) <= row.aboveInputTokens) continue;
			if (best === null || row.aboveInputTokens > best.aboveInputTokens) best = row;
		}
		return best;
	}
	return null;
}

function isInForce({ effectiveFrom, effectiveTo }: Price, at = Date.now()): boolean {
	if (effectiveFrom === null && effectiveTo === null) return true;
	const day = new Date(at).toISOString().slice(0, 10);
	return (effectiveFrom === null || day >= effectiveFrom) && (effectiveTo === null || day <= effectiveTo);
}

/** The names, in lower case, under which a model may be in the table, nearest first. */
export function* possibleNames(modelId: string): Iterable<string> {
	const id = modelId.toLowerCase().replace(/^models\//, "");
	yield id;
	const undated = id.replace(/(?:[-@]\d{4}-\d{2}-\d{2}|[-@]20\d{6}|(?<=-preview)-\d{2}-(?:20)?\d{2})$/, "");
	if (undated !== id) yield undated;
	const plain = undated.replace(/-latest$/, "");
	if (plain !== undated) yield plain;
	yield `${plain}-latest`;
	// Gemini's numbered releases: gemini-2.0-flash-001.
	const unnumbered = plain.replace(/-00\d$/, "");
	if (unnumbered !== plain) yield unnumbered;
}

/** Priced models of a provider whose names are near one that it does not know, best first. */
export function nearestModels(provider: string, modelId: string): string[] {
	const rows = [...pricesOf(provider).values()];
	return nearestNames(
		modelId,
		rows.map(([first]) => (first as Price).model),
	);
}

/** OpenRouter passes the price of these vendors on; open models have many hosts, and so no such price. */
const passedThroughVendors: Readonly<Record<string, string>> = {
	openai: "openai",
	anthropic: "anthropic",
	google: "gemini",
	"x-ai": "xai",
};

function passedThrough(provider: string, modelId: string, options: PriceOptions): Price | null {
	if (provider !== "openrouter") return null;
	const slash = modelId.indexOf("/");
	const vendor = passedThroughVendors[modelId.slice(0, slash).toLowerCase()];
	if (vendor === undefined) return null;
	const id = modelId.slice(slash + 1);
	// OpenRouter writes claude-sonnet-4.5 where Anthropic writes claude-sonnet-4-5.
	const name = vendor === "anthropic" ? id.replaceAll(".", "-") : id;
	return name.includes(":") ? null : choosePrice(pricesOf(vendor), name, options);
}

/**
 * What tokens cost at a price, in USD; null when the price lacks what is needed. Each input token is counted once:
 * as cached, as written to the cache, as audio, or as plain input.
 *
 * Where no cached price is published, cached tokens cost the full input price: a provider that announces no
 * discount gives none, and a budget must err upwards. The same holds for cache writes and audio.
 * Reasoning tokens are part of `outputTokens` and cost what output costs. A batch job's cached tokens have the
 * discounts of both.
 */
export function costOf(
	usage: Usage,
	price: Price,
	options: { readonly batch?: boolean } = {},
): number | null {
	const input = options.batch ? price.batchInput : price.input;
	const output = options.batch ? price.batchOutput : price.output;
	if (input === null || output === null) return null;
	const share = price.input === 0 ? 1 : input / price.input;
	const cached = (price.cachedInput ?? price.input) * share;
	const written = (price.cacheWrite ?? price.input) * share;
	const audio = (price.audioInput ?? price.input) * share;
	// A provider may count cached sound both as cached and as sound: it is paid for once, as cached.
	const rest = Math.max(0, usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens);
	const audioTokens = Math.min(usage.audioInputTokens, rest);
	const sum =
		(rest - audioTokens) * input +
		usage.cachedInputTokens * cached +
		usage.cacheWriteTokens * written +
		audioTokens * audio +
		usage.outputTokens * output;
	// Sums of decimal prices carry binary noise; a millionth of a cent is exact enough, and reads well.
	const usd = Math.round(sum * 1e4) / 1e10;
	return Number.isFinite(usd) ? usd : null;
}

export interface PricedCall {
	readonly provider: Pick<ProviderRow, "id" | "local" | "reportsCost">;
	readonly modelId: string;
	readonly usage: Usage | null;
	/** USD as the provider reports it. */
	readonly reportedCostUsd?: number | null | undefined;
	/** Time of the call in ms since 1970; now when absent. */
	readonly at?: number | undefined;
	/** Answered by a batch job. */
	readonly batch?: boolean | undefined;
}

/**
 * What a call cost in USD, or null when that is unknown: a model without a price, or an answer without usage.
 * Servers of the user's own and the simulator charge nothing, and that is known. A cost that the provider reports is
 * preferred where its registry row says that it is the price of the call, if it is a finite number of at least 0.
 */
export function costOfCall(call: PricedCall): number | null {
	const { provider, usage, reportedCostUsd: reported } = call;
	if (provider.local) return 0;
	if (provider.reportsCost && typeof reported === "number" && Number.isFinite(reported) && reported >= 0) {
		return reported;
	}
	if (usage === null) return null;
	const price = findPrice(provider.id, call.modelId, { at: call.at, inputTokens: usage.inputTokens });
	return price === null ? null : costOf(usage, price, { batch: call.batch ?? false });
}
