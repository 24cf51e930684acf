import { afterEach, describe, expect, it, vi } from "vitest";
import { AbortedError, RequestError } from "../../../src/errors.ts";
import { defineProvider } from "../../../src/providers/provider-definition.ts";
import { providers } from "../../../src/providers/registry.ts";
import { failureOf, finishOf, json, rig, scriptedServer, sse, text } from "../scripted-server.ts";
import { answer, delta, usage } from "./answers.ts";

afterEach(() => {
	vi.unstubAllEnvs();
});

describe("complete", () => {
	it("sends one request with the key and the prompt, and returns text, reason and usage", async () => {
		const server = await scriptedServer(json(answer("hi there")));
		const { complete } = await rig(`${server.url}/v1`);
		const result = await complete({
			messages: [
				{ role: "system", content: "be kind" },
				{ role: "user", content: "hello" },
			],
		});
		expect(result).toEqual({
			choices: [{ text: "hi there", reasoning: null, finishReason: "stop" }],
			usage: {
				inputTokens: 5,
				cachedInputTokens: 0,
				cacheWriteTokens: 0,
				audioInputTokens: 0,
				outputTokens: 2,
				reasoningTokens: 0,
			},
			charges: {},
		});
		expect(server.received).toHaveLength(1);
		const [request] = server.received;
		expect(request?.url).toBe("/v1/chat/completions");
		expect(request?.headers.authorization).toBe("Bearer sk-planted-key-1234567890");
		expect(request?.headers["x-llmx-exchange"]).toBeUndefined();
		expect(request?.body).toEqual({
			model: "some-model",
			messages: [
				{ role: "system", content: "be kind" },
				{ role: "user", content: "hello" },
			],
		});
	});

	it("takes nothing from the environment that the openai SDK takes", async () => {
		vi.stubEnv("OPENAI_ORG_ID", "org-secret");
		vi.stubEnv("OPENAI_PROJECT_ID", "proj-secret");
		vi.stubEnv("OPENAI_CUSTOM_HEADERS", "x-private: yes");
		vi.stubEnv("OPENAI_API_KEY", "sk-wrong");
		vi.stubEnv("OPENAI_BASE_URL", "http://127.0.0.1:1");
		const server = await scriptedServer(json(answer("ok")));
		const { complete } = await rig(server.url, providers.local);
		await complete({ key: undefined });
		const sent = JSON.stringify(server.received[0]?.headers);
		expect(sent).not.toMatch(/secret|x-private|sk-wrong|authorization/);
	});

	it("asks for n answers in one request and returns them all", async () => {
		const choices = ["a", "b"].map((content, index) => ({
			index,
			message: { content },
			finish_reason: "stop",
		}));
		const server = await scriptedServer(json({ choices, usage }));
		const { complete, adapter } = await rig(server.url);
		const result = await complete({ n: 2 });
		expect(adapter.choicesPerCall).toBeGreaterThan(1);
		expect(server.received[0]?.body.n).toBe(2);
		expect(result.choices.map(({ text }) => text)).toEqual(["a", "b"]);
	});

	it("keeps the other answers when one of several was filtered away", async () => {
		const choices = [
			{ message: { content: "" }, finish_reason: "content_filter" },
			{ message: { content: "fine" }, finish_reason: "stop" },
		];
		const server = await scriptedServer(json({ choices, usage }));
		const { complete } = await rig(server.url);
		const result = await complete({ n: 2 });
		expect(result.choices.map(({ finishReason }) => finishReason)).toEqual(["content-filter", "stop"]);
	});

	it("takes the cost that OpenRouter and xAI report, and no other provider's", async () => {
		const script = json({ ...answer("x"), usage: { ...usage, cost: 0.0125 } });
		const server = await scriptedServer(script);
		const openRouter = await rig(server.url, providers.openrouter);
		expect((await openRouter.complete()).charges.reportedUsd).toBe(0.0125);
		expect(server.received[0]?.body.provider).toEqual({ sort: "price" });
		const ticks = { ...usage, cost_in_usd_ticks: 125_000_000 };
		const grok = await scriptedServer(
			json({ ...answer("x"), usage: ticks }),
			sse({ ...delta("x", "stop"), usage: ticks }),
		);
		const xai = await rig(grok.url, providers.xai);
		expect((await xai.complete()).charges.reportedUsd).toBe(0.0125);
		expect(finishOf(await xai.stream()).charges.reportedUsd).toBe(0.0125);
		const together = await rig(server.url, providers.together);
		expect((await together.complete()).charges.reportedUsd).toBeUndefined();
	});

	it("flags an answer that was cut at the limit, even without content", async () => {
		const server = await scriptedServer(json(answer(null, {}, "length")));
		const { complete } = await rig(server.url);
		expect((await complete()).choices).toEqual([{ text: "", reasoning: null, finishReason: "length" }]);
	});

	it.each([
		["reasoning_content", answer("4", { reasoning_content: "2+2" })],
		["reasoning", answer("4", { reasoning: "2+2" })],
		["reasoning_details", answer("4", { reasoning_details: [{ type: "reasoning.text", text: "2+2" }] })],
		[
			"a content list",
			answer([
				{ type: "thinking", thinking: [{ type: "text", text: "2+2" }] },
				{ type: "text", text: "4" },
			]),
		],
		["<think>", answer("<think>2+2</think>\n\n4")],
	])("keeps reasoning in %s apart from the answer", async (_, payload) => {
		const server = await scriptedServer(json(payload));
		const { complete } = await rig(server.url);
		expect((await complete()).choices).toEqual([{ text: "4", reasoning: "2+2", finishReason: "stop" }]);
	});

	it.each([
		[
			"an HTML page",
			text("<html><body>Welcome</body></html>", 200, { "content-type": "text/html" }),
			"malformed_response",
		],
		["plain text", text("it works", 200, { "content-type": "text/plain" }), "malformed_response"],
		["null", text("null", 200, { "content-type": "application/json" }), "malformed_response"],
		["{}", json({}), "malformed_response"],
		["an empty body", text("", 200, { "content-type": "application/json" }), "empty"],
		["no choices", json({ choices: [], usage }), "malformed_response"],
		["a choice without a message", json({ choices: [{}] }), "malformed_response"],
	])("never takes %s for an answer", async (_, script, errorClass) => {
		const server = await scriptedServer(script);
		const { complete, stream } = await rig(server.url);
		const error = await failureOf(complete());
		expect(error).toBeInstanceOf(RequestError);
		expect(error.errorClass).toBe(errorClass);
		expect(error.advice.retry).toBe(errorClass === "empty" ? "once" : "never");
		const streamed = await failureOf(stream());
		expect(streamed).toBeInstanceOf(RequestError);
	});

	it("keeps the usage of an answer without choices", async () => {
		const server = await scriptedServer(json({ choices: [], usage }));
		const { complete } = await rig(server.url);
		expect((await failureOf(complete())).usage.inputTokens).toBe(5);
	});

	it("classifies an error that comes with status 200 by its code", async () => {
		const payload = { error: { message: "slow down", code: "rate_limit_exceeded" } };
		const server = await scriptedServer(json(payload));
		const { complete, stream } = await rig(server.url);
		for (const error of [await failureOf(complete()), await failureOf(stream())]) {
			expect(error.errorClass).toBe("rate_limit");
			expect(error.advice).toMatchObject({ retry: "once", key: "next" });
		}
	});

	it("says why a filter took the answer away", async () => {
		const server = await scriptedServer(
			json({
				choices: [
					{
						message: { content: null },
						finish_reason: "content_filter",
						content_filter_results: { violence: { filtered: true }, hate: { filtered: false } },
					},
				],
				usage,
			}),
			json(answer(null, { refusal: "I can't help with that." })),
		);
		const { complete } = await rig(server.url);
		const filtered = await failureOf(complete());
		expect([filtered.errorClass, filtered.message]).toEqual([
			"blocked",
			"OpenAI: the answer was blocked: content filter: violence",
		]);
		expect(filtered.usage.outputTokens).toBe(2);
		expect((await failureOf(complete())).message).toContain("I can't help with that.");
	});

	it("hands on the server's hint, and obeys its word that asking again is no use", async () => {
		const server = await scriptedServer(
			json({ error: { message: "busy" } }, 503, { "retry-after": "2" }),
			json({ error: { message: "busy" } }, 503, { "x-should-retry": "false" }),
		);
		const { complete } = await rig(server.url);
		expect((await failureOf(complete())).advice).toEqual({ retry: "always", key: "keep", afterMs: 2000 });
		expect((await failureOf(complete())).advice.retry).toBe("never");
	});

	it("calls a cut body incomplete", async () => {
		const server = await scriptedServer((response) => {
			response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
			response.write('{"choices":[{"message":{"content":"par');
			setImmediate(() => response.destroy());
		});
		const { complete } = await rig(server.url);
		const error = await failureOf(complete());
		expect(error.errorClass).toBe("incomplete");
		expect(error.advice.retry).toBe("once");
		expect(error.maybeBilled).toBe(true);
	});

	it("says that a local server is not running", async () => {
		const server = await scriptedServer(json({}));
		await new Promise((resolve) => server.server.close(resolve));
		const { complete } = await rig(`${server.url}/v1`, providers.local);
		const error = await failureOf(complete({ key: undefined }));
		expect(error.advice.retry).toBe("never");
		expect(error.message).toContain("no server at");
		expect(error.hint).toContain("LOCAL_BASE_URL");
		expect(error.exitCode).toBe(1);
	});

	it("reports an abort by the caller as such", async () => {
		const controller = new AbortController();
		const server = await scriptedServer(() => controller.abort());
		const { complete } = await rig(server.url, providers.openai, { timeouts: { signal: controller.signal } });
		expect(await failureOf(complete())).toBeInstanceOf(AbortedError);
	});

	it("keeps keys out of every message", async () => {
		const key = "sk-planted-key-1234567890";
		const server = await scriptedServer(
			json({ error: { message: `Incorrect API key provided: ${key}.` } }, 401),
			text(`<html>${key}</html>`, 502, { "content-type": "text/html" }),
			json({ error: { message: `bad ${key}` } }),
		);
		const { complete } = await rig(server.url);
		for (let attempt = 0; attempt < 3; attempt++) {
			const error = await failureOf(complete());
			expect(`${error.message} ${error.hint} ${error.stack} ${JSON.stringify(error)}`).not.toContain(
				"planted",
			);
		}
	});
});

describe("listModels", () => {
	it("reads OpenAI's list and Together's bare one", async () => {
		const models = [{ id: "a", context_length: 10 }, { id: "b" }];
		const server = await scriptedServer(json({ object: "list", data: models }), json(models));
		const { adapter, http } = await rig(`${server.url}/v1`);
		const expected = [
			{ id: "a", contextWindow: 10 },
			{ id: "b", contextWindow: null },
		];
		expect(await adapter.listModels({ key: "k", exchange: http.begin() })).toEqual(expected);
		expect(await adapter.listModels({ key: "k", exchange: http.begin() })).toEqual(expected);
		expect(server.received[0]?.url).toBe("/v1/models");
	});
});

describe("user-defined providers", () => {
	it("are served like any other", async () => {
		const corp = defineProvider("corp", { base_url: "http://unused.example", key_env: "CORP" });
		const server = await scriptedServer(json(answer("hi")));
		const { complete } = await rig(server.url, corp);
		await complete({ modelId: "gpt-5-large", parameters: { maxTokens: 7 } });
		expect(server.received[0]?.body.max_completion_tokens).toBe(7);
	});
});
