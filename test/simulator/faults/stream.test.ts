import { expect } from "vitest";
import { endingFaults } from "../../../src/simulator/faults/endings.ts";
import { streamFaults } from "../../../src/simulator/faults/stream.ts";
import { dataOf, type Raw, streamedText } from "../wire-client.ts";
import { checkEach, fault, nothingMore, stream, words } from "./check.ts";

checkEach([...streamFaults, ...endingFaults], {
	"cut-after-finish": async () => {
		const raw = await fault("cut-after-finish", stream);
		expect([raw.complete, streamedText(raw.text).includes(words)]).toEqual([false, true]);
		expect(raw.text).toContain('"finish_reason":"stop"');
	},
	"stream-error": async () => {
		const raw = await fault("stream-error=429", stream);
		expect(JSON.parse(dataOf(raw.text).at(-2) ?? "").error.code).toBe(429);
		expect(words).toContain(streamedText(raw.text).trim());
		const anthropic = await fault("stream-error", { ...stream, wire: "anthropic" });
		expect(anthropic.text).toMatch(
			/event: error\ndata: \{"type":"error","error":\{"type":"overloaded_error"/,
		);
		const array = await fault("stream-error", { ...stream, wire: "gemini", array: true });
		expect(JSON.parse(array.text).at(-1).error.status).toBe("UNAVAILABLE");
	},
	"stream-error-event": async () => {
		expect((await fault("stream-error-event", stream)).text).toMatch(/event: error\ndata: \{"error":\{/);
	},
	"stream-error-text": async () => {
		expect((await fault("stream-error-text", stream)).text).toMatch(/data: \{"error":"Simulated/);
	},
	"stream-error-choice": async () => {
		const last = JSON.parse(dataOf((await fault("stream-error-choice", stream)).text).at(-2) ?? "");
		expect([last.choices[0].finish_reason, last.error.code]).toEqual(["error", 503]);
	},
	"stream-error-first": async () => {
		expect(dataOf((await fault("stream-error-first", stream)).text)[0]).toMatch(/^\{"error"/);
	},
	"stream-error-bare": async () => {
		expect((await fault("stream-error-bare", stream)).text).toMatch(/\n\n\{"error":\{/);
	},
	"cut-stream": async () => {
		const raw = await fault("cut-stream=2", stream);
		expect([raw.complete, raw.ended === "open", streamedText(raw.text)]).toEqual([false, false, "one two"]);
	},
	"cut-stream-clean": async () => {
		const raw = await fault("cut-stream-clean=2", stream);
		expect([raw.complete, streamedText(raw.text), raw.text.includes("[DONE]")]).toEqual([
			true,
			"one two",
			false,
		]);
		const array = await fault("cut-stream-clean", { ...stream, wire: "gemini", array: true });
		expect(() => JSON.parse(array.text)).toThrow(SyntaxError);
	},
	"cut-in-frame": async () => {
		const raw = await fault("cut-in-frame", stream);
		expect(raw.complete).toBe(true);
		expect(() => JSON.parse(dataOf(raw.text).at(-1) ?? "")).toThrow(SyntaxError);
	},
	"cut-before-content": async () => {
		const raw = await fault("cut-before-content", stream);
		expect([raw.complete, dataOf(raw.text).length, streamedText(raw.text)]).toEqual([false, 1, ""]);
	},
	"no-finish": async () => {
		const raw = await fault("no-finish", stream);
		expect([raw.complete, streamedText(raw.text).startsWith(words)]).toEqual([true, true]);
		expect(raw.text).not.toMatch(/"finish_reason":"|\[DONE\]/);
	},
	"no-done": async () => {
		const raw = await fault("no-done", stream);
		expect([raw.text.includes('"finish_reason":"stop"'), raw.text.includes("[DONE]")]).toEqual([true, false]);
	},
	"done-without-finish": async () => {
		const raw = await fault("done-without-finish", stream);
		expect([raw.text.includes('"finish_reason":"stop"'), raw.text.includes("[DONE]")]).toEqual([false, true]);
	},
	"no-final-blank-line": async () => {
		const raw = await fault("no-final-blank-line", stream);
		expect(raw.text.endsWith("}")).toBe(true);
		expect(JSON.parse(dataOf(raw.text).at(-1) ?? "").usage.total_tokens).toBeGreaterThan(0);
	},
	"open-after-done": async () => {
		const raw = await fault("open-after-done", {
			...stream,
			until: ({ text }) => text.endsWith("[DONE]\n\n"),
		});
		expect(raw.complete).toBe(false);
		await nothingMore(raw);
	},
	"open-after-finish": async () => {
		const until = ({ text }: Raw) => text.includes('"finish_reason":"stop"');
		await nothingMore(await fault("open-after-finish", { ...stream, until }));
		const late = await fault("open-after-finish=5", stream);
		expect(late.text).toMatch(/"finish_reason":"stop"[\s\S]*"total_tokens"[\s\S]*\[DONE\]/);
	},
	"data-after-done": async () => {
		expect((await fault("data-after-done", stream)).text).toMatch(/\[DONE\]\n\ndata: \{.*"content":/);
	},
	"stall-mid-stream": async () => {
		const raw = await fault("stall-mid-stream", { ...stream, until: ({ text }) => text.includes(" four") });
		await nothingMore(raw);
		expect(streamedText((await fault("stall-mid-stream=5", stream)).text)).toContain(words);
		const array = await fault("stall-mid-stream=5", { ...stream, wire: "gemini", array: true });
		expect(JSON.parse(array.text).length).toBeGreaterThan(8);
	},
	"endless-comments": async () => {
		const raw = await fault("endless-comments=1", { ...stream, until: ({ pieces }) => pieces > 5 });
		expect(raw.text).toMatch(/^(: PROCESSING\n\n)+$/);
	},
	"endless-deltas": async () => {
		const raw = await fault("endless-deltas", { ...stream, until: ({ body }) => body.length > 300_000 });
		expect(streamedText(raw.text.slice(0, raw.text.lastIndexOf("\n\n"))).length).toBeGreaterThan(1_000);
	},
});
