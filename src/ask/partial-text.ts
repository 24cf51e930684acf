import { AbortedError, partialTextOf, RequestError } from "../errors.ts";
import type { Usage } from "../types.ts";
import { addUsage } from "../types.ts";

/** What came of an answer before it failed. */
export interface PartialAnswer {
	readonly text: string;
	/** As far as it was reported. */
	readonly usage?: Usage | null | undefined;
	/** True when another sending than the failed one brought it, and may have been billed for that. */
	readonly maybeBilled?: boolean | undefined;
}

/** Several answers as one partial text. */
export function joinAnswers(texts: readonly string[]): string {
	return texts.filter((text) => text !== "").join("\n---\n");
}

/**
 * The same failure with what had come before it. A failure that has as much text of its own, or is neither a
 * request's nor an interruption, stays as it is.
 */
export function withPartialText(error: unknown, came: PartialAnswer): unknown {
	const { text, usage = null } = came;
	if (text.length <= partialTextOf(error).length) return error;
	if (error instanceof AbortedError) {
		const { message, hint, exitCode } = error;
		return new AbortedError(message, { hint, exitCode, partialText: text, cause: error });
	}
	if (!(error instanceof RequestError)) return error;
	const { provider, errorClass, status, advice, maybeBilled, attempts, hint, exitCode } = error;
	return new RequestError(error.message, {
		provider,
		errorClass,
		status,
		advice,
		maybeBilled: maybeBilled || came.maybeBilled === true,
		usage: error.usage && usage ? addUsage(error.usage, usage) : (error.usage ?? usage),
		attempts,
		hint,
		exitCode,
		partialText: text,
		cause: error,
	});
}
