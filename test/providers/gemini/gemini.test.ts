import { afterEach, describe, expect, it, vi } from "vitest";
import { providers } from "../../../src/providers/registry.ts";
import { notedCall } from "../noted-call.ts";
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

const provider = providers.gemini;
const usageMetadata = {
	promptTokenCount: 10,
	cachedContentTokenCount: 4,
	candidatesTokenCount: 3,
	thoughtsTokenCount: 5,
	totalTokenCount: 18,
	promptTokensDetails: [
		{ modality: "TEXT", tokenCount: 8 },
		{ modality: "AUDIO", tokenCount: 2 },
	],
};

function payload(parts: object[] | undefined, finishReason: string | undefined = "STOP", more: object = {}) {
	const content = parts === undefined ? undefined : { role: "model", parts };
	return { candidates: [{ content, finishReason, index: 0, ...more }], usageMetadata };
}

afterEach(() => {
	vi.unstubAllEnvs();
	vi.restoreAllMocks();
});

describe("complete", () => {
	it("sends one request and adds thoughts to the output tokens", async () => {
		const parts = [{ text: "because", thought: true }, { text: "for" }, { text: "ty" }];
		const server = await scriptedServer(json(payload(parts)));
		const { complete } = await rig(server.url, provider);
		const answer = await complete({
			modelId: "gemini-2.5-flash",
			messages: [
				{ role: "system", content: "be brief" },
				{ role: "user", content: "hi" },
				{ role: "assistant", content: "yes?" },
				{ role: "user", content: "20+20" },
			],
			parameters: { maxTokens: 9, temperature: 0 },
		});
		expect(answer).toEqual({
			choices: [{ text: "forty", reasoning: "because", finishReason: "stop" }],
			usage: {
				inputTokens: 10,
				cachedInputTokens: 4,
				cacheWriteTokens: 0,
				audioInputTokens: 2,
				outputTokens: 8,
				reasoningTokens: 5,
			},
			charges: {},
		});
		const [sent] = server.received;
		expect(server.received).toHaveLength(1);
		expect(sent?.url).toBe("/v1beta/models/gemini-2.5-flash:generateContent");
		expect(sent?.headers["x-goog-api-key"]).toBe("sk-planted-key-1234567890");
		expect(sent?.headers["x-llmx-exchange"]).toBeUndefined();
		expect(sent?.body).toEqual({
			contents: [
				{ role: "user", parts: [{ text: "hi" }] },
				{ role: "model", parts: [{ text: "yes?" }] },
				{ role: "user", parts: [{ text: "20+20" }] },
			],
			systemInstruction: { parts: [{ text: "be brief" }] },
			generationConfig: { maxOutputTokens: 9, temperature: 0, thinkingConfig: { thinkingBudget: 0 } },
		});
	});

	it("takes nothing from the environment and prints nothing", async () => {
		const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
		vi.stubEnv("GOOGLE_API_KEY", "AIza-wrong-one");
		vi.stubEnv("GEMINI_API_KEY", "AIza-wrong-two");
		vi.stubEnv("GOOGLE_GENAI_USE_VERTEXAI", "true");
		vi.stubEnv("GOOGLE_CLOUD_PROJECT", "secret-project");
		vi.stubEnv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1");
		const server = await scriptedServer(json(payload([{ text: "ok" }])));
		const { complete } = await rig(server.url, provider);
		await complete({ modelId: "gemini-2.5-flash", parameters: { extra: { responseMimeType: 7 } } });
		expect(JSON.stringify(server.received[0])).not.toMatch(/wrong|secret-project/);
		expect(warn).not.toHaveBeenCalled();
	});

	it("merges raw parameters deeply into the body", async () => {
		const server = await scriptedServer(json(payload([{ text: "ok" }])));
		const { complete } = await rig(server.url, provider);
		await complete({
			modelId: "gemini-2.5-flash",
			parameters: {
				maxTokens: 5,
				extra: {
					speechConfig: { a: 1 },
					thinkingConfig: { includeThoughts: true },
					config: { topK: 3 },
					safetySettings: [{ category: "X", threshold: "BLOCK_NONE" }],
				},
			},
		});
		expect(server.received[0]?.body.generationConfig).toEqual({
			maxOutputTokens: 5,
			speechConfig: { a: 1 },
			topK: 3,
			thinkingConfig: { thinkingBudget: 0, includeThoughts: true },
		});
		expect(server.received[0]?.body.safetySettings).toEqual([{ category: "X", threshold: "BLOCK_NONE" }]);
	});

	it.each([
		["a blocked prompt", { promptFeedback: { blockReason: "SAFETY" }, usageMetadata }, "the prompt (SAFETY)"],
		[
			"a blocked answer",
			payload(undefined, "SAFETY", {
				safetyRatings: [{ category: "HARM_CATEGORY_HARASSMENT", probability: "HIGH", blocked: true }],
			}),
			"SAFETY, harassment",
		],
		["recitation", payload([{ text: "a poem" }], "RECITATION"), "RECITATION"],
		["no candidates", { usageMetadata }, "no candidate"],
		["an empty list of candidates", { candidates: [], usageMetadata }, "no candidate"],
	])("says why it has no answer: %s", async (_, body, why) => {
		const server = await scriptedServer(json(body));
		const { complete, stream } = await rig(server.url, provider);
		for (const error of [await failureOf(complete()), await failureOf(stream())]) {
			expect([error.errorClass, error.advice.retry]).toEqual(["blocked", "never"]);
			expect(error.message).toContain(why);
			expect(error.usage.inputTokens).toBe(10);
		}
	});

	it("accepts an answer whose budget went into thoughts", async () => {
		const server = await scriptedServer(json(payload(undefined, "MAX_TOKENS")));
		const { complete } = await rig(server.url, provider);
		expect((await complete()).choices).toEqual([{ text: "", reasoning: null, finishReason: "length" }]);
	});

	it.each([
		[
			"a wrong key",
			400,
			{ message: "API key not valid.", status: "INVALID_ARGUMENT", details: [{ reason: "API_KEY_INVALID" }] },
			"auth",
			"drop",
		],
		[
			"the daily quota",
			429,
			{
				message: "quota",
				status: "RESOURCE_EXHAUSTED",
				details: [{ violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" }] }],
			},
			"quota",
			"retire",
		],
		[
			"a limit of zero",
			429,
			{ message: "Quota exceeded, limit: 0, model: x", status: "RESOURCE_EXHAUSTED" },
			"quota",
			"retire",
		],
		[
			"the minute's limit",
			429,
			{ message: "limit: 10. Please retry in 3.5s.", status: "RESOURCE_EXHAUSTED" },
			"rate_limit",
			"next",
		],
		[
			"a long prompt",
			400,
			{
				message: "The input token count (2000001) exceeds the maximum number of tokens allowed (1048576).",
				status: "INVALID_ARGUMENT",
			},
			"context_length",
			"keep",
		],
		["overload", 503, { message: "The model is overloaded.", status: "UNAVAILABLE" }, "overloaded", "keep"],
	])("classifies %s", async (_, status, error, errorClass, key) => {
		const server = await scriptedServer(json({ error: { code: status, ...error } }, status));
		const { complete, stream } = await rig(server.url, provider);
		for (const failure of [await failureOf(complete()), await failureOf(stream())]) {
			expect([failure.errorClass, failure.advice.key]).toEqual([errorClass, key]);
			if (errorClass === "rate_limit") expect(failure.advice.afterMs).toBe(3500);
		}
	});

	it.each([
		["a page", text("<html></html>", 200, { "content-type": "text/html" }), "malformed_response"],
		["null", text("null", 200, { "content-type": "application/json" }), "malformed_response"],
		["nothing", text("", 200), "empty"],
		[
			"an error with status 200",
			json({ error: { code: 503, message: "x", status: "UNAVAILABLE" } }),
			"overloaded",
		],
	])("never takes %s for an answer", async (_, script, errorClass) => {
		const server = await scriptedServer(script);
		const { complete, stream } = await rig(server.url, provider);
		expect((await failureOf(complete())).errorClass).toBe(errorClass);
		expect((await failureOf(stream())).errorClass).toBe(errorClass);
	});
});

describe("stream", () => {
	it("streams thoughts and text, with CRLF and the last usage", async () => {
		const crlf = (body: object) => `data: ${JSON.stringify(body)}\r\n\r\n`;
		const server = await scriptedServer(
			sse(
				crlf({ ...payload([{ text: "hm", thought: true }], ""), usageMetadata: { promptTokenCount: 10 } }),
				crlf(payload([{ text: "for" }], "")),
				crlf(payload([{ text: "ty" }])),
			),
		);
		const { stream } = await rig(server.url, provider);
		const parts = await stream();
		expect([textOf(parts), reasoningOf(parts)]).toEqual(["forty", "hm"]);
		expect(finishOf(parts)).toMatchObject({
			finishReason: "stop",
			usage: { outputTokens: 8, reasoningTokens: 5 },
		});
		expect(server.received[0]?.url).toContain(":streamGenerateContent?alt=sse");
	});

	it("never completes without a finish reason", async () => {
		const server = await scriptedServer(sse(payload([{ text: "par" }], "")));
		const { stream } = await rig(server.url, provider);
		const error = await failureOf(stream());
		expect([error.errorClass, error.partialText]).toEqual(["incomplete", "par"]);
	});

	it("never sends a second request by itself, whatever the answer asks for", async () => {
		const server = await scriptedServer(
			sse({ ...payload([{ text: "par" }], ""), continuationToken: "more" }),
			sse(payload([{ text: "tial" }])),
		);
		const { stream } = await rig(server.url, provider);
		await failureOf(stream());
		expect(server.received).toHaveLength(1);
	});

	it("reads a JSON array in place of events", async () => {
		const server = await scriptedServer(json([payload([{ text: "a" }], ""), payload([{ text: "b" }])]));
		const { stream } = await rig(server.url, provider);
		expect(textOf(await stream())).toBe("ab");
	});

	it("classifies an error inside the stream", async () => {
		const error = { error: { code: 503, message: "overloaded", status: "UNAVAILABLE" } };
		const server = await scriptedServer(sse(payload([{ text: "par" }], ""), error));
		const { stream } = await rig(server.url, provider);
		const failure = await failureOf(stream());
		expect([failure.errorClass, failure.partialText, failure.advice.retry]).toEqual([
			"overloaded",
			"par",
			"once",
		]);
	});

	it("closes the connection when the caller leaves early", async () => {
		let closed: () => void = () => {};
		const whenClosed = new Promise<void>((resolve) => {
			closed = resolve;
		});
		const server = await scriptedServer((response) => {
			response.writeHead(200, { "content-type": "text/event-stream" });
			response.write(`data: ${JSON.stringify(payload([{ text: "a" }], ""))}\n\n`);
			response.on("close", () => closed());
		});
		const { adapter, http } = await rig(server.url, provider);
		const { call } = notedCall({ exchange: http.begin() });
		for await (const _ of adapter.stream(call)) break;
		await whenClosed;
	});
});

describe("listModels", () => {
	it("reads ids and context windows over all pages", async () => {
		const server = await scriptedServer(
			json({ models: [{ name: "models/gemini-a", inputTokenLimit: 5 }], nextPageToken: "2" }),
			json({ models: [{ name: "models/gemini-b" }] }),
		);
		const { adapter, http } = await rig(server.url, provider);
		expect(await adapter.listModels({ key: "k", exchange: http.begin() })).toEqual([
			{ id: "gemini-a", contextWindow: 5 },
			{ id: "gemini-b", contextWindow: null },
		]);
	});
});
