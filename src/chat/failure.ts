import { exitCodes, LlmxError } from "../errors.ts";
import { failureText } from "../terminal/failure-text.ts";
import type { FailureNotice } from "./view.ts";

/** An error in the words that a view shows. */
export function describeFailure(error: unknown): FailureNotice {
	if (error instanceof LlmxError)
		return { message: failureText(error), hint: error.hint, exitCode: error.exitCode };
	const message = error instanceof Error ? error.message : String(error);
	return { message, hint: undefined, exitCode: exitCodes.failed };
}
