import { AbortedError, RequestError } from "../../errors.ts";
import type { LLM } from "../../index.ts";
import { toUsageRow } from "../../state/usage-row.ts";

/** An answer that failed after some of it had come. */
export interface FailedAnswer {
	readonly llm: Pick<LLM, "model" | "cost">;
	readonly error: unknown;
	/** What came: it may have been paid for. */
	readonly partialText: string;
}

/** What `ask --json` prints of it, in the shape of a batch's error rows; undefined for an error that is none of ours. */
export function toFailedRow({ llm, error, partialText }: FailedAnswer): object | undefined {
	const facts = factsOf(error);
	if (facts === undefined) return undefined;
	const { errorClass, status, message, attempts, usage } = facts;
	const costUsd = knownCost(llm);
	return {
		model: llm.model,
		error: { class: errorClass, status, message },
		// As in a batch's row: something may have been charged for, and nobody says how much.
		maybe_billed: costUsd === null,
		attempts,
		usage: toUsageRow(usage),
		cost_usd: costUsd,
		partial_text: partialText,
	};
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
	if (!(error instanceof AbortedError)) return undefined;
	const { message } = error;
	return { errorClass: "interrupted", status: null, message, attempts: 1, usage: null };
}
