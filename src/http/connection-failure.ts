import { shownProxy } from "./proxy.ts";
import { TransportError, type TransportPhase, type TransportReason } from "./transport-error.ts";

/**
 * Node's and undici's connection errors as one TransportError. `secure` is whether the connection is https; `proxy`
 * the proxy that it goes through.
 * Codes: https://nodejs.org/api/errors.html, https://undici.nodejs.org/#/docs/api/Errors
 */
export function connectionFailure(
	error: unknown,
	phase: TransportPhase,
	origin: string,
	secure: boolean,
	proxy?: string,
): TransportError {
	if (error instanceof TransportError) return error;
	const refusal = error instanceof Error ? proxyStatus(error.message) : undefined;
	if (refusal !== undefined) return proxyRefusal(refusal, origin, error);
	// undici's parser gives no code of its own for bytes that are not HTTP.
	const garbled = error instanceof Error && error.name === "HTTPParserError" && phase !== "body";
	const reason = garbled ? "protocol" : reasonOf(codeOf(error), phase, secure);
	const isProxys = proxy !== undefined && phase === "connect" && reason !== "tls";
	const message = isProxys
		? `${describe(reason, phase, `the proxy ${shownProxy(proxy)}`, error)}, on the way to ${origin}`
		: describe(reason, phase, origin, error);
	return new TransportError(message, { phase, reason, cause: error });
}

/** The status with which a proxy refused a request or a tunnel, in undici's words. */
function proxyStatus(message: string): number | undefined {
	const [, status] =
		/^Proxy (?:response \((\d{3})\) !== 200|Authentication Required \(407\))/.exec(message) ?? [];
	if (status !== undefined) return Number(status);
	return message.startsWith("Proxy Authentication Required") ? 407 : undefined;
}

function proxyRefusal(status: number, origin: string, cause: unknown): TransportError {
	const how = status === 407 ? "asks for a user and password" : `answered ${status}`;
	// The proxy could not reach the server, or may be asked again; any other refusal stays one.
	const reason = status >= 500 ? "unreachable" : "proxy";
	return new TransportError(`the proxy on the way to ${origin} ${how}`, { phase: "connect", reason, cause });
}

function codeOf(error: unknown): string {
	if (typeof error !== "object" || error === null) return "";
	const { code, errors } = error as { code?: unknown; errors?: unknown };
	if (typeof code === "string" && code !== "") return code;
	// net.connect tries every address of a host and reports the failures together.
	return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : "";
}

function reasonOf(code: string, phase: TransportPhase, secure: boolean): TransportReason {
	switch (code) {
		case "ECONNREFUSED":
			return "refused";
		case "ENOTFOUND":
			return "dns";
		case "EAI_AGAIN":
			return "dns-temporary";
		case "EHOSTUNREACH":
		case "ENETUNREACH":
		case "ENETDOWN":
		case "EADDRNOTAVAIL":
			return "unreachable";
		case "EMFILE":
		case "ENFILE":
			return "too-many-files";
		case "UND_ERR_CONNECT_TIMEOUT":
			return "timeout-connect";
		case "ETIMEDOUT":
			return phase === "connect" ? "timeout-connect" : "reset";
		case "UND_ERR_ABORTED":
		case "UND_ERR_DESTROYED":
		case "UND_ERR_CLOSED":
			return "aborted";
		case "UND_ERR_HEADERS_OVERFLOW":
			return "too-large";
		case "ERR_INVALID_URL":
		case "UND_ERR_INVALID_ARG":
			return "protocol";
	}
	if (secure && phase === "connect" && isTls(code)) return "tls";
	if (phase === "body") return "cut";
	return "reset";
}

/** OpenSSL's verdicts on a certificate, and handshakes that fail (EPROTO: the server speaks no TLS). */
function isTls(code: string): boolean {
	return (
		code === "EPROTO" ||
		code.startsWith("ERR_TLS_") ||
		code.startsWith("ERR_SSL_") ||
		code.startsWith("CERT_") ||
		code.startsWith("CRL_") ||
		code.startsWith("UNABLE_TO_") ||
		code.startsWith("ERROR_IN_CERT_") ||
		code.includes("SELF_SIGNED") ||
		code === "HOSTNAME_MISMATCH" ||
		code === "INVALID_CA" ||
		code === "PATH_LENGTH_EXCEEDED"
	);
}

function describe(reason: TransportReason, phase: TransportPhase, origin: string, error: unknown): string {
	const detail = error instanceof Error && error.message !== "" ? error.message.slice(0, 200) : "no detail";
	switch (reason) {
		case "refused":
			return `no server at ${origin}: connection refused`;
		case "dns":
			return `no such host: ${origin}`;
		case "dns-temporary":
			return `the name of ${origin} could not be looked up`;
		case "unreachable":
			return `${origin} cannot be reached from here`;
		case "too-many-files":
			return `cannot open another connection to ${origin}: too many open files (raise ulimit -n, or lower --concurrency)`;
		case "timeout-connect":
			return `connecting to ${origin} timed out`;
		case "tls":
			return `no secure connection to ${origin}: ${detail}`;
		case "aborted":
			return `the request to ${origin} was stopped`;
		case "too-large":
			return `${origin} sent too many headers`;
		case "protocol":
			return `${origin} does not speak HTTP as expected: ${detail}`;
		case "cut":
			return `${origin} cut the answer off before its end`;
		default:
			return phase === "headers"
				? `${origin} closed the connection in the middle of its headers`
				: `${origin} closed the connection before answering`;
	}
}
