import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
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

describe("a body", () => {
	test.each([
		["short content-length", 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":'],
		["chunk cut short", 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"a":'],
		["chunks without the last", 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n'],
	])("with %s is never complete", async (_name, bytes) => {
		await using wire = await tcpWire((socket) => socket.end(bytes));
		const exchange = http.begin();
		const response = await post(http, exchange, wire.origin);
		expect(await failure(response.text())).toMatchObject({ reason: "cut", phase: "body" });
		expect(exchange.cut).toBe(true);
		exchange.close();
	});

	test("of JSON is complete with its last brace, though the connection stays open and nothing tells of an end", async () => {
		const ways = {
			"no length": ["content-type: application/json", '{"a":{"b":1}}\n'],
			"chunks without a last": ["transfer-encoding: chunked", 'd\r\n{"a":{"b":1}}\r\n'],
			"a length that is wrong": ["content-length: 100", '{"a":{"b":1}}'],
		};
		const read = async ([header, body]: readonly string[]) => {
			await using wire = await tcpWire((socket) => {
				socket.write(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n${body?.slice(0, 5)}`);
				setTimeout(() => socket.write(body?.slice(5) ?? ""), 20);
			});
			const exchange = http.begin();
			const value = await (await post(http, exchange, wire.origin)).json();
			exchange.close();
			return value;
		};
		for (const value of await Promise.all(Object.values(ways).map(read)))
			expect(value).toEqual({ a: { b: 1 } });
	});

	test("that was reset is never complete", async () => {
		await using wire = await tcpWire((socket) => {
			socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":');
			setTimeout(() => socket.resetAndDestroy(), 20);
		});
		const exchange = http.begin();
		const response = await post(http, exchange, wire.origin);
		expect(await failure(response.text())).toMatchObject({ reason: "cut" });
		exchange.close();
	});

	test.each([
		["gzip", gzipSync],
		["deflate", deflateSync],
		["deflate", deflateRawSync],
		["br", brotliCompressSync],
	])("compressed with %s is read", async (encoding, compress) => {
		const text = JSON.stringify({ text: "naïve ".repeat(10_000) });
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-encoding", encoding);
			response.end(compress(text));
		});
		const exchange = http.begin();
		expect(await (await post(http, exchange, wire.origin)).text()).toBe(text);
		exchange.close();
	});

	test.each([
		["invalid gzip", "gzip", Buffer.from("this is not gzip"), "bad-encoding"],
		["an unknown encoding", "snappy", Buffer.from("x"), "bad-encoding"],
		["gzip that stops early", "gzip", gzipSync("x".repeat(1000)).subarray(0, 20), "cut"],
	])("of %s is an error", async (_name, encoding, bytes, reason) => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-encoding", encoding);
			response.end(bytes);
		});
		const exchange = http.begin();
		expect(
			await failure(post(http, exchange, wire.origin).then((response) => response.text())),
		).toMatchObject({
			reason,
		});
		exchange.close();
	});

	test("that unpacks to more than the cap is given up", async () => {
		const bomb = gzipSync(Buffer.alloc(8 * 2 ** 20));
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-encoding", "gzip");
			response.end(bomb);
		});
		const small = createHttp({ caps: { bodyBytes: 2 ** 20 } });
		const exchange = small.begin();
		const response = await small.fetch(wire.origin, { headers: { [exchangeHeader]: exchange.id } });
		const error = await failure(response.text());
		expect(error).toMatchObject({ reason: "too-large" });
		expect(error.message).toContain("1 MiB");
		await small.close();
	});

	test("without end is given up at the cap and its connection closed", async () => {
		await using wire = await httpWire((_request, response) => {
			const block = Buffer.alloc(64 * 1024, "x");
			const more = () => {
				while (!response.destroyed && response.write(block));
			};
			response.on("drain", more);
			more();
		});
		const small = createHttp({ caps: { bodyBytes: 2 ** 20 } });
		const response = await small.fetch(wire.origin);
		expect(await failure(response.text())).toMatchObject({ reason: "too-large" });
		await wire.idle();
		await small.close();
	});
});
