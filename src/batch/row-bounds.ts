import { costOf, tierAskedFor } from "../models/cost.ts";
import type { Range } from "../models/media-tokens.ts";
import { outputRange, thinks } from "../models/output-bounds.ts";
import type { Price } from "../models/price-table.ts";
import { findPrice } from "../models/pricing.ts";
import { estimateInputTokens } from "../models/tokens.ts";
import type { Parameters } from "../parameters/table.ts";
import type { BatchRow } from "../prompts/row-builder.ts";
import type { Charges, Usage } from "../types.ts";
import { add, extraInput, inputOf, type TokenCounter, times } from "./input-tokens.ts";
import type { PricedModel } from "./priced-model.ts";

/** What a row may use and cost, of its model's price today. */
export interface RowBounds {
	/** Requests that its answers take. */
	readonly requests: number;
	/** Of all requests together. */
	readonly inputTokens: Range;
	/** Of one answer, as it is to be expected. */
	readonly outputTokens: Range;
	/** The longest answer that can come; null when nothing bounds it. */
	readonly worstOutput: number;
	/** The request itself bounds its answers. */
	readonly isBounded: boolean;
	/**
	 * USD of all requests at so many output tokens an answer, and input tokens of all of them, which are those of the
	 * upper end when absent; null when unknown. A cheaper tier may not be there when it is asked for, so it is not
	 * counted on.
	 */
	readonly usdOf: (outputTokens: number, inputTokens?: number) => number | null;
	/** USD between the lower and the upper ends; null when unknown. */
	readonly usd: Range | null;
	/** The same of the way that is not taken: as batch jobs, or now where the rows go as jobs. */
	readonly otherUsd: () => Range | null;
}

const ofJobs: Charges = { tier: "batch" };

/** The largest budget that a reasoning effort is turned into. */
const mostThought = 30_720;

/** No model writes more in one answer, where no table says how much. */
const mostOutput = 131_072;

/** Bounds of a row, so that they hold for 95 of 100 rows and their upper ends err upwards. */
export function rowBounds(row: BatchRow, model: PricedModel, count: TokenCounter | undefined): RowBounds {
	const parameters: Parameters = { ...model.defaults, ...row.parameters };
	const requests = Math.ceil(row.n / Math.max(1, model.choicesPerCall ?? 1));
	const { tokens, audio } = inputOf(row.messages, model, count);
	const once = add(tokens, extraInput(parameters, model, count));
	const price = findPrice(model.provider, model.modelId, { inputTokens: once.high, own: model.own });
	const maxOutput = price?.maxOutput ?? null;
	const bound = boundOf(parameters, model);
	const output = outputRange({
		modelId: model.modelId,
		parameters,
		bound,
		maxOutput,
		seen: model.seen,
	});
	const worstOutput = Math.min(bound ?? Infinity, maxOutput ?? price?.contextWindow ?? mostOutput);
	const asked = chargesOf(parameters, model);
	const [charges, otherCharges] = model.viaJobs ? [ofJobs, asked] : [asked, ofJobs];
	const sureCharges = charges.tier === "flex" ? {} : charges;
	const kept = keptSystem(row.messages, model, count);
	const usdOf = (
		charges: Charges,
		input: number,
		sound: number,
		outputTokens: number,
		isHigh: boolean,
	): number | null => {
		if (model.isFree) return 0;
		const found = findPrice(model.provider, model.modelId, { inputTokens: input, own: model.own });
		if (found === null) return null;
		const usage: Usage = {
			inputTokens: input,
			cachedInputTokens: isHigh ? 0 : Math.min(kept.low, input),
			cacheWriteTokens: isHigh
				? writtenTokens(found, parameters, { all: input - Math.min(sound, input), kept: kept.high })
				: 0,
			audioInputTokens: Math.min(sound, input),
			outputTokens: 0,
			reasoningTokens: 0,
		};
		const one = costOf(usage, found, { charges });
		const answers = costOf(
			{
				...usage,
				inputTokens: 0,
				cacheWriteTokens: 0,
				audioInputTokens: 0,
				outputTokens: outputTokens * row.n,
			},
			{ ...found, perRequest: null },
			{ charges },
		);
		return one === null || answers === null ? null : one * requests + answers;
	};
	const usdBy = (charges: Charges): Range | null => {
		const low = usdOf(charges, once.low, 0, output.low, false);
		const high = usdOf(charges, once.high, audio, output.high, true);
		return low === null || high === null ? null : { low: Math.min(low, high), high };
	};
	return {
		requests,
		inputTokens: times(once, requests),
		outputTokens: output,
		worstOutput,
		isBounded: bound !== undefined,
		usdOf: (outputTokens, inputTokens) =>
			usdOf(
				sureCharges,
				inputTokens === undefined ? once.high : inputTokens / requests,
				audio,
				outputTokens,
				true,
			),
		usd: usdBy(charges),
		otherUsd: () => usdBy(otherCharges),
	};
}

/** What the request itself sets as the most tokens of one answer; undefined when it sets none. */
function boundOf(parameters: Parameters, model: PricedModel): number | undefined {
	const { extra = {}, thinkingBudget = 0 } = parameters;
	const raw = [extra.max_completion_tokens, extra.max_tokens].find((value) => typeof value === "number");
	const set = (raw as number | undefined) ?? parameters.maxTokens;
	// xAI's limit does not count what the model thinks.
	if (set !== undefined)
		return model.provider === "xai" && thinks(model.modelId, parameters) ? undefined : set;
	if (model.impliedMaxTokens === undefined) return undefined;
	// What a model thinks comes on top of what nobody asked to bound.
	const thought =
		parameters.reasoningEffort === undefined ? thinkingBudget : Math.max(thinkingBudget, mostThought);
	return model.impliedMaxTokens + thought;
}

/** Tokens of the system prompt that the provider is asked to keep where rows share it. */
function keptSystem(
	messages: BatchRow["messages"],
	model: PricedModel,
	count: TokenCounter | undefined,
): Range {
	const { promptCacheMinimum: minimum, viaJobs } = model;
	const system = minimum === undefined || viaJobs ? [] : messages.filter(({ role }) => role === "system");
	if (minimum === undefined || estimateInputTokens(system) < minimum) return { low: 0, high: 0 };
	return inputOf(system, model, count).tokens;
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

/** The tier that a request asks for, or else the run. */
function chargesOf(parameters: Parameters, model: PricedModel): Charges {
	const tier = tierAskedFor(parameters) ?? model.tier;
	return tier === undefined ? {} : { tier };
}
