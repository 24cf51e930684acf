import type { ErrorClass, FailureAdvice } from "../errors.ts";
import { exitCodes, LlmxError } from "../errors.ts";

/**
 * How far a request had come when it failed. `connect`: nothing was sent. `sent`: it was sent, and no byte of a
 * response came. `headers`: a response had begun. `body`: status and headers were complete.
 */
export type TransportPhase = "connect" | "sent" | "headers" | "body";

export type TransportReason =
	| "aborted"
	| "bad-encoding"
	| "cut"
	| "dns"
	| "dns-temporary"
	| "empty"
	| "not-api"
	| "protocol"
	| "proxy"
	| "redirect"
	| "refused"
	| "reset"
	| "timeout-connect"
	| "timeout-first"
	| "timeout-idle"
	| "timeout-total"
	| "tls"
	| "too-large"
	| "too-many-files"
	| "unreachable";

export interface TransportErrorOptions {
	readonly phase: TransportPhase;
	readonly reason: TransportReason;
	readonly cause?: unknown;
}

/**
 * The network's part of a failure. Its message names the host and never a path, header or body, so it holds no key.
 * Adapters turn it into a RequestError with `transportFailure`.
 */
export class TransportError extends LlmxError {
	readonly phase: TransportPhase;
	readonly reason: TransportReason;
	/** The request had been sent once before, on a kept connection that the server closed without an answer. */
	resent = false;

	constructor(message: string, options: TransportErrorOptions) {
		super(message, { cause: options.cause, exitCode: exitOf(options.reason) });
		this.phase = options.phase;
		this.reason = options.reason;
	}
}

/** Exit codes of faults.md rows 1-7, 14-15, 18, 20-21 are 5 where trying later may help, else 1. */
function exitOf(reason: TransportReason): (typeof exitCodes)["failed" | "outage" | "interrupted"] {
	if (reason === "aborted") return exitCodes.interrupted;
	if (reason === "empty") return exitCodes.failed;
	if (isOwnLimit(reason)) return exitCodes.outage;
	return advise(reason, "sent").retry === "never" ? exitCodes.failed : exitCodes.outage;
}

/** The TransportError in the chain of causes below an SDK's own error, if there is one. */
export function findTransportError(error: unknown): TransportError | undefined {
	// SDKs wrap once or twice; the bound is for chains that bite their own tail.
	for (let depth = 0; depth < 8 && typeof error === "object" && error !== null; depth++) {
		if (error instanceof TransportError) return error;
		error = (error as { cause?: unknown }).cause;
	}
	return undefined;
}

export interface TransportFailure {
	readonly errorClass: ErrorClass;
	readonly advice: FailureAdvice;
	/** The provider may charge for the request although no whole answer came. */
	readonly maybeBilled: boolean;
	/** For people; names the host. */
	readonly message: string;
}

/**
 * What a failure of the network means, the same for every provider. A local server that refuses the connection is
 * not running, so asking again is pointless (`local`). For reason `aborted` the caller raises AbortedError instead.
 */
export function transportFailure(error: TransportError, options: { local?: boolean } = {}): TransportFailure {
	const { reason, phase } = error;
	const notRunning = options.local === true && reason === "refused";
	const usual = advise(reason, phase);
	// What may have been billed is sent again once, and the replacement of a closed connection was that once, unless it
	// never got as far as being sent.
	const spent = error.resent && usual.retry === "once";
	const retry =
		notRunning || spent ? "never" : error.resent && usual.retry === "always" ? "once" : usual.retry;
	const advice = { ...usual, retry };
	return {
		errorClass: errorClassOf(reason),
		advice,
		// A refused redirect and a page that is not the API's come from in front of the model: nothing was computed. A
		// connection that was closed may have been an idle one, or that of a server that went down in its work.
		maybeBilled:
			error.resent ||
			(phase !== "connect" && reason !== "redirect" && reason !== "not-api" && reason !== "tls"),
		message: error.message,
	};
}

/**
 * A limit of ours ended the request. The same request would run into it again, at full price: it is sent again only
 * when somebody asks for it, with more time.
 */
export function isOwnLimit(reason: TransportReason): boolean {
	return reason === "timeout-first" || reason === "timeout-idle" || reason === "timeout-total";
}

function advise(reason: TransportReason, phase: TransportPhase): FailureAdvice {
	switch (reason) {
		case "refused":
		case "dns-temporary":
		case "unreachable":
		case "timeout-connect":
			return { retry: "always", key: "keep" };
		case "too-many-files":
			return { retry: "always", key: "keep", isCrowded: true };
		case "reset":
		case "cut":
		case "empty":
			return { retry: phase === "connect" ? "always" : "once", key: "keep" };
		default:
			return { retry: "never", key: "keep" };
	}
}

function errorClassOf(reason: TransportReason): ErrorClass {
	switch (reason) {
		case "tls":
		case "redirect":
		case "empty":
			return reason;
		case "too-large":
			return "too_large";
		case "bad-encoding":
		case "not-api":
		case "protocol":
			return "malformed_response";
		case "cut":
			return "incomplete";
		case "timeout-connect":
		case "timeout-first":
		case "timeout-idle":
		case "timeout-total":
			return "timeout";
		default:
			return "network";
	}
}
