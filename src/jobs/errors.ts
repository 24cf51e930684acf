import { exitCodes, LlmxError, type LlmxErrorOptions } from "../errors.ts";
import { type JobRecord, jobId } from "./job-log.ts";

/** `1 row`, `1,200 rows`: numbers as messages of jobs have them. */
export function rowsText(count: number): string {
	return `${count.toLocaleString("en-US")} ${count === 1 ? "row" : "rows"}`;
}

/** A job may or may not have been created: the answer to its creation was lost. Nothing was sent again. */
export class UnknownOutcomeError extends LlmxError {
	constructor(message: string, options: LlmxErrorOptions = {}) {
		super(message, { exitCode: exitCodes.outage, ...options });
	}
}

/** The provider's queue has no room for another job now; nothing was billed. */
export class QueueFullError extends LlmxError {
	/** Tokens that may be queued at once, when the provider said so. */
	readonly limitTokens: number | undefined;

	constructor(message: string, limitTokens: number | undefined, options: LlmxErrorOptions = {}) {
		super(message, { exitCode: exitCodes.outage, ...options });
		this.limitTokens = limitTokens;
	}
}

/** A provider without a batch API that llmx speaks (exit 2). */
export class NoJobsError extends LlmxError {
	constructor(message: string, options: LlmxErrorOptions = {}) {
		super(message, { exitCode: exitCodes.usage, ...options });
	}
}

/** A job whose provider shows it to another key alone, as an error of the run that wants its results (exit 4). */
export function otherKey(record: JobRecord, model: string): LlmxError {
	return new LlmxError(
		`${rowsText(record.rows)} of ${model} went into a job that was created with another key or at another server`,
		{
			exitCode: exitCodes.auth,
			hint: `use the key it was created with; or forget the job and pay for its rows again: llmx jobs rm ${jobId(record) ?? record.tag}`,
		},
	);
}
