import { nearestNames } from "../state/nearest.ts";
import { priceOf } from "./own-prices.ts";
import { type Price, type ProviderPrices, pricesOf } from "./price-table.ts";

export interface PriceOptions {
	/** Time of the call in ms since 1970; now when absent. */
	readonly at?: number | undefined;
	/** All input tokens of the request: long requests have a price of their own at some providers. */
	readonly inputTokens?: number | undefined;
	/** Rows of the user's own for this model; one that is in force is taken instead of the table's. */
	readonly own?: readonly Price[] | undefined;
}

/**
 * The price of a model at a provider (its registry id), or null when it is unknown. A dated or `-latest` name that
 * has no row of its own has the price of the model it is a release of, unless that model has charges which its
 * releases need not share.
 */
export function findPrice(provider: string, modelId: string, options: PriceOptions = {}): Price | null {
	const own = options.own === undefined ? null : chooseRow(options.own, options);
	return (
		own ?? choosePrice(pricesOf(provider), modelId, options) ?? passedThrough(provider, modelId, options)
	);
}

function choosePrice(prices: ProviderPrices, modelId: string, options: PriceOptions): Price | null {
	const { rows, isOwn } = listingOf(prices, modelId);
	const row = chooseRow(rows, options);
	return row !== null && !isOwn && !isInheritable(row) ? null : row;
}

/** The rows of a model, or of the one that it is a release of. */
interface Listing {
	readonly rows: readonly Price[];
	/** They are under the model's own name. */
	readonly isOwn: boolean;
}

const unlisted: Listing = { rows: [], isOwn: true };

/** The last listing by the prices of its provider: all calls of a run are of one model. */
const lastListings = new WeakMap<ProviderPrices, { readonly modelId: string; readonly listing: Listing }>();

function listingOf(prices: ProviderPrices, modelId: string): Listing {
	const last = lastListings.get(prices);
	if (last?.modelId === modelId) return last.listing;
	const listing = findListing(prices, modelId);
	lastListings.set(prices, { modelId, listing });
	return listing;
}

function findListing(prices: ProviderPrices, modelId: string): Listing {
	let isOwn = true;
	for (const name of possibleNames(modelId)) {
		const rows = prices.get(name);
		if (rows !== undefined) return { rows, isOwn };
		isOwn = false;
	}
	return unlisted;
}

/** Releases of a model that speaks have had prices of sound of their own, so that one says nothing of another. */
function isInheritable({ audioOutput }: Price): boolean {
	return audioOutput === null;
}

/** The row in force with the highest threshold below the request's tokens. */
function chooseRow(rows: readonly Price[], { at, inputTokens = 0 }: PriceOptions): Price | null {
	let best: Price | null = null;
	for (const row of rows) {
		if (!isInForce(row, at)) continue;
		if (row.aboveInputTokens > 0 && inputTokens <= row.aboveInputTokens) continue;
		if (best === null || isNearer(row, best)) best = row;
	}
	return best;
}

function isNearer(row: Price, best: Price): boolean {
	if (row.aboveInputTokens !== best.aboveInputTokens) return row.aboveInputTokens > best.aboveInputTokens;
	return (row.effectiveFrom ?? "") > (best.effectiveFrom ?? "");
}

/** Whether a row holds on the day of a time in ms since 1970. */
export function isInForce({ effectiveFrom, effectiveTo }: Price, at = Date.now()): boolean {
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
	const names = new Set(
		pricesOf(provider)
			.all()
			.map(({ model }) => model),
	);
	return nearestNames(modelId, [...names]);
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
	const [name = "", variant] = modelId.split(":");
	// These two only choose the host. `:online` takes a fee for searches; other variants are models of their own.
	if (variant === "free" || modelId === "openrouter/free") return freeOf(modelId);
	if (variant !== undefined)
		return variant === "nitro" || variant === "floor" ? findPrice(provider, name, options) : null;
	const slash = modelId.indexOf("/");
	const vendor = passedThroughVendors[modelId.slice(0, slash).toLowerCase()];
	if (vendor === undefined) return null;
	const id = modelId.slice(slash + 1);
	// OpenRouter writes claude-sonnet-4.5 where Anthropic writes claude-sonnet-4-5.
	const row = choosePrice(pricesOf(vendor), vendor === "anthropic" ? id.replaceAll(".", "-") : id, options);
	// It has fees of its own for searches.
	return row?.perRequest === null ? row : null;
}

/** "Free variants provide access to models without cost"; what an answer reports is preferred all the same. */
function freeOf(modelId: string): Price {
	const nothing = { input: 0, output: 0, cached: 0, write: 0, audio: 0 };
	return {
		...priceOf(nothing, { provider: "openrouter", modelId }),
		source: "openrouter.ai/docs/guides/routing/model-variants/free",
		date: "2026-11-29",
	};
}
