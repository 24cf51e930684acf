import { ownFields } from "../models/asked-charges.ts";
import type { BilledCharges } from "../models/cost.ts";
import type { Range } from "../models/media-tokens.ts";
import { outputRange, thinks } from "../models/output-bounds.ts";
import { findPrice } from "../models/pricing.ts";
import { RequestCosts } from "../models/request-cost.ts";
import { estimateInputTokens } from "../models/tokens.ts";
import type { Parameters } from "../parameters/table.ts";
import type { BatchRow } from "../prompts/row-builder.ts";
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
	/** Only the upper end is known: that of the ordinary tier, where nobody publishes the price of a cheaper one. */
	readonly isCeiling: boolean;
	/** The same of the way that is not taken: as batch jobs, or now where the rows go as jobs. */
	readonly otherUsd: () => Range | null;
}

/** The largest budget that a reasoning effort is turned into. */
const mostThought = 30_720;

/** No model writes more in one answer, where no table says how much. */
const mostOutput = 131_072;

/** Bounds of a row, so that they hold for 95 of 100 rows and their upper ends err upwards. */
export function rowBounds(row: BatchRow, model: PricedModel, count: TokenCounter | undefined): RowBounds {
	const { parameters, extra, bound, costs, charges, otherCharges, sureCharges } = askedOf(
		row.parameters,
		model,
		count,
	);
	const requests = Math.ceil(row.n / Math.max(1, model.choicesPerCall ?? 1));
	const { tokens, audio } = inputOf(row.messages, model, count);
	const once = add(tokens, extra);
	const price = findPrice(model.provider, model.modelId, { inputTokens: once.high, own: model.own });
	const maxOutput = price?.maxOutput ?? null;
	const output = outputRange({
		modelId: model.modelId,
		parameters,
		bound,
		maxOutput,
		seen: model.seen,
	});
	const worstOutput = Math.min(bound ?? Infinity, maxOutput ?? price?.contextWindow ?? mostOutput);
	const kept = keptSystem(row.messages, model, count);
	const usdBy = (charges: BilledCharges): Range | null => {
		const low = costs.least(charges, {
			input: once.low,
			kept: kept.low,
			sound: 0,
			output: output.low,
			requests,
			answers: row.n,
		});
		const high = costs.most(charges, {
			input: once.high,
			kept: kept.high,
			sound: audio,
			output: output.high,
			requests,
			answers: row.n,
		});
		return low === null || high === null ? null : { low: Math.min(low, high), high };
	};
	const own = usdBy(charges);
	const ordinary = own === null && charges.tier === "flex" ? usdBy(sureCharges) : null;
	return {
		requests,
		inputTokens: times(once, requests),
		outputTokens: output,
		worstOutput,
		isBounded: bound !== undefined,
		usdOf: (outputTokens, inputTokens) =>
			costs.most(sureCharges, {
				input: inputTokens === undefined ? once.high : inputTokens / requests,
				kept: kept.high,
				sound: audio,
				output: outputTokens,
				requests,
				answers: row.n,
			}),
		usd: ordinary === null ? own : { low: 0, high: ordinary.high },
		isCeiling: ordinary !== null,
		otherUsd: () => usdBy(otherCharges),
	};
}

/** What holds of all rows that have the same parameters. */
interface Asked {
	readonly parameters: Parameters;
	/** Input tokens besides the prompt. */
	readonly extra: Range;
	readonly bound: number | undefined;
	readonly costs: RequestCosts;
	readonly charges: BilledCharges;
	readonly otherCharges: BilledCharges;
	readonly sureCharges: BilledCharges;
}

/** That of the last row of each model: most files have rows that are alike. */
const lastAsked = new WeakMap<
	PricedModel,
	{ readonly given: Parameters; readonly count: TokenCounter | undefined; readonly asked: Asked }
>();

function askedOf(given: Parameters, model: PricedModel, count: TokenCounter | undefined): Asked {
	const last = lastAsked.get(model);
	if (last !== undefined && last.given === given && last.count === count) return last.asked;
	const parameters: Parameters = { ...model.defaults, ...given };
	const costs = new RequestCosts(model, parameters);
	const asJob = { ...costs.charges, tier: "batch" };
	const [charges, otherCharges] = model.viaJobs ? [asJob, costs.charges] : [costs.charges, asJob];
	const asked: Asked = {
		parameters,
		extra: extraInput(parameters, model, count),
		bound: boundOf(parameters, model),
		costs,
		charges,
		otherCharges,
		sureCharges: charges.tier === "flex" ? { ...charges, tier: undefined } : charges,
	};
	if (Object.isFrozen(given)) lastAsked.set(model, { given, count, asked });
	return asked;
}

/** What the request itself sets as the most tokens of one answer; undefined when it sets none. */
function boundOf(parameters: Parameters, model: PricedModel): number | undefined {
	const { thinkingBudget = 0 } = parameters;
	const fields = ownFields(parameters);
	const raw = ["max_completion_tokens", "max_tokens", "max_output_tokens", "maxOutputTokens"].map(
		(name) => fields[name],
	);
	const [completion, plain] = raw;
	const isSet = [parameters.maxTokens, completion, plain].some((value) => typeof value === "number");
	// Which of several the server heeds is its own affair.
	const set = isSet
		? Math.max(...[parameters.maxTokens, ...raw].filter((value) => typeof value === "number"))
		: undefined;
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
