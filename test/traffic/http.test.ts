import events from "node:events";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHttp, EXCHANGE_HEADER, type Exchange, type Http } from "../../src/traffic/http.ts";
import {
	findTransportError,
	type TransportError,
	transportFailure,
} from "../../src/traffic/transport-error.ts";
import { answer, httpWire, tcpWire } from "./wire.ts";

let http: Http;
beforeEach(() => {
	http = createHttp();
});
afterEach(async () => {
	await http.close();
});

/** The TransportError that a promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<TransportError> {
	const error = await promise.then(
		() => undefined,
		(reason: unknown) => reason,
	);
	const found = findTransportError(error);
	if (found === undefined) throw new Error(`not a transport error: ${String(error)}`);
	return found;
}

function post(exchange: Exchange, url: string, body = "{}") {
	return http.fetch(url, {
		method: "POST",
		headers: { "content-type": "application/json", [EXCHANGE_HEADER]: exchange.id },
		body,
	});
}

/** undici gives a connection back to its pool one turn of the event loop after an answer. */
async function turn(): Promise<void> {
	for (let count = 0; count < 3; count++) await new Promise(setImmediate);
}

async function readAll(body: unknown): Promise<string> {
	let text = "";
	for await (const chunk of body as AsyncIterable<Uint8Array>) text += Buffer.from(chunk).toString();
	return text;
}

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
			headers: new Headers({ Authorization: "Bearer k", [EXCHANGE_HEADER]: exchange.id }),
			body: '{"a":"ü"}',
		});
		const seen = (await response.json()) as { headers: Record<string, string>; [key: string]: unknown };
		expect(seen).toMatchObject({ method: "POST", url: "/v1/chat?alt=sse", body: '{"a":"ü"}' });
		expect(seen.headers.authorization).toBe("Bearer k");
		expect(seen.headers).not.toHaveProperty(EXCHANGE_HEADER);
		expect(response.ok).toBe(true);
		expect(response.headers.get("X-Request-Id")).toBe("r1");
		expect([...response.headers.entries()]).toContainEqual(["x-request-id", "r1"]);
		expect(exchange).toMatchObject({ sent: true, status: 200, cut: false, failure: undefined });
		expect(exchange.headers?.["x-request-id"]).toBe("r1");
		expect(exchange.sentAt).toBeTypeOf("number");
		exchange.close();
	});

	test("works without an exchange, with a form of files", async () => {
		await using wire = await httpWire((request, response, body) => {
			response.end(
				JSON.stringify([request.headers["content-type"], request.headers["content-length"], body]),
			);
		});
		const form = new FormData();
		form.append("purpose", "batch");
		form.append("file", new File(['{"a":1}\n'], 'in"put.jsonl', { type: "application/jsonl" }));
		const response = await http.fetch(`${wire.origin}/files`, { method: "POST", body: form });
		const [type, length, body] = (await response.json()) as [string, string, string];
		const boundary = type.replace("multipart/form-data; boundary=", "");
		expect(body).toBe(
			[
				`--${boundary}`,
				'Content-Disposition: form-data; name="purpose"',
				"",
				"batch",
				`--${boundary}`,
				'Content-Disposition: form-data; name="file"; filename="in%22put.jsonl"',
				"Content-Type: application/jsonl",
				"",
				'{"a":1}\n',
				`--${boundary}--`,
				"",
			].join("\r\n"),
		);
		expect(Number(length)).toBe(Buffer.byteLength(body));
	});

	test("to anything but http is refused", async () => {
		expect(await failure(http.fetch("data:,"))).toMatchObject({ reason: "protocol", phase: "connect" });
	});

	test("of an exchange that was closed is not sent", async () => {
		await using wire = await httpWire((_request, response) => response.end());
		const exchange = http.begin();
		exchange.close();
		expect(await failure(post(exchange, wire.origin))).toMatchObject({ reason: "aborted" });
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
		const response = await post(exchange, wire.origin);
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
		const response = await post(exchange, wire.origin);
		expect(exchange.errorBody).toHaveLength(65_536);
		expect((await response.text()).length).toBe(65_536);
		exchange.close();
	});

	test("whose body is cut still counts by its status", async () => {
		await using wire = await tcpWire((socket) => {
			socket.end("HTTP/1.1 503 Busy\r\ncontent-length: 100\r\n\r\nbus");
		});
		const exchange = http.begin();
		expect(await post(exchange, wire.origin)).toMatchObject({ status: 503 });
		expect(exchange).toMatchObject({ errorBody: "bus", cut: false, failure: undefined });
		exchange.close();
	});
});

describe("a connection", () => {
	test("that is refused has sent nothing", async () => {
		const wire = await httpWire(() => {});
		await wire[Symbol.asyncDispose]();
		const exchange = http.begin();
		const error = await failure(post(exchange, wire.origin));
		expect(error).toMatchObject({ reason: "refused", phase: "connect" });
		expect(error.message).toContain(wire.origin);
		expect(exchange).toMatchObject({ sent: false, failure: error });
		exchange.close();
	});

	test("to a name that does not exist", async () => {
		const exchange = http.begin();
		const error = await failure(post(exchange, "http://nothing.invalid/"));
		// Without any resolver, as in a sandbox, the lookup fails for the time being.
		expect(["dns", "dns-temporary"]).toContain(error.reason);
		expect(exchange.sent).toBe(false);
		exchange.close();
	});

	test.each([
		["reset", (socket: import("node:net").Socket) => socket.resetAndDestroy()],
		["closed", (socket: import("node:net").Socket) => socket.end()],
	])("%s before the response may have been billed", async (_name, act) => {
		await using wire = await tcpWire(act);
		const exchange = http.begin();
		expect(await failure(post(exchange, wire.origin))).toMatchObject({ reason: "reset", phase: "sent" });
		expect(exchange).toMatchObject({ sent: true, cut: false });
		expect(wire.opened()).toBe(1);
		exchange.close();
	});

	test("closed inside the headers", async () => {
		await using wire = await tcpWire((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-ty"));
		const exchange = http.begin();
		expect(await failure(post(exchange, wire.origin))).toMatchObject({ reason: "reset", phase: "headers" });
		exchange.close();
	});

	test("that answers in something other than HTTP", async () => {
		await using wire = await tcpWire((socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n"));
		const exchange = http.begin();
		expect(await failure(post(exchange, wire.origin))).toMatchObject({ reason: "protocol" });
		exchange.close();
	});

	test("over TLS to a server without TLS", async () => {
		await using wire = await tcpWire((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
		const exchange = http.begin();
		const error = await failure(post(exchange, wire.origin.replace("http:", "https:")));
		expect(error).toMatchObject({ reason: "tls", phase: "connect" });
		exchange.close();
	});

	test("is used again for the next request", async () => {
		await using wire = await httpWire((_request, response) => response.end("{}"));
		for (let count = 0; count < 5; count++) {
			const exchange = http.begin();
			await (await post(exchange, wire.origin)).text();
			exchange.close();
			await turn();
		}
		expect(wire.opened()).toBe(1);
	});

	test("closed by the server while idle is replaced and the request sent again", async () => {
		const requests: number[] = [];
		await using wire = await tcpWire((socket, count) => {
			requests.push(count);
			socket.write(answer("{}"));
			socket.on("data", () => {
				// A second request on a first connection meets a server that has just given it up.
				requests.push(count);
				if (count === 1) socket.resetAndDestroy();
				else socket.write(answer("{}"));
			});
		});
		// The re-send has a connection of its own, which is not kept.
		for (let count = 0; count < 3; count++) {
			const exchange = http.begin();
			expect(await (await post(exchange, wire.origin)).text()).toBe("{}");
			expect(exchange.failure).toBeUndefined();
			exchange.close();
			await turn();
		}
		expect(requests).toEqual([1, 1, 2, 3]);
	});

	test("closed again is a failure that is not sent a third time", async () => {
		const received: number[] = [];
		await using wire = await tcpWire((socket, count) => {
			received.push(count);
			if (count > 1) socket.resetAndDestroy();
			else socket.write(answer("{}"));
			socket.on("data", () => {
				received.push(count);
				socket.resetAndDestroy();
			});
		});
		const first = http.begin();
		await (await post(first, wire.origin)).text();
		first.close();
		await turn();
		const second = http.begin();
		const error = await failure(post(second, wire.origin));
		second.close();
		expect(received).toEqual([1, 1, 2]);
		expect(error).toMatchObject({ reason: "reset", phase: "sent", resent: true });
		expect(transportFailure(error)).toMatchObject({ advice: { retry: "never" }, maybeBilled: true });
	});

	test("closed by the server at its hundredth request is no error under load", async () => {
		const served = new WeakMap<object, number>();
		await using wire = await httpWire((request, response) => {
			const count = (served.get(request.socket) ?? 0) + 1;
			served.set(request.socket, count);
			response.end("{}", () => {
				if (count >= 20) request.socket.end();
			});
		});
		let done = 0;
		const worker = async () => {
			while (done < 1_000) {
				done++;
				const exchange = http.begin();
				expect(await (await post(exchange, wire.origin)).text()).toBe("{}");
				exchange.close();
			}
		};
		await Promise.all(Array.from({ length: 32 }, worker));
		expect(wire.opened()).toBeGreaterThan(32);
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
		const error = await failure(post(exchange, wire.origin));
		expect(error).toMatchObject({ reason: "redirect" });
		expect(error.message).toContain(`refused redirect to ${new URL(other.origin).host}`);
		expect(error.message).not.toContain("secret");
		expect(other.opened()).toBe(0);
		exchange.close();
	});
});

describe("a body", () => {
	test.each([
		["short content-length", 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":'],
		["chunk cut short", 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"a":'],
		["chunks without the last", 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n'],
	])("with %s is never complete", async (_name, bytes) => {
		await using wire = await tcpWire((socket) => socket.end(bytes));
		const exchange = http.begin();
		const response = await post(exchange, wire.origin);
		expect(await failure(response.text())).toMatchObject({ reason: "cut", phase: "body" });
		expect(exchange.cut).toBe(true);
		exchange.close();
	});

	test("that was reset is never complete", async () => {
		await using wire = await tcpWire((socket) => {
			socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":');
			setTimeout(() => socket.resetAndDestroy(), 20);
		});
		const exchange = http.begin();
		const response = await post(exchange, wire.origin);
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
		expect(await (await post(exchange, wire.origin)).text()).toBe(text);
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
		expect(await failure(post(exchange, wire.origin).then((response) => response.text()))).toMatchObject({
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
		const response = await small.fetch(wire.origin, { headers: { [EXCHANGE_HEADER]: exchange.id } });
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

describe("a limit", () => {
	const quick = { firstContentMs: 40, idleMs: 40 };

	test.each([
		["no answer", ""],
		["half the headers", "HTTP/1.1 200 OK\r\ncontent-ty"],
		["no body", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"],
	])("on the first content ends %s", async (_name, bytes) => {
		await using wire = await tcpWire((socket) => socket.write(bytes));
		const exchange = http.begin({ timeouts: quick });
		const error = await failure(post(exchange, wire.origin).then((response) => response.text()));
		expect(error).toMatchObject({ reason: "timeout-first" });
		expect(exchange.failure).toBe(error);
		expect(exchange.signal.reason).toBe(error);
		await wire.idle();
		exchange.close();
	});

	test("does not take comments for content", async () => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/event-stream");
			const timer = setInterval(() => response.write(": keep-alive\n\n"), 5);
			response.on("close", () => clearInterval(timer));
		});
		const exchange = http.begin({ timeouts: quick });
		const response = await post(exchange, wire.origin);
		expect(await failure(readAll(response.body))).toMatchObject({ reason: "timeout-first" });
		exchange.close();
	});

	test("on silence starts with the first content and again with each", async () => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/event-stream");
			let count = 0;
			const timer = setInterval(() => {
				if (++count <= 10) response.write(`data: {"n":${count}}\n\n`);
			}, 20);
			response.on("close", () => clearInterval(timer));
		});
		const exchange = http.begin({ timeouts: { firstContentMs: 600_000, idleMs: 100 } });
		const response = await post(exchange, wire.origin);
		let seen = 0;
		const error = await failure(
			(async () => {
				for await (const _event of response.body as AsyncIterable<Uint8Array>) {
					seen++;
					exchange.noteContent();
				}
			})(),
		);
		expect(error).toMatchObject({ reason: "timeout-idle", phase: "body" });
		expect(seen).toBe(10);
		exchange.close();
	});

	test("on silence does not count the time that a slow reader takes", async () => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/event-stream");
			response.write('data: {"n":1}\n\n');
			setTimeout(() => response.write('data: {"n":2}\n\n'), 20);
			setTimeout(() => response.end(), 500);
		});
		const exchange = http.begin({ timeouts: { idleMs: 100 } });
		const response = await post(exchange, wire.origin);
		let seen = "";
		for await (const event of response.body as AsyncIterable<Uint8Array>) {
			seen += Buffer.from(event).toString();
			exchange.noteContent();
			await new Promise((resolve) => setTimeout(resolve, 450));
		}
		expect(seen).toBe('data: {"n":1}\n\ndata: {"n":2}\n\n');
		exchange.close();
	});

	test("on the whole ends even a lively stream", async () => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/event-stream");
			const timer = setInterval(() => response.write("data: {}\n\n"), 2);
			response.on("close", () => clearInterval(timer));
		});
		const exchange = http.begin({ timeouts: { totalMs: 60 } });
		const response = await post(exchange, wire.origin);
		const error = await failure(
			(async () => {
				for await (const _event of response.body as AsyncIterable<Uint8Array>) exchange.noteContent();
			})(),
		);
		expect(error).toMatchObject({ reason: "timeout-total" });
		await wire.idle();
		exchange.close();
	});
});

describe("an abort", () => {
	test("by the caller ends a waiting request and frees its socket", async () => {
		await using wire = await httpWire(() => {});
		const controller = new AbortController();
		const exchange = http.begin({ signal: controller.signal });
		const pending = failure(post(exchange, wire.origin));
		while (!exchange.sent) await new Promise(setImmediate);
		controller.abort(new Error("stop"));
		expect(await pending).toMatchObject({ reason: "aborted" });
		expect(exchange.failure?.reason).toBe("aborted");
		expect(exchange.signal.aborted).toBe(true);
		await wire.idle();
		exchange.close();
	});

	test("before the request sends nothing", async () => {
		await using wire = await httpWire(() => {});
		const exchange = http.begin({ signal: AbortSignal.abort() });
		expect(await failure(post(exchange, wire.origin))).toMatchObject({ reason: "aborted" });
		expect(exchange.sent).toBe(false);
		expect(wire.opened()).toBe(0);
		exchange.close();
	});

	test("by the SDK's own signal ends a stream", async () => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/event-stream");
			response.write("data: {}\n\n");
		});
		const exchange = http.begin();
		const controller = new AbortController();
		const response = await http.fetch(wire.origin, {
			method: "POST",
			headers: { [EXCHANGE_HEADER]: exchange.id },
			signal: controller.signal,
		});
		const reader = (response.body as ReadableStream<Uint8Array>).getReader();
		expect((await reader.read()).done).toBe(false);
		const pending = failure(reader.read());
		controller.abort();
		expect(await pending).toMatchObject({ reason: "aborted" });
		await wire.idle();
		exchange.close();
	});

	test("closing an exchange in the middle frees the socket", async () => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/event-stream");
			response.write("data: {}\n\n");
		});
		const exchange = http.begin();
		const response = await post(exchange, wire.origin);
		const reading = (async () => {
			for await (const _event of response.body as AsyncIterable<Uint8Array>) exchange.close();
		})();
		expect(await failure(reading)).toMatchObject({ reason: "aborted" });
		await wire.idle();
	});

	test("leaves no listener on the caller's signal", async () => {
		await using wire = await httpWire((_request, response) => response.end("{}"));
		const controller = new AbortController();
		for (let count = 0; count < 20; count++) {
			const exchange = http.begin({ signal: controller.signal });
			await (await post(exchange, wire.origin)).text();
			exchange.close();
		}
		expect(events.getEventListeners(controller.signal, "abort")).toHaveLength(0);
	});
});
