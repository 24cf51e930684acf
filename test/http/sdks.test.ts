import { readFileSync } from "node:fs";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI, { toFile } from "openai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EXCHANGE_HEADER, type Exchange, type Http } from "../../src/http/contract.ts";
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

function openai(wire: Wire): OpenAI {
	return new OpenAI({
		apiKey: "sk-test",
		baseURL: `${wire.origin}/v1`,
		maxRetries: 0,
		fetch: http.fetch as unknown as Fetch,
	});
}

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

/** Answers to one question in each of the three ways: the deltas "Hel" and "lo". */
interface Sdk {
	readonly name: string;
	readonly answer: unknown;
	readonly events: string;
	ask(wire: Wire, exchange: Exchange): Promise<string>;
	stream(wire: Wire, exchange: Exchange): AsyncIterable<string>;
}

const question = [{ role: "user" as const, content: "hi" }];

const sdks: readonly Sdk[] = [
	{
		name: "openai",
		answer: { choices: [{ message: { content: "Hello" }, finish_reason: "stop" }] },
		events: [
			'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n',
			'data: {"choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}]}\n\n',
			"data: [DONE]\n\n",
		].join(""),
		async ask(wire, exchange) {
			const answer = await openai(wire).chat.completions.create(
				{ model: "m", messages: question },
				{ headers: { [EXCHANGE_HEADER]: exchange.id }, signal: exchange.signal },
			);
			return answer.choices[0]?.message.content ?? "";
		},
		async *stream(wire, exchange) {
			const stream = await openai(wire).chat.completions.create(
				{ model: "m", messages: question, stream: true },
				{ headers: { [EXCHANGE_HEADER]: exchange.id }, signal: exchange.signal },
			);
			for await (const chunk of stream) yield chunk.choices[0]?.delta.content ?? "";
		},
	},
	{
		name: "anthropic",
		answer: { content: [{ type: "text", text: "Hello" }], stop_reason: "end_turn" },
		events: [
			'event: message_start\ndata: {"type":"message_start","message":{}}\n\n',
			'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Hel"}}\n\n',
			'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"lo"}}\n\n',
			'event: message_stop\ndata: {"type":"message_stop"}\n\n',
		].join(""),
		async ask(wire, exchange) {
			const answer = await anthropic(wire).messages.create(
				{ model: "m", max_tokens: 9, messages: question },
				{ headers: { [EXCHANGE_HEADER]: exchange.id }, signal: exchange.signal },
			);
			const [block] = answer.content;
			return block?.type === "text" ? block.text : "";
		},
		async *stream(wire, exchange) {
			const stream = await anthropic(wire).messages.create(
				{ model: "m", max_tokens: 9, messages: question, stream: true },
				{ headers: { [EXCHANGE_HEADER]: exchange.id }, signal: exchange.signal },
			);
			for await (const event of stream) {
				if (event.type === "content_block_delta" && event.delta.type === "text_delta") yield event.delta.text;
			}
		},
	},
	{
		name: "genai",
		answer: { candidates: [{ content: { parts: [{ text: "Hello" }] }, finishReason: "STOP" }] },
		events: [
			'data: {"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}\n\n',
			'data: {"candidates":[{"content":{"parts":[{"text":"lo"}]},"finishReason":"STOP"}]}\n\n',
		].join(""),
		async ask(wire, exchange) {
			const answer = await genai(wire).models.generateContent({
				model: "m",
				contents: "hi",
				config: {
					abortSignal: exchange.signal,
					httpOptions: { headers: { [EXCHANGE_HEADER]: exchange.id } },
				},
			});
			return answer.text ?? "";
		},
		async *stream(wire, exchange) {
			const stream = await genai(wire).models.generateContentStream({
				model: "m",
				contents: "hi",
				config: {
					abortSignal: exchange.signal,
					httpOptions: { headers: { [EXCHANGE_HEADER]: exchange.id } },
				},
			});
			for await (const chunk of stream) yield chunk.text ?? "";
		},
	},
];

async function collect(pieces: AsyncIterable<string>): Promise<string> {
	let text = "";
	for await (const piece of pieces) text += piece;
	return text;
}

function eventWire(events: string): Promise<Wire> {
	return httpWire((_request, response) => {
		response.setHeader("content-type", "text/event-stream");
		response.end(events);
	});
}

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
		expect(headers).not.toContain(EXCHANGE_HEADER);
		exchange.close();
	});

	test("reads a stream", async () => {
		await using wire = await eventWire(sdk.events);
		const exchange = http.begin();
		expect(await collect(sdk.stream(wire, exchange))).toBe("Hello");
		exchange.close();
	});

	test.each([
		["CRLF", (events: string) => events.replaceAll("\n", "\r\n")],
		["CR", (events: string) => events.replaceAll("\n", "\r")],
		["a BOM", (events: string) => `\ufeff${events}`],
		["no space after data:", (events: string) => events.replaceAll("data: ", "data:")],
		["comments inside events", (events: string) => events.replaceAll("data:", ": wait\ndata:")],
		["data on two lines", (events: string) => events.replaceAll('data: {"', 'data: {\ndata: "')],
		["no last blank line", (events: string) => events.slice(0, -2)],
	])("reads a stream with %s", async (_name, form) => {
		await using wire = await eventWire(form(sdk.events));
		const exchange = http.begin();
		expect(await collect(sdk.stream(wire, exchange))).toBe("Hello");
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

	test("cannot take a cut stream for a whole one", async () => {
		const body = sdk.events.slice(0, sdk.events.indexOf('"lo"'));
		await using wire = await tcpWire((socket) => {
			socket.write(
				"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
			);
			socket.end(`${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`);
		});
		const exchange = http.begin();
		const seen: string[] = [];
		const error: unknown = await (async () => {
			for await (const piece of sdk.stream(wire, exchange)) seen.push(piece);
		})().catch((reason: unknown) => reason);
		expect(seen.join("")).toBe("Hel");
		expect(findTransportError(error)).toMatchObject({ reason: "cut" });
		expect(exchange).toMatchObject({ cut: true, failure: { reason: "cut" } });
		exchange.close();
	});

	test("ends a stream at a limit, and the exchange says why", async () => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/event-stream");
			response.write(sdk.events.slice(0, sdk.events.indexOf('"lo"')));
		});
		const exchange = http.begin({ timeouts: { firstContentMs: 50 } });
		await collect(sdk.stream(wire, exchange)).catch(() => {});
		expect(exchange.failure?.reason).toBe("timeout-first");
		await wire.idle();
		exchange.close();
	});

	test("left in the middle of a stream frees the socket", async () => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/event-stream");
			const timer = setInterval(() => response.write(sdk.events.slice(0, sdk.events.indexOf('"lo"'))), 5);
			response.on("close", () => clearInterval(timer));
		});
		const exchange = http.begin();
		for await (const _piece of sdk.stream(wire, exchange)) break;
		exchange.close();
		await wire.idle();
	});

	test("does not wait for a server that keeps the socket open after the finish", async () => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/event-stream");
			response.write(sdk.events);
		});
		const exchange = http.begin({ timeouts: { firstContentMs: 60_000, finishMs: 50 } });
		let text = "";
		for await (const piece of sdk.stream(wire, exchange)) {
			text += piece;
			// Gemini's streams have no event that ends them, so there the finish reason does.
			if (sdk.name === "genai" && text === "Hello") exchange.noteFinish();
		}
		expect(text).toBe("Hello");
		expect(exchange.failure).toBeUndefined();
		exchange.close();
		await wire.idle();
	});

	test("gives the connection back after a stream", async () => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/event-stream");
			response.write(sdk.events);
			// The end of the body comes in a packet of its own.
			setTimeout(() => response.end(), 5);
		});
		for (let count = 0; count < 3; count++) {
			const exchange = http.begin();
			expect(await collect(sdk.stream(wire, exchange))).toBe("Hello");
			exchange.close();
			await new Promise((resolve) => setTimeout(resolve, 30));
		}
		expect(wire.opened()).toBe(1);
	});
});

describe("in place of a stream", () => {
	test("a JSON answer reaches openai as one chunk and genai as its response", async () => {
		const [chat, , gemini] = sdks as [Sdk, Sdk, Sdk];
		for (const sdk of [chat, gemini]) {
			await using wire = await httpWire((_request, response) => {
				response.setHeader("content-type", "application/json");
				response.end(JSON.stringify(sdk.answer, null, "\t"));
			});
			const exchange = http.begin();
			if (sdk === gemini) expect(await collect(sdk.stream(wire, exchange))).toBe("Hello");
			else {
				const stream = await openai(wire).chat.completions.create(
					{ model: "m", messages: question, stream: true },
					{ headers: { [EXCHANGE_HEADER]: exchange.id } },
				);
				const chunks: unknown[] = [];
				for await (const chunk of stream) chunks.push(chunk);
				expect(chunks).toEqual([sdk.answer]);
			}
			expect(exchange.headers?.["content-type"]).toBe("application/json");
			exchange.close();
		}
	});

	test.each(sdks)("a page of HTML is no empty success for $name", async (sdk) => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/html");
			response.end("<h1>Sign in to the Wi-Fi</h1>");
		});
		const exchange = http.begin();
		await expect(collect(sdk.stream(wire, exchange))).rejects.toThrow();
		expect(exchange.failure).toMatchObject({ reason: "not-api" });
		exchange.close();
	});

	test.each(sdks)("nothing at all is no empty success for $name", async (sdk) => {
		await using wire = await httpWire((_request, response) => {
			response.setHeader("content-type", "text/event-stream");
			response.end();
		});
		const exchange = http.begin();
		await expect(collect(sdk.stream(wire, exchange))).rejects.toThrow();
		expect(exchange.failure).toMatchObject({ reason: "empty" });
		exchange.close();
	});
});

test("openai uploads a file and downloads another without an exchange", async () => {
	await using wire = await httpWire((request, response, body) => {
		response.setHeader("content-type", "application/json");
		if (request.method === "POST") {
			expect(request.headers["content-type"]).toContain("multipart/form-data");
			response.end(JSON.stringify({ id: "file-1", bytes: body.length }));
		} else response.end('{"custom_id":"1"}\n{"custom_id":"2"}\n');
	});
	const lines = readFileSync(import.meta.filename);
	const client = openai(wire);
	const file = await client.files.create({ purpose: "batch", file: await toFile(lines, "input.jsonl") });
	expect(file.bytes).toBeGreaterThan(lines.length);
	const content = await client.files.content("file-2");
	expect(await content.text()).toBe('{"custom_id":"1"}\n{"custom_id":"2"}\n');
});
