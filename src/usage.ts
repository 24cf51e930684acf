import type { Cost, Usage } from "./types.ts";

/** Nothing read and nothing written. */
export const noUsage: Usage = {
	inputTokens: 0,
	cachedInputTokens: 0,
	cacheWriteTokens: 0,
	audioInputTokens: 0,
	outputTokens: 0,
	reasoningTokens: 0,
};

export const noCost: Cost = { usd: 0, unknownCalls: 0 };

/** A sum of costs with one more call in it, whose USD are null when nobody knows them. */
export function addCost({ usd, unknownCalls }: Cost, costUsd: number | null): Cost {
	return costUsd === null ? { usd, unknownCalls: unknownCalls + 1 } : { usd: usd + costUsd, unknownCalls };
}

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
