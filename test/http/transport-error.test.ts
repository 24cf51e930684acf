import { describe, expect, test } from "vitest";
import { connectionFailure } from "../../src/http/connection-failure.ts";
import {
	findTransportError,
	TransportError,
	type TransportPhase,
	type TransportReason,
	transportFailure,
} from "../../src/http/transport-error.ts";

function failure(reason: TransportReason, phase: TransportPhase, local = false) {
	return transportFailure(new TransportError("it failed", { reason, phase }), { local });
}

describe("a failure of the network", () => {
	test.each<[TransportReason, TransportPhase, string, string, boolean, number]>([
		["refused", "connect", "network", "always", false, 5],
		["dns", "connect", "network", "never", false, 1],
		["dns-temporary", "connect", "network", "always", false, 5],
		["unreachable", "connect", "network", "always", false, 5],
		["timeout-connect", "connect", "timeout", "always", false, 5],
		["too-many-files", "connect", "network", "always", false, 5],
		["tls", "connect", "tls", "never", false, 1],
		["reset", "connect", "network", "always", false, 5],
		["reset", "sent", "network", "once", true, 5],
		["reset", "headers", "network", "once", true, 5],
		["timeout-first", "sent", "timeout", "never", true, 5],
		["timeout-idle", "body", "timeout", "never", true, 5],
		["timeout-total", "body", "timeout", "never", true, 5],
		["cut", "body", "incomplete", "once", true, 5],
		["empty", "body", "empty", "once", true, 1],
		["redirect", "body", "redirect", "never", false, 1],
		["not-api", "body", "malformed_response", "never", false, 1],
		["protocol", "headers", "malformed_response", "never", true, 1],
		["bad-encoding", "body", "malformed_response", "never", true, 1],
		["too-large", "body", "too_large", "never", true, 1],
	])("%s in phase %s is %s: retry %s, maybe billed %s", (reason, phase, errorClass, retry, maybeBilled, exitCode) => {
		expect(failure(reason, phase)).toEqual({
			errorClass,
			advice: { retry, key: "keep", ...(reason === "too-many-files" && { isCrowded: true }) },
			maybeBilled,
			message: "it failed",
		});
		expect(new TransportError("x", { reason, phase }).exitCode).toBe(exitCode);
	});

	test("at a local server that refuses connections is final", () => {
		expect(failure("refused", "connect", true).advice.retry).toBe("never");
		expect(failure("dns-temporary", "connect", true).advice.retry).toBe("always");
	});

	test.each<[TransportReason, TransportPhase, string]>([
		["reset", "sent", "never"],
		["timeout-first", "sent", "never"],
		["refused", "connect", "once"],
		["dns-temporary", "connect", "once"],
		["redirect", "body", "never"],
	])("after a closed connection was replaced may be billed: %s in phase %s is sent again %s", (reason, phase, retry) => {
		const error = new TransportError("it failed", { reason, phase });
		error.resent = true;
		expect(transportFailure(error)).toMatchObject({ advice: { retry, key: "keep" }, maybeBilled: true });
	});

	test("is found below the errors of an SDK, however the chain is tied", () => {
		const error = new TransportError("x", { reason: "reset", phase: "sent" });
		expect(findTransportError(new Error("outer", { cause: new TypeError("inner", { cause: error }) }))).toBe(
			error,
		);
		const loop: { cause?: unknown } = {};
		loop.cause = loop;
		expect(findTransportError(loop)).toBeUndefined();
		expect(findTransportError(undefined)).toBeUndefined();
		expect(findTransportError("text")).toBeUndefined();
	});
});

describe("an error of Node or undici", () => {
	test.each<[string, TransportPhase, TransportReason]>([
		["ECONNREFUSED", "connect", "refused"],
		["ENOTFOUND", "connect", "dns"],
		["EAI_AGAIN", "connect", "dns-temporary"],
		["ENETUNREACH", "connect", "unreachable"],
		["EMFILE", "connect", "too-many-files"],
		["ETIMEDOUT", "connect", "timeout-connect"],
		["ETIMEDOUT", "sent", "reset"],
		["UND_ERR_CONNECT_TIMEOUT", "connect", "timeout-connect"],
		["ECONNRESET", "connect", "reset"],
		["ECONNRESET", "body", "cut"],
		["EPIPE", "sent", "reset"],
		["UND_ERR_SOCKET", "headers", "reset"],
		["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "body", "cut"],
		["CERT_HAS_EXPIRED", "connect", "tls"],
		["DEPTH_ZERO_SELF_SIGNED_CERT", "connect", "tls"],
		["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "connect", "tls"],
		["ERR_TLS_CERT_ALTNAME_INVALID", "connect", "tls"],
	])("%s in phase %s is %s, and names the host", (code, phase, reason) => {
		const error = Object.assign(new Error("detail"), { code });
		const found = connectionFailure(error, phase, "https://api.example", true);
		expect(found).toMatchObject({ reason, phase, cause: error });
		expect(found.message).toContain("https://api.example");
	});

	test("of several addresses of a host counts by the first", () => {
		const refused = Object.assign(new Error("no"), { code: "ECONNREFUSED" });
		const found = connectionFailure(new AggregateError([refused]), "connect", "http://localhost:1", false);
		expect(found.reason).toBe("refused");
	});
});
