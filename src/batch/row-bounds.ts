import { costOf } from "../models/cost.ts";
import { mediaTokens, type Range } from "../models/media-tokens.ts";
import { outputRange, type SeenOutput, thinks } from "../models/output-bounds.ts";
import type { Price } from "../models/price-table.ts";
import { findPrice } from "../models/pricing.ts";
import { estimateInputTokens } from "../models/tokens.ts";
import type { Parameters } from "../parameters/table.ts";
import type { BatchRow } from "../prompts/row-builder.ts";
import type { Charges, Message, Usage } from "../types.ts";

export type { Range } from "../models/media-tokens.ts";

/** A model as far as estimates are concerned. */
export interface PricedModel {
	/** Registry id of the provider. */
	readonly provider: string;
	readonly modelId: string;
	/** Servers of the user's own and the simulator charge nothing. */
	readonly isFree: boolean;
	/** For rows that do not set them. */
	readonly defaults?: Parameters | undefined;
	/** Answers that one request may ask for; the default is 1. */
	readonly choicesPerCall?: number | undefined;
	/** A bound that the request carries although nobody set one; undefined without. */
	readonly impliedMaxTokens?: number | undefined;
	/** Prices of the user's own. */
	readonly own?: readonly Price[] | undefined;
	/** How long its answers have been, by the user's ledger. */
	readonly seen?: SeenOutput | undefined;
	/** The provider has a batch API, whose prices are its own. */
	readonly hasJobs?: boolean | undefined;
	/** Its rows go as batch jobs, at the price of those. */
	readonly viaJobs?: boolean | undefined;
}

/** How far the tokens of another model's tokenizer may be from those of o200k_base; seen on prose, code and JSON. */
const foreignTokenizer: Range = { low: 0.8, high: 1.35 };
/** Names add a few tokens that no one documents. */
const ownTokenizer: Range = { low: 0.98, high: 1.02 };
/** Bytes / 4 against real tokenizers: -62 % (base64) to +37 % (Russian). */
const byBytes: Range = { low: 0.7, high: 2 };

/** Tokens around a prompt and each of its messages: OpenAI documents 3 and 4. */
const ownTemplate = { around: { low: 3, high: 3 }, perMessage: { low: 3, high: 4 } };
/** Chat templates of open models begin with dates, roles and rules of their own. */
const foreignTemplate = { around: { low: 0, high: 90 }, perMessage: { low: 2, high: 6 } };
/** What providers put before tools to say how they are called: Anthropic 313 to 530, others less. */
const toolPreamble = 600;
/** What asking for JSON adds besides the schema. */
const jsonDemand = 60;

const o200kModels = /^(?:gpt-(?:4o|4\.[15]|[5-9])|chatgpt-|o\d)/;

/** Counts the tokens of a text. */
export type TokenCounter = (text: string) => number;

/** Input tokens of the messages of one request between two bounds; without a counter from their bytes alone. */
export function inputTokenRange(
	messages: readonly Message[],
	model: PricedModel,
	count: TokenCounter | undefined,
): Range {
	return inputOf(messages, model, count).tokens;
}

interface Input {
	readonly tokens: Range;
	/** At most, of the tokens those of sound. */
	readonly audio: number;
}

function inputOf(messages: readonly Message[], model: PricedModel, count: TokenCounter | undefined): Input {
	const isOwn = o200kModels.test(model.modelId.replace(/^openai\//, ""));
	const factor = isOwn ? ownTokenizer : foreignTokenizer;
	const { around, perMessage } = isOwn ? ownTemplate : foreignTemplate;
	let tokens = add(around, times(perMessage, messages.length));
	let audio = 0;
	const addText = (text: string) => {
		const range =
			count === undefined
				? scale(estimateInputTokens([{ role: "user", content: text }]), byBytes)
				: scale(count(text), factor);
		tokens = add(tokens, range);
	};
	for (const { content } of messages) {
		if (typeof content === "string") {
			addText(content);
			continue;
		}
		for (const part of content) {
			if (part.type === "text") addText(part.text);
			else {
				const media = mediaTokens(part, model.provider, model.modelId);
				tokens = add(tokens, media);
				if (media.isAudio) audio += media.high;
			}
		}
	}
	return { tokens, audio };
}

const schemaTokens = new WeakMap<object, Range>();

/** What the parameters add to the input: a schema, tools, and whatever else goes out with the request. */
function extraInput(
	{ responseFormat, extra }: Parameters,
	model: PricedModel,
	count: TokenCounter | undefined,
): Range {
	let tokens: Range = { low: 0, high: 0 };
	const addJson = (value: object) => {
		let range = schemaTokens.get(value);
		if (range === undefined) {
			const text = JSON.stringify(value);
			const most =
				count === undefined ? Math.ceil(text.length / 2) : Math.ceil(count(text) * foreignTokenizer.high);
			// Some providers turn a schema into a grammar and show the model little of it.
			range = { low: 0, high: most };
			schemaTokens.set(value, range);
		}
		tokens = add(tokens, range);
	};
	if (responseFormat !== undefined) {
		tokens = add(tokens, { low: 0, high: jsonDemand });
		if (responseFormat.type === "json-schema") addJson(responseFormat.schema);
	}
	if (extra !== undefined) {
		addJson(extra);
		if (extra.tools !== undefined || extra.functions !== undefined)
			tokens = add(tokens, { low: 0, high: toolPreamble });
		if (hasServerTool(extra.tools)) {
			const price = findPrice(model.provider, model.modelId, { own: model.own });
			tokens = add(tokens, { low: 0, high: price?.contextWindow ?? 1_000_000 });
		}
	}
	return tokens;
}

/** Tools that the provider runs itself put what they find into the prompt, as much as fits. */
function hasServerTool(tools: unknown): boolean {
	if (!Array.isArray(tools)) return false;
	return tools.some((tool) => {
		if (typeof tool !== "object" || tool === null) return true;
		const isOwn = "function" in tool || "input_schema" in tool || "functionDeclarations" in tool;
		return !isOwn;
	});
}

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
	 * upper end when absent; null when unknown.
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
	const [charges, otherCharges] = model.viaJobs
		? [ofJobs, chargesOf(parameters)]
		: [chargesOf(parameters), ofJobs];
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
			cachedInputTokens: 0,
			cacheWriteTokens: isHigh && mayWriteCache(found, parameters) ? input - Math.min(sound, input) : 0,
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
				charges,
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

/** OpenAI's newest models write their cache by themselves, at a price above that of input; Anthropic's when told to. */
function mayWriteCache({ provider, input, cacheWrite }: Price, { extra }: Parameters): boolean {
	if (cacheWrite === null || cacheWrite <= input) return false;
	return provider !== "anthropic" || JSON.stringify(extra ?? {}).includes("cache_control");
}

/** The tier that a request asks for by `-p`. */
function chargesOf({ extra = {} }: Parameters): Charges {
	const tier = extra.speed ?? extra.service_tier ?? extra.serviceTier;
	if (typeof tier !== "string") return {};
	const ordinary = ["auto", "default", "standard", "standard_only", "on_demand"].includes(tier.toLowerCase());
	return ordinary ? {} : { tier: tier.toLowerCase() };
}

function scale(value: number, factor: Range): Range {
	return { low: Math.floor(value * factor.low), high: Math.ceil(value * factor.high) };
}

export function times({ low, high }: Range, factor: number): Range {
	return { low: low * factor, high: high * factor };
}

export function add(one: Range, other: Range): Range {
	return { low: one.low + other.low, high: one.high + other.high };
}
