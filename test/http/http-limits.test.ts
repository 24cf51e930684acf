import events from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exchangeHeader, type Http } from "../../src/http/contract.ts";
import { createHttp } from "../../src/http/http.ts";
import { failure, post, readEvents } from "./posting.ts";
import { httpWire, tcpWire } from "./wire.ts";

let http: Http;
beforeEach(() => {
	http = createHttp();
});
afterEach(async () => {
	await http.close();
});

describe("a limit", () => {
	const quick = { firstContentMs: 60, idleMs: 60 };

	test.each([
		["no answer", ""],
		["half the headers", "HTTP/1.1 200 OK\r\ncontent-ty"],
		["no body", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"],
	])("on the first content ends %s", async (_name, bytes) => {
		await using wire = await tcpWire((socket) => socket.write(bytes));
		const exchange = http.begin({ timeouts: quick });
		const error = await failure(post(http, exchange, wire.origin).then((response) => response.text()));
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
		const exchange = http.begin({ timeouts: { firstContentMs: 300, idleMs: 300 } });
		// On a busy machine the headers themselves may come too late, which is the same limit.
		const reading = post(http, exchange, wire.origin).then((response) => readEvents(response));
		expect(await failure(reading)).toMatchObject({ reason: "timeout-first" });
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
		const exchange = http.begin({ timeouts: { firstContentMs: 600_000, idleMs: 500 } });
		const response = await post(http, exchange, wire.origin);
		let seen = 0;
		const error = await failure(
			readEvents(response, () => {
				seen++;
				exchange.noteContent();
			}),
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
		const response = await post(http, exchange, wire.origin);
		let seen = "";
		const events = response.events();
		for (let batch = await events.read(); batch !== null; batch = await events.read()) {
			for (const { data } of batch) seen += data;
			exchange.noteContent();
			await new Promise((resolve) => setTimeout(resolve, 450));
		}
		expect(seen).toBe('{"n":1}{"n":2}');
		exchange.close();
	});

	test("on the whole ends even a lively stream", async () => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/event-stream");
			const timer = setInterval(() => response.write("data: {}\n\n"), 2);
			response.on("close", () => clearInterval(timer));
		});
		const exchange = http.begin({ timeouts: { totalMs: 60 } });
		const reading = post(http, exchange, wire.origin).then((response) =>
			readEvents(response, () => exchange.noteContent()),
		);
		expect(await failure(reading)).toMatchObject({ reason: "timeout-total" });
		await wire.idle();
		exchange.close();
	});
});

describe("an abort", () => {
	test("by the caller ends a waiting request and frees its socket", async () => {
		await using wire = await httpWire(() => {});
		const controller = new AbortController();
		const exchange = http.begin({ signal: controller.signal });
		const pending = failure(post(http, exchange, wire.origin));
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
		expect(await failure(post(http, exchange, wire.origin))).toMatchObject({ reason: "aborted" });
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
			headers: { [exchangeHeader]: exchange.id },
			signal: controller.signal,
		});
		const events = response.events();
		expect(await events.read()).toHaveLength(1);
		const pending = failure(events.read());
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
		const response = await post(http, exchange, wire.origin);
		expect(await failure(readEvents(response, () => exchange.close()))).toMatchObject({ reason: "aborted" });
		await wire.idle();
	});

	test("leaves no listener on the caller's signal", async () => {
		await using wire = await httpWire((_request, response) => response.end("{}"));
		const controller = new AbortController();
		for (let count = 0; count < 20; count++) {
			const exchange = http.begin({ signal: controller.signal });
			await (await post(http, exchange, wire.origin)).text();
			exchange.close();
		}
		expect(events.getEventListeners(controller.signal, "abort")).toHaveLength(0);
	});
});
