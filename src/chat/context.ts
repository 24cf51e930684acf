import type { Conversation } from "../conversation.ts";
import { formatTokens } from "../terminal/formats.ts";
import { estimateInputTokens } from "../tokens.ts";

/** The share of the context window from which on the user is warned. */
const warnFrom = 0.85;

/** Tokens of the history that the next question is sent with: as last reported, else estimated. */
export function contextTokens({ turns, messages }: Conversation): number {
	const usage = turns.at(-1)?.finish?.usage;
	if (usage) return usage.inputTokens + usage.outputTokens - usage.reasoningTokens;
	return messages.length === 0 ? 0 : estimateInputTokens(messages);
}

/** What to say when `expected` tokens come near what the model can read; null while there is room. */
export function contextWarning(expected: number, window: number | null, model: string): string | null {
	if (window === null || expected < window * warnFrom) return null;
	const share = `about ${formatTokens(expected)} of the ${formatTokens(window)} tokens`;
	return `the conversation takes ${share} that ${model} can read; /undo, /clear or /new make room`;
}
