import {
	AbortedError,
	type ErrorClass,
	type ExitCode,
	exitCodes,
	LlmxError,
	RequestError,
} from "../errors.ts";
import type { Exchange } from "../http/contract.ts";
import { findTransportError, isOwnLimit, TransportError, transportFailure } from "../http/transport-error.ts";
import { retryHint } from "../limits/retry-after.ts";
import type { Charges, Usage } from "../types.ts";
import { blockedHint, classify } from "./classify.ts";
import { isObject, parseJson, readErrorBody, readErrorText } from "./error-body.ts";
import type { ProviderRow } from "./provider-row.ts";
import { redact, safeText } from "./redact.ts";

/** What is known of a call when it fails. */
export interface FailureContext {
	readonly provider: ProviderRow;
	readonly modelId: string | undefined;
	readonly key: string | undefined;
	readonly exchange: Exchange;
	/** Text that had arrived. */
	readonly partialText?: string | undefined;
	/** As reported so far. An error carries it only when the answer had come to its end: before that it still grows. */
	readonly usage?: Usage | null | undefined;
	readonly charges?: Charges | undefined;
	/** Reads the bill that a whole answer or an error of this wire brings along. */
	readonly readBill?: ((payload: Readonly<Record<string, unknown>>) => Bill) | undefined;
}

/** What an answer says that it used. */
export interface Bill {
	readonly usage: Usage | null;
	readonly charges: Charges;
}

/**
 * What an adapter throws for whatever went wrong: AbortedError when the caller stopped it, our own errors as they
 * are, and a RequestError for the rest. SDKs hide the network's part and the headers, so the exchange is asked.
 */
export function toFailure(error: unknown, context: FailureContext): LlmxError {
	const { exchange } = context;
	if (error instanceof LlmxError && !(error instanceof TransportError)) return error;
	const transport = exchange.failure ?? findTransportError(error);
	if (transport?.reason === "aborted" || (exchange.signal.aborted && transport === undefined))
		return new AbortedError(undefined, { cause: transport?.cause ?? error });
	if (transport !== undefined) return networkFailure(transport, context);
	if (exchange.status !== undefined && exchange.status >= 400) return answeredFailure(context);
	if (exchange.cut) return incomplete(context, "the connection was cut");
	const message = error instanceof Error ? error.message : String(error);
	return failed(context, "malformed_response", `not an API response (${safeText(message, 200)})`, error);
}

/** An error payload that came inside an answer or a stream of status 200. `isWhole`: nothing follows it, so the usage is its bill. */
export function reportedFailure(payload: unknown, context: FailureContext, isWhole = false): RequestError {
	return classify({
		...reportedBase(isWhole ? context : billed(payload, context)),
		detail: readErrorBody(payload),
		status: 200,
		retryForbidden: false,
		// The headers of the 200 speak of the request that was accepted; only the payload can hold a hint.
		afterMs: retryHint({ status: 500, body: JSON.stringify(payload), nowMs: Date.now() }),
	});
}

/** The answer ended before it was complete; what came is kept in `partialText`. */
export function incomplete(context: FailureContext, how: string): RequestError {
	return failed(unfinished(context), "incomplete", `the answer is incomplete: ${how}`);
}

/** The server says that it gave the answer up. What it reports to have been used is the bill. */
export function aborted(context: FailureContext, reason: unknown): RequestError {
	return failed(context, "incomplete", `the answer is incomplete: it ended with ${shown(reason)}`);
}

/** The answer ended in a way of its own and says nothing. */
export function emptyEnd(context: FailureContext, reason: unknown, detail = ""): RequestError {
	const words = detail === "" ? "" : `: ${safeText(detail, 300)}`;
	return failed(context, "malformed_response", `no answer: it ended with ${shown(reason)}${words}`);
}

function shown(reason: unknown): string {
	return typeof reason === "string" && reason !== "" ? `"${safeText(reason, 60)}"` : "no finish reason";
}

/** The provider or the model refused to answer, or its filter took the answer away. */
export function blocked(context: FailureContext, why: string): RequestError {
	return failed(context, "blocked", `the answer was blocked: ${safeText(why, 500)}`);
}

/** A whole response came that is not one of the API's: a login page, a proxy's greeting (`said`), `null`. */
export function notAnAnswer(context: FailureContext, said = ""): RequestError {
	const type = context.exchange.headers?.["content-type"]?.split(";")[0] ?? "no content type";
	const words = said === "" ? "" : `: ${safeText(said, 200)}`;
	return failed(context, "malformed_response", `not an API response (${safeText(type, 60)})${words}`);
}

/** A whole response came, and it is not an answer. */
export function failed(
	context: FailureContext,
	errorClass: ErrorClass,
	what: string,
	cause?: unknown,
): RequestError {
	// An empty or cut answer may come whole at the second try; each of these may have been billed.
	const retry = errorClass === "empty" || errorClass === "incomplete" ? "once" : "never";
	return new RequestError(`${context.provider.label}: ${redact(what, secretsOf(context))}`, {
		provider: context.provider.id,
		errorClass,
		status: context.exchange.status,
		advice: { retry, key: "keep" },
		maybeBilled: true,
		hint: hintFor(errorClass, true, context.provider),
		partialText: context.partialText,
		usage: context.usage,
		charges: context.charges,
		cause,
	});
}

function networkFailure(transport: TransportError, context: FailureContext): RequestError {
	const { provider } = context;
	const failure = transportFailure(transport, { local: provider.local });
	const notRunning = provider.local && transport.reason === "refused";
	return new RequestError(`${provider.label}: ${redact(failure.message, secretsOf(context))}`, {
		provider: provider.id,
		errorClass: failure.errorClass,
		status: context.exchange.status,
		advice: failure.advice,
		maybeBilled: failure.maybeBilled,
		exitCode: exitCodeOf(transport, context, notRunning),
		hint: notRunning
			? `start the server, or set ${provider.baseUrlEnv[0]}`
			: isOwnLimit(transport.reason)
				? "allow more time with --timeout; this request may have been billed"
				: transport.reason === "proxy"
					? "check HTTPS_PROXY and NO_PROXY: llmx doctor"
					: hintFor(failure.errorClass, failure.maybeBilled, provider),
		partialText: context.partialText,
		cause: transport,
	});
}

function answeredFailure(context: FailureContext): RequestError {
	const { exchange } = context;
	const headers = exchange.headers ?? {};
	const body = exchange.errorBody ?? "";
	const status = exchange.status as number;
	return classify({
		...reportedBase(billed(parseJson(body), context)),
		detail: readErrorText(body),
		status,
		url: exchange.url === undefined ? undefined : redact(exchange.url, secretsOf(context)),
		retryForbidden: headers["x-should-retry"] === "false",
		afterMs: retryHint({ status, headers, body, nowMs: Date.now() }),
	});
}

function hintFor(errorClass: ErrorClass, maybeBilled: boolean, provider: ProviderRow): string | undefined {
	switch (errorClass) {
		case "blocked":
			return blockedHint;
		case "malformed_response":
		case "redirect":
			return "check the base URL: llmx doctor";
		case "tls":
			return "for your own certificate authority, set NODE_EXTRA_CA_CERTS";
		case "too_large":
			return undefined;
		default:
			if (!maybeBilled) return "check the network, and the base URL: llmx doctor";
			return provider.local ? "ask again" : "ask again; this request may have been billed";
	}
}

function exitCodeOf(transport: TransportError, context: FailureContext, notRunning: boolean): ExitCode {
	// Trying later does not help against a server that nobody started. Text that was cut off is kept, and asking
	// again would pay for it twice: it failed, whatever comes later.
	return notRunning || context.partialText !== undefined ? exitCodes.failed : transport.exitCode;
}

/** What an error payload says of its bill: one that brings a usage along is the end of the answer. */
function billed(payload: unknown, context: FailureContext): FailureContext {
	if (!isObject(payload) || !isObject(payload.usage)) return unfinished(context);
	return { ...context, ...context.readBill?.(payload) };
}

/** What is known of an answer that did not come to its end: the usage so far is not what it will have cost. */
function unfinished(context: FailureContext): FailureContext {
	return { ...context, usage: undefined, charges: undefined };
}

function reportedBase(context: FailureContext) {
	return {
		provider: context.provider,
		modelId: context.modelId,
		keys: secretsOf(context),
		partialText: context.partialText,
		usage: context.usage,
		charges: context.charges,
	};
}

/** What no message may show. */
function secretsOf({ key, exchange }: FailureContext): readonly (string | undefined)[] {
	return [key, ...exchange.secrets];
}
