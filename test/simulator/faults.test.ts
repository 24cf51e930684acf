import { connect } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { faults, findFault } from "../../src/simulator/faults/table.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import { type AskOptions, ask, dataOf, type Raw, streamedText } from "./wire-client.ts";

let simulator: Simulator;
beforeAll(async () => {
	simulator = await startSimulator();
});
afterAll(() => simulator.close());

const words = "one two three four five six seven eight";
const stream: AskOptions = { stream: true };
const fault = (spec: string, options: AskOptions = {}): Promise<Raw> =>
	ask(simulator, `${words} [[fault:${spec}]]`, options);
const errorOf = (raw: Raw) => JSON.parse(raw.text).error;
const nothingMore = async (raw: Raw) => {
	// A later request is answered while this one still hangs: it is a stall, not slowness.
	expect((await ask(simulator, "still there?")).status).toBe(200);
	expect(raw.ended).toBe("open");
};

/** One check a fault, by the name of its case; several faults may need several. */
const checks: Record<string, () => Promise<void>> = {
	outage: async () => {
		const doomed = await startSimulator();
		expect((await ask(doomed, "[[fault:outage=10]]")).status).toBe(0);
		await expect.poll(async () => (await ask(doomed, "back?")).status).toBe(200);
		await doomed.close();
	},
	"reset-before-response": async () => {
		const raw = await fault("reset-before-response");
		expect([raw.ended, raw.bytes.length]).toEqual(["reset", 0]);
	},
	"close-before-response": async () => {
		const raw = await fault("close-before-response");
		expect([raw.ended, raw.bytes.length]).toEqual(["fin", 0]);
	},
	"no-answer": async () => {
		const hanging = fault("no-answer=60");
		expect((await ask(simulator, "next")).status).toBe(200);
		expect((await hanging).status).toBe(200);
	},
	"half-headers": async () => {
		const raw = await fault("half-headers", { until: ({ bytes }) => bytes.length > 20 });
		expect(raw.bytes.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^\r]+\r\n[^\r]+$/);
		await nothingMore(raw);
	},
	"cut-headers": async () => {
		const raw = await fault("cut-headers");
		expect([raw.ended, raw.status]).toEqual(["fin", 0]);
		expect(raw.bytes.length).toBeGreaterThan(20);
	},
	"keep-alive-close": async () => {
		const socket = connect(simulator.port, "127.0.0.1");
		expect((await ask(simulator, "first", { socket })).status).toBe(200);
		const second = await fault("keep-alive-close", { socket });
		expect([second.ended === "open", second.bytes.length]).toEqual([false, 0]);
		expect((await fault("keep-alive-close")).status).toBe(200);
	},
	"idle-close": async () => {
		const raw = await fault("idle-close", { until: () => false });
		expect([raw.status, raw.complete, raw.ended]).toEqual([200, true, "fin"]);
		expect(raw.headers.connection).not.toBe("close");
	},
	"context-length": async () => {
		const openai = errorOf(await fault("context-length"));
		expect([openai.code, openai.message]).toEqual([
			"context_length_exceeded",
			expect.stringMatching(/8192 .* 8193/),
		]);
		expect(errorOf(await fault("context-length", { wire: "anthropic" })).message).toMatch(
			/8193 tokens > 8192/,
		);
		expect(errorOf(await fault("context-length", { wire: "gemini" })).message).toMatch(/8193.*8192/);
	},
	"context-length-local": async () => {
		expect(errorOf(await fault("context-length-local"))).toMatchObject({
			code: 400,
			n_ctx: 8_192,
			n_prompt_tokens: 8_193,
		});
	},
	"401": async () => {
		expect(await fault("401")).toMatchObject({ status: 401 });
		const anthropic = await fault("401", { wire: "anthropic" });
		expect(anthropic.headers["x-should-retry"]).toBe("false");
		const gemini = await fault("401", { wire: "gemini" });
		expect([gemini.status, errorOf(gemini).details[0].reason]).toEqual([400, "API_KEY_INVALID"]);
	},
	"401-detail": async () => {
		expect((await fault("401-detail")).text).toBe('{"detail":"Unauthorized"}');
	},
	"key-echo": async () => {
		const raw = await fault("key-echo=403", { key: "sk-planted" });
		expect([raw.status, raw.headers["x-echo"]]).toEqual([403, "sk-planted"]);
		expect(errorOf(raw).message).toContain("sk-planted");
	},
	"403-moderation": async () => {
		expect(errorOf(await fault("403-moderation")).metadata.reasons).toEqual(["violence"]);
	},
	"insufficient-quota": async () => {
		expect(errorOf(await fault("insufficient-quota")).code).toBe("insufficient_quota");
		expect((await fault("insufficient-quota", { wire: "gemini" })).text).toContain("PerDay");
	},
	"spend-limit": async () => {
		expect(errorOf(await fault("spend-limit")).code).toBe("organization_spend_limit_exceeded");
	},
	"credit-balance": async () => {
		expect(errorOf(await fault("credit-balance", { wire: "anthropic" })).message).toContain(
			"credit balance is too low",
		);
	},
	"per-day": async () => {
		const { details } = errorOf(await fault("per-day", { wire: "gemini" }));
		expect(details[1].violations[0].quotaId).toContain("PerDay");
		expect(details[2].retryDelay).toBe("27.39s");
	},
	"limit-zero": async () => {
		expect(errorOf(await fault("limit-zero", { wire: "gemini" })).message).toContain("limit: 0");
	},
	"should-retry-false": async () => {
		expect(await fault("should-retry-false")).toMatchObject({
			status: 503,
			headers: { "x-should-retry": "false" },
		});
	},
	"html-502": async () => {
		const raw = await fault("html-502");
		expect([raw.status, raw.headers["content-type"]]).toEqual([502, "text/html"]);
		expect(raw.text).toContain("\u001b]52;");
	},
	"text-503": async () => {
		expect(await fault("text-503")).toMatchObject({ status: 503, text: "Service Temporarily Unavailable" });
	},
	"hostile-error": async () => {
		expect(errorOf(await fault("hostile-error")).message).toContain("\u001b[2J");
	},
	"429": async () => {
		const raw = await fault("429");
		expect([raw.status, Object.keys(raw.headers).filter((name) => name.startsWith("retry"))]).toEqual([
			429,
			[],
		]);
	},
	"429-retry-after": async () => {
		expect((await fault("429-retry-after")).headers["retry-after"]).toBe("1");
		expect((await fault("429-retry-after=-5")).headers["retry-after"]).toBe("-5");
		const date = "Wed, 21 Oct 2015 07:28:00 GMT";
		expect((await fault(`429-retry-after=${date}`)).headers["retry-after"]).toBe(date);
	},
	"429-retry-after-ms": async () => {
		expect((await fault("429-retry-after-ms=Infinity")).headers["retry-after-ms"]).toBe("Infinity");
	},
	"429-date": async () => {
		const at = Date.parse((await fault("429-date=3600")).headers["retry-after"] ?? "");
		expect(at).toBeGreaterThan(Date.now() + 3_000_000);
	},
	"429-retry-info": async () => {
		expect(errorOf(await fault("429-retry-info=900ms", { wire: "gemini" })).details[0].retryDelay).toBe(
			"900ms",
		);
	},
	"429-message": async () => {
		expect(errorOf(await fault("429-message=27.39s")).message).toMatch(/Please retry in 27\.39s\.$/);
	},
	"queue-full": async () => {
		expect(errorOf(await fault("queue-full")).code).toBe("queue_full");
	},
	"redirect-host": async () => {
		expect(await fault("redirect-host=http://other.invalid/x")).toMatchObject({
			status: 307,
			headers: { location: "http://other.invalid/x" },
		});
	},
	"redirect-loop": async () => {
		expect((await fault("redirect-loop")).headers.location).toBe("/v1/chat/completions");
	},
	"html-200": async () => {
		expect((await fault("html-200", stream)).headers["content-type"]).toContain("text/html");
	},
	"text-200": async () => {
		expect(await fault("text-200")).toMatchObject({ status: 200, headers: { "content-type": "text/plain" } });
	},
	"empty-200": async () => {
		const raw = await fault("empty-200");
		expect([raw.status, raw.body.length, raw.complete]).toEqual([200, 0, true]);
	},
	"null-200": async () => expect((await fault("null-200")).text).toBe("null"),
	"object-200": async () => expect((await fault("object-200")).text).toBe("{}"),
	"bad-json-200": async () => {
		const raw = await fault("bad-json-200");
		expect(() => JSON.parse(raw.text)).toThrow(SyntaxError);
	},
	"json-for-stream": async () => {
		const raw = await fault("json-for-stream", stream);
		expect(raw.headers["content-type"]).toContain("application/json");
		expect(JSON.parse(raw.text).choices[0].message.content).toContain(words);
	},
	"error-200": async () => {
		const raw = await fault("error-200=503", { wire: "gemini" });
		expect([raw.status, errorOf(raw).code]).toEqual([200, 503]);
	},
	"short-content-length": async () => {
		const raw = await fault("short-content-length");
		expect([raw.complete, raw.ended]).toEqual([false, "fin"]);
		expect(Number(raw.headers["content-length"])).toBeGreaterThanOrEqual(raw.body.length * 2);
	},
	"lying-content-length": async () => {
		const raw = await fault("lying-content-length", { until: () => false });
		expect(raw.bytes.length).toBeGreaterThan(raw.body.length * 2 - 5);
		expect(() => JSON.parse(raw.text)).toThrow(SyntaxError);
	},
	"cut-chunked": async () => {
		const raw = await fault("cut-chunked");
		expect([raw.complete, raw.ended === "open", raw.body.length > 100]).toEqual([false, false, true]);
	},
	"cut-gzip": async () => {
		const raw = await fault("cut-gzip");
		expect(raw.complete).toBe(true);
		expect(() => gunzipSync(raw.body)).toThrow();
	},
	"stall-after-headers": async () => {
		const raw = await fault("stall-after-headers", { until: ({ status }) => status === 200 });
		expect(raw.body.length).toBe(0);
		await nothingMore(raw);
		expect((await fault("stall-after-headers=5", stream)).complete).toBe(true);
	},
	"stall-mid-body": async () => {
		const raw = await fault("stall-mid-body", { until: ({ body }) => body.length > 10 });
		await nothingMore(raw);
		expect(JSON.parse((await fault("stall-mid-body=5")).text).choices[0].message.content).toContain(words);
	},
	trickle: async () => {
		const raw = await fault("trickle=0");
		expect(raw.pieces).toBe(raw.body.length);
	},
	"giant-line": async () => {
		const raw = await fault("giant-line=2", stream);
		expect(raw.complete).toBe(true);
		const longest = Math.max(...dataOf(raw.text).map((data) => data.length));
		expect(longest).toBeGreaterThan(2 * 1024 * 1024);
		expect(streamedText(raw.text)).toMatch(/^a+$/);
	},
	"endless-body": async () => {
		const raw = await fault("endless-body", { until: ({ body }) => body.length > 500_000 });
		expect(raw.ended).toBe("open");
	},
	gzip: async () => {
		const raw = await fault("gzip");
		expect(raw.headers["content-encoding"]).toBe("gzip");
		expect(gunzipSync(raw.body).toString()).toContain(words);
	},
	"gzip-bomb": async () => {
		const raw = await fault("gzip-bomb=8", { until: ({ complete }) => complete });
		expect(raw.body.length).toBeLessThan(64 * 1024);
		const content = JSON.parse(gunzipSync(raw.body).toString()).choices[0].message.content;
		expect(content).toHaveLength(8 * 1024 * 1024);
	},
	"invalid-gzip": async () => {
		const raw = await fault("invalid-gzip");
		expect(() => gunzipSync(raw.body)).toThrow();
	},
	"empty-stream": async () => {
		const raw = await fault("empty-stream", stream);
		expect([raw.headers["content-type"], raw.body.length]).toEqual(["text/event-stream; charset=utf-8", 0]);
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
	"sse-lf": async () => {
		expect((await fault("sse-lf", { ...stream, wire: "gemini" })).text).not.toContain("\r");
	},
	"sse-crlf": async () =>
		expect((await fault("sse-crlf", stream)).text).toMatch(/\r\n\r\ndata: \[DONE\]\r\n\r\n$/),
	"sse-cr": async () => {
		const { text } = await fault("sse-cr", stream);
		expect([text.includes("\n"), text.endsWith("data: [DONE]\r\r")]).toEqual([false, true]);
	},
	"sse-bom": async () => {
		expect([...(await fault("sse-bom", stream)).body.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
	},
	"sse-no-space": async () => {
		const { text } = await fault("sse-no-space", { ...stream, wire: "anthropic" });
		expect(text).toMatch(/^event:message_start\ndata:\{/);
	},
	"sse-fields": async () => {
		expect((await fault("sse-fields", stream)).text).toMatch(
			/^: comment\nid: 7\nretry: 10\nother: x\nnocolon\ndata: /,
		);
	},
	"sse-named-events": async () => {
		expect((await fault("sse-named-events", stream)).text).toMatch(/^event: message\ndata: /);
	},
	"sse-multiline": async () => {
		expect((await fault("sse-multiline", stream)).text).toMatch(/^data: \{\ndata: {2}"id"/);
	},
	"byte-split": async () => {
		const raw = await ask(simulator, "é数 [[fault:byte-split]]", stream);
		expect(raw.pieces).toBe(raw.body.length);
		expect(streamedText(raw.text)).toContain("é数");
	},
	comments: async () => {
		expect((await fault("comments=3", stream)).text).toMatch(/^(: OPENROUTER PROCESSING\n\n){3}data: /);
	},
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
	"usage-repeated": async () => {
		const { text } = await fault("usage-repeated", stream);
		const totals = dataOf(text).filter((data) => data.includes('"total_tokens"'));
		expect(totals.length).toBeGreaterThan(5);
		const anthropic = await fault("usage-repeated", { ...stream, wire: "anthropic" });
		expect(anthropic.text.match(/event: message_delta/g)).toHaveLength(2);
	},
	"usage-missing": async () => {
		for (const wire of ["openai", "gemini", "anthropic"] as const) {
			expect((await fault("usage-missing", { wire })).text).not.toMatch(/"usage/);
			expect((await fault("usage-missing", { wire, stream: true })).text).not.toMatch(/"usage/);
		}
	},
	"usage-garbage": async () => {
		expect(JSON.parse((await fault("usage-garbage")).text).usage).toMatchObject({
			prompt_tokens: null,
			completion_tokens: "many",
		});
	},
	"usage-with-finish": async () => {
		const { text } = await fault("usage-with-finish", stream);
		expect(text).toMatch(/"finish_reason":"stop".*"usage":\{"prompt_tokens"[^\n]*\n\ndata: \[DONE\]/);
	},
	"usage-refused": async () => {
		expect((await fault("usage-refused", stream)).status).toBe(422);
		expect((await fault("usage-refused", { ...stream, extra: { stream_options: undefined } })).status).toBe(
			200,
		);
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
};

describe("each fault does what its row says", () => {
	const plainStatus = /^[45]\d\d$/;
	it.each(
		faults.map(({ name }) => name).filter((name) => !plainStatus.test(name) || name in checks),
	)("%s", async (name) => {
		const check = checks[name];
		if (check === undefined) {
			throw new Error(`no check for the fault "${name}"`);
		}
		await check();
	});

	it.each(
		faults.map(({ name }) => name).filter((name) => plainStatus.test(name)),
	)("%s on every wire", async (name) => {
		for (const wire of ["openai", "gemini", "anthropic"] as const) {
			const raw = await fault(name, { wire });
			expect(raw.status).toBe(name === "401" && wire === "gemini" ? 400 : Number(name));
			expect(errorOf(raw).message).toBeTruthy();
		}
	});

	it("knows every error status", () => {
		expect(findFault("507")?.name).toBe("507");
		expect(findFault("200")).toBeUndefined();
	});

	it("has no name twice", () => {
		expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
	});
});

describe("asking for faults", () => {
	it("uses directives up in their order, then answers", async () => {
		const statuses: number[] = [];
		for (let attempt = 0; attempt < 5; attempt++) {
			statuses.push((await ask(simulator, "again [[fault:503 x2]][[fault:429-retry-after=7 x1]]")).status);
		}
		expect(statuses).toEqual([503, 503, 429, 200, 200]);
	});

	it("counts attempts by model and prompt, whichever key sends them", async () => {
		const prompt = "rotate [[fault:429 x1]]";
		expect((await ask(simulator, prompt, { key: "a" })).status).toBe(429);
		expect((await ask(simulator, prompt, { key: "b", model: "words-3" })).status).toBe(429);
		expect((await ask(simulator, prompt, { key: "b" })).status).toBe(200);
	});

	it("reads them from the last user turn only", async () => {
		const messages = [
			{ role: "user", content: "[[fault:500]]" },
			{ role: "assistant", content: "ok" },
			{ role: "user", content: "go on" },
		];
		expect((await ask(simulator, "", { extra: { messages } })).status).toBe(200);
	});

	it("takes a fault as the model's name", async () => {
		expect((await ask(simulator, "x", { model: "fault:429-retry-after=9" })).headers["retry-after"]).toBe(
			"9",
		);
		expect((await ask(simulator, "x", { model: "fault:503", wire: "gemini" })).status).toBe(503);
	});

	it("says so when a fault is unknown or cannot happen to this request", async () => {
		const messages = await Promise.all([
			ask(simulator, "[[fault:nonsense]]"),
			ask(simulator, "[[fault:cut-stream]]"),
			ask(simulator, "[[fault:block-reason]]"),
		]);
		expect(messages.map((raw) => [raw.status, errorOf(raw).message])).toEqual([
			[400, 'the simulator knows no fault "nonsense"'],
			[400, 'the fault "cut-stream" needs a streaming request'],
			[400, 'the fault "block-reason" does not exist on the openai wire'],
		]);
	});

	it("draws faults by rate from the seed, only where they can happen", async () => {
		const outcomes = async (seed: number) => {
			await using drawn = await startSimulator({ seed, errors: { "503": 0.3, "cut-stream": 0.3 } });
			for (let sent = 0; sent < 40; sent++) {
				await ask(drawn, "x");
			}
			return drawn.requests.map((request) => request.outcome);
		};
		const first = await outcomes(5);
		expect(await outcomes(5)).toEqual(first);
		expect(await outcomes(6)).not.toEqual(first);
		expect(new Set(first)).toEqual(new Set(["503", "answered"]));
	});

	it("survives values that make no sense and clients that do not wait", async () => {
		expect((await fault("key-echo=none")).ended).not.toBe("open");
		expect((await fault("error-200=\u0001")).status).toBe(200);
		const everything = faults.filter(({ name }) => name !== "outage");
		for (const { name, on } of everything) {
			const socket = connect(simulator.port, "127.0.0.1");
			void ask(simulator, `hurry [[fault:${name}]]`, { socket, stream: on === "stream", until: () => false });
			await new Promise((resolve) => socket.once("connect", resolve));
			setImmediate(() => socket.resetAndDestroy());
		}
		await expect.poll(() => simulator.stats.inFlight).toBe(0);
		expect((await ask(simulator, "still there?")).status).toBe(200);
	});

	it("gives a key its own fault, and refuses keys it does not know", async () => {
		await using keyed = await startSimulator({
			keys: ["good", "spent"],
			keyFaults: { spent: "insufficient-quota" },
		});
		const statuses = [];
		for (const key of ["good", "spent", "other"]) {
			statuses.push((await ask(keyed, "x", { key })).status);
		}
		expect(statuses).toEqual([200, 429, 401]);
		expect(keyed.stats).toMatchObject({ requests: 3, answered: 1 });
	});

	it("refuses to start with a fault that does not exist or a rate that is no share", async () => {
		await expect(startSimulator({ errors: { nonsense: 0.1 } })).rejects.toThrow('no fault "nonsense"');
		await expect(startSimulator({ errors: { "503": 2 } })).rejects.toThrow("between 0 and 1");
		await expect(startSimulator({ keyFaults: { k: "nonsense" } })).rejects.toThrow("nonsense");
	});
});
