import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../../src/errors.ts";
import type { Parameters } from "../../../src/parameters/table.ts";
import { onResponses } from "../../../src/providers/provider-row.ts";
import { providers } from "../../../src/providers/registry.ts";
import { responsesBody } from "../../../src/providers/responses/request.ts";
import type { Message } from "../../../src/types.ts";
import { notedCall } from "../noted-call.ts";

const provider = onResponses(providers.openai);

function bodyOf(parameters: Parameters, modelId = "gpt-5-codex", stream = false) {
	const { call, notes } = notedCall({ modelId, parameters });
	return { body: responsesBody(provider, call, { stream, summary: true }), notes };
}

function inputOf(messages: readonly Message[]) {
	const { call } = notedCall({ modelId: "gpt-5-codex", messages });
	return responsesBody(provider, call, { stream: false, summary: false }).input;
}

describe("a request to the Responses API", () => {
	it("keeps nothing at the provider, and asks for a summary of the thoughts", () => {
		expect(bodyOf({}).body).toEqual({
			model: "gpt-5-codex",
			input: [{ role: "user", content: "hi" }],
			store: false,
			reasoning: { summary: "auto" },
		});
		expect(bodyOf({}, "gpt-5-codex", true).body.stream).toBe(true);
		expect(bodyOf({}, "gpt-4.1").body).not.toHaveProperty("reasoning");
	});

	it.each<[Parameters, object]>([
		[{ maxTokens: 50 }, { max_output_tokens: 50 }],
		[{ reasoningEffort: "low" }, { reasoning: { effort: "low", summary: "auto" } }],
		[{ reasoningEffort: "none" }, { reasoning: { effort: "none" } }],
		[{ thinkingBudget: 0 }, { reasoning: { effort: "none" } }],
		[{ responseFormat: { type: "json" } }, { text: { format: { type: "json_object" } } }],
		[
			{ responseFormat: { type: "json-schema", name: "x", schema: { type: "string" } } },
			{ text: { format: { type: "json_schema", name: "x", schema: { type: "string" }, strict: true } } },
		],
		[
			{ responseFormat: { type: "json" }, extra: { text: { verbosity: "low" } } },
			{ text: { format: { type: "json_object" }, verbosity: "low" } },
		],
		[
			{ reasoningEffort: "high", extra: { reasoning: { mode: "pro" }, store: true } },
			{ reasoning: { effort: "high", summary: "auto", mode: "pro" }, store: true },
		],
	])("says %j", (parameters, fields) => {
		expect(bodyOf(parameters).body).toMatchObject(fields);
	});

	it.each<[Parameters]>([
		[{ seed: 1 }],
		[{ topK: 3 }],
		[{ thinkingBudget: 5 }],
		[{ extra: { background: true } }],
		[{ extra: { input: "x" } }],
	])("refuses %j before it is sent", (parameters) => {
		expect(() => bodyOf(parameters)).toThrow(UnsupportedError);
	});

	it("leaves out what the model does not take, with a note", () => {
		const { body, notes } = bodyOf({ temperature: 0, stop: ["x"] });
		expect(body).not.toHaveProperty("temperature");
		expect(body).not.toHaveProperty("stop");
		expect(notes).toHaveLength(2);
	});

	it("holds a history with images, files, calls of tools and their results", () => {
		const call = { id: "c1", type: "function", function: { name: "f", arguments: '{"a":1}' } } as const;
		expect(
			inputOf([
				{ role: "system", content: "be brief" },
				{
					role: "user",
					content: [
						{ type: "text", text: "look" },
						{ type: "image", data: "aa", mediaType: "image/png" },
						{ type: "image", url: "https://x.example/y.png" },
						{ type: "file", data: "bb", mediaType: "application/pdf", filename: "a.pdf" },
					],
				},
				{ role: "assistant", content: "", toolCalls: [call] },
				{ role: "tool", content: "3", toolCallId: "c1" },
				{ role: "assistant", content: [{ type: "text", text: "done" }] },
			]),
		).toEqual([
			{ role: "system", content: "be brief" },
			{
				role: "user",
				content: [
					{ type: "input_text", text: "look" },
					{ type: "input_image", image_url: "data:image/png;base64,aa", detail: "auto" },
					{ type: "input_image", image_url: "https://x.example/y.png", detail: "auto" },
					{ type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,bb" },
				],
			},
			{ type: "function_call", call_id: "c1", name: "f", arguments: '{"a":1}' },
			{ type: "function_call_output", call_id: "c1", output: "3" },
			{ role: "assistant", content: [{ type: "output_text", text: "done" }] },
		]);
	});

	it("takes no sound", () => {
		const sound = { type: "audio", data: "aa", mediaType: "audio/wav" } as const;
		expect(() => inputOf([{ role: "user", content: [sound] }])).toThrow(UnsupportedError);
	});
});
