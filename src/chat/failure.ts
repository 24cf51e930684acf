import { exitCodes, LlmxError, RequestError } from "../errors.ts";
import { failureText } from "../terminal/failure-text.ts";
import type { FailureNotice } from "./view.ts";

/** An error in the words that a view shows. */
export function describeFailure(error: unknown): FailureNotice {
	if (error instanceof LlmxError)
		return { message: failureText(error), hint: hintOf(error), exitCode: error.exitCode };
	const message = error instanceof Error ? error.message : String(error);
	return { message, hint: undefined, exitCode: exitCodes.failed };
}

/** The next step, as one takes it in a chat. */
function hintOf(error: LlmxError): string | undefined {
	const { hint } = error;
	if (!(error instanceof RequestError)) return hint;
	switch (error.errorClass) {
		case "blocked":
			return "/edit changes the question, /model chooses another model";
		case "context_length":
			return "/compact or /new makes room, /model chooses one with a larger context window";
		case "auth":
		case "quota":
			return hint && `${hint}; then /retry`;
		case "rate_limit":
		case "overloaded":
		case "server":
		case "timeout":
			return hint && `${hint} with /retry`;
		default:
			return hint?.replace(/^ask again/, "/retry asks again");
	}
}
