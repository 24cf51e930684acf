import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { createServer } from "node:https";
import type { Server } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { exchangeHeader, type Http } from "../../src/http/contract.ts";
import { createHttp, type HttpOptions } from "../../src/http/http.ts";
import { findTransportError, transportFailure } from "../../src/http/transport-error.ts";
import { listening, type Wire } from "./wire.ts";

// A certificate for loopback alone, signed by itself and valid from 2020 to 2120.
const folder = join(import.meta.dirname, "../fixtures/tls");
const cert = readFileSync(join(folder, "loopback.crt"), "utf8");
const key = readFileSync(join(folder, "loopback.key"), "utf8");

const opened: Http[] = [];
afterEach(async () => {
	await Promise.all(opened.splice(0).map((http) => http.close()));
});

function client(options: HttpOptions): Http {
	const http = createHttp(options);
	opened.push(http);
	return http;
}

async function post(http: Http, url: string): Promise<string> {
	const exchange = http.begin();
	try {
		const response = await http.fetch(url, {
			method: "POST",
			headers: { [exchangeHeader]: exchange.id },
			body: "{}",
		});
		return await response.text();
	} finally {
		exchange.close();
	}
}

describe("a secure connection", () => {
	async function secure(): Promise<Wire> {
		const server = createServer({ cert, key }, (request, response) => response.end(request.httpVersion));
		return await listening(server as unknown as Server, "https");
	}

	test("to a server with an untrusted certificate stops before anything is sent", async () => {
		await using wire = await secure();
		const http = client({});
		const exchange = http.begin();
		const error: unknown = await http
			.fetch(wire.origin, { headers: { [exchangeHeader]: exchange.id } })
			.catch((reason: unknown) => reason);
		const found = findTransportError(error);
		expect(found).toMatchObject({ reason: "tls", phase: "connect", exitCode: 1 });
		expect(exchange.sent).toBe(false);
		if (found === undefined) throw new Error("no transport error");
		expect(transportFailure(found)).toMatchObject({ errorClass: "tls", advice: { retry: "never" } });
		exchange.close();
	});

	test("trusts the certificates it is given besides the system's", async () => {
		await using wire = await secure();
		expect(await post(client({ caCertificates: [cert] }), wire.origin)).toBe("1.1");
	});
});

describe("HTTP/2", () => {
	async function multiplexing(hold: Promise<void> = Promise.resolve()): Promise<Wire> {
		const server = createSecureServer({ cert, key, allowHTTP1: true }, async (request, response) => {
			await hold;
			response.end(request.httpVersion);
		});
		return await listening(server as unknown as Server, "https");
	}

	test("carries many requests at once over one connection, where the provider's row asks for it", async () => {
		let release = () => {};
		const hold = new Promise<void>((resolve) => {
			release = resolve;
		});
		await using wire = await multiplexing(hold);
		const http = client({ http2: true, caCertificates: [cert] });
		const answers = Array.from({ length: 50 }, () => post(http, wire.origin));
		release();
		expect(new Set(await Promise.all(answers))).toEqual(new Set(["2.0"]));
		expect(wire.opened()).toBe(1);
	});

	test("is not spoken otherwise", async () => {
		await using wire = await multiplexing();
		expect(await post(client({ caCertificates: [cert] }), wire.origin)).toBe("1.1");
	});

	test("is not needed by a provider whose row asks for it", async () => {
		const server = createServer({ cert, key }, (request, response) => response.end(request.httpVersion));
		await using wire = await listening(server as unknown as Server, "https");
		const http = client({ http2: true, caCertificates: [cert] });
		const answers = await Promise.all(Array.from({ length: 20 }, () => post(http, wire.origin)));
		expect(new Set(answers)).toEqual(new Set(["1.1"]));
		expect(wire.opened()).toBeGreaterThan(1);
	});

	test("shows a reset of one stream as what it is, and spares the others", async () => {
		const server = createSecureServer({ cert, key }, (request, response) => {
			if (request.url === "/bad") request.stream.destroy(new Error("no"));
			else response.end("fine");
		});
		await using wire = await listening(server as unknown as Server, "https");
		const http = client({ http2: true, caCertificates: [cert] });
		const [bad, good] = await Promise.allSettled([post(http, `${wire.origin}/bad`), post(http, wire.origin)]);
		expect(good).toMatchObject({ status: "fulfilled", value: "fine" });
		expect(bad.status).toBe("rejected");
		if (bad.status !== "rejected") return;
		const error = findTransportError(bad.reason);
		expect(error).toMatchObject({ reason: "reset", phase: "sent" });
	});

	test("marks a stream cut in its body", async () => {
		const server = createSecureServer({ cert, key }, (_request, response) => {
			response.writeHead(200, { "content-type": "application/json" });
			response.write('{"a":');
			setTimeout(() => response.stream.close(2), 20);
		});
		await using wire = await listening(server as unknown as Server, "https");
		const http = client({ http2: true, caCertificates: [cert] });
		const error: unknown = await post(http, wire.origin).catch((reason: unknown) => reason);
		expect(findTransportError(error)).toMatchObject({ reason: "cut", phase: "body" });
	});

	test("frees its connection on close", async () => {
		await using wire = await multiplexing(new Promise(() => {}));
		const http = client({ http2: true, caCertificates: [cert] });
		const answer = post(http, wire.origin).catch((reason: unknown) => reason);
		while (wire.open() === 0) await new Promise(setImmediate);
		await http.close();
		expect(findTransportError(await answer)).toMatchObject({ reason: "aborted" });
		await wire.idle();
	});
});
