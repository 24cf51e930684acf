import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Exchange, exchangeHeader, type Http } from "../../src/http/contract.ts";
import { createHttp } from "../../src/http/http.ts";
import { findTransportError } from "../../src/http/transport-error.ts";
import { httpWire, tcpWire, type Wire } from "./wire.ts";

let http: Http;
beforeEach(() => {
	http = createHttp({ timeouts: { firstContentMs: 5_000 } });
});
afterEach(async () => {
	await http.close();
});

type Fetch = typeof globalThis.fetch;

function anthropic(wire: Wire): Anthropic {
	return new Anthropic({
		apiKey: "sk-test",
		baseURL: wire.origin,
		maxRetries: 0,
		fetch: http.fetch as unknown as Fetch,
	});
}

function genai(wire: Wire): GoogleGenAI {
	return new GoogleGenAI({
		apiKey: "sk-test",
		apiVersion: "v1beta",
		httpOptions: { baseUrl: wire.origin, fetch: http.fetch as unknown as Fetch },
	});
}

/** The answer "Hello" to one question, in each of their ways. */
interface Sdk {
	readonly name: string;
	readonly answer: unknown;
	ask(wire: Wire, exchange: Exchange): Promise<string>;
}

const sdks: readonly Sdk[] = [
	{
		name: "anthropic",
		answer: { content: [{ type: "text", text: "Hello" }], stop_reason: "end_turn" },
		async ask(wire, exchange) {
			const answer = await anthropic(wire).messages.create(
				{ model: "m", max_tokens: 9, messages: [{ role: "user", content: "hi" }] },
				{ headers: { [exchangeHeader]: exchange.id }, signal: exchange.signal },
			);
			const [block] = answer.content;
			return block?.type === "text" ? block.text : "";
		},
	},
	{
		name: "genai",
		answer: { candidates: [{ content: { parts: [{ text: "Hello" }] }, finishReason: "STOP" }] },
		async ask(wire, exchange) {
			const answer = await genai(wire).models.generateContent({
				model: "m",
				contents: "hi",
				config: {
					abortSignal: exchange.signal,
					httpOptions: { headers: { [exchangeHeader]: exchange.id } },
				},
			});
			return answer.text ?? "";
		},
	},
];

describe.each(sdks)("the $name SDK", (sdk) => {
	test("reads an answer, and keeps the connection", async () => {
		const headers: string[] = [];
		await using wire = await httpWire((request, response) => {
			headers.push(...request.rawHeaders.map((header) => header.toLowerCase()));
			response.setHeader("content-type", "application/json");
			response.end(JSON.stringify(sdk.answer));
		});
		const exchange = http.begin();
		expect(await sdk.ask(wire, exchange)).toBe("Hello");
		expect(exchange).toMatchObject({ status: 200, sent: true, cut: false });
		expect(headers).not.toContain(exchangeHeader);
		exchange.close();
	});

	test("shows an error's status and keeps its body", async () => {
		await using wire = await httpWire((_request, response) => {
			response.writeHead(429, { "content-type": "application/json", "retry-after": "3" });
			response.end('{"error":{"message":"slow down"}}');
		});
		const exchange = http.begin();
		await expect(sdk.ask(wire, exchange)).rejects.toMatchObject({ status: 429 });
		expect(exchange).toMatchObject({ status: 429, errorBody: '{"error":{"message":"slow down"}}' });
		expect(exchange.headers?.["retry-after"]).toBe("3");
		exchange.close();
	});

	test("leaves the network's error to be found below its own", async () => {
		await using wire = await tcpWire((socket) => socket.resetAndDestroy());
		const exchange = http.begin();
		const error: unknown = await sdk.ask(wire, exchange).catch((reason: unknown) => reason);
		expect(findTransportError(error)).toMatchObject({ reason: "reset", phase: "sent" });
		expect(exchange.failure?.reason).toBe("reset");
		exchange.close();
	});

	test("refuses a redirect without sending the key on", async () => {
		await using other = await httpWire((_request, response) => response.end("{}"));
		await using wire = await httpWire((_request, response) => {
			response.writeHead(307, { location: other.origin });
			response.end();
		});
		const exchange = http.begin();
		await expect(sdk.ask(wire, exchange)).rejects.toThrow();
		expect(exchange.failure?.reason).toBe("redirect");
		expect(other.opened()).toBe(0);
		exchange.close();
	});
});
