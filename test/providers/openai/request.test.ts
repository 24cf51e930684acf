import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../../src/errors.ts";
import type { Parameters } from "../../../src/parameters/table.ts";
import type { AdapterCall } from "../../../src/providers/adapter.ts";
import { openAiBody } from "../../../src/providers/openai/request.ts";
import type { ProviderRow } from "../../../src/providers/provider-row.ts";
import { providers } from "../../../src/providers/registry.ts";
import type { ContentPart, Role } from "../../../src/types.ts";
import { notedCall } from "../noted-call.ts";

function request(provider: ProviderRow, call: Partial<AdapterCall>, stream = false) {
	const { call: full, notes } = notedCall(call);
	return { body: openAiBody(provider, full, stream), notes };
}

const with_ = (provider: ProviderRow, parameters: Parameters, modelId = "some-model") =>
	request(provider, { parameters, modelId }).body;

const parts = (provider: ProviderRow, content: ContentPart[], role: Role = "user") =>
	(request(provider, { messages: [{ role, content }] }).body.messages as { content: unknown }[])[0]?.content;

describe("parameters", () => {
	it("are translated", () => {
		const parameters: Parameters = {
			temperature: 0.5,
			maxTokens: 9,
			topP: 0.9,
			stop: ["a", "b"],
			seed: 3,
			presencePenalty: 0.1,
			frequencyPenalty: 0.2,
			responseFormat: { type: "json" },
			reasoningEffort: "low",
			extra: { logprobs: true, temperature: 0.7 },
		};
		expect(with_(providers.openai, parameters)).toEqual({
			model: "some-model",
			messages: [{ role: "user", content: "hi" }],
			temperature: 0.7,
			max_tokens: 9,
			top_p: 0.9,
			stop: ["a", "b"],
			seed: 3,
			presence_penalty: 0.1,
			frequency_penalty: 0.2,
			response_format: { type: "json_object" },
			reasoning_effort: "low",
			logprobs: true,
		});
		expect(with_(providers.together, { topK: 4 }).top_k).toBe(4);
		expect(with_(providers.mistral, { seed: 3 })).toMatchObject({ random_seed: 3 });
		expect(with_(providers.openai, { stop: [] })).not.toHaveProperty("stop");
	});

	it.each([
		["openai", "gpt-4.1-mini", "max_tokens"],
		["openai", "gpt-5", "max_completion_tokens"],
		["openai", "gpt-5.6-luna", "max_completion_tokens"],
		["openai", "gpt-6.1-sol", "max_completion_tokens"],
		["openai", "gpt-10", "max_completion_tokens"],
		["openai", "o1", "max_completion_tokens"],
		["openai", "o3-mini", "max_completion_tokens"],
		["openai", "o4-mini-2025-04-16", "max_completion_tokens"],
		["openai", "gpt-3.5-turbo", "max_tokens"],
		["openai", "chatgpt-4o-latest", "max_tokens"],
		["github", "openai/gpt-5-mini", "max_completion_tokens"],
		["cerebras", "gpt-oss-120b", "max_completion_tokens"],
		["openrouter", "openai/gpt-5", "max_tokens"],
		["groq", "openai/gpt-oss-20b", "max_tokens"],
	] as const)("the limit of %s %s is %s", (id, modelId, field) => {
		const body = with_(providers[id], { maxTokens: 5 }, modelId);
		expect(body[field]).toBe(5);
		expect("max_tokens" in body && "max_completion_tokens" in body).toBe(false);
	});

	it("leave temperature out for the o-series, and say so", () => {
		const { body, notes } = request(providers.openai, { modelId: "o3-mini", parameters: { temperature: 0 } });
		expect(body).not.toHaveProperty("temperature");
		expect(notes).toEqual(["temperature is left out: o3-mini does not take it"]);
		expect(with_(providers.openai, { temperature: 0 }, "gpt-4.1").temperature).toBe(0);
	});

	it("that a provider refuses or ignores are an error before sending", () => {
		const refused: [ProviderRow, Parameters][] = [
			[providers.openai, { topK: 1 }],
			[providers.sambanova, { seed: 1 }],
			[providers.openai, { thinkingBudget: 100 }],
			[providers.deepseek, { thinkingBudget: 100 }],
			[providers.openai, { reasoningEffort: "low", thinkingBudget: 0 }],
			[providers.openai, { extra: { messages: [] } }],
			[providers.openai, { extra: { n: 2 } }],
		];
		for (const [provider, parameters] of refused)
			expect(() => with_(provider, parameters), JSON.stringify(parameters)).toThrow(UnsupportedError);
	});

	it("of reasoning take each provider's form", () => {
		expect(with_(providers.openai, { thinkingBudget: 0 }).reasoning_effort).toBe("none");
		expect(with_(providers.openrouter, { reasoningEffort: "high" }).reasoning).toEqual({ effort: "high" });
		expect(with_(providers.openrouter, { thinkingBudget: 2000 }).reasoning).toEqual({ max_tokens: 2000 });
		expect(with_(providers.openrouter, { thinkingBudget: 0 }).reasoning).toEqual({ effort: "none" });
		expect(with_(providers.moonshot, { reasoningEffort: "none" }).thinking).toEqual({ type: "disabled" });
		expect(with_(providers.moonshot, { reasoningEffort: "high" }).thinking).toEqual({ type: "enabled" });
		expect(with_(providers.moonshot, { reasoningEffort: "high" })).not.toHaveProperty("reasoning_effort");
		expect(with_(providers.deepseek, { reasoningEffort: "high" })).toMatchObject({
			thinking: { type: "enabled" },
			reasoning_effort: "high",
		});
	});

	it("ask for JSON mode and put the schema into the prompt where a provider knows no schemas", () => {
		const schema = { type: "object", properties: { a: { type: "integer" } } };
		const parameters = { responseFormat: { type: "json-schema", name: "x", schema } } as const;
		const user = { role: "user", content: "hello" } as const;
		for (const provider of [providers.deepseek, providers.zai]) {
			const bare = request(provider, { parameters, messages: [user] }).body;
			expect(bare.response_format).toEqual({ type: "json_object" });
			expect(bare.messages).toEqual([
				{ role: "system", content: expect.stringMatching(/JSON.*\n\{"type":"object","properties"/) },
				user,
			]);
			const system = { role: "system", content: "Be brief." } as const;
			const { body } = request(provider, { parameters, messages: [system, user] });
			expect(body.messages).toEqual([
				{ role: "system", content: expect.stringMatching(/^Be brief\.\n\n.*JSON/) },
				user,
			]);
		}
		expect(with_(providers.deepseek, { responseFormat: { type: "json" } })).toMatchObject({
			response_format: { type: "json_object" },
			messages: [{ role: "user" }],
		});
	});

	it("ask for strict schemas only where strict mode takes them", () => {
		const strict = (schema: Record<string, unknown>) => {
			const format = with_(providers.openai, { responseFormat: { type: "json-schema", name: "x", schema } });
			return (format.response_format as { json_schema: { strict: boolean } }).json_schema.strict;
		};
		const closed = (properties: object, required: string[]) => ({
			type: "object",
			properties,
			required,
			additionalProperties: false,
		});
		expect(strict(closed({ a: { type: "string" } }, ["a"]))).toBe(true);
		expect(strict(closed({ a: { type: "string" } }, []))).toBe(false);
		expect(strict({ type: "object", properties: { a: {} }, required: ["a"] })).toBe(false);
		expect(strict(closed({ a: { type: "array", items: { type: "object" } } }, ["a"]))).toBe(false);
		expect(strict({ $defs: { d: { type: "object" } }, type: "string" })).toBe(false);
	});

	it("let the user replace a provider's own fields", () => {
		expect(with_(providers.openrouter, {}).provider).toEqual({ sort: "price" });
		expect(with_(providers.openrouter, { extra: { provider: { only: ["x"] } } }).provider).toEqual({
			only: ["x"],
		});
		expect(providers.openrouter.extraBody).toEqual({ provider: { sort: "price" } });
	});
});

describe("messages", () => {
	it("keep texts as texts", () => {
		expect(parts(providers.openai, [{ type: "text", text: "one" }])).toBe("one");
		expect(
			parts(providers.openai, [
				{ type: "text", text: "one" },
				{ type: "text", text: "two" },
			]),
		).toHaveLength(2);
	});

	it("carry images, files and sound where the provider takes them", () => {
		const content: ContentPart[] = [
			{ type: "image", mediaType: "image/jpeg", data: "AA==" },
			{ type: "image", url: "https://x.example/a.png" },
			{ type: "file", mediaType: "application/pdf", data: "BB==", filename: "a.pdf" },
			{ type: "audio", mediaType: "audio/mpeg", data: "CC==" },
		];
		expect(parts(providers.openai, content)).toEqual([
			{ type: "image_url", image_url: { url: "data:image/jpeg;base64,AA==" } },
			{ type: "image_url", image_url: { url: "https://x.example/a.png" } },
			{ type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,BB==" } },
			{ type: "input_audio", input_audio: { data: "CC==", format: "mp3" } },
		]);
		expect(parts(providers.mistral, [content[2] as ContentPart])).toEqual([
			{ type: "document_url", document_url: "data:application/pdf;base64,BB==" },
		]);
	});

	it("are refused before sending where the provider takes no such part", () => {
		const refused: [ProviderRow, ContentPart, Role][] = [
			[providers.deepseek, { type: "image", url: "https://x.example/a.png" }, "user"],
			[providers.sambanova, { type: "file", mediaType: "application/pdf", data: "BB==" }, "user"],
			[providers.groq, { type: "audio", mediaType: "audio/wav", data: "CC==" }, "user"],
			[providers.openai, { type: "audio", mediaType: "audio/midi", data: "CC==" }, "user"],
			[providers.openai, { type: "image", url: "https://x.example/a.png" }, "system"],
			[providers.openai, { type: "image", url: "https://x.example/a.png" }, "assistant"],
		];
		for (const [provider, part, role] of refused)
			expect(() => parts(provider, [part], role), JSON.stringify(part)).toThrow(UnsupportedError);
	});
});
