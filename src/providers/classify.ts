import { type ErrorClass, exitCodes, type FailureAdvice, RequestError } from "../errors.ts";
import type { Charges, Usage } from "../types.ts";
import type { ErrorDetail } from "./error-body.ts";
import { contextCodes, moderationCodes, statusOfCode } from "./error-codes.ts";
import type { ProviderRow } from "./provider-row.ts";
import { redact, safeText } from "./redact.ts";
import { refusalCause } from "./refusals.ts";

/** An error that a provider reported, with what is known of the exchange. */
export interface ReportedError {
	readonly provider: ProviderRow;
	readonly modelId: string | undefined;
	readonly detail: ErrorDetail;
	/** HTTP status of the response; below 400 when the error came inside an answer or a stream. */
	readonly status: number;
	/** The address that was asked. */
	readonly url?: string | undefined;
	/** The server said `x-should-retry: false`. */
	readonly retryForbidden: boolean;
	/** The server's hint in ms, already checked for sense. */
	readonly afterMs: number | undefined;
	/** The call's own keys, to be kept out of the message. */
	readonly keys: readonly (string | undefined)[];
	readonly partialText?: string | undefined;
	readonly usage?: Usage | null | undefined;
	readonly charges?: Charges | undefined;
}

interface Verdict {
	readonly errorClass: ErrorClass;
	readonly retry: FailureAdvice["retry"];
	readonly key: FailureAdvice["key"];
	readonly maybeBilled: boolean;
}

const final = { retry: "never", key: "keep", maybeBilled: false } as const;
const again = { retry: "always", key: "keep", maybeBilled: false } as const;
const once = { retry: "once", key: "keep", maybeBilled: true } as const;

const contextWords =
	/context (?:length|window|size)|maximum context|prompt is too long|too many (?:prompt |input )?tokens|input token count|exceeds? (?:the )?(?:maximum|model'?s|available) (?:number of tokens|input|context)|length of all messages is too long|maximum prompt length/i;
const badKeyWords =
	/api[ _-]?key (?:is )?(?:not valid|invalid|expired|incorrect)|(?:incorrect|invalid) api[ _-]?key/i;

/** Turns an error that the provider reported into a RequestError that says what to do about it. */
export function classify(reported: ReportedError): RequestError {
	const { provider, detail, status } = reported;
	const inBand = status < 400;
	const effective = inBand ? statusInside(detail) : status;
	let verdict = judge(provider, detail, effective);
	// Inside a stream or an answer tokens were already made: asking again may cost again, so at most once.
	if (inBand)
		verdict = { ...verdict, retry: verdict.retry === "always" ? "once" : verdict.retry, maybeBilled: true };
	if (reported.retryForbidden) verdict = { ...verdict, retry: "never" };
	return new RequestError(messageFor(reported, verdict, effective, inBand), {
		provider: provider.id,
		errorClass: verdict.errorClass,
		status: effective,
		advice: {
			retry: verdict.retry,
			key: verdict.key,
			afterMs: verdict.retry === "never" ? undefined : reported.afterMs,
		},
		maybeBilled: verdict.maybeBilled,
		hint: hintFor(provider, verdict.errorClass, reported.afterMs),
		exitCode: exitCodeOf(verdict),
		partialText: reported.partialText,
		usage: reported.usage,
		charges: reported.charges,
	});
}

function statusInside(detail: ErrorDetail): number {
	if (detail.status !== undefined && detail.status >= 400 && detail.status < 600) return detail.status;
	for (const code of detail.codes) {
		const status = Object.hasOwn(statusOfCode, code) ? statusOfCode[code] : undefined;
		if (status !== undefined) return status;
	}
	if (/rate.?limit|too many requests/i.test(detail.message)) return 429;
	return badKeyWords.test(detail.message) ? 401 : 500;
}

function judge(provider: ProviderRow, detail: ErrorDetail, status: number): Verdict {
	const { codes, message } = detail;
	const has = (set: ReadonlySet<string>) => codes.some((code) => set.has(code));
	if (has(moderationCodes)) return { ...final, errorClass: "blocked" };
	if (status === 400 || status === 413 || status === 422) {
		if (has(contextCodes) || contextWords.test(message)) return { ...final, errorClass: "context_length" };
	}
	// Gemini and xAI answer 400 to a wrong key.
	if (status === 401 || codes.includes("api_key_invalid") || (status === 400 && badKeyWords.test(message)))
		return { ...again, errorClass: "auth", key: "drop" };
	// OpenRouter's 402 for one request that asks for more than is left: a shorter answer would be paid for.
	if (status === 402 && /fewer max_tokens|can only afford/i.test(message))
		return { ...final, errorClass: "invalid_request" };
	const cause = refusalCause(provider, detail, status);
	if (status === 402 || cause === "account") return { ...again, errorClass: "quota", key: "retire" };
	if (cause === "row") return { ...final, errorClass: "too_large" };
	if (cause === "context") return { ...final, errorClass: "context_length" };
	if (cause === "server") return { ...again, errorClass: "overloaded" };
	switch (status) {
		case 429:
			return { ...again, errorClass: "rate_limit", key: "next" };
		case 403:
			return { ...final, errorClass: "forbidden" };
		case 404:
		case 410:
			return { ...final, errorClass: "not_found" };
		case 413:
			return { ...final, errorClass: "too_large" };
		case 501:
			return { ...final, errorClass: "invalid_request" };
		// 524: the origin still worked on it. https://developers.cloudflare.com/support/troubleshooting/
		case 408:
		case 499:
		case 504:
		case 524:
		case 598:
		case 599:
			return { ...once, errorClass: "timeout" };
		case 520: // The origin broke off its answer; at 521 to 523 it was never reached.
			return { ...once, errorClass: "server" };
		case 409:
		case 425:
			return { ...again, errorClass: "server" };
		case 498: // Groq's flex tier has no room now. https://console.groq.com/docs/errors
		case 503:
		case 529:
			return { ...again, errorClass: "overloaded" };
	}
	return status >= 500 ? { ...again, errorClass: "server" } : { ...final, errorClass: "invalid_request" };
}

function messageFor(reported: ReportedError, verdict: Verdict, status: number, inBand: boolean): string {
	const { provider, detail } = reported;
	const { errorClass } = verdict;
	const html = detail.body === undefined;
	const said = safeText(redact(detail.message, reported.keys), html ? 200 : 500);
	const tail = said === "" ? "" : `: ${said}`;
	const how = inBand ? "reported an error inside its answer" : `answered ${status}`;
	if (errorClass === "context_length") {
		const sizes =
			detail.promptTokens !== undefined && detail.contextTokens !== undefined
				? ` (${detail.promptTokens} tokens, the limit is ${detail.contextTokens})`
				: "";
		const model = reported.modelId === undefined ? "" : ` for ${reported.modelId}`;
		return `${provider.label}: the prompt is too long${model}${sizes}${tail}`;
	}
	const what = words[errorClass];
	const where = status === 404 && !inBand && reported.url !== undefined ? ` at ${reported.url}` : "";
	return `${provider.label} ${how}${what === undefined ? "" : ` (${what})`}${where}${tail}`;
}

const words: Partial<Record<ErrorClass, string>> = {
	rate_limit: "rate limit",
	quota: "quota or credit spent",
	auth: "key refused",
	forbidden: "forbidden",
	not_found: "not found",
	blocked: "blocked by a content filter",
	overloaded: "overloaded",
	timeout: "timed out on its side",
	too_large: "request too large",
};

/** What to do about an answer that was refused or taken away. */
export const blockedHint = "change the prompt, or choose another model";

function hintFor(provider: ProviderRow, errorClass: ErrorClass, afterMs = 0): string | undefined {
	switch (errorClass) {
		case "auth":
			return `check the key: llmx keys list, llmx keys set ${provider.id}`;
		case "quota":
			return `check billing and limits at ${provider.label}, or use another key`;
		case "not_found":
			return `see what ${provider.label} serves: llmx models --live --provider ${provider.id}`;
		case "forbidden":
			return `check what the account may use at ${provider.label}, or change the prompt`;
		case "blocked":
			return blockedHint;
		case "too_large":
			return "send less at once";
		case "context_length":
			return "shorten the prompt, or choose a model with a larger context window";
		case "rate_limit":
		case "overloaded":
		case "server":
		case "timeout":
			return `try again ${whenIn(afterMs)}`;
		default:
			return undefined;
	}
}

function whenIn(ms: number): string {
	if (ms < 1_000) return "later";
	return ms < 120_000 ? `in ${Math.ceil(ms / 1_000)} s` : `in ${Math.ceil(ms / 60_000)} minutes`;
}

function exitCodeOf({ errorClass, retry }: Verdict): (typeof exitCodes)[keyof typeof exitCodes] {
	if (errorClass === "auth" || errorClass === "forbidden") return exitCodes.auth;
	if (errorClass === "quota") return exitCodes.quota;
	return retry === "never" ? exitCodes.failed : exitCodes.outage;
}
