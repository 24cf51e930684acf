import { type LlmxError, RequestError } from "../errors.ts";
import { formatPlural } from "./formats.ts";

/** A failure's message for people, with how many requests were sent where one was not the end of it. */
export function failureText(error: LlmxError): string {
	const { message } = error;
	if (!(error instanceof RequestError) || error.attempts < 2) return message;
	return `${message.replace(/\.$/, "")} (${formatPlural(error.attempts, "attempt")})`;
}
