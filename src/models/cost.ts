import type { ProviderRow } from "../providers/provider-row.ts";
import type { UnknownCost } from "../state/ledger-row.ts";
import type { Charges, Usage } from "../types.ts";
import type { Price } from "./price-table.ts";
import { findPrice } from "./pricing.ts";

/** What was billed besides the tokens; what is undefined holds nothing. */
export type BilledCharges = { readonly [Field in keyof Charges]: Charges[Field] | undefined };

export interface CostOptions {
	/** Answered by a batch job. */
	readonly batch?: boolean | undefined;
	readonly charges?: BilledCharges | undefined;
}

/**
 * What tokens and charges cost at a price, in USD; null when the price lacks what is needed. Each input token is
 * counted once: as cached, as written to the cache, as sound, or as plain input.
 *
 * Where no cached price is published, cached tokens cost the full input price: a provider that announces no discount
 * gives none. What costs more than plain tokens, such as sound, has to have a price of its own. Reasoning tokens are
 * part of `outputTokens` and cost what output costs. A batch job's cached tokens have the discounts of both.
 */
export function costOf(usage: Usage, price: Price, options: CostOptions = {}): number | null {
	const { charges = {} } = options;
	if (charges.untold !== undefined) return null;
	const rate = rateOf(price, options.batch ? "batch" : charges.tier, charges.region);
	const input = inputCost(usage, price, charges);
	const output = outputCost(usage, price, charges);
	const fees = feesOf(price, charges);
	if (rate === null || input === null || output === null || fees === null) return null;
	const sum = input * rate.input + output * rate.output;
	// Sums of decimal prices carry binary noise; a millionth of a cent is exact enough, and reads well.
	const usd = Math.round(sum * 1e4 + fees * 1e10) / 1e10;
	return Number.isFinite(usd) ? usd : null;
}

/** Millionths of USD. */
function inputCost(usage: Usage, price: Price, charges: BilledCharges): number | null {
	const { inputTokens } = usage;
	const cached = Math.min(usage.cachedInputTokens, inputTokens);
	const written = Math.min(usage.cacheWriteTokens, inputTokens - cached);
	const cachedAudio = Math.min(charges.cachedAudioTokens ?? 0, cached, usage.audioInputTokens);
	const audio = Math.min(usage.audioInputTokens, inputTokens) - cachedAudio;
	const hour = Math.min(charges.longCacheWriteTokens ?? 0, written);
	if (usage.audioInputTokens > 0 && price.audioInput === null) return null;
	if (written > hour && price.cacheWrite === null) return null;
	if (hour > 0 && price.cacheWriteHour === null) return null;
	if ((charges.imageInputTokens ?? 0) > 0) return null;
	const cachedPrice = price.cachedInput ?? price.input;
	const cachedShare = price.input === 0 ? 1 : cachedPrice / price.input;
	const audioPrice = price.audioInput ?? 0;
	// Sound that was cached is told apart or not; where it is not, it may be among the cached tokens or the others.
	const plainCached = Math.max(
		0,
		Math.min(cached - cachedAudio, inputTokens - written - cachedAudio - audio),
	);
	const rest = Math.max(0, inputTokens - written - cachedAudio - audio - plainCached);
	return (
		rest * price.input +
		plainCached * cachedPrice +
		(written - hour) * (price.cacheWrite ?? 0) +
		hour * (price.cacheWriteHour ?? 0) +
		audio * audioPrice +
		cachedAudio * audioPrice * cachedShare
	);
}

/** Millionths of USD. */
function outputCost({ outputTokens }: Usage, price: Price, charges: BilledCharges): number | null {
	const audio = Math.min(charges.audioOutputTokens ?? 0, outputTokens);
	const image = Math.min(charges.imageOutputTokens ?? 0, outputTokens - audio);
	if (audio > 0 && price.audioOutput === null) return null;
	if (image > 0 && price.imageOutput === null) return null;
	return (
		(outputTokens - audio - image) * price.output +
		audio * (price.audioOutput ?? 0) +
		image * (price.imageOutput ?? 0)
	);
}

/** USD besides the tokens. */
function feesOf({ perRequest, perSearch }: Price, { webSearches = 0 }: BilledCharges): number | null {
	// A model that takes a fee for each request has its searches in it.
	if (perRequest !== null) return perRequest;
	if (webSearches > 0 && perSearch === null) return null;
	return webSearches * (perSearch ?? 0);
}

/** Inference that Anthropic keeps in the USA, and regional servers of OpenAI and xAI: 10 % more on all tokens, by their price pages. */
const regionalFactor = 1.1;

/** What a tier multiplies input and output with; null when nobody publishes that. */
function rateOf(price: Price, tier: string | undefined, region: string | undefined) {
	const regional =
		region === undefined ? 1 : region === "us" || region === "regional" ? regionalFactor : null;
	const factors = tierFactors(price, tier);
	if (regional === null || factors === null) return null;
	return { input: factors.input * regional, output: factors.output * regional };
}

function tierFactors(price: Price, tier: string | undefined) {
	const both = (factor: number | null) => (factor === null ? null : { input: factor, output: factor });
	switch (tier) {
		case undefined:
			return both(1);
		// OpenAI and Gemini sell it at the price of batch jobs, Groq at the ordinary one.
		case "flex":
			return price.provider === "groq" ? both(1) : batchFactors(price);
		case "batch":
			return batchFactors(price);
		case "priority":
			return both(price.priority);
		case "fast":
			return both(price.fast);
		default:
			return null;
	}
}

function batchFactors({ input, output, batchInput, batchOutput }: Price) {
	if (batchInput === null || batchOutput === null) return null;
	return {
		input: input === 0 ? 1 : batchInput / input,
		output: output === 0 ? 1 : batchOutput / output,
	};
}

/** What a call cost and how that is known, or why it is not. */
export type CallCost =
	| { readonly usd: number; readonly basis: "free" | "reported" | "computed" }
	| { readonly usd: null; readonly reason: Exclude<UnknownCost, "interrupted"> };

export interface PricedCall {
	readonly provider: Pick<ProviderRow, "id" | "local" | "free" | "reportsCost">;
	readonly modelId: string;
	readonly usage: Usage | null;
	readonly charges?: Charges | undefined;
	/** Time of the call in ms since 1970; now when absent. */
	readonly at?: number | undefined;
	/** Answered by a batch job. */
	readonly batch?: boolean | undefined;
	/** Prices of the user's own for the model. */
	readonly own?: readonly Price[] | undefined;
}

/**
 * What a call cost: unknown for a model without a price, an answer without usage, or with charges that nobody has a
 * price of. Servers of the user's own and the simulator charge nothing, and that is known. A cost that the provider
 * reports is preferred where its registry row says that it is the price of the call, if it is a finite number of at
 * least 0.
 */
export function priceCall(call: PricedCall): CallCost {
	const { provider, usage, charges = {} } = call;
	if (provider.local || provider.free) return { usd: 0, basis: "free" };
	if (charges.untold !== undefined) return { usd: null, reason: "untold" };
	const { reportedUsd } = charges;
	const isReported =
		provider.reportsCost && reportedUsd !== undefined && reportedUsd >= 0 && reportedUsd < Infinity;
	// A 0 beside tokens that were not counted says as little as they do.
	if (isReported && (reportedUsd > 0 || usage !== null)) return { usd: reportedUsd, basis: "reported" };
	if (usage === null) return { usd: null, reason: "no_usage" };
	const { at, own } = call;
	const price = findPrice(provider.id, call.modelId, { at, inputTokens: usage.inputTokens, own });
	if (price === null) return { usd: null, reason: "no_price" };
	const usd = costOf(usage, price, { batch: call.batch, charges });
	return usd === null ? { usd: null, reason: "untold" } : { usd, basis: "computed" };
}

/** Tables write 1,000,000 for 1,047,576 and 128,000 for 131,072. */
const leeway = 1.05;

/** More tokens than any request can have, where no context window is known. */
const mostTokens = 20_000_000;

/**
 * A usage, or null when no request can have it: its input or one of its `n` answers is longer than the model's context
 * window. Servers have said 9e15. Searches and tools of the provider's read the prompt several times over.
 */
export function possibleUsage(
	usage: Usage | null,
	{
		provider,
		modelId,
		n,
		charges,
		own,
	}: Omit<PricedCall, "usage" | "provider"> & { provider: string; n: number },
): Usage | null {
	if (usage === null) return null;
	const price = findPrice(provider, modelId, { inputTokens: usage.inputTokens, own });
	const passes = 1 + (charges?.webSearches ?? 0);
	const window = charges?.untold === undefined && price?.contextWindow ? price.contextWindow * leeway : null;
	const input = window === null ? mostTokens : window * passes;
	const output = window === null ? mostTokens : Math.max(window, price?.maxOutput ?? 0) * passes * n;
	return usage.inputTokens > input || usage.outputTokens > output ? null : usage;
}
