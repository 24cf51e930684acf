import { readFileSync } from "node:fs";
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createHttp } from "../../src/http/http.ts";
import { loadAdapter } from "../../src/providers/adapters.ts";
import { providers } from "../../src/providers/registry.ts";
import { startSimulator } from "../../src/simulator/server.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { failureOf } from "../helpers/failure.ts";
import { notedCall } from "./noted-call.ts";

const tls = join(import.meta.dirname, "../fixtures/tls");
const cert = readFileSync(join(tls, "loopback.crt"), "utf8");
const key = readFileSync(join(tls, "loopback.key"), "utf8");
const resetCodes = { NO_ERROR: 0, INTERNAL_ERROR: 2, CANCEL: 8 } as const;

/** An HTTP/2 server in front of the simulator that sends so much of each answer and then resets its stream. */
async function resettingServer(code: number, share: number): Promise<string> {
	const simulator = await startSimulator();
	const server = createSecureServer({ cert, key });
	server.on("stream", (stream: ServerHttp2Stream, headers) => {
		stream.on("error", () => {});
		const chunks: Buffer[] = [];
		stream.on("data", (chunk: Buffer) => chunks.push(chunk));
		stream.on("end", async () => {
			const response = await fetch(simulator.url + headers[":path"], {
				method: "POST",
				headers: {
					"content-type": "application/json",
					"x-api-key": "k",
					"x-goog-api-key": "k",
					authorization: "Bearer k",
				},
				body: Buffer.concat(chunks),
			});
			const body = Buffer.from(await response.arrayBuffer());
			const type = response.headers.get("content-type") ?? "";
			stream.respond({ ":status": response.status, "content-type": type });
			stream.write(body.subarray(0, Math.floor(body.length * share)), () =>
				setTimeout(() => stream.close(code), 5),
			);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	afterTest(async () => {
		server.close();
		await simulator.close();
	});
	return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.each(["openai", "gemini", "anthropic"] as const)("RST_STREAM in a body, on the %s wire", (wire) => {
	it.each(
		Object.entries(resetCodes),
	)("%s is a cut, not the end: an answer that may be asked for once more", async (_name, code) => {
		const url = await resettingServer(code, 0.6);
		const http = createHttp({ http2: true, caCertificates: [cert] });
		afterTest(() => http.close());
		const baseUrl = wire === "openai" ? `${url}/v1` : url;
		const adapter = await loadAdapter({ provider: providers[wire], baseUrl, keys: [] }, http.fetch);
		const ask = async (stream: boolean) => {
			const exchange = http.begin();
			const { call } = notedCall({ exchange, modelId: "echo" });
			try {
				if (stream) for await (const _part of adapter.stream(call));
				else await adapter.complete(call);
			} finally {
				exchange.close();
			}
		};
		for (const stream of [false, true]) {
			const error = await failureOf(ask(stream));
			expect([error.errorClass, error.advice.retry, error.maybeBilled]).toEqual(["incomplete", "once", true]);
		}
	});
});
