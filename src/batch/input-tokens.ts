import { askedCharges } from "../models/asked-charges.ts";
import { mediaTokens, type Range } from "../models/media-tokens.ts";
import { findPrice } from "../models/pricing.ts";
import { estimateTextTokens, tokensPerMessage } from "../models/tokens.ts";
import type { Parameters } from "../parameters/table.ts";
import type { Message } from "../types.ts";
import type { PricedModel } from "./priced-model.ts";

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

export interface InputTokens {
	readonly tokens: Range;
	/** At most, of the tokens those of sound. */
	readonly audio: number;
}

export function inputOf(
	messages: readonly Message[],
	model: PricedModel,
	count: TokenCounter | undefined,
): InputTokens {
	const isOwn = hasOwnTokenizer(model.modelId);
	const factor = isOwn ? ownTokenizer : foreignTokenizer;
	const { around, perMessage } = isOwn ? ownTemplate : foreignTemplate;
	const textTokens = (text: string) =>
		count === undefined
			? scale(tokensPerMessage + estimateTextTokens(text), byBytes)
			: scale(count(text), factor);
	let tokens = add(around, times(perMessage, messages.length));
	let audio = 0;
	for (const { content } of messages) {
		if (typeof content === "string") {
			tokens = add(tokens, textTokens(content));
			continue;
		}
		for (const part of content) {
			if (part.type === "text") tokens = add(tokens, textTokens(part.text));
			else {
				const media = mediaTokens(part, model.provider, model.modelId);
				tokens = add(tokens, media);
				if (media.isAudio) audio += media.high;
			}
		}
	}
	return { tokens, audio };
}

/** Of the model that was last asked about: a run asks about few. */
let lastTokenizer: { readonly modelId: string; readonly isOwn: boolean } | undefined;

function hasOwnTokenizer(modelId: string): boolean {
	if (lastTokenizer?.modelId !== modelId)
		lastTokenizer = { modelId, isOwn: o200kModels.test(modelId.replace(/^openai\//, "")) };
	return lastTokenizer.isOwn;
}

const schemaTokens = new WeakMap<object, Range>();

/** What the parameters add to the input: a schema, tools, and whatever else goes out with the request. */
export function extraInput(
	parameters: Parameters,
	model: PricedModel,
	count: TokenCounter | undefined,
): Range {
	const { responseFormat, extra } = parameters;
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
		if (askedCharges(parameters, model).tools.areUsed) {
			// As much of what they find as fits.
			const price = findPrice(model.provider, model.modelId, { own: model.own });
			tokens = add(tokens, { low: 0, high: price?.contextWindow ?? 1_000_000 });
		}
	}
	return tokens;
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
