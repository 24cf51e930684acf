import { costOf } from "../models/cost.ts";
import { findPrice } from "../models/pricing.ts";
import { estimateInputTokens } from "../models/tokens.ts";
import type { BatchRow } from "../prompts/row-builder.ts";
import type { Message, Usage } from "../types.ts";

/** What is only known to lie between two figures. */
export interface Range {
	readonly low: number;
	readonly high: number;
}

/** A model as far as estimates are concerned. */
export interface PricedModel {
	/** Registry id of the provider. */
	readonly provider: string;
	readonly modelId: string;
	/** Servers of the user's own and the simulator charge nothing. */
	readonly isFree: boolean;
	/** Bound on answers of rows that set none; undefined without one. */
	readonly defaultMaxTokens: number | undefined;
}

/** Answers of unknown length are taken to be between so many tokens, unless `max_tokens` bounds them. */
export const assumedOutput: Range = { low: 50, high: 1000 };

/** How far the tokens of another model's tokenizer may be from those of o200k_base; seen on prose, code and JSON. */
const foreignTokenizer: Range = { low: 0.8, high: 1.35 };
/** Templates and names add a few tokens that no one documents. */
const ownTokenizer: Range = { low: 0.98, high: 1.02 };
/** Bytes / 4 against real tokenizers: -62 % (base64) to +37 % (Russian). */
const byBytes: Range = { low: 0.7, high: 2 };

const o200kModels = /^(?:gpt-(?:4o|4\.[15]|[5-9]|oss)|chatgpt-|o\d)/;

/** Counts the tokens of a text. */
export type TokenCounter = (text: string) => number;

/** Loads the real tokenizer, which takes about 0.1 s. */
export async function loadTokenCounter(): Promise<TokenCounter> {
	return (await import("./tokenizer.ts")).countTextTokens;
}

/** Input tokens of a request between two bounds; without a counter from its bytes alone. */
export function inputTokenRange(
	messages: readonly Message[],
	model: PricedModel,
	count: TokenCounter | undefined,
): Range {
	const rough = estimateInputTokens(messages);
	if (count === undefined) return scale(rough, byBytes);
	let text = 0;
	const others: Message[] = [];
	for (const { role, content } of messages) {
		if (typeof content === "string") {
			text += count(content);
			others.push({ role, content: "" });
			continue;
		}
		const rest = content.filter((part) => {
			if (part.type === "text") text += count(part.text);
			return part.type !== "text";
		});
		others.push({ role, content: rest });
	}
	const factor = o200kModels.test(model.modelId.replace(/^openai\//, "")) ? ownTokenizer : foreignTokenizer;
	return add(scale(text, factor), scale(estimateInputTokens(others), { low: 0.5, high: 1 }));
}

/** USD of a request between two bounds; null when the price is unknown. */
export function costRange(model: PricedModel, input: Range, output: Range): Range | null {
	if (model.isFree) return { low: 0, high: 0 };
	const low = costOfTokens(model, input.low, output.low);
	const high = costOfTokens(model, input.high, output.high);
	return low === null || high === null ? null : { low, high };
}

/** USD of so many tokens at today's price, none of them cached; null when the price is unknown. */
export function costOfTokens(model: PricedModel, inputTokens: number, outputTokens: number): number | null {
	if (model.isFree) return 0;
	const price = findPrice(model.provider, model.modelId, { inputTokens });
	const usage: Usage = {
		inputTokens,
		cachedInputTokens: 0,
		cacheWriteTokens: 0,
		audioInputTokens: 0,
		outputTokens,
		reasoningTokens: 0,
	};
	return price && costOf(usage, price);
}

/** Output tokens of a row's answers between two bounds. */
export function outputTokenRange({ parameters, n }: BatchRow, { defaultMaxTokens }: PricedModel): Range {
	const maxTokens = parameters.maxTokens ?? defaultMaxTokens;
	const high = maxTokens ?? assumedOutput.high;
	return { low: Math.min(assumedOutput.low, high) * n, high: high * n };
}

/** The sum over rows that are yet to be sent. */
export class Estimate {
	rows = 0;
	inputTokens: Range = { low: 0, high: 0 };
	outputTokens: Range = { low: 0, high: 0 };
	usd: Range = { low: 0, high: 0 };
	/** Rows of models without a price; they are not part of `usd`. */
	unpricedRows = 0;
	/** Rows without a bound of their own on the answer. */
	unboundedRows = 0;
	readonly #count: TokenCounter | undefined;

	constructor(count: TokenCounter | undefined) {
		this.#count = count;
	}

	add(row: BatchRow, model: PricedModel): void {
		const input = inputTokenRange(row.messages, model, this.#count);
		const output = outputTokenRange(row, model);
		const usd = costRange(model, input, output);
		this.rows += 1;
		this.inputTokens = add(this.inputTokens, input);
		this.outputTokens = add(this.outputTokens, output);
		if (usd === null) this.unpricedRows += 1;
		else this.usd = add(this.usd, usd);
		if ((row.parameters.maxTokens ?? model.defaultMaxTokens) === undefined) this.unboundedRows += 1;
	}
}

function scale(value: number, factor: Range): Range {
	return { low: Math.floor(value * factor.low), high: Math.ceil(value * factor.high) };
}

function add(one: Range, other: Range): Range {
	return { low: one.low + other.low, high: one.high + other.high };
}
