import { AbortedError, LlmxError, PartialFailureError } from "../errors.ts";
import type { RowOutcome } from "./run-control.ts";

/**
 * The answers of a whole run, in the order of its prompts. All are finished first.
 * @throws PartialFailureError with `results` (null where an answer is missing) and `errors` when any failed
 */
export async function collectAnswers<Row>(
	outcomes: AsyncIterable<RowOutcome<Row>>,
	count: number,
): Promise<string[][]> {
	const results = new Array<string[] | null>(count).fill(null);
	const errors = new Array<LlmxError | null>(count).fill(null);
	let stopped: LlmxError | undefined;
	try {
		for await (const outcome of outcomes) {
			if (outcome.ok) results[outcome.index] = [...outcome.result.texts];
			else errors[outcome.index] = outcome.error;
		}
	} catch (error) {
		if (!(error instanceof LlmxError)) throw error;
		stopped = error;
	}
	let failures = 0;
	let first: LlmxError | undefined;
	for (const [index, result] of results.entries()) {
		if (result) continue;
		const error = errors[index] ?? stopped ?? new AbortedError("not sent: the run was stopped");
		errors[index] = error;
		first ??= error;
		failures += 1;
	}
	if (first === undefined) return results as string[][];
	throw new PartialFailureError(`${failures} of ${count} prompts failed: ${first.message}`, {
		results,
		errors,
		hint: first.hint,
		exitCode: first.exitCode,
		cause: first,
	});
}
