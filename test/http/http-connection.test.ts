import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Http } from "../../src/http/contract.ts";
import { createHttp } from "../../src/http/http.ts";
import { transportFailure } from "../../src/http/transport-error.ts";
import { failure, post, turn } from "./posting.ts";
import { answer, httpWire, tcpWire } from "./wire.ts";

let http: Http;
beforeEach(() => {
	http = createHttp();
});
afterEach(async () => {
	vi.restoreAllMocks();
	await http.close();
});

describe("a connection", () => {
	test("that is refused has sent nothing", async () => {
		const wire = await httpWire(() => {});
		await wire[Symbol.asyncDispose]();
		const exchange = http.begin();
		const error = await failure(post(http, exchange, wire.origin));
		expect(error).toMatchObject({ reason: "refused", phase: "connect" });
		expect(error.message).toContain(wire.origin);
		expect(exchange).toMatchObject({ sent: false, failure: error });
		exchange.close();
	});

	test("to a name that does not exist", async () => {
		const exchange = http.begin();
		const error = await failure(post(http, exchange, "http://nothing.invalid/"));
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
		expect(await failure(post(http, exchange, wire.origin))).toMatchObject({
			reason: "reset",
			phase: "sent",
		});
		expect(exchange).toMatchObject({ sent: true, cut: false });
		expect(wire.opened()).toBe(1);
		exchange.close();
	});

	test("closed inside the headers", async () => {
		await using wire = await tcpWire((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-ty"));
		const exchange = http.begin();
		expect(await failure(post(http, exchange, wire.origin))).toMatchObject({
			reason: "reset",
			phase: "headers",
		});
		exchange.close();
	});

	test("that answers in something other than HTTP", async () => {
		await using wire = await tcpWire((socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n"));
		const exchange = http.begin();
		expect(await failure(post(http, exchange, wire.origin))).toMatchObject({ reason: "protocol" });
		exchange.close();
	});

	test("over TLS to a server without TLS", async () => {
		await using wire = await tcpWire((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
		const exchange = http.begin();
		const error = await failure(post(http, exchange, wire.origin.replace("http:", "https:")));
		expect(error).toMatchObject({ reason: "tls", phase: "connect" });
		exchange.close();
	});

	test("is used again for the next request", async () => {
		await using wire = await httpWire((_request, response) => response.end("{}"));
		for (let count = 0; count < 5; count++) {
			const exchange = http.begin();
			await (await post(http, exchange, wire.origin)).text();
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
		const left: [number, boolean][] = [];
		for (let count = 0; count < 3; count++) {
			const exchange = http.begin({ onLeave: () => void left.push([requests.length, exchange.sent]) });
			expect(await (await post(http, exchange, wire.origin)).text()).toBe("{}");
			expect(exchange.failure).toBeUndefined();
			exchange.close();
			await turn();
		}
		expect(requests).toEqual([1, 1, 2, 3]);
		// Before each of them left, the one that was sent again twice.
		expect(left).toEqual([
			[0, false],
			[1, false],
			[2, true],
			[3, false],
		]);
	});

	test("closed by the server long after the request is a failure that may have been billed", async () => {
		let skippedSeconds = 0;
		const now = performance.now.bind(performance);
		vi.spyOn(performance, "now").mockImplementation(() => now() + 1_000 * skippedSeconds);
		// What was built reads the same clock.
		const hrtime = process.hrtime;
		const skipping = (): [number, number] => {
			const [seconds, nanoseconds] = hrtime();
			return [seconds + skippedSeconds, nanoseconds];
		};
		vi.spyOn(process, "hrtime").mockImplementation(Object.assign(skipping, { bigint: hrtime.bigint }));
		await using wire = await tcpWire((socket) => {
			socket.write(answer("{}"));
			socket.on("data", () => {
				skippedSeconds += 2;
				socket.resetAndDestroy();
			});
		});
		const first = http.begin();
		await (await post(http, first, wire.origin)).text();
		first.close();
		await turn();
		const second = http.begin();
		const error = await failure(post(http, second, wire.origin));
		second.close();
		expect(error).toMatchObject({ reason: "reset", phase: "sent", resent: false });
		expect(wire.opened()).toBe(1);
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
		await (await post(http, first, wire.origin)).text();
		first.close();
		await turn();
		const second = http.begin();
		const error = await failure(post(http, second, wire.origin));
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
				expect(await (await post(http, exchange, wire.origin)).text()).toBe("{}");
				exchange.close();
			}
		};
		await Promise.all(Array.from({ length: 32 }, worker));
		expect(wire.opened()).toBeGreaterThan(32);
	});

	test("are no more than there are requests at once, however soon one follows the other", async () => {
		await using wire = await httpWire((_, response) => setImmediate(() => response.end("{}")));
		let sent = 0;
		const worker = async (most: number) => {
			while (sent < most) {
				sent++;
				const exchange = http.begin();
				await (await post(http, exchange, wire.origin)).text();
				exchange.close();
			}
		};
		await Promise.all(Array.from({ length: 4 }, () => worker(100)));
		expect(wire.opened()).toBe(4);
		// More at once need more, and fewer go on with what there is.
		await Promise.all(Array.from({ length: 9 }, () => worker(300)));
		await Promise.all(Array.from({ length: 2 }, () => worker(350)));
		expect(wire.opened()).toBe(9);
	});

	test("that has served last serves the next request; one that was closed meanwhile is passed over", async () => {
		const ports: (number | undefined)[] = [];
		let closes = false;
		await using wire = await httpWire((request, response) => {
			ports.push(request.socket.remotePort);
			if (closes) response.setHeader("connection", "close");
			response.end("{}");
		});
		const ask = async () => {
			const exchange = http.begin();
			await (await post(http, exchange, wire.origin)).text();
			exchange.close();
		};
		await Promise.all([ask(), ask(), ask()]);
		await turn();
		await ask();
		await turn();
		await ask();
		expect(ports[4]).toBe(ports[3]);
		closes = true;
		await turn();
		await ask();
		closes = false;
		await vi.waitFor(() => expect(wire.open()).toBe(2));
		await ask();
		expect(ports[5]).toBe(ports[4]);
		expect(ports[6]).not.toBe(ports[5]);
		expect(ports.slice(0, 3)).toContain(ports[6]);
		expect(wire.opened()).toBe(3);
	});

	test("are as many as requests that are on the way, also after some were stopped", async () => {
		await using wire = await httpWire((request, response) => {
			if (request.url !== "/never") response.end("{}");
		});
		const stopped = Array.from({ length: 5 }, () => http.begin());
		const failures = stopped.map((exchange) => failure(post(http, exchange, `${wire.origin}/never`)));
		await vi.waitFor(() => expect(wire.open()).toBe(5));
		for (const exchange of stopped) exchange.close();
		for (const ended of await Promise.all(failures)) expect(ended.reason).toBe("aborted");
		const exchanges = Array.from({ length: 8 }, () => http.begin());
		await Promise.all(exchanges.map(async (exchange) => (await post(http, exchange, wire.origin)).text()));
		for (const exchange of exchanges) exchange.close();
		expect(wire.open()).toBeLessThanOrEqual(8);
	});
});
