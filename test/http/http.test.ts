import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exchangeHeader, type Http } from "../../src/http/contract.ts";
import { createHttp } from "../../src/http/http.ts";
import { failure, post } from "./posting.ts";
import { httpWire, tcpWire } from "./wire.ts";

let http: Http;
beforeEach(() => {
	http = createHttp();
});
afterEach(async () => {
	await http.close();
});

describe("a request", () => {
	test("carries method, path, headers and body, without the exchange's header", async () => {
		await using wire = await httpWire((request, response, body) => {
			response.setHeader("x-request-id", "r1");
			response.end(
				JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }),
			);
		});
		const exchange = http.begin();
		const response = await http.fetch(`${wire.origin}/v1/chat?alt=sse`, {
			method: "post",
			headers: new Headers({ Authorization: "Bearer k", [exchangeHeader]: exchange.id }),
			body: '{"a":"ü"}',
		});
		const seen = (await response.json()) as { headers: Record<string, string>; [key: string]: unknown };
		expect(seen).toMatchObject({ method: "POST", url: "/v1/chat?alt=sse", body: '{"a":"ü"}' });
		expect(seen.headers.authorization).toBe("Bearer k");
		expect(seen.headers).not.toHaveProperty(exchangeHeader);
		expect(response.ok).toBe(true);
		expect(response.headers.get("X-Request-Id")).toBe("r1");
		expect([...response.headers.entries()]).toContainEqual(["x-request-id", "r1"]);
		expect(exchange).toMatchObject({ sent: true, status: 200, cut: false, failure: undefined });
		expect(exchange.headers?.["x-request-id"]).toBe("r1");
		expect(exchange.sentAt).toBeTypeOf("number");
		exchange.close();
	});

	test("works without an exchange", async () => {
		await using wire = await httpWire((request, response, body) => response.end(`${request.method} ${body}`));
		const response = await http.fetch(`${wire.origin}/files`, { method: "POST", body: Buffer.from("ü") });
		expect(await response.text()).toBe("POST ü");
	});

	test("to anything but http is refused", async () => {
		expect(await failure(http.fetch("data:,"))).toMatchObject({ reason: "protocol", phase: "connect" });
	});

	test("of an exchange that was closed is not sent", async () => {
		await using wire = await httpWire((_request, response) => response.end());
		const exchange = http.begin();
		exchange.close();
		expect(await failure(post(http, exchange, wire.origin))).toMatchObject({ reason: "aborted" });
		expect(wire.opened()).toBe(0);
	});
});

describe("an error answer", () => {
	test("is kept for the classifier and still readable", async () => {
		await using wire = await httpWire((_request, response) => {
			response.writeHead(429, { "retry-after": "7", "content-type": "application/json" });
			response.end('{"error":{"code":"rate"}}');
		});
		const exchange = http.begin();
		const response = await post(http, exchange, wire.origin);
		expect(response).toMatchObject({ ok: false, status: 429 });
		expect(exchange).toMatchObject({ status: 429, errorBody: '{"error":{"code":"rate"}}' });
		expect(exchange.headers?.["retry-after"]).toBe("7");
		expect(await response.text()).toBe('{"error":{"code":"rate"}}');
		exchange.close();
	});

	test("is read up to 64 KiB", async () => {
		await using wire = await httpWire((_request, response) => {
			response.writeHead(500);
			response.end("x".repeat(1_000_000));
		});
		const exchange = http.begin();
		const response = await post(http, exchange, wire.origin);
		expect(exchange.errorBody).toHaveLength(65_536);
		expect((await response.text()).length).toBe(65_536);
		exchange.close();
	});

	test("whose body is cut still counts by its status", async () => {
		await using wire = await tcpWire((socket) => {
			socket.end("HTTP/1.1 503 Busy\r\ncontent-length: 100\r\n\r\nbus");
		});
		const exchange = http.begin();
		expect(await post(http, exchange, wire.origin)).toMatchObject({ status: 503 });
		expect(exchange).toMatchObject({ errorBody: "bus", cut: false, failure: undefined });
		exchange.close();
	});
});

describe("a redirect", () => {
	test.each([
		301, 302, 303, 307, 308,
	])("%i to another host is refused and nothing is sent there", async (status) => {
		await using other = await httpWire((_request, response) => response.end());
		await using wire = await httpWire((_request, response) => {
			response.writeHead(status, { location: `${other.origin}/steal?key=secret` });
			response.end("moved");
		});
		const exchange = http.begin();
		const error = await failure(post(http, exchange, wire.origin));
		expect(error).toMatchObject({ reason: "redirect" });
		expect(error.message).toContain(`refused redirect to ${new URL(other.origin).host}`);
		expect(error.message).not.toContain("secret");
		expect(other.opened()).toBe(0);
		exchange.close();
	});
});
