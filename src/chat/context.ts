import type { Conversation } from "../conversation.ts";
import { estimateInputTokens, estimateTextTokens } from "../models/tokens.ts";
import type { Parameters } from "../parameters/table.ts";
import { formatTokens, formatUsd } from "../terminal/formats.ts";
import type { ContentPart } from "../types.ts";
import type { Attachment } from "./content.ts";

/** The share of the context window from which on the user is warned. */
export const nearlyFull = 0.85;
/** A summary takes about this share of what it sums up, in tokens. */
const summaryShare = 0.15;

/** What lists of models say of one. */
export interface ModelPrices {
	/** Tokens that it can read; null when unknown. */
	readonly contextWindow: number | null;
	/** USD per million tokens; null when unknown. */
	readonly inputPrice: number | null;
	readonly outputPrice: number | null;
}

/** What is known of a model without asking its provider. */
export interface ModelFacts extends ModelPrices {
	/** Tokens of attachments at most. */
	readonly attachedMost: (content: readonly ContentPart[]) => number;
	/**
	 * USD of so many tokens with everything that they can be billed for: a region, a tier, the provider's prompt cache;
	 * null when unknown.
	 */
	readonly usdOf: (tokens: AskedTokens, parameters: Parameters) => number | null;
}

export interface AskedTokens {
	readonly input: number;
	/** 0 where only the question is meant. */
	readonly output: number;
}

/** What a question takes before it is answered. */
export interface QuestionEstimate {
	/** History, attachments and text. */
	readonly tokens: number;
	/** Of them, what is attached. */
	readonly attachedTokens: number;
	/** USD; null when unknown. */
	readonly inputUsd: number | null;
	/** Tokens; null when unknown. */
	readonly contextWindow: number | null;
}

/** Tokens of the history that the next question is sent with: as last reported, else estimated. */
export function contextTokens({ turns, messages }: Conversation): number {
	const usage = turns.at(-1)?.finish?.usage;
	if (usage) return usage.inputTokens + usage.outputTokens - usage.reasoningTokens;
	return messages.length === 0 ? 0 : estimateInputTokens(messages);
}

export function estimateQuestion(
	text: string,
	attachments: readonly Attachment[],
	history: number,
	{ contextWindow, attachedMost, usdOf }: ModelFacts,
	parameters: Parameters,
): QuestionEstimate {
	const content = attachments.map(({ part }) => part);
	const attachedTokens = content.length === 0 ? 0 : estimateInputTokens([{ role: "user", content }]);
	const spoken = history + estimateTextTokens(text);
	const most = spoken + Math.max(attachedTokens, attachedMost(content));
	return {
		tokens: spoken + attachedTokens,
		attachedTokens,
		inputUsd: usdOf({ input: most, output: 0 }, parameters),
		contextWindow,
	};
}

/** Tokens and USD that making a summary of so many tokens takes; USD null when unknown. */
export function estimateSummary(
	tokens: number,
	{ usdOf }: ModelFacts,
	parameters: Parameters,
): { readonly tokens: number; readonly usd: number | null } {
	const length = Math.min(1_500, Math.ceil(tokens * summaryShare));
	return { tokens: length, usd: usdOf({ input: tokens, output: length }, parameters) };
}

/** Warns of a conversation that comes near what its model can read, and holds back what exceeds it. */
export class ContextWatch {
	#warned = false;
	/** What is sent although it does not fit, because it was asked twice. */
	#agreed: string | undefined;

	/** It may be said again. */
	forget(): void {
		this.#warned = false;
		this.#agreed = undefined;
	}

	/**
	 * Looks at a question before it goes out. `question` identifies it: the second time in a row it is let through,
	 * whatever its size.
	 */
	look(
		question: string,
		estimate: QuestionEstimate,
		model: string,
		facts: ModelFacts,
		parameters: Parameters,
	): { readonly maySend: boolean; readonly warning: string | null } {
		const { tokens, contextWindow: window } = estimate;
		const agreed = this.#agreed === question;
		this.#agreed = undefined;
		if (window === null || tokens < window * nearlyFull) {
			this.#warned = false;
			return { maySend: true, warning: null };
		}
		if (tokens > window && !agreed) {
			this.#agreed = question;
			const price = estimate.inputUsd === null ? "" : `, ${formatUsd(estimate.inputUsd)} before the answer`;
			const size = `this is about ${formatTokens(tokens)} tokens${price}, more than the ${formatTokens(window)} that ${model} can read`;
			return {
				maySend: false,
				warning: `not sent: ${size}. Press Enter again to send it anyway; /compact, /undo or /new make room`,
			};
		}
		const isFirst = !this.#warned;
		this.#warned = true;
		if (!isFirst || agreed) return { maySend: true, warning: null };
		return {
			maySend: true,
			warning: fullWarning(estimate, window, model, estimateSummary(tokens, facts, parameters)),
		};
	}
}

function fullWarning(
	{ tokens }: QuestionEstimate,
	window: number,
	model: string,
	summary: ReturnType<typeof estimateSummary>,
): string {
	const price = summary.usd === null ? "" : `, for about ${formatUsd(summary.usd)}`;
	const share = Math.round((100 * tokens) / window);
	const sizes = `about ${formatTokens(summary.tokens)} of ${formatTokens(tokens)} tokens`;
	return `this conversation fills ${share} % of what ${model} can read (${formatTokens(window)}); /compact makes ${sizes}${price}`;
}
