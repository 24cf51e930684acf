/** What requests may cost before they are sent, with everything that their bills can hold. */
import type { Parameters } from "../parameters/table.ts";
import { noUsage, type Usage } from "../types.ts";
import { type AskedCharges, type AskedModel, askedCharges } from "./asked-charges.ts";
import { type BilledCharges, costOf } from "./cost.ts";
import type { Price } from "./price-table.ts";
import { findPrice } from "./pricing.ts";

/** A model that is about to be asked. */
export interface PayingModel extends AskedModel {
	/** Servers of the user's own and the simulator charge nothing. */
	readonly isFree: boolean;
	/** Prices of the user's own. */
	readonly own?: readonly Price[] | undefined;
	/** What requests ask for that name no tier of their own. */
	readonly tier?: string | undefined;
	/** One of its servers is in a region that has a price of its own. */
	readonly region?: string | undefined;
}

export interface RequestTokens {
	/** Of one request; those of sound are part of them. */
	readonly input: number;
	readonly sound: number;
	/** Of the input what the provider is asked to keep for the requests to come. */
	readonly kept: number;
	/** Of one answer. */
	readonly output: number;
	/** With the same input each. */
	readonly requests: number;
	/** Of all requests together. */
	readonly answers: number;
}

/** A run or job that begins before a price goes up may end after that, in ms. */
const longestRunMs = 86_400_000;

/** The costs of requests that have the same parameters. */
export class RequestCosts {
	readonly #model: PayingModel;
	readonly #parameters: Parameters;
	readonly #asked: AskedCharges;
	/** What is known beforehand of what is billed besides the tokens. */
	readonly charges: BilledCharges;

	constructor(model: PayingModel, parameters: Parameters) {
		const { region, tier } = model;
		this.#model = model;
		this.#parameters = parameters;
		this.#asked = askedCharges(parameters, model);
		this.charges = {
			...(region !== undefined && { region }),
			...(tier !== undefined && { tier }),
			...this.#asked.charges,
		};
	}

	/** USD at most, at the dearer of the prices of today and tomorrow; null when unknown. */
	most(charges: BilledCharges, tokens: RequestTokens): number | null {
		if (this.#model.isFree) return 0;
		const price = this.#priceOf(tokens);
		if (price === null) return null;
		const usd = this.#usdAt(price, charges, tokens);
		if (usd === null || !this.#mayChange(price)) return usd;
		const later = this.#priceOf(tokens, Date.now() + longestRunMs);
		if (later === null || later === price) return usd;
		return Math.max(usd, this.#usdAt(later, charges, tokens) ?? usd);
	}

	/** USD where all that is kept was kept before, and nothing is searched for; null when unknown. */
	least(charges: BilledCharges, { input, kept, output, requests, answers }: RequestTokens): number | null {
		if (this.#model.isFree) return 0;
		const price = this.#priceOf({ input });
		if (price === null) return null;
		const read = { ...noUsage, inputTokens: input, cachedInputTokens: Math.min(kept, input) };
		const written = { ...noUsage, outputTokens: output * answers };
		return sumOf(price, { read, written, requests }, () => ({ ...charges, webSearches: 0 }));
	}

	/** A row of the table has an end where another follows it; those of the user's own name only their beginning. */
	#mayChange({ effectiveTo }: Price): boolean {
		const { own = [] } = this.#model;
		return effectiveTo !== null || own.some(({ effectiveFrom }) => effectiveFrom !== null);
	}

	#priceOf({ input: inputTokens }: Pick<RequestTokens, "input">, at?: number): Price | null {
		const { provider, modelId, own } = this.#model;
		return findPrice(provider, modelId, { inputTokens, own, at });
	}

	#usdAt(price: Price, charges: BilledCharges, tokens: RequestTokens): number | null {
		const { input, kept, output, requests, answers } = tokens;
		const audioInputTokens = Math.min(tokens.sound, input);
		const cacheWriteTokens = writtenTokens(price, this.#parameters, { all: input - audioInputTokens, kept });
		const read = { ...noUsage, inputTokens: input, audioInputTokens, cacheWriteTokens };
		const written = { ...noUsage, outputTokens: output * answers };
		return sumOf(price, { read, written, requests }, (usage) => mostCharges(charges, this.#asked, usage));
	}
}

/** USD of requests that read the same, and of all that they write; fees are taken by the request. */
function sumOf(
	price: Price,
	{ read, written, requests }: { readonly read: Usage; readonly written: Usage; readonly requests: number },
	chargesOf: (usage: Usage) => BilledCharges,
): number | null {
	const one = costOf(read, price, { charges: chargesOf(read) });
	const all = costOf(
		written,
		{ ...price, perRequest: null },
		{ charges: { ...chargesOf(written), webSearches: 0 } },
	);
	return one === null || all === null ? null : one * requests + all;
}

/**
 * OpenAI's newest models write their cache by themselves, at a price above that of input; Anthropic's what they are told
 * to: by the request itself, or what llmx has it keep.
 */
function writtenTokens(
	{ provider, input, cacheWrite }: Price,
	{ extra }: Parameters,
	{ all, kept }: { readonly all: number; readonly kept: number },
): number {
	if (cacheWrite === null || cacheWrite <= input) return 0;
	const isWhole = provider !== "anthropic" || JSON.stringify(extra ?? {}).includes("cache_control");
	return isWhole ? all : Math.min(kept, all);
}

/**
 * Everything that a request can be billed for besides plain tokens. A kind of charge that is added has to be thought of
 * here too.
 */
function mostCharges(
	{ tier, region, untold, webSearches }: BilledCharges,
	{ keepsForAnHour, speaks }: AskedCharges,
	{ cacheWriteTokens, outputTokens }: Usage,
): Required<BilledCharges> {
	return {
		tier,
		region,
		untold,
		webSearches,
		longCacheWriteTokens: keepsForAnHour ? cacheWriteTokens : 0,
		audioOutputTokens: speaks ? outputTokens : 0,
		// Nobody knows it beforehand; a run learns from its bills.
		reportedUsd: undefined,
		// Answers that say so have an unknown cost.
		imageInputTokens: 0,
		imageOutputTokens: 0,
		// Cheaper than sound that is not cached.
		cachedAudioTokens: 0,
	};
}
