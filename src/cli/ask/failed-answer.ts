import { AbortedError, LlmxError, RequestError } from "../../errors.ts";
import type { LLM } from "../../index.ts";
import { decimal } from "../../state/decimal.ts";
import { toUsageRow } from "../../state/usage-row.ts";
import { formatCount, formatUsd } from "../../terminal/formats.ts";

/** A question without a whole answer. */
export interface FailedAnswer {
	/** Undefined where it failed before a model was chosen. */
	readonly llm?: Pick<LLM, "model" | "cost"> | undefined;
	readonly error: unknown;
	/** The partial answer: it may have been paid for. */
	readonly partialText?: string;
}

/** What `ask --json` prints of it, in the shape of a batch's error rows; undefined for an error that is none of ours. */
export function toFailedRow({ llm, error, partialText = "" }: FailedAnswer): object | undefined {
	const facts = factsOf(error);
	if (facts === undefined) return undefined;
	const { errorClass, status, message, attempts, usage } = facts;
	const costUsd = llm === undefined ? 0 : knownCost(llm);
	return {
		model: llm?.model ?? null,
		error: { class: errorClass, status, message },
		// As in a batch's row: something may have been charged, at an unknown price.
		maybe_billed: costUsd === null,
		attempts,
		usage: toUsageRow(usage),
		cost_usd: decimal(costUsd),
		partial_text: partialText === "" ? null : partialText,
	};
}

/** Something was or may have been paid for. */
export function isBilled({ cost }: Pick<LLM, "cost">): boolean {
	return cost.usd > 0 || cost.unknownCalls > 0;
}

/** `10,000 in · 2,000 out · $0.055`: what a failed question took, in words. */
export function spentLine(llm: Pick<LLM, "cost">, error: unknown): string {
	const usage = error instanceof RequestError ? error.usage : null;
	const tokens =
		usage === null
			? "tokens unknown"
			: `${formatCount(usage.inputTokens)} in · ${formatCount(usage.outputTokens)} out`;
	const costUsd = knownCost(llm);
	return `${tokens} · ${costUsd === null ? "cost unknown" : formatUsd(costUsd)}`;
}

/** USD that an LLM took which was asked nothing but one question; null when unknown. */
export function knownCost({ cost }: Pick<LLM, "cost">): number | null {
	return cost.unknownCalls > 0 ? null : cost.usd;
}

function factsOf(error: unknown) {
	if (error instanceof RequestError) {
		const { errorClass, status = null, message, attempts, usage } = error;
		return { errorClass, status, message, attempts, usage };
	}
	if (!(error instanceof LlmxError)) return undefined;
	const { message } = error;
	const errorClass = error instanceof AbortedError ? "interrupted" : "other";
	return { errorClass, status: null, message, attempts: errorClass === "other" ? 0 : 1, usage: null };
}
