import type OpenAI from "openai";
import { describe, expect, expectTypeOf, it } from "vitest";
import { toChatCompletion } from "../../src/results/openai-body.ts";
import { answer } from "../batch/helpers/fake-run.ts";

describe("a body of --out-format openai", () => {
	it("is what openai's own types say of an answer", () => {
		expectTypeOf(toChatCompletion).returns.toExtend<OpenAI.Chat.ChatCompletion>();
		const body = toChatCompletion(answer("hi"), "m", "0".repeat(32));
		expect(body).toMatchObject({
			object: "chat.completion",
			created: expect.any(Number),
			choices: [{ index: 0, message: { role: "assistant", content: "hi", refusal: null }, logprobs: null }],
			usage: { prompt_tokens: 10, completion_tokens: 10, prompt_tokens_details: { cached_tokens: 0 } },
		});
	});
});
