import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../src/errors.ts";
import { anthropicBody } from "../../src/providers/anthropic/request.ts";
import { geminiRequest } from "../../src/providers/gemini/request.ts";
import { openAiBody } from "../../src/providers/openai/request.ts";
import { providers } from "../../src/providers/registry.ts";
import type { Message, ToolCall } from "../../src/types.ts";
import { notedCall } from "./noted-call.ts";

function asked(id: string, given: string, extra = {}): ToolCall {
	return { id, type: "function", function: { name: "weather", arguments: given }, ...extra };
}

const calls = [
	asked("c1", '{"city":"Bern"}', { extra_content: { google: { thought_signature: "c2ln" } } }),
	asked("c2", '{"city":"Basel"}'),
];
const messages: readonly Message[] = [
	{ role: "user", content: "how warm?" },
	{ role: "assistant", content: "", toolCalls: calls },
	{ role: "tool", toolCallId: "c1", content: '{"degrees":21}' },
	{ role: "tool", toolCallId: "c2", content: "cold" },
	{ role: "user", content: "so?" },
];

describe("calls of tools and their results in a history", () => {
	it("are sent as they are on the OpenAI wire", () => {
		const body = openAiBody(providers.openai, notedCall({ messages }).call, false);
		expect(body.messages).toEqual([
			{ role: "user", content: "how warm?" },
			{ role: "assistant", content: null, tool_calls: calls },
			{ role: "tool", tool_call_id: "c1", content: '{"degrees":21}' },
			{ role: "tool", tool_call_id: "c2", content: "cold" },
			{ role: "user", content: "so?" },
		]);
	});

	it("are blocks on Anthropic's", () => {
		const { call } = notedCall({ messages, modelId: "claude-haiku-4-5" });
		expect(anthropicBody(providers.anthropic, call, false).messages).toEqual([
			{ role: "user", content: "how warm?" },
			{
				role: "assistant",
				content: [
					{ type: "tool_use", id: "c1", name: "weather", input: { city: "Bern" } },
					{ type: "tool_use", id: "c2", name: "weather", input: { city: "Basel" } },
				],
			},
			{ role: "user", content: [{ type: "tool_result", tool_use_id: "c1", content: '{"degrees":21}' }] },
			{ role: "user", content: [{ type: "tool_result", tool_use_id: "c2", content: "cold" }] },
			{ role: "user", content: "so?" },
		]);
	});

	it("are parts on Gemini's, with the signature that it gave, and the results of one turn together", () => {
		const { call } = notedCall({ messages, modelId: "gemini-3-flash" });
		expect(geminiRequest(providers.gemini, call).contents).toEqual([
			{ role: "user", parts: [{ text: "how warm?" }] },
			{
				role: "model",
				parts: [
					{ functionCall: { name: "weather", args: { city: "Bern" } }, thoughtSignature: "c2ln" },
					{ functionCall: { name: "weather", args: { city: "Basel" } } },
				],
			},
			{
				role: "user",
				parts: [
					{ functionResponse: { name: "weather", response: { degrees: 21 } } },
					{ functionResponse: { name: "weather", response: { result: "cold" } } },
				],
			},
			{ role: "user", parts: [{ text: "so?" }] },
		]);
	});

	it("that cannot be sent are refused before sending", () => {
		const broken = [
			...messages.slice(0, 1),
			{ role: "assistant", content: "", toolCalls: [asked("c1", "{")] },
		] as const;
		const { call } = notedCall({ messages: broken });
		expect(() => anthropicBody(providers.anthropic, call, false)).toThrow(UnsupportedError);
		expect(() => geminiRequest(providers.gemini, call)).toThrow(UnsupportedError);
	});
});
