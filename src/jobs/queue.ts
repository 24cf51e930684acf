import { RequestError } from "../errors.ts";
import type { JobProblem } from "./contract.ts";
import { QueueFullError } from "./errors.ts";

/** OpenAI's words, also in the problems of a batch that failed: "Enqueued token limit reached … Limit: 90,000 enqueued tokens". */
const queueWords = /enqueued (?:token|request)s? limit|token_limit_exceeded|queued? (?:batch )?requests?/i;
const limitWords = /limit:\s*([\d,]+)\s*enqueued tokens/i;

/** The error of a create that was refused for want of room; undefined when it was refused for something else. */
export function queueFull(error: unknown): QueueFullError | undefined {
	if (!(error instanceof RequestError)) return undefined;
	// Gemini and Anthropic answer 429 to one job too many; a spent quota is another class.
	if (error.errorClass !== "rate_limit" && !queueWords.test(error.message)) return undefined;
	return new QueueFullError(error.message, limitIn(error.message), { cause: error });
}

/** The same of a job that was created and then refused. */
export function isQueueProblem({ code, message }: JobProblem): boolean {
	return code === "token_limit_exceeded" || queueWords.test(message);
}

/** Tokens that may be queued, in the server's own words. */
export function limitIn(message: string): number | undefined {
	const digits = limitWords.exec(message)?.[1]?.replaceAll(",", "");
	return digits === undefined ? undefined : Number(digits);
}
