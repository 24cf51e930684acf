import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Http } from "../../src/http/contract.ts";
import { createHttp } from "../../src/http/http.ts";
import { failure, post, readEvents, turn } from "./posting.ts";
import { httpWire, tcpWire } from "./wire.ts";

let http: Http;
beforeEach(() => {
	http = createHttp({ timeouts: { firstContentMs: 5_000 } });
});
afterEach(async () => {
	await http.close();
});

const stream = 'data: {"n":1}\n\ndata: {"n":2}\n\n';
const type = { "content-type": "text/event-stream" };

describe("a stream of events over a socket", () => {
	test("is never whole when it was cut", async () => {
		await using wire = await tcpWire((socket) => {
			socket.write(
				"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
			);
			socket.end(`${stream.length.toString(16)}\r\n${stream}\r\n`);
		});
		const exchange = http.begin();
		const response = await post(http, exchange, wire.origin);
		const seen: string[] = [];
		expect(await failure(readEvents(response, ({ data }) => seen.push(data)))).toMatchObject({
			reason: "cut",
		});
		expect(seen).toEqual(['{"n":1}', '{"n":2}']);
		expect(exchange).toMatchObject({ cut: true, failure: { reason: "cut" } });
		exchange.close();
	});

	test("that is left in the middle frees its socket", async () => {
		await using wire = await httpWire((_request, response) => {
			response.writeHead(200, type);
			const timer = setInterval(() => response.write(stream), 5);
			response.on("close", () => clearInterval(timer));
		});
		const exchange = http.begin();
		const events = (await post(http, exchange, wire.origin)).events();
		await events.read();
		events.stop();
		await wire.idle();
		exchange.close();
	});

	test("gives its connection back, although the end of the body comes in a packet of its own", async () => {
		let ended = Promise.withResolvers<void>();
		await using wire = await httpWire((_request, response) => {
			response.writeHead(200, type);
			response.write(stream);
			setTimeout(() => response.end(ended.resolve), 5);
		});
		for (let count = 0; count < 3; count++) {
			ended = Promise.withResolvers();
			const exchange = http.begin();
			const events = (await post(http, exchange, wire.origin)).events();
			await events.read();
			events.finish();
			exchange.close();
			await ended.promise;
			await turn();
		}
		expect(wire.opened()).toBe(1);
	});

	test("is not waited for after the finish when the server keeps the socket open", async () => {
		await using wire = await httpWire((_request, response) => {
			response.writeHead(200, type);
			response.write(stream);
		});
		const exchange = http.begin({ timeouts: { firstContentMs: 60_000, finishMs: 50 } });
		const response = await post(http, exchange, wire.origin);
		expect(await readEvents(response, () => exchange.noteFinish())).toHaveLength(2);
		expect(exchange.failure).toBeUndefined();
		exchange.close();
		await wire.idle();
	});

	test.each([
		["a page of HTML", { "content-type": "text/html" }, "<h1>Sign in to the Wi-Fi</h1>", "not-api"],
		["nothing at all", {}, "", "empty"],
	])("that is %s is no empty success", async (_name, headers, body, reason) => {
		await using wire = await httpWire((_request, response) => {
			response.writeHead(200, headers);
			response.end(body);
		});
		const exchange = http.begin();
		const response = await post(http, exchange, wire.origin);
		expect(await failure(readEvents(response))).toMatchObject({ reason });
		expect(exchange.failure).toMatchObject({ reason });
		exchange.close();
	});
});
