import { expect } from "vitest";
import { contentFaults } from "../../../src/simulator/faults/content.ts";
import { finishFaults } from "../../../src/simulator/faults/finishes.ts";
import { shapeFaults } from "../../../src/simulator/faults/shapes.ts";
import { toolFaults } from "../../../src/simulator/faults/tools.ts";
import { dataOf, streamedText } from "../wire-client.ts";
import { checkEach, errorOf, fault, stream, words } from "./check.ts";

checkEach([...contentFaults, ...shapeFaults], {
	"no-choices": async () => {
		const body = JSON.parse((await fault("no-choices")).text);
		expect([body.choices, body.usage.total_tokens > 0]).toEqual([[], true]);
		expect((await fault("no-choices", stream)).text).not.toContain('"delta"');
	},
	"content-null-length": async () => {
		const [choice] = JSON.parse((await fault("content-null-length")).text).choices;
		expect([choice.message.content, choice.finish_reason]).toEqual([null, "length"]);
		const gemini = JSON.parse((await fault("content-null-length", { wire: "gemini" })).text).candidates[0];
		expect([gemini.content, gemini.finishReason]).toEqual([{}, "MAX_TOKENS"]);
		const streamed = await fault("content-null-length", stream);
		expect([streamedText(streamed.text), streamed.text.includes('"finish_reason":"length"')]).toEqual([
			"",
			true,
		]);
	},
	"missing-delta": async () => {
		const { text } = await fault("missing-delta", stream);
		expect(text).toContain('"choices":[{"index":0,"finish_reason":null}]');
		expect(streamedText(text)).toContain(words);
	},
	"content-filter": async () => {
		const openai = JSON.parse((await fault("content-filter")).text).choices[0];
		expect([openai.finish_reason, openai.message.content]).toEqual(["content_filter", null]);
		const gemini = JSON.parse((await fault("content-filter", { wire: "gemini" })).text).candidates[0];
		expect([gemini.finishReason, gemini.content]).toEqual(["SAFETY", {}]);
		const anthropic = JSON.parse((await fault("content-filter", { wire: "anthropic" })).text);
		expect([anthropic.stop_reason, anthropic.content]).toEqual(["refusal", []]);
		const recitation = await fault("content-filter=RECITATION", { ...stream, wire: "gemini" });
		expect(recitation.text).toContain('"finishReason":"RECITATION"');
		expect((await fault("content-filter", { ...stream, wire: "anthropic" })).text).toContain(
			'"stop_reason":"refusal"',
		);
	},
	"content-filter-midway": async () => {
		const { text } = await fault("content-filter-midway", stream);
		expect([words.startsWith(streamedText(text)), streamedText(text).length > 5]).toEqual([true, true]);
		expect(text).toContain('"finish_reason":"content_filter"');
	},
	"content-filter-error": async () => {
		const raw = await fault("content-filter-error");
		expect([raw.status, errorOf(raw).code]).toEqual([400, "content_filter"]);
		expect((await fault("content-filter-error", { wire: "anthropic" })).status).toBe(400);
	},
	refusal: async () => {
		const { message } = JSON.parse((await fault("refusal")).text).choices[0];
		expect([message.content, message.refusal]).toEqual([null, expect.stringContaining("can't help")]);
		expect((await fault("refusal", stream)).text).toContain('"delta":{"refusal"');
	},
	"block-reason": async () => {
		const body = JSON.parse((await fault("block-reason", { wire: "gemini" })).text);
		expect([body.promptFeedback.blockReason, body.candidates]).toEqual(["PROHIBITED_CONTENT", undefined]);
	},
	"no-candidates": async () => {
		const body = JSON.parse((await fault("no-candidates", { wire: "gemini" })).text);
		expect([body.candidates, body.promptFeedback]).toEqual([undefined, undefined]);
	},
	"content-list": async () => {
		const { content } = JSON.parse((await fault("content-list")).text).choices[0].message;
		expect(content.map((part: { type: string }) => part.type)).toEqual(["thinking", "text"]);
	},
	"finish-reason": async () => {
		expect(JSON.parse((await fault("finish-reason")).text).choices[0].finish_reason).toBe("eos");
	},
	"azure-first-chunk": async () => {
		expect(dataOf((await fault("azure-first-chunk", stream)).text)[0]).toContain('"choices":[]');
	},
	"null-first-delta": async () => {
		expect(dataOf((await fault("null-first-delta", stream)).text)[0]).toContain('"content":null');
	},
	"reported-cost": async () => {
		expect(JSON.parse((await fault("reported-cost")).text).usage.cost).toBe(0.00123);
		expect((await fault("reported-cost=0.5", stream)).text).toContain('"cost":0.5');
	},
	"numeric-code": async () => {
		expect(errorOf(await fault("numeric-code")).code).toBe(503);
	},
	say: async () => {
		expect(JSON.parse((await fault("say={}", { model: "markdown" })).text).choices[0].message.content).toBe(
			"{}",
		);
	},
});

checkEach(finishFaults, {
	"finish-aborted": async () => {
		const body = JSON.parse((await fault("finish-aborted")).text);
		expect([body.choices[0].finish_reason, body.usage.total_tokens > 0]).toEqual(["abort", true]);
		const raw = await fault("finish-aborted=network_error", stream);
		expect(raw.text).toMatch(/"finish_reason":"network_error".*\[DONE\]/s);
		expect(words.startsWith(streamedText(raw.text).trim())).toBe(true);
	},
	"finish-missing": async () => {
		expect(JSON.parse((await fault("finish-missing")).text).choices[0].finish_reason).toBeNull();
		expect(JSON.parse((await fault("finish-missing", { wire: "anthropic" })).text).stop_reason).toBeNull();
	},
	"finish-broken": async () => {
		const { candidates } = JSON.parse((await fault("finish-broken", { wire: "gemini" })).text);
		expect([candidates[0].finishReason, candidates[0].content]).toEqual(["MALFORMED_FUNCTION_CALL", {}]);
	},
	"think-unopened": async () => {
		const [choice] = JSON.parse((await fault("think-unopened")).text).choices;
		expect(choice.message.content).toMatch(/^Let me think\.\n<\/think>\n\none two/);
	},
});

checkEach(toolFaults, {
	"tool-calls": async () => {
		const [choice] = JSON.parse((await fault("tool-calls")).text).choices;
		expect([choice.message.content, choice.message.tool_calls[0].function.name]).toEqual([
			null,
			"get_weather",
		]);
		const streamed = await fault("tool-calls", { ...stream, wire: "anthropic" });
		expect(streamed.text).toMatch(/"tool_use".*"input_json_delta".*"stop_reason":"tool_use"/s);
	},
	"side-content": async () => {
		const { choices } = JSON.parse((await fault("side-content")).text);
		expect([choices[0].logprobs.content.length, choices[0].message.annotations.length]).toEqual([1, 1]);
	},
});
