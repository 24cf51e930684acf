import { RequestError } from "./errors.ts";
import type { Usage } from "./types.ts";

/**
 * The same failure with the text that had come before it, and the usage of that. A failure that has a text of its own,
 * or is no request's, stays as it is.
 */
export function withPartialText(error: unknown, text: string, usage: Usage | null): unknown {
	if (!(error instanceof RequestError) || error.partialText || text === "") return error;
	const { provider, errorClass, status, advice, maybeBilled, attempts, hint, exitCode } = error;
	return new RequestError(error.message, {
		provider,
		errorClass,
		status,
		advice,
		maybeBilled,
		usage: error.usage ?? usage,
		attempts,
		hint,
		exitCode,
		partialText: text,
		cause: error,
	});
}
