import { type ExitCode, exitCodes, LlmxError, RequestError, UsageError } from "../errors.ts";

/** Why a run ends before its last row. */
export interface HaltReason {
	/** For people, as the end of "stopped: …". */
	readonly text: string;
	readonly exitCode: ExitCode;
	/** The next step, where it is not simply the same command again. */
	readonly hint?: string | undefined;
}

/** Ends a run: softly, so that what is in flight lands, or at once. */
export class Halt {
	readonly #stop = new AbortController();
	readonly #abort = new AbortController();
	readonly #check: () => void;
	#reason: HaltReason | undefined;

	/** `check` is called before every sending, and may end the run. */
	constructor(check: () => void = () => {}) {
		this.#check = check;
	}

	/** The first reason; a later one only hastens the end. */
	get reason(): HaltReason | undefined {
		return this.#reason;
	}

	/** Whether nothing more is to be sent, by what is so at this moment. */
	get isDue(): boolean {
		this.#check();
		return this.#stop.signal.aborted;
	}

	/** Fires when nothing more is to be sent. */
	get stopSignal(): AbortSignal {
		return this.#stop.signal;
	}

	/** Fires when what is in flight is to be broken off too. */
	get abortSignal(): AbortSignal {
		return this.#abort.signal;
	}

	/** Lets what is in flight land and sends nothing more. */
	soon(reason: HaltReason): void {
		this.#reason ??= reason;
		this.#stop.abort();
	}

	/** Breaks off what is in flight; it may be billed. */
	now(reason: HaltReason): void {
		this.soon(reason);
		this.#abort.abort();
	}
}

/** `--halt`: end the run when so many rows have failed. */
export interface HaltPolicy {
	readonly when: "now" | "soon";
	/** Rows; undefined for a share. */
	readonly count: number | undefined;
	/** Of the rows that are finished, 0 to 1. */
	readonly share: number | undefined;
}

/** A share is not judged before so many rows have failed. */
const leastFailures = 3;

/**
 * Reads `now,fail=1` or `soon,fail=10%`.
 * @throws UsageError
 */
export function parseHaltPolicy(text: string): HaltPolicy {
	const match = /^(now|soon),fail=(\d+(?:\.\d+)?)(%?)$/.exec(text);
	const value = Number(match?.[2]);
	const isShare = match?.[3] === "%";
	if (match === null || value <= 0 || (isShare ? value > 100 : !Number.isInteger(value)))
		throw new UsageError(`invalid --halt policy "${text}"`, {
			hint: "use a policy such as now,fail=1 or soon,fail=10%",
		});
	const when = match[1] as HaltPolicy["when"];
	return isShare ? { when, count: undefined, share: value / 100 } : { when, count: value, share: undefined };
}

/** True when the policy says that the run has failed too often. */
export function isTooManyFailures(policy: HaltPolicy, failed: number, finished: number): boolean {
	if (policy.count !== undefined) return failed >= policy.count;
	return failed >= leastFailures && failed >= finished * (policy.share ?? 1);
}

/** The reason of a run that `--halt` ended. */
export function failureReason(policy: HaltPolicy, failed: number): HaltReason {
	const limit = policy.count ?? `${(policy.share ?? 1) * 100} %`;
	return { text: `${failed} rows failed (--halt ${policy.when} at ${limit})`, exitCode: exitCodes.failed };
}

/** So many rows that failed in the same words, with no answer between them, show that the next ones will not fare better. */
export const sameFailures = 20;
/** Failures that have to do with what a row asks. */
const ofTheRow: ReadonlySet<string> = new Set(["blocked", "context_length", "too_large", "rate_limit"]);

/** Notices that everything fails in the same way: an account in a state that nobody has a word for yet. */
export class SameFailures {
	#words = "";
	#count = 0;

	answered(): void {
		this.#count = 0;
	}

	/** Returns whether the run had better stop. */
	failed(error: LlmxError): boolean {
		const { errorClass = "", status = 0 } = error instanceof RequestError ? error : {};
		const words = `${errorClass} ${status} ${error.message}`;
		this.#count = words === this.#words ? this.#count + 1 : 1;
		this.#words = words;
		return this.#count >= sameFailures && errorClass !== "" && !ofTheRow.has(errorClass);
	}
}

/** When so many rows have failed and not one was answered, the next ones will not fare better. */
export const hopelessFailures = 50;

/** Ends a model of which nothing else comes: all of its first rows failed (`none`), or the last ones in the same way. */
export function hopelessModel(model: string, error: LlmxError, none: boolean): LlmxError {
	const which = none
		? `the first ${hopelessFailures} rows of ${model} all failed`
		: `${sameFailures} rows of ${model} in a row failed in the same way`;
	return new LlmxError(`${which}: ${error.message}`, {
		exitCode: error.exitCode,
		hint: error.hint ?? "fix this first; --halt soon,fail=N allows more failures",
		cause: error,
	});
}
