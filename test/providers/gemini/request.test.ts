import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../../src/errors.ts";
import type { AdapterCall } from "../../../src/providers/adapter.ts";
import { geminiRequest, mergeDeep } from "../../../src/providers/gemini/request.ts";
import { providers } from "../../../src/providers/registry.ts";
import { notedCall } from "../noted-call.ts";

const provider = providers.gemini;

function request(call: Partial<AdapterCall>) {
	const { call: full, notes } = notedCall({ modelId: "gemini-2.0-flash", ...call });
	return { ...geminiRequest(provider, full), notes };
}

describe("the request", () => {
	it("translates parameters", () => {
		const schema = { type: "object" };
		const { config } = request({
			parameters: {
				topP: 0.9,
				topK: 4,
				seed: 7,
				stop: ["END"],
				presencePenalty: 0.1,
				frequencyPenalty: 0.2,
				responseFormat: { type: "json-schema", name: "x", schema },
			},
		});
		expect(config).toMatchObject({
			topP: 0.9,
			topK: 4,
			seed: 7,
			stopSequences: ["END"],
			presencePenalty: 0.1,
			frequencyPenalty: 0.2,
			responseMimeType: "application/json",
			responseJsonSchema: schema,
		});
	});

	it.each([
		["gemini-2.5-flash", {}, { thinkingBudget: 0 }],
		["gemini-2.5-flash-lite", {}, { thinkingBudget: 0 }],
		["gemini-3.6-flash", {}, { thinkingBudget: 0 }],
		["gemini-3.5-flash-lite", {}, undefined],
		["gemini-2.5-pro", {}, undefined],
		["gemini-3-pro-preview", {}, undefined],
		["gemini-2.0-flash", {}, undefined],
		["gemini-2.5-flash-image", {}, undefined],
		["gemini-flash-latest", {}, undefined],
		["gemini-2.5-flash", { reasoningEffort: "low" }, { thinkingBudget: 1024, includeThoughts: true }],
		["gemini-2.5-pro", { reasoningEffort: "max" }, { thinkingBudget: 32_768, includeThoughts: true }],
		["gemini-2.5-pro", { thinkingBudget: 300 }, { thinkingBudget: 300, includeThoughts: true }],
		["gemini-3-pro-preview", { reasoningEffort: "low" }, { thinkingLevel: "LOW", includeThoughts: true }],
		["gemini-3-pro-preview", { reasoningEffort: "max" }, { thinkingLevel: "HIGH", includeThoughts: true }],
		["gemini-3.8-flash", { reasoningEffort: "none" }, { thinkingBudget: 0 }],
	] as const)("thinking of %s with %o is %o", (modelId, parameters, expected) => {
		expect(request({ modelId, parameters }).config.thinkingConfig).toEqual(expected);
	});

	it("refuses what the model cannot do", () => {
		const refused: Partial<AdapterCall>[] = [
			{ modelId: "gemini-2.5-pro", parameters: { reasoningEffort: "none" } },
			{ modelId: "gemini-3-pro-preview", parameters: { thinkingBudget: 0 } },
			{ messages: [{ role: "system", content: "only" }] },
			{ parameters: { extra: { contents: [] } } },
		];
		for (const call of refused) expect(() => request(call), JSON.stringify(call)).toThrow(UnsupportedError);
	});

	it("writes images, PDFs and sound as parts", () => {
		const { contents } = request({
			messages: [
				{
					role: "user",
					content: [
						{ type: "image", mediaType: "image/jpeg", data: "AA==" },
						{ type: "image", url: "https://x.example/a.png", mediaType: "image/png" },
						{ type: "file", mediaType: "application/pdf", data: "BB==" },
						{ type: "audio", mediaType: "audio/wav", data: "CC==" },
					],
				},
			],
		});
		expect(contents[0]?.parts).toEqual([
			{ inlineData: { mimeType: "image/jpeg", data: "AA==" } },
			{ fileData: { fileUri: "https://x.example/a.png", mimeType: "image/png" } },
			{ inlineData: { mimeType: "application/pdf", data: "BB==" } },
			{ inlineData: { mimeType: "audio/wav", data: "CC==" } },
		]);
	});

	it("does not let raw parameters reach a prototype", () => {
		const merged = mergeDeep({ a: 1 }, JSON.parse('{"__proto__": {"polluted": true}}'));
		expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
		expect(merged.a).toBe(1);
	});
});
