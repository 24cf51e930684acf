import { expect, it } from "vitest";
import { readMessage } from "../../../src/providers/openai/answer.ts";

it.each([
	["hello", "hello"],
	[null, ""],
	[undefined, ""],
	[[{ type: "text", text: "a" }, "b", null, 5], "ab"],
	[42, "42"],
	[{ city: "Paris" }, '{"city":"Paris"}'],
	[false, "false"],
])("content %j is the text %j", (content, text) => {
	expect(readMessage({ content }).text).toBe(text);
});
