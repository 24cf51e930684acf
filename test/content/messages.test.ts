import { describe, expect, it } from "vitest";
import { toMessages } from "../../src/content/messages.ts";
import { UsageError } from "../../src/errors.ts";

const only = (content: unknown) => toMessages([{ role: "user", content }])[0]?.content;

describe("toMessages", () => {
	it("makes one user message of a text", () => {
		expect(toMessages("hi")).toEqual([{ role: "user", content: "hi" }]);
	});

	it("keeps our own messages and leaves unknown fields out", () => {
		const own = [
			{ role: "system", content: "s", name: "x", cache_control: {} },
			{ role: "user", content: [{ type: "text", text: "t", extra: 1 }] },
			{ role: "assistant", content: "a", refusal: null, annotations: [] },
		];
		expect(toMessages(own)).toEqual([
			{ role: "system", content: "s" },
			{ role: "user", content: [{ type: "text", text: "t" }] },
			{ role: "assistant", content: "a" },
		]);
	});

	it("reads the roles of others", () => {
		const messages = toMessages([
			{ role: "developer", content: "d" },
			{ role: "model", content: "m" },
			{ role: "assistant", content: null },
		]);
		expect(messages).toEqual([
			{ role: "system", content: "d" },
			{ role: "assistant", content: "m" },
			{ role: "assistant", content: "" },
		]);
	});

	it("reads OpenAI's parts", () => {
		expect(
			only([
				{ type: "input_text", text: "t" },
				{ type: "image_url", image_url: { url: "data:image/png;base64,AA==", detail: "high" } },
				{ type: "image_url", image_url: "https://x.example/a.png" },
				{ type: "input_audio", input_audio: { data: "BB==", format: "mp3" } },
				{ type: "input_audio", input_audio: { data: "BB==", format: "wav" } },
				{ type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,CC==" } },
			]),
		).toEqual([
			{ type: "text", text: "t" },
			{ type: "image", mediaType: "image/png", data: "AA==" },
			{ type: "image", url: "https://x.example/a.png" },
			{ type: "audio", mediaType: "audio/mpeg", data: "BB==" },
			{ type: "audio", mediaType: "audio/wav", data: "BB==" },
			{ type: "file", mediaType: "application/pdf", data: "CC==", filename: "a.pdf" },
		]);
	});

	it("reads Anthropic's sources and drops earlier thinking", () => {
		expect(
			only([
				{ type: "thinking", thinking: "…", signature: "s" },
				{ type: "image", source: { type: "base64", media_type: "image/jpeg", data: "AA==" } },
				{ type: "image", source: { type: "url", url: "https://x.example/a.png" } },
				{
					type: "document",
					title: "a.pdf",
					source: { type: "base64", media_type: "application/pdf", data: "BB==" },
				},
				{ type: "document", source: { type: "text", media_type: "text/plain", data: "words" } },
			]),
		).toEqual([
			{ type: "image", mediaType: "image/jpeg", data: "AA==" },
			{ type: "image", url: "https://x.example/a.png" },
			{ type: "file", mediaType: "application/pdf", data: "BB==", filename: "a.pdf" },
			{ type: "text", text: "words" },
		]);
	});

	it("keeps our own parts", () => {
		const parts = [
			{ type: "image", mediaType: "image/png", data: "AA==" },
			{ type: "image", mediaType: "image/png", url: "https://x.example/a.png" },
			{ type: "file", mediaType: "application/pdf", data: "BB==", filename: "a.pdf" },
			{ type: "audio", mediaType: "audio/wav", data: "CC==" },
		];
		expect(only(parts)).toEqual(parts);
	});

	it.each([
		[7, "messages must be a string or a list, not a number"],
		[[], "messages must not be empty"],
		[["hi"], 'messages[0] must be an object, not "hi"'],
		[[{ role: "tool", content: "x" }], "messages[0].tool_call_id must be a string, not missing"],
		[[{ content: "x" }], "messages[0].role must be system, user, assistant or tool, not missing"],
		[
			[{ role: "__proto__", content: "x" }],
			'messages[0].role must be system, user, assistant or tool, not "__proto__"',
		],
		[[{ role: "user", content: null }], "messages[0].content must be a string or a list of parts, not null"],
		[
			[
				{ role: "user", content: "a" },
				{ role: "user", content: [{ type: "text" }] },
			],
			"messages[1].content[0].text must be a string, not missing",
		],
		[
			[{ role: "user", content: [{ type: "video" }] }],
			'messages[0].content[0].type must be text, image, file or audio, not "video"',
		],
		[
			[{ role: "assistant", content: null, tool_calls: [{}] }],
			"messages[0].tool_calls[0].function must be an object, not missing",
		],
		[
			[{ role: "user", content: [{ type: "tool_result" }] }],
			"messages[0].content[0].tool_use_id must be a string, not missing",
		],
		[
			[{ role: "user", content: [{ type: "image_url", image_url: { url: "file:///etc/passwd" } }] }],
			'messages[0].content[0].image_url must be an http(s) or data URL: "file:///etc/passwd"',
		],
		[
			[{ role: "user", content: [{ type: "file", file: { file_id: "f" } }] }],
			"messages[0].content[0]: ids of uploaded files are not supported; attach the file itself",
		],
		[
			[{ role: "user", content: [{ type: "image", mediaType: "nonsense", data: "AA==" }] }],
			'messages[0].content[0].mediaType must be a media type such as image/png, not "nonsense"',
		],
		[
			[{ role: "user", content: [{ type: "image", mediaType: "image/png", data: "" }] }],
			"messages[0].content[0].data must not be empty",
		],
	])("refuses %j, naming the place", (input, expected) => {
		const run = () => toMessages(input);
		expect(run).toThrow(UsageError);
		expect(run).toThrow(expected);
	});

	it("takes calls of tools and their results in OpenAI's form and in Anthropic's", () => {
		const call = { id: "c1", type: "function", function: { name: "f", arguments: '{"a":1}' } };
		const expected = [
			{ role: "user", content: "go" },
			{ role: "assistant", content: "", toolCalls: [call] },
			{ role: "tool", content: "done", toolCallId: "c1" },
		];
		const [user] = expected;
		const openai = [
			user,
			{ role: "assistant", content: null, tool_calls: [call] },
			{ role: "tool", content: "done", tool_call_id: "c1" },
		];
		expect(toMessages(openai)).toEqual(expected);
		expect(toMessages(toMessages(openai))).toEqual(expected);
		const anthropic = [
			user,
			{ role: "assistant", content: [{ type: "tool_use", id: "c1", name: "f", input: { a: 1 } }] },
			{
				role: "user",
				content: [
					{ type: "tool_result", tool_use_id: "c1", content: "done" },
					{ type: "text", text: "and?" },
				],
			},
		];
		const [, assistant, result] = expected;
		expect(toMessages(anthropic)).toEqual([
			user,
			{ ...assistant, content: [] },
			result,
			{ role: "user", content: [{ type: "text", text: "and?" }] },
		]);
		const older = [
			user,
			{ role: "assistant", content: null, function_call: { name: "f", arguments: '{"a":1}' } },
			{ role: "function", name: "f", content: "done" },
		];
		expect(toMessages(older).map(({ toolCalls, toolCallId }) => toolCalls?.[0]?.id ?? toolCallId)).toEqual([
			undefined,
			"call_f",
			"call_f",
		]);
	});
});
