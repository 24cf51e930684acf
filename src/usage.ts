import type { Usage } from "./types.ts";

/** Nothing read and nothing written. */
export const noUsage: Usage = {
	inputTokens: 0,
	cachedInputTokens: 0,
	cacheWriteTokens: 0,
	audioInputTokens: 0,
	outputTokens: 0,
	reasoningTokens: 0,
};

/** The sum of two usages. */
export function addUsage(a: Usage, b: Usage): Usage {
	return {
		inputTokens: a.inputTokens + b.inputTokens,
		cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
		cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
		audioInputTokens: a.audioInputTokens + b.audioInputTokens,
		outputTokens: a.outputTokens + b.outputTokens,
		reasoningTokens: a.reasoningTokens + b.reasoningTokens,
	};
}
