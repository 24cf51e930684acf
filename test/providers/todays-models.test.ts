import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../src/errors.ts";
import { pricesOf } from "../../src/models/price-table.ts";
import type { Parameters } from "../../src/parameters/table.ts";
import { anthropicBody } from "../../src/providers/anthropic/request.ts";
import { geminiRequest } from "../../src/providers/gemini/request.ts";
import { openAiBody } from "../../src/providers/openai/request.ts";
import type { ProviderRow } from "../../src/providers/provider-row.ts";
import { rowOfModel } from "../../src/providers/provider-row.ts";
import { providers } from "../../src/providers/registry.ts";
import { notedCall } from "./noted-call.ts";
import { answer, delta } from "./openai/answers.ts";
import { done, json, rig, scriptedServer, sse } from "./scripted-server.ts";

const sampling: Parameters = {
	temperature: 0,
	topP: 0.5,
	presencePenalty: 1,
	frequencyPenalty: 1,
	stop: ["X"],
};

function openAi(modelId: string, parameters: Parameters, provider: ProviderRow = providers.openai) {
	const { call, notes } = notedCall({ modelId, parameters });
	return { body: openAiBody(provider, call, false), notes };
}

describe("the effort of xAI's models", () => {
	it.each<[string, ProviderRow, boolean]>([
		["grok-4.3", providers.xai, true],
		["grok-4.5", providers.xai, true],
		["grok-4.20-multi-agent", providers.xai, true],
		["grok-4.20-reasoning", providers.xai, false],
		["grok-4.20-0309-non-reasoning", providers.xai, false],
		["grok-4-1-fast-reasoning", providers.xai, false],
		["grok-4-0709", providers.xai, false],
		["x-ai/grok-4.20", providers.openrouter, true],
	])("reaches %s where it takes one", (modelId, provider, isTaken) => {
		const { body, notes } = openAi(modelId, { reasoningEffort: "high" }, provider);
		expect("reasoning_effort" in body || "reasoning" in body).toBe(isTaken);
		expect(notes).toHaveLength(isTaken ? 0 : 1);
	});
});

describe("sampling parameters on the OpenAI wire", () => {
	const given = ["temperature", "top_p", "presence_penalty", "frequency_penalty", "stop"];
	const all = [...given];

	it.each<[string, Parameters, readonly string[]]>([
		["gpt-4o", {}, all],
		["gpt-4.1-mini", {}, all],
		["gpt-5-chat-latest", {}, all],
		["gpt-5.1-chat-latest", {}, all],
		["gpt-5", {}, []],
		["gpt-5-mini", { reasoningEffort: "minimal" }, []],
		["gpt-5-nano-2025-08-07", {}, []],
		["gpt-5.1", {}, ["stop"]],
		["gpt-5.6", { reasoningEffort: "low" }, ["stop"]],
		["gpt-5.1", { reasoningEffort: "none" }, all],
		["gpt-6", {}, ["stop"]],
		["o1", {}, ["stop"]],
		["o3-mini", {}, []],
		["o4-mini", {}, []],
		["ft:o4-mini-2025-04-16:org::id", {}, []],
	])("reach %s with %j as far as it takes them", (modelId, parameters, kept) => {
		const { body, notes } = openAi(modelId, { ...sampling, ...parameters });
		expect(given.filter((field) => field in body)).toEqual(kept);
		expect(notes).toHaveLength(given.length - kept.length);
	});

	it("are left out behind a vendor's prefix, too", () => {
		expect(openAi("openai/gpt-5", { temperature: 0 }, providers.openrouter).body).not.toHaveProperty(
			"temperature",
		);
	});
});

describe("models", () => {
	it.each([
		["gpt-5-pro", true],
		["gpt-5.2-pro-2025-12-11", true],
		["o1-pro", true],
		["o3-pro", true],
		["gpt-5-codex", true],
		["gpt-5.1-codex-max", true],
		["codex-mini-latest", true],
		["o4-mini-deep-research", true],
		["computer-use-preview", true],
		["gpt-5", false],
		["gpt-4o", false],
		["gemini-2.5-pro", false],
	])("%s exists only on the Responses API: %s", (modelId, only) => {
		expect(rowOfModel(providers.openai, modelId).wire).toBe(only ? "responses" : "openai");
	});

	it("that the price table knows on the Responses API alone are asked there", () => {
		const rows: readonly ProviderRow[] = Object.values(providers);
		const only = rows.flatMap((row) =>
			pricesOf(row.id)
				.all()
				.filter(({ endpoint }) => endpoint === "responses")
				.map(({ model }) => [row, model] as const),
		);
		expect(only.length).toBeGreaterThan(5);
		for (const [row, model] of only)
			expect([model, rowOfModel(row, model).wire]).toEqual([model, "responses"]);
	});

	it("think as hard as the wire can say, and not at all in the template of vLLM", () => {
		expect(openAi("gpt-5.2", { reasoningEffort: "max" }).body.reasoning_effort).toBe("xhigh");
		const off = openAi("Qwen/Qwen3-8B", { reasoningEffort: "none" }, providers.vllm).body;
		expect(off).toMatchObject({ reasoning_effort: "none", chat_template_kwargs: { enable_thinking: false } });
	});

	it("of the Gemma family get the system text and the schema in the user's message", () => {
		const responseFormat = { type: "json-schema", name: "x", schema: { type: "object" } } as const;
		const messages = [
			{ role: "system", content: "be brief" },
			{ role: "user", content: "hi" },
		] as const;
		const { call } = notedCall({
			modelId: "gemma-3-27b-it",
			messages,
			parameters: { responseFormat, maxTokens: 5 },
		});
		const { contents, config } = geminiRequest(providers.gemini, call);
		expect(config).toEqual({
			automaticContinuation: false,
			automaticFunctionCalling: { disable: true },
			maxOutputTokens: 5,
		});
		expect(JSON.stringify(contents)).toMatch(/be brief.*JSON Schema.*"hi"/);
		const thinking = notedCall({ modelId: "gemma-3-27b-it", parameters: { reasoningEffort: "high" } });
		expect(() => geminiRequest(providers.gemini, thinking.call)).toThrow(UnsupportedError);
	});
});

describe("Anthropic", () => {
	const body = (parameters: Parameters, modelId = "claude-haiku-4-5") =>
		anthropicBody(providers.anthropic, notedCall({ modelId, parameters }).call, false);

	it("gets a schema without what it refuses, which is said in words", () => {
		const schema = {
			type: "object",
			properties: {
				name: { type: "string", minLength: 1, description: "The name." },
				minLength: { type: "integer", minimum: 0, maximum: 9 },
				tags: { type: "array", items: { type: "object", properties: {} }, minItems: 2, maxItems: 3 },
			},
			required: ["name"],
		};
		const sent = body({ responseFormat: { type: "json-schema", name: "x", schema } }).output_config;
		expect(sent).toEqual({
			format: {
				type: "json_schema",
				schema: {
					type: "object",
					properties: {
						name: { type: "string", description: "The name. (minLength: 1)" },
						minLength: { type: "integer", description: "(minimum: 0, maximum: 9)" },
						tags: {
							type: "array",
							items: { type: "object", properties: {}, additionalProperties: false },
							description: "(minItems: 2, maxItems: 3)",
						},
					},
					required: ["name"],
					additionalProperties: false,
				},
			},
		});
	});

	it("gets it in the system message where the model is older than the field", () => {
		const responseFormat = { type: "json-schema", name: "x", schema: { type: "object" } } as const;
		const sent = body({ responseFormat }, "claude-3-5-haiku-latest");
		expect(sent).not.toHaveProperty("output_config");
		expect(sent.system).toContain("JSON Schema");
	});

	it.each<[Parameters, string?]>([
		[{ temperature: 2 }],
		[{ temperature: 0.5, topP: 0.5 }],
		[{ thinkingBudget: 100 }],
		[{ reasoningEffort: "high", temperature: 0 }],
		[{ thinkingBudget: 2_000, topK: 5 }],
	])("is not sent what it refuses: %j", (parameters) => {
		expect(() => body(parameters)).toThrow(UnsupportedError);
	});
});

describe("a model without structured output", () => {
	const refusal = json(
		{
			error: {
				message: "This model does not support response format `json_schema`.",
				type: "invalid_request_error",
			},
		},
		400,
	);
	const responseFormat = { type: "json-schema", name: "x", schema: { type: "object" } } as const;

	it("is asked in the prompt after its refusal, and from then on", async () => {
		const server = await scriptedServer(refusal, json(answer('{"a":1}')), sse(delta("{}", "stop"), done));
		const { complete, stream } = await rig(server.url, providers.groq);
		expect((await complete({ parameters: { responseFormat } })).choices[0]?.text).toBe('{"a":1}');
		await stream({ parameters: { responseFormat } });
		expect(server.received.map(({ body }) => body.response_format?.type)).toEqual([
			"json_schema",
			undefined,
			undefined,
		]);
		expect(server.received[1]?.body.messages[0].content).toContain("JSON Schema");
	});

	it("is not taken for one when the schema itself is wrong", async () => {
		const wrong = { message: "Invalid schema for response_format 'x': 'foo' is not supported" };
		const server = await scriptedServer(json({ error: wrong }, 400));
		const { complete } = await rig(server.url, providers.groq);
		await expect(complete({ parameters: { responseFormat } })).rejects.toThrow("Invalid schema");
		expect(server.received).toHaveLength(1);
	});
});

it("OpenRouter's 402 about the length of one answer fails that row alone", async () => {
	const message =
		"This request requires more credits, or fewer max_tokens. You requested up to 9000 tokens, but can only afford 2666.";
	const server = await scriptedServer(json({ error: { message, code: 402 } }, 402));
	const { complete } = await rig(server.url, providers.openrouter);
	await expect(complete()).rejects.toMatchObject({
		errorClass: "invalid_request",
		advice: { retry: "never", key: "keep" },
	});
});
