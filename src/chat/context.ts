import type { Conversation } from "../conversation.ts";
import { estimateInputTokens } from "../models/tokens.ts";
import { formatTokens } from "../terminal/formats.ts";

/** The share of the context window from which on the user is warned. */
const warnFrom = 0.85;

/** Tokens of the history that the next question is sent with: as last reported, else estimated. */
export function contextTokens({ turns, messages }: Conversation): number {
	const usage = turns.at(-1)?.finish?.usage;
	if (usage) return usage.inputTokens + usage.outputTokens - usage.reasoningTokens;
	return messages.length === 0 ? 0 : estimateInputTokens(messages);
}

/** Warns once of a conversation that comes near what its model can read. */
export class ContextWatch {
	#warned = false;

	/** It may be said again. */
	forget(): void {
		this.#warned = false;
	}

	/** What to say of a question with which `expected` tokens go out; null while there is room, and after the first time. */
	look(expected: number, window: number | null, model: string): string | null {
		const near = window !== null && expected >= window * warnFrom;
		const first = near && !this.#warned;
		this.#warned = near;
		if (!first) return null;
		const share = `about ${formatTokens(expected)} of the ${formatTokens(window)} tokens`;
		return `the conversation takes ${share} that ${model} can read; /undo, /clear or /new make room`;
	}
}
