import type { ContentPart, Message } from "../types.ts";

/**
 * What an image counts for where nobody has measured it: providers charge 258 (Gemini, small) to about 1,600
 * (Anthropic, full size) tokens, so this is a middle that errs on the dear side.
 */
const tokensPerImage = 1_200;
/** Chat wires wrap each message in a few tokens of their own (OpenAI documents 3 to 4). */
export const tokensPerMessage = 4;
/** UTF-8 bytes per token; right for prose, off by up to a third for code and JSON. */
const bytesPerToken = 4;
/** Documents and sound carry about one token per this many base64 characters. */
const mediaCharactersPerToken = 100;

/** A quick estimate of the tokens of a text; never of use as a bill. */
export function estimateTextTokens(text: string): number {
	return Math.ceil(Buffer.byteLength(text) / bytesPerToken);
}

/** A quick estimate of the input tokens of a history: for pacing and for calls whose usage never came. */
export function estimateInputTokens(messages: readonly Message[]): number {
	let tokens = 0;
	for (const { content, toolCalls } of messages) {
		tokens += tokensPerMessage;
		if (toolCalls !== undefined) tokens += estimateTextTokens(JSON.stringify(toolCalls));
		if (typeof content === "string") tokens += estimateTextTokens(content);
		else for (const part of content) tokens += estimatePartTokens(part);
	}
	return tokens;
}

function estimatePartTokens(part: ContentPart): number {
	if (part.type === "text") return estimateTextTokens(part.text);
	if (part.type === "image") return tokensPerImage;
	return Math.ceil(part.data.length / mediaCharactersPerToken);
}
