import type { FinishReason } from "../types.ts";

export interface AnswerMarks {
	readonly interrupted: boolean;
	/** The connection or the server ended it, not the user. */
	readonly isCut: boolean;
	readonly hasText: boolean;
	readonly finishReason: FinishReason | undefined;
}

/** What a reader must know of an answer that has no proper end; undefined for one that has. */
export function markOf({ interrupted, isCut, hasText, finishReason }: AnswerMarks): string | undefined {
	if (interrupted && finishReason === "content-filter")
		return hasText ? "ended by the provider's content filter; the partial answer is kept" : undefined;
	if (interrupted && isCut) return hasText ? "cut off before its end; the partial answer is kept" : undefined;
	if (interrupted) return hasText ? "stopped; the partial answer is kept" : "stopped · /retry asks again";
	switch (finishReason) {
		case "length":
			return hasText
				? "cut off at the token limit · /set max_tokens N raises it, /retry asks again"
				: "the token limit was reached before the answer began · /set max_tokens N raises it";
		case "content-filter":
			return hasText ? "ended by the provider's content filter" : "blocked by the provider's content filter";
		case "tool-calls":
			return "the model asked for a tool; llmx chat has none";
		default:
			return hasText ? undefined : "the answer is empty · /retry asks again";
	}
}

/** The same in a document: a few words. */
export function shortMarkOf({ interrupted, isCut, hasText, finishReason }: AnswerMarks): string | undefined {
	if (finishReason === "content-filter") return "ended by the content filter";
	if (interrupted) return isCut ? "cut off" : "stopped";
	if (finishReason === "length") return "cut off at the token limit";
	return hasText ? undefined : "empty";
}

/** That, and whether the answer was paid for; empty when there is nothing to know. */
export function noteOf(marks: AnswerMarks, isCached: boolean): string {
	return [shortMarkOf(marks), isCached ? "from the cache" : undefined].filter(Boolean).join(", ");
}
