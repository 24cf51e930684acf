import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Exchange, Http } from "../../src/http/contract.ts";
import { createHttp } from "../../src/http/http.ts";
import type { Adapter, AdapterCall, Answer, AnswerPart } from "../../src/providers/adapter.ts";
import { loadAdapter } from "../../src/providers/adapters.ts";
import type { ProviderRow } from "../../src/providers/provider-row.ts";
import { providers } from "../../src/providers/registry.ts";
import { afterTest } from "../helpers/cleanup.ts";

export { failureOf } from "../helpers/failure.ts";

export interface Received {
	readonly method: string;
	readonly url: string;
	readonly headers: IncomingHttpHeaders;
	// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes.
	readonly body: any;
}

export type Script = (response: ServerResponse, received: Received) => void;

/** A server on loopback that answers the first request with the first script, and so on; the last one repeats. */
export async function scriptedServer(...scripts: Script[]) {
	const received: Received[] = [];
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on("data", (chunk: Buffer) => chunks.push(chunk));
		request.on("end", () => {
			const text = Buffer.concat(chunks).toString("utf8");
			const entry = {
				method: request.method ?? "",
				url: request.url ?? "",
				headers: request.headers,
				body: text === "" ? undefined : JSON.parse(text),
			};
			received.push(entry);
			const script = scripts[Math.min(received.length, scripts.length) - 1];
			script?.(response, entry);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	afterTest(
		() =>
			new Promise<void>((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	);
	const { port } = server.address() as AddressInfo;
	return { url: `http://127.0.0.1:${port}`, received, server };
}

export function json(payload: unknown, status = 200, headers: Record<string, string> = {}): Script {
	return text(JSON.stringify(payload), status, { "content-type": "application/json", ...headers });
}

export function text(body: string, status = 200, headers: Record<string, string> = {}): Script {
	return (response) => {
		response.writeHead(status, headers);
		response.end(body);
	};
}

/** A stream of events, each given as an object, or as text that is sent as it is. */
export function sse(...events: (object | string)[]): Script {
	return (response) => {
		response.writeHead(200, { "content-type": "text/event-stream" });
		for (const event of events) {
			response.write(typeof event === "string" ? event : `data: ${JSON.stringify(event)}\n\n`);
		}
		response.end();
	};
}

export const done = "data: [DONE]\n\n";

export interface Rig {
	readonly adapter: Adapter;
	readonly http: Http;
	readonly exchanges: Exchange[];
	complete(call?: Partial<AdapterCall>): Promise<Answer>;
	stream(call?: Partial<AdapterCall>): Promise<AnswerPart[]>;
}

/** The adapter of a provider, over the real fetch, pointed at a scripted server. */
export async function rig(
	url: string,
	provider: ProviderRow = providers.openai,
	options: { bearerKeys?: string[]; timeouts?: Parameters<Http["begin"]>[0] } = {},
): Promise<Rig> {
	const http = createHttp();
	afterTest(() => http.close());
	const bearer = new Set(options.bearerKeys);
	const keys = [...bearer].map((value) => ({ value, bearer: true }));
	const adapter = await loadAdapter({ provider, baseUrl: url, keys }, http.fetch);
	const exchanges: Exchange[] = [];
	const callOf = (call: Partial<AdapterCall>): AdapterCall => {
		const exchange = http.begin(options.timeouts);
		exchanges.push(exchange);
		return {
			modelId: "some-model",
			messages: [{ role: "user", content: "hello" }],
			parameters: {},
			n: 1,
			key: "sk-planted-key-1234567890",
			exchange,
			...call,
		};
	};
	return {
		adapter,
		http,
		exchanges,
		complete: async (call = {}) => {
			const full = callOf(call);
			try {
				return await adapter.complete(full);
			} finally {
				full.exchange.close();
			}
		},
		stream: async (call = {}) => {
			const full = callOf(call);
			const parts: AnswerPart[] = [];
			try {
				for await (const part of adapter.stream(full)) parts.push(part);
			} finally {
				full.exchange.close();
			}
			return parts;
		},
	};
}

export function textOf(parts: readonly AnswerPart[]): string {
	return parts.map((part) => (part.type === "text-delta" ? part.text : "")).join("");
}

export function reasoningOf(parts: readonly AnswerPart[]): string {
	return parts.map((part) => (part.type === "reasoning-delta" ? part.text : "")).join("");
}

/** The last part, with the choice that it ends. */
export function finishOf(parts: readonly AnswerPart[]) {
	const last = parts.at(-1);
	if (last?.type !== "finish") throw new Error("the stream did not end with a finish part");
	return { ...last.choice, ...last };
}
