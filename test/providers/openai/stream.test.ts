import { describe, expect, it, vi } from "vitest";
import { AbortedError, RequestError } from "../../../src/errors.ts";
import type { Exchange, FetchResponse } from "../../../src/http/contract.ts";
import { TransportError } from "../../../src/http/transport-error.ts";
import type { AdapterCall } from "../../../src/providers/adapter.ts";
import { streamAnswer } from "../../../src/providers/answer-stream.ts";
import { OpenAiReader } from "../../../src/providers/openai/reader.ts";
import { providers } from "../../../src/providers/registry.ts";
import { notedCall } from "../noted-call.ts";
import {
	done,
	failureOf,
	finishOf,
	json,
	reasoningOf,
	rig,
	scriptedServer,
	sse,
	textOf,
} from "../scripted-server.ts";
import { answer, delta, usage } from "./answers.ts";

describe("stream", () => {
	it("streams text and ends with the reason and the usage", async () => {
		const server = await scriptedServer(
			sse(delta("he"), delta("llo"), delta("", "stop"), { choices: [], usage }, done),
		);
		const { stream } = await rig(server.url);
		const parts = await stream();
		expect(textOf(parts)).toBe("hello");
		expect(finishOf(parts)).toMatchObject({
			finishReason: "stop",
			usage: { inputTokens: 5, outputTokens: 2 },
		});
		expect(server.received[0]?.body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
	});

	it.each([
		["no [DONE] but a finish reason", [delta("a"), delta("b", "stop")], "stop"],
		["[DONE] but no finish reason", [delta("a"), delta("b"), done], "other"],
		[
			"a last frame without a blank line",
			[delta("a"), `data: ${JSON.stringify(delta("b", "stop"))}`],
			"stop",
		],
		["data after [DONE]", [delta("ab", "stop"), done, delta("c")], "stop"],
		["frames without a delta", [{ choices: [{ index: 0 }] }, {}, delta("ab", "stop"), done], "stop"],
		[
			"comments, names and CRLF",
			[": ping\r\n\r\n", `event: x\r\ndata:${JSON.stringify(delta("ab", "stop"))}\r\n\r\n`],
			"stop",
		],
		["Together's eos", [delta("ab", "eos"), done], "stop"],
	])("accepts %s", async (_, events, reason) => {
		const server = await scriptedServer(sse(...events));
		const { stream } = await rig(server.url);
		const parts = await stream();
		expect(textOf(parts)).toBe("ab");
		expect(finishOf(parts).finishReason).toBe(reason);
		expect(finishOf(parts).usage).toBeNull();
	});

	it.each([
		["a clean end without finish reason or [DONE]", sse(delta("par"), delta("tial"))],
		["an end inside a frame", sse(delta("partial"), 'data: {"choices":[{"delta":{"content":"x')],
		[
			"a cut connection",
			(response: import("node:http").ServerResponse) => {
				response.writeHead(200, { "content-type": "text/event-stream" });
				response.write(`data: ${JSON.stringify(delta("partial"))}\n\n`);
				setImmediate(() => response.destroy());
			},
		],
	])("never completes on %s", async (_, script) => {
		const server = await scriptedServer(script);
		const { stream } = await rig(server.url);
		const error = await failureOf(stream());
		expect(error).toBeInstanceOf(RequestError);
		expect(error.errorClass).toBe("incomplete");
		expect(error.partialText).toBe("partial");
		expect(error.advice.retry).toBe("once");
		expect(error.maybeBilled).toBe(true);
	});

	it("tells the exchange once that the answer has finished, so that a socket left open is not waited for", async () => {
		const server = await scriptedServer(
			sse(delta("a"), delta("", "stop"), { choices: [], usage }, { choices: [], usage }),
		);
		const { adapter, http } = await rig(server.url);
		const exchange = http.begin();
		const noteFinish = vi.spyOn(exchange, "noteFinish");
		const { call } = notedCall({ exchange });
		for await (const part of adapter.stream(call)) {
			if (part.type === "text-delta") expect(noteFinish).not.toHaveBeenCalled();
		}
		expect(noteFinish).toHaveBeenCalledTimes(1);
		exchange.close();
	});

	it("does not complete when the body ended in silence because the exchange was stopped", async () => {
		const failure = new TransportError("stalled", { phase: "body", reason: "timeout-total" });
		const { signal } = new AbortController();
		const exchange = { signal, failure, noteContent() {}, noteFinish() {}, status: 200, secrets: [] };
		const call = { modelId: "m", key: "k", exchange } as unknown as AdapterCall;
		const batches = [[{ name: undefined, data: JSON.stringify(delta("all", "stop")), ended: true }]];
		const events = () => ({ read: async () => batches.shift() ?? null, stop() {} });
		const send = async () => ({ events }) as unknown as FetchResponse;
		const run = async () => {
			const reader = new OpenAiReader(providers.openai, call);
			for await (const _ of streamAnswer(send, reader, exchange as unknown as Exchange));
		};
		expect((await failureOf(run())).errorClass).toBe("timeout");
	});

	it("takes the last usage and never sums", async () => {
		const grown = { ...usage, completion_tokens: 9 };
		const server = await scriptedServer(
			sse({ ...delta("a"), usage }, { ...delta("b", "stop"), usage: grown }, done),
		);
		const { stream } = await rig(server.url);
		expect(finishOf(await stream()).usage?.outputTokens).toBe(9);
	});

	it("parses a JSON answer to a stream request", async () => {
		const server = await scriptedServer(json(answer("whole", { reasoning: "why" })));
		const { stream } = await rig(server.url);
		const parts = await stream();
		expect([textOf(parts), reasoningOf(parts)]).toEqual(["whole", "why"]);
		expect(finishOf(parts)).toMatchObject({ finishReason: "stop", usage: { inputTokens: 5 } });
	});

	it.each([
		["data: {error}", { error: { message: "boom", code: 503 } }, "overloaded", "once"],
		["event: error", 'event: error\ndata: {"message":"boom"}\n\n', "server", "once"],
		["object: error", { object: "error", message: "bad", code: 400 }, "invalid_request", "never"],
		[
			"a choice's error",
			{ choices: [{ error: { message: "boom", code: 502 }, finish_reason: "error" }] },
			"server",
			"once",
		],
		["a plain text error", { error: "the model crashed" }, "server", "once"],
	])("classifies an error inside the stream: %s", async (_, event, errorClass, retry) => {
		const server = await scriptedServer(sse(delta("part"), event, done));
		const { stream } = await rig(server.url);
		const error = await failureOf(stream());
		expect([error.errorClass, error.advice.retry]).toEqual([errorClass, retry]);
		expect(error.partialText).toBe("part");
		expect(error.maybeBilled).toBe(true);
	});

	it("asks again without include_usage where the server refuses it, and does not ask for it twice", async () => {
		const refusal = json(
			{ detail: [{ loc: ["body", "stream_options"], msg: "Extra inputs are not permitted" }] },
			422,
		);
		const server = await scriptedServer(refusal, sse(delta("ok", "stop"), done));
		const { stream } = await rig(server.url);
		expect(textOf(await stream())).toBe("ok");
		expect(server.received.map(({ body }) => "stream_options" in body)).toEqual([true, false]);
		await stream();
		expect(server.received[2]?.body.stream_options).toBeUndefined();
	});

	it("does not ask Mistral for usage", async () => {
		const server = await scriptedServer(sse(delta("ok", "stop"), done));
		const { stream } = await rig(server.url, providers.mistral);
		await stream();
		expect(server.received[0]?.body.stream_options).toBeUndefined();
	});

	it("splits a <think> block over deltas when the server has not", async () => {
		const pieces = ["<th", "ink>deep", " thought</", "think>", "\n\n", "the ", "answer <think> kept"];
		const server = await scriptedServer(sse(...pieces.map((piece) => delta(piece)), delta("", "stop"), done));
		const { stream } = await rig(server.url);
		const parts = await stream();
		expect(reasoningOf(parts)).toBe("deep thought");
		expect(textOf(parts)).toBe("the answer <think> kept");
	});

	it("says why a stream was blocked, keeping what had come", async () => {
		const server = await scriptedServer(
			sse(delta("so "), delta("", "content_filter"), { choices: [], usage }, done),
			sse(delta(null, null, { refusal: "No, " }), delta(null, "stop", { refusal: "sorry." }), done),
		);
		const { stream } = await rig(server.url);
		const filtered = await failureOf(stream());
		expect([filtered.errorClass, filtered.partialText]).toEqual(["blocked", "so "]);
		expect(filtered.usage.inputTokens).toBe(5);
		expect((await failureOf(stream())).message).toContain("No, sorry.");
	});

	it("closes the connection when the caller leaves early", async () => {
		let closed: () => void = () => {};
		const whenClosed = new Promise<void>((resolve) => {
			closed = resolve;
		});
		const server = await scriptedServer((response) => {
			response.writeHead(200, { "content-type": "text/event-stream" });
			response.write(`data: ${JSON.stringify(delta("first"))}\n\n`);
			response.on("close", () => closed());
		});
		const { adapter, http } = await rig(server.url);
		const exchange = http.begin();
		const { call } = notedCall({ exchange });
		for await (const part of adapter.stream(call)) {
			expect(part).toEqual({ type: "text-delta", text: "first" });
			break;
		}
		await whenClosed;
	});

	it("reports an abort in the middle as such", async () => {
		const controller = new AbortController();
		const server = await scriptedServer((response) => {
			response.writeHead(200, { "content-type": "text/event-stream" });
			response.write(`data: ${JSON.stringify(delta("first"))}\n\n`);
		});
		const { adapter, http } = await rig(server.url);
		const exchange = http.begin({ signal: controller.signal });
		const { call } = notedCall({ exchange });
		const run = async () => {
			for await (const _ of adapter.stream(call)) controller.abort();
		};
		expect(await failureOf(run())).toBeInstanceOf(AbortedError);
		exchange.close();
	});

	it("reports a stall as a timeout with the text so far", async () => {
		const server = await scriptedServer((response) => {
			response.writeHead(200, { "content-type": "text/event-stream" });
			response.write(`data: ${JSON.stringify(delta("first"))}\n\n`);
		});
		const { stream } = await rig(server.url, providers.openai, { timeouts: { timeouts: { idleMs: 30 } } });
		const error = await failureOf(stream());
		expect([error.errorClass, error.partialText, error.advice.retry]).toEqual(["timeout", "first", "never"]);
	});
});
