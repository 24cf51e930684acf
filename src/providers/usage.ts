import type { Usage } from "../types.ts";
import { isObject } from "./error-body.ts";

/** A count of tokens: a whole number that is not negative, else undefined. */
export function tokens(value: unknown): number | undefined {
	return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** A count that may be left out or null, which says that there is none; undefined for a figure that is not a count. */
export function optionalTokens(value: unknown): number | undefined {
	return value === undefined || value === null ? 0 : tokens(value);
}

/**
 * Reads `usage` of the OpenAI wire, or null when it is missing or makes no sense.
 * `completion_tokens` includes reasoning at OpenAI and most others. xAI and some gateways count reasoning apart, and
 * Gemini's compatible endpoint only in `total_tokens`; what is missing is added, for it is billed as output.
 */
export function openAiUsage(raw: unknown): Usage | null {
	if (!isObject(raw)) return null;
	const inputTokens = tokens(raw.prompt_tokens);
	const completion = tokens(raw.completion_tokens);
	if (inputTokens === undefined || completion === undefined) return null;
	const prompt = isObject(raw.prompt_tokens_details) ? raw.prompt_tokens_details : {};
	const output = isObject(raw.completion_tokens_details) ? raw.completion_tokens_details : {};
	// Together and DeepSeek give the cached tokens under names of their own.
	const cached =
		tokens(prompt.cached_tokens) ?? tokens(raw.prompt_cache_hit_tokens) ?? tokens(raw.cached_tokens) ?? 0;
	const written = tokens(prompt.cache_write_tokens) ?? tokens(raw.cache_creation_input_tokens) ?? 0;
	// More of it than there is input: then neither figure can be believed.
	if (cached > inputTokens || written > inputTokens) return null;
	const reasoning = tokens(output.reasoning_tokens) ?? tokens(raw.reasoning_tokens) ?? 0;
	const audio = tokens(prompt.audio_tokens) ?? tokens(raw.audio_prompt_tokens) ?? 0;
	const uncounted = (tokens(raw.total_tokens) ?? 0) - inputTokens - completion;
	let outputTokens = completion;
	let reasoningTokens = reasoning;
	if (uncounted > 0 && (reasoning === 0 || reasoning === uncounted)) {
		outputTokens += uncounted;
		reasoningTokens = uncounted;
	} else if (reasoning > completion * 1.25) {
		// More than all of the output: it was not counted there. A little more is another tokenizer's count.
		outputTokens += reasoning;
	} else {
		reasoningTokens = Math.min(reasoning, completion);
	}
	return {
		inputTokens,
		cachedInputTokens: cached,
		cacheWriteTokens: written,
		audioInputTokens: Math.min(audio, inputTokens),
		outputTokens,
		reasoningTokens,
	};
}
