import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createSecureServer } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createHttp } from "../../src/http/http.ts";
import { proxyFor, proxySettings } from "../../src/http/proxy.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { failure, post } from "./posting.ts";

const tls = join(import.meta.dirname, "../fixtures/tls");
const cert = readFileSync(join(tls, "loopback.crt"), "utf8");
const key = readFileSync(join(tls, "loopback.key"), "utf8");

/** A proxy that writes down what it is asked for, and lets through who knows the word. */
async function loggingProxy(password?: string) {
	const asked: string[] = [];
	const allowed = (given: string | undefined) =>
		password === undefined || given === `Basic ${Buffer.from(`user:${password}`).toString("base64")}`;
	const server = createHttpServer((request, response) => {
		asked.push(`${request.method} ${request.url}`);
		if (!allowed(request.headers["proxy-authorization"])) response.writeHead(407).end();
		else response.end("by the proxy itself");
	});
	server.on("connect", (request, socket, head) => {
		asked.push(`CONNECT ${request.url}`);
		socket.on("error", () => {});
		if (!allowed(request.headers["proxy-authorization"])) {
			socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
			return;
		}
		const [host = "", port] = String(request.url).split(":");
		const onward = connect(Number(port), host, () => {
			socket.write("HTTP/1.1 200 OK\r\n\r\n");
			onward.write(head);
			onward.pipe(socket).pipe(onward);
		});
		onward.on("error", () => socket.destroy());
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	afterTest(() => {
		server.close();
		server.closeAllConnections();
	});
	return { port: (server.address() as AddressInfo).port, asked };
}

async function secureServer(): Promise<string> {
	const server = createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
		response.end(request.httpVersion);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	afterTest(() => void server.close());
	return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a proxy", () => {
	test.each([
		["1.1", false, undefined],
		["2.0", true, undefined],
		["1.1", false, "secret"],
		["2.0", true, "secret"],
	])("carries HTTP/%s to a TLS server", async (version, http2, password) => {
		const proxy = await loggingProxy(password);
		const origin = await secureServer();
		const user = password === undefined ? "" : `user:${password}@`;
		const env = { https_proxy: `http://${user}127.0.0.1:${proxy.port}` };
		const http = createHttp({ http2, caCertificates: [cert], proxy: proxySettings(env) });
		afterTest(() => http.close());
		for (let count = 0; count < 2; count++) {
			const exchange = http.begin({ ownConnection: count === 1 });
			expect(await (await post(http, exchange, origin)).text()).toBe(version);
			exchange.close();
		}
		expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${new URL(origin).host}`]));
	});

	test("is asked for the whole address of a server without TLS", async () => {
		const proxy = await loggingProxy();
		const http = createHttp({ proxy: proxySettings({ HTTP_PROXY: `127.0.0.1:${proxy.port}` }) });
		afterTest(() => http.close());
		const exchange = http.begin();
		expect(await (await post(http, exchange, "http://llm.invalid/v1")).text()).toBe("by the proxy itself");
		expect(proxy.asked).toEqual(["POST http://llm.invalid/v1"]);
		exchange.close();
	});

	test.each(["https://127.0.0.1:1/x", "http://llm.invalid/x"])("that refuses says so: %s", async (url) => {
		const proxy = await loggingProxy("secret");
		const address = `http://user:wrong@127.0.0.1:${proxy.port}`;
		const http = createHttp({ proxy: proxySettings({ ALL_PROXY: address }) });
		afterTest(() => http.close());
		const exchange = http.begin();
		const error = await failure(post(http, exchange, url));
		expect([error.reason, error.phase]).toEqual(["proxy", "connect"]);
		expect(error.message).toMatch(/^the proxy on the way to .* asks for a user and password$/);
		exchange.close();
	});
});

test("a proxy that is not there is named", async () => {
	const http = createHttp({ proxy: proxySettings({ ALL_PROXY: "http://user:secret@127.0.0.1:9" }) });
	afterTest(() => http.close());
	const exchange = http.begin();
	const error = await failure(post(http, exchange, "https://llm.invalid/v1"));
	expect(error.reason).toBe("refused");
	expect(error.message).toBe(
		"no server at the proxy http://127.0.0.1:9: connection refused, on the way to https://llm.invalid",
	);
	exchange.close();
});

describe("the proxy of an address", () => {
	const url = (text: string) => new URL(text);
	const at = (text: string, env: Record<string, string>) => proxyFor(url(text), proxySettings(env));

	test("is that of its scheme, in lower case first, or the one for all", () => {
		expect(at("https://a.example", { HTTPS_PROXY: "http://p:1", https_proxy: "http://q:2" })).toBe(
			"http://q:2",
		);
		expect(at("http://a.example", { HTTPS_PROXY: "http://p:1" })).toBeUndefined();
		expect(at("https://a.example", { HTTP_PROXY: "http://p:1" })).toBeUndefined();
		expect(at("http://a.example", { ALL_PROXY: "p:3" })).toBe("http://p:3");
		expect(at("https://a.example", {})).toBeUndefined();
	});

	test.each([
		["*", true],
		["a.example", true],
		[".example", true],
		["example", true],
		["*.a.example", true],
		["A.EXAMPLE:443", true],
		["a.example:80", false],
		["b.example, a.example", true],
		["xa.example", false],
		["ample", false],
		["", false],
	])("is none where NO_PROXY (%j) covers it: %s", (list, exempt) => {
		const proxy = at("https://a.example/v1", { ALL_PROXY: "http://p:1", NO_PROXY: list });
		expect(proxy).toBe(exempt ? undefined : "http://p:1");
	});

	test("knows addresses, too", () => {
		const env = { ALL_PROXY: "http://p:1", NO_PROXY: "127.0.0.1 ::1 [fe80::1]:8080" };
		expect(at("http://127.0.0.1:3000", env)).toBeUndefined();
		expect(at("http://[::1]:3000", env)).toBeUndefined();
		expect(at("http://[fe80::1]:8080", env)).toBeUndefined();
		expect(at("http://[fe80::1]:9", env)).toBe("http://p:1");
	});
});
