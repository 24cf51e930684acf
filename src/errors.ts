/**
 * The taxonomy of failures. Only cli/main.ts turns an error into text and an exit code.
 * Whoever builds an error redacts keys from its message.
 */

import { addUsage, type Charges, type Usage } from "./types.ts";

/** Exit codes of the command line; an error carries the one it leads to. */
export const exitCodes = {
	ok: 0,
	failed: 1,
	usage: 2,
	auth: 4,
	outage: 5,
	quota: 7,
	costCap: 8,
	durationCap: 10,
	hangup: 129,
	interrupted: 130,
	terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface LlmxErrorOptions {
	/** The next step, in the imperative. */
	readonly hint?: string | undefined;
	readonly exitCode?: ExitCode | undefined;
	readonly cause?: unknown;
}

/** Every error that llmx raises on purpose: what happened, the next step, and the exit code that it leads to. */
export class LlmxError extends Error {
	/** Whoever knows a better next step may replace it. */
	hint: string | undefined;
	readonly exitCode: ExitCode;

	constructor(message: string, options: LlmxErrorOptions = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.name = new.target.name;
		this.hint = options.hint;
		this.exitCode = options.exitCode ?? exitCodes.failed;
	}
}

/** A wrong flag, argument, input file or locked output (exit 2). */
export class UsageError extends LlmxError {
	constructor(message: string, options: LlmxErrorOptions = {}) {
		super(message, { exitCode: exitCodes.usage, ...options });
	}
}

/** A config or key file that cannot be used (exit 2). */
export class ConfigError extends LlmxError {
	constructor(message: string, options: LlmxErrorOptions = {}) {
		super(message, { exitCode: exitCodes.usage, ...options });
	}
}

/** No provider serves this model string (exit 2). */
export class NoRouteError extends UsageError {}

/** The provider needs a key and none was found (exit 4). */
export class MissingKeyError extends LlmxError {
	constructor(message: string, options: LlmxErrorOptions = {}) {
		super(message, { exitCode: exitCodes.auth, ...options });
	}
}

export interface AbortedErrorOptions extends LlmxErrorOptions {
	/** Text that had come by then; multiple answers are separated by `---` lines. */
	readonly partialText?: string | undefined;
}

/** The caller's signal stopped the work (exit 130 unless a signal says otherwise). */
export class AbortedError extends LlmxError {
	readonly partialText: string | undefined;

	constructor(message = "interrupted", options: AbortedErrorOptions = {}) {
		super(message, { exitCode: exitCodes.interrupted, ...options });
		this.partialText = options.partialText;
	}

	/** The same interruption with what had come before it; this one is its cause. */
	withPartial({ text }: PartialAnswer): AbortedError {
		const { message, hint, exitCode } = this;
		return abortedError(message, { hint, exitCode, partialText: text, cause: this });
	}
}

/** Why a request failed, in one word: the `class` of an error row. */
export type ErrorClass =
	| "rate_limit"
	| "quota"
	| "auth"
	| "forbidden"
	| "invalid_request"
	| "context_length"
	| "not_found"
	| "blocked"
	| "overloaded"
	| "server"
	| "network"
	| "tls"
	| "timeout"
	| "redirect"
	| "too_large"
	| "malformed_response"
	| "empty"
	| "incomplete"
	| "schema";

/** What the retry loop should do about a failure; see docs/architecture.md, "What a failure means". */
export interface FailureAdvice {
	/** `always` within the retry budget, `once` where the request may have been billed, `never`. */
	readonly retry: "always" | "once" | "never";
	/** The server's own hint in ms, already checked for sense; never wait less. */
	readonly afterMs?: number | undefined;
	/** What becomes of the key: kept, set aside for the next one, dropped as wrong, retired as spent. */
	readonly key: "keep" | "next" | "drop" | "retire";
	/** This machine lacks what other requests in flight will give back: not held against the one that failed. */
	readonly isCrowded?: boolean | undefined;
}

export interface RequestErrorOptions extends LlmxErrorOptions {
	readonly provider: string;
	readonly errorClass: ErrorClass;
	readonly status?: number | undefined;
	readonly advice: FailureAdvice;
	/** True when the provider may charge for the request although no answer came. */
	readonly maybeBilled: boolean;
	readonly attempts?: number;
	/** Text that did arrive before the failure; multiple answers are separated by `---` lines. */
	readonly partialText?: string | undefined;
	/** Usage reported before the failure (camelCase Usage), when there was any. */
	readonly usage?: Usage | null | undefined;
	/** What was billed besides the tokens of `usage`, as reported with it. */
	readonly charges?: Charges | undefined;
}

/** One request to a provider failed. */
export class RequestError extends LlmxError {
	readonly provider: string;
	readonly errorClass: ErrorClass;
	readonly status: number | undefined;
	readonly advice: FailureAdvice;
	readonly maybeBilled: boolean;
	readonly partialText: string | undefined;
	readonly usage: Usage | null;
	readonly charges: Charges | undefined;
	/** Requests sent so far, this one included; the retry loop sets it. */
	attempts: number;
	readonly #options: RequestErrorOptions;

	constructor(message: string, options: RequestErrorOptions) {
		super(message, options);
		this.#options = options;
		this.provider = options.provider;
		this.errorClass = options.errorClass;
		this.status = options.status;
		this.advice = options.advice;
		this.maybeBilled = options.maybeBilled;
		this.partialText = options.partialText;
		this.usage = options.usage ?? null;
		this.charges = options.charges;
		this.attempts = options.attempts ?? 1;
	}

	/** The same failure, told in other words; this one is its cause. It is final. */
	withMessage(message: string): RequestError {
		const { attempts, usage, partialText } = this;
		const advice: FailureAdvice = { ...this.advice, retry: "never", afterMs: undefined };
		const exitCode = exitCodes.failed;
		return requestError(message, {
			...this.#options,
			advice,
			attempts,
			usage,
			partialText,
			exitCode,
			cause: this,
		});
	}

	/** The same failure with what had come before it; this one is its cause. */
	withPartial({ text, usage = null, maybeBilled = false }: PartialAnswer): RequestError {
		const { hint, attempts } = this;
		return requestError(this.message, {
			...this.#options,
			hint,
			attempts,
			exitCode: this.exitCode,
			maybeBilled: this.maybeBilled || maybeBilled,
			usage: this.usage && usage ? addUsage(this.usage, usage) : (this.usage ?? usage),
			partialText: text,
			cause: this,
		});
	}
}

/** The part of an answer that arrived before it failed. */
export interface PartialAnswer {
	readonly text: string;
	/** As far as it was reported. */
	readonly usage?: Usage | null | undefined;
	/** True when another sending than the failed one brought it, and may have been billed for that. */
	readonly maybeBilled?: boolean | undefined;
}

// A class that names itself is renamed by the bundler, and errors are known by their names.
const requestError = (message: string, options: RequestErrorOptions) => new RequestError(message, options);
const abortedError = (message: string, options: AbortedErrorOptions) => new AbortedError(message, options);

/**
 * The same failure with what had come before it. A failure that has as much text of its own, or is neither a
 * request's nor an interruption, stays as it is.
 */
export function withPartial(error: unknown, came: PartialAnswer): unknown {
	if (came.text.length <= partialTextOf(error).length) return error;
	return error instanceof RequestError || error instanceof AbortedError ? error.withPartial(came) : error;
}

/** The text that had come before a failure; empty when it carries none. */
export function partialTextOf(error: unknown): string {
	return error instanceof RequestError || error instanceof AbortedError ? (error.partialText ?? "") : "";
}

/** A parameter or message part that the provider or model cannot take; raised before anything is sent. */
export class UnsupportedError extends UsageError {}

export interface PartialFailureOptions<Results, Errors> extends LlmxErrorOptions {
	readonly results: Results;
	readonly errors: Errors;
}

/** Some of many failed, after all were finished: `results` holds the answers, `errors` the failures. */
export class PartialFailureError<Results = unknown, Errors = unknown> extends LlmxError {
	readonly results: Results;
	readonly errors: Errors;

	constructor(message: string, options: PartialFailureOptions<Results, Errors>) {
		super(message, options);
		this.results = options.results;
		this.errors = options.errors;
	}
}

/** `--cache-only` and the answer is not in the cache (exit 1). */
export class CacheMissError extends LlmxError {}
