import { afterEach, describe, expect, it, vi } from "vitest";
import { providers } from "../../../src/providers/registry.ts";
import {
	failureOf,
	finishOf,
	json,
	reasoningOf,
	rig,
	scriptedServer,
	sse,
	text,
	textOf,
} from "../scripted-server.ts";

const provider = providers.anthropic;
const usage = {
	input_tokens: 10,
	cache_read_input_tokens: 3,
	cache_creation_input_tokens: 4,
	output_tokens: 7,
};

function message(content: object[], stopReason = "end_turn", more: object = {}) {
	return { type: "message", role: "assistant", content, stop_reason: stopReason, usage, ...more };
}

function named(event: { type: string; [field: string]: unknown }): string {
	return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

const start = named({
	type: "message_start",
	message: { content: [], usage: { ...usage, output_tokens: 1 } },
});
const says = (words: string) =>
	named({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: words } });
const ends = (reason: string, output = 7) =>
	named({ type: "message_delta", delta: { stop_reason: reason }, usage: { output_tokens: output } });
const stop = named({ type: "message_stop" });

afterEach(() => {
	vi.unstubAllEnvs();
});

describe("complete", () => {
	it("sends the system apart and adds the cached tokens up", async () => {
		const content = [
			{ type: "thinking", thinking: "hmm" },
			{ type: "text", text: "hel" },
			{ type: "text", text: "lo" },
		];
		const server = await scriptedServer(json(message(content)));
		const { complete } = await rig(server.url, provider);
		const answer = await complete({
			messages: [
				{ role: "system", content: "one" },
				{ role: "user", content: "hi" },
				{ role: "system", content: "two" },
			],
		});
		expect(answer).toEqual({
			choices: [{ text: "hello", reasoning: "hmm", finishReason: "stop" }],
			usage: {
				inputTokens: 17,
				cachedInputTokens: 3,
				cacheWriteTokens: 4,
				audioInputTokens: 0,
				outputTokens: 7,
				reasoningTokens: 0,
			},
			charges: {},
		});
		const [request] = server.received;
		expect(request?.url).toBe("/v1/messages");
		expect(request?.headers["x-api-key"]).toBe("sk-planted-key-1234567890");
		expect(request?.headers["anthropic-version"]).toBeDefined();
		expect(request?.headers["x-llmx-exchange"]).toBeUndefined();
		expect(request?.body).toMatchObject({
			system: "one\n\ntwo",
			messages: [{ role: "user", content: "hi" }],
			max_tokens: 16_384,
		});
	});

	it("sends a bearer token as such, and takes nothing else from the environment", async () => {
		vi.stubEnv("ANTHROPIC_API_KEY", "sk-ant-wrong");
		vi.stubEnv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1");
		vi.stubEnv("ANTHROPIC_CUSTOM_HEADERS", "x-private: yes");
		const server = await scriptedServer(json(message([{ type: "text", text: "ok" }])));
		const { complete } = await rig(server.url, provider, { bearerKeys: ["token"] });
		await complete({ key: "token" });
		const headers = server.received[0]?.headers;
		expect(headers?.authorization).toBe("Bearer token");
		expect(JSON.stringify(headers)).not.toMatch(/x-private|sk-ant-wrong|x-api-key|traceparent/);
	});

	it("says why an answer was refused", async () => {
		const details = { type: "refusal", category: "cyber", explanation: "This could harm." };
		const server = await scriptedServer(json(message([], "refusal", { stop_details: details })));
		const { complete } = await rig(server.url, provider);
		const error = await failureOf(complete());
		expect([error.errorClass, error.advice.retry]).toEqual(["blocked", "never"]);
		expect(error.message).toContain("refusal (cyber): This could harm.");
		expect(error.usage.inputTokens).toBe(17);
	});

	it.each([
		["max_tokens", "length"],
		["model_context_window_exceeded", "length"],
		["tool_use", "tool-calls"],
		["stop_sequence", "stop"],
	])("reads stop reason %s as %s", async (reason, expected) => {
		const server = await scriptedServer(json(message([], reason)));
		const { complete } = await rig(server.url, provider);
		expect((await complete()).choices[0]?.finishReason).toBe(expected);
	});

	it.each([
		[401, { type: "authentication_error", message: "invalid x-api-key" }, "auth", "drop"],
		[403, { type: "permission_error", message: "no" }, "forbidden", "keep"],
		[
			400,
			{ type: "invalid_request_error", message: "prompt is too long: 210000 tokens > 200000 maximum" },
			"context_length",
			"keep",
		],
		[
			400,
			{ type: "invalid_request_error", message: "Your credit balance is too low to access" },
			"quota",
			"retire",
		],
		[429, { type: "rate_limit_error", message: "slow" }, "rate_limit", "next"],
		[529, { type: "overloaded_error", message: "Overloaded" }, "overloaded", "keep"],
	])("classifies %i %o", async (status, error, errorClass, key) => {
		const server = await scriptedServer(json({ type: "error", error }, status, { "retry-after": "7" }));
		const { complete } = await rig(server.url, provider);
		const failure = await failureOf(complete());
		expect([failure.errorClass, failure.advice.key]).toEqual([errorClass, key]);
		if (status === 429) expect(failure.advice.afterMs).toBe(7000);
	});

	it.each([
		["a page", text("<html>hi</html>", 200, { "content-type": "text/html" })],
		["something else", json({ hello: 1 })],
	])("never takes %s for an answer", async (_, script) => {
		const server = await scriptedServer(script);
		const { complete } = await rig(server.url, provider);
		expect((await failureOf(complete())).errorClass).toBe("malformed_response");
	});
});

describe("stream", () => {
	it("streams text and thinking, and takes the last usage", async () => {
		const thinking = named({
			type: "content_block_delta",
			delta: { type: "thinking_delta", thinking: "why" },
		});
		const server = await scriptedServer(
			sse(start, named({ type: "ping" }), thinking, says("he"), says("llo"), ends("end_turn"), stop),
		);
		const { stream } = await rig(server.url, provider);
		const parts = await stream();
		expect([textOf(parts), reasoningOf(parts)]).toEqual(["hello", "why"]);
		expect(finishOf(parts)).toMatchObject({
			finishReason: "stop",
			usage: { inputTokens: 17, cachedInputTokens: 3, outputTokens: 7 },
		});
		expect(server.received[0]?.body.stream).toBe(true);
	});

	it("never completes on a stream that ends early", async () => {
		const server = await scriptedServer(sse(start, says("par")));
		const { stream } = await rig(server.url, provider);
		const error = await failureOf(stream());
		expect([error.errorClass, error.partialText, error.advice.retry]).toEqual(["incomplete", "par", "once"]);
		// The usage at the start is not the bill.
		expect(error.usage).toBeNull();
	});

	it("is complete with a stop reason although message_stop is missing", async () => {
		const server = await scriptedServer(sse(start, says("all"), ends("end_turn")));
		const { stream } = await rig(server.url, provider);
		expect(finishOf(await stream()).finishReason).toBe("stop");
	});

	it("classifies an overload inside the stream", async () => {
		const overloaded = named({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } });
		const server = await scriptedServer(sse(start, says("par"), overloaded));
		const { stream } = await rig(server.url, provider);
		const error = await failureOf(stream());
		expect([error.errorClass, error.status, error.advice.retry]).toEqual(["overloaded", 529, "once"]);
		expect(error.partialText).toBe("par");
	});

	it("parses a whole message in place of a stream", async () => {
		const server = await scriptedServer(json(message([{ type: "text", text: "whole" }])));
		const { stream } = await rig(server.url, provider);
		expect(textOf(await stream())).toBe("whole");
	});
});

describe("listModels", () => {
	it("reads ids and context windows", async () => {
		const server = await scriptedServer(
			json({ data: [{ id: "claude-x", type: "model", max_input_tokens: 200_000 }], has_more: false }),
		);
		const { adapter, http } = await rig(server.url, provider);
		expect(await adapter.listModels({ key: "k", exchange: http.begin() })).toEqual([
			{ id: "claude-x", contextWindow: 200_000 },
		]);
	});
});
