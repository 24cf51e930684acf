import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../../src/errors.ts";
import type { AdapterCall } from "../../../src/providers/adapter.ts";
import { anthropicBody } from "../../../src/providers/anthropic/request.ts";
import { providers } from "../../../src/providers/registry.ts";
import { notedCall } from "../noted-call.ts";

const provider = providers.anthropic;

function body(call: Partial<AdapterCall>) {
	const { call: full, notes } = notedCall({ modelId: "claude-haiku-4-5", ...call });
	return { body: anthropicBody(provider, full, false), notes };
}

describe("the request", () => {
	it("translates parameters", () => {
		const { body: sent } = body({
			parameters: {
				temperature: 0.5,
				topK: 40,
				stop: ["END"],
				maxTokens: 5,
				responseFormat: { type: "json-schema", name: "x", schema: { type: "object" } },
				extra: { service_tier: "standard_only" },
			},
		});
		expect(sent).toEqual({
			model: "claude-haiku-4-5",
			max_tokens: 5,
			messages: [{ role: "user", content: "hi" }],
			temperature: 0.5,
			top_k: 40,
			stop_sequences: ["END"],
			output_config: {
				format: { type: "json_schema", schema: { type: "object", additionalProperties: false } },
			},
			service_tier: "standard_only",
		});
	});

	it("refuses what Anthropic or the model does not take", () => {
		const refused: Partial<AdapterCall>[] = [
			{ parameters: { seed: 1 } },
			{ parameters: { presencePenalty: 1 } },
			{ parameters: { responseFormat: { type: "json" } } },
			{ modelId: "claude-opus-4-7", parameters: { temperature: 0 } },
			{ modelId: "claude-haiku-5-5", parameters: { topK: 1 } },
			{ modelId: "claude-opus-5", parameters: { thinkingBudget: 2048 } },
			{ modelId: "claude-3-haiku-20240307", parameters: { reasoningEffort: "low" } },
			{ parameters: { thinkingBudget: 4096, maxTokens: 4096 } },
			{ parameters: { reasoningEffort: "low", thinkingBudget: 1024 } },
			{ parameters: { extra: { stream: true } } },
			{ messages: [{ role: "system", content: "only" }] },
			{ messages: [{ role: "user", content: [{ type: "audio", mediaType: "audio/wav", data: "AA==" }] }] },
		];
		for (const call of refused) expect(() => body(call), JSON.stringify(call)).toThrow(UnsupportedError);
	});

	it("asks for thinking as each generation of models does", () => {
		const thinking = (modelId: string, parameters: AdapterCall["parameters"]) => {
			const { body: sent } = body({ modelId, parameters });
			return [sent.thinking, sent.output_config, sent.max_tokens];
		};
		expect(thinking("claude-sonnet-4-5-20250929", { reasoningEffort: "low" })).toEqual([
			{ type: "enabled", budget_tokens: 2048 },
			undefined,
			18_432,
		]);
		const adaptive = { type: "adaptive", display: "summarized" };
		expect(thinking("claude-opus-4-6", { reasoningEffort: "max" })).toEqual([
			adaptive,
			{ effort: "max" },
			16_384,
		]);
		expect(thinking("claude-sonnet-5-5", { reasoningEffort: "high" })[1]).toEqual({ effort: "high" });
		expect(thinking("claude-opus-4-20250514", { thinkingBudget: 3000 })[0]).toEqual({
			type: "enabled",
			budget_tokens: 3000,
		});
		expect(thinking("claude-opus-5", { reasoningEffort: "none" })[0]).toEqual({ type: "disabled" });
		expect(thinking("claude-3-5-haiku-latest", {})).toEqual([undefined, undefined, 8_192]);
	});

	it("says what it changed", () => {
		const { body: sent, notes } = body({
			modelId: "claude-opus-5",
			parameters: { reasoningEffort: "minimal" },
		});
		expect(sent.output_config).toEqual({ effort: "low" });
		expect(notes).toHaveLength(1);
	});

	it("writes images and PDFs as sources", () => {
		const { body: sent } = body({
			messages: [
				{
					role: "user",
					content: [
						{ type: "text", text: "see" },
						{ type: "image", mediaType: "image/jpeg", data: "AA==" },
						{ type: "image", url: "https://x.example/a.png" },
						{ type: "file", mediaType: "application/pdf", data: "BB==", filename: "a.pdf" },
					],
				},
			],
		});
		expect((sent.messages as { content: unknown }[])[0]?.content).toEqual([
			{ type: "text", text: "see" },
			{ type: "image", source: { type: "base64", media_type: "image/jpeg", data: "AA==" } },
			{ type: "image", source: { type: "url", url: "https://x.example/a.png" } },
			{
				type: "document",
				source: { type: "base64", media_type: "application/pdf", data: "BB==" },
				title: "a.pdf",
			},
		]);
	});
});
