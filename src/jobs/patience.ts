import { RequestError } from "../errors.ts";

/** Shares of the time between two looks at a job after which something is asked for again. */
const pauses = [0.05, 0.2, 0.5, 1];

/**
 * Does something that can be done again: what was made a moment ago may not be found yet, and connections break.
 * @throws what the last try raised; at once what another try would not change
 */
export async function patiently<T>(
	attempt: (isLast: boolean) => Promise<T>,
	{
		pollMs,
		sleep,
		alsoMalformed = false,
	}: {
		readonly pollMs: number;
		readonly sleep: (ms: number) => Promise<void>;
		/** An answer that is none of the API's is no reason to stop. */
		readonly alsoMalformed?: boolean;
	},
): Promise<T> {
	for (const pause of pauses) {
		try {
			return await attempt(false);
		} catch (error) {
			if (!(error instanceof RequestError)) throw error;
			if (!passes(error) && !(alsoMalformed && error.errorClass === "malformed_response")) throw error;
			await sleep(pause * pollMs);
		}
	}
	return attempt(true);
}

function passes({ errorClass, advice }: RequestError): boolean {
	return errorClass === "not_found" || advice.retry !== "never";
}
