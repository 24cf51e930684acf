import { describe, expect, it } from "vitest";
import { meet, nasty, patiently } from "./encounter.ts";
import { accepted, brokenStream, retriedOnce, timedOut } from "./outcomes.ts";
import { wires } from "./wires.ts";

const stream = { mode: "stream" } as const;
const unheard = { mode: "stream", heard: false } as const;

describe.each(wires)("row 16 on the %s wire: an error inside a stream", (wire) => {
	it.each([
		"stream-error",
		"stream-error-event",
		"stream-error-text",
		"stream-error-bare",
	])("%s keeps what came", async (spec) => {
		const seen = await brokenStream(spec, expect.any(String) as never, { wire });
		if (spec !== "stream-error-bare") expect(["overloaded", "server"]).toContain(seen.error?.errorClass);
	});

	it("before any content is asked for once more", async () => {
		await retriedOnce("stream-error-first", "overloaded", { wire, ...stream });
	});

	it.each([
		"stream-error",
		"stream-error-event",
		"stream-error-text",
	])("%s that nobody heard is asked for once more, and what came is kept", async (spec) => {
		const seen = await retriedOnce(spec, expect.any(String) as never, { wire, ...unheard });
		expect(nasty.startsWith(seen.error?.partialText ?? "")).toBe(true);
		expect(seen.error?.partialText).not.toBe("");
	});

	it("is classified by its code", async () => {
		await brokenStream("stream-error=429", "rate_limit", { wire });
		await brokenStream("stream-error=400", "invalid_request", { wire, exitCode: 1 });
	});
});

it("row 16: OpenRouter's error beside a choice is an error", async () => {
	await brokenStream("stream-error-choice", "overloaded", { model: "openrouter/echo" });
});

describe.each(wires)("row 18 on the %s wire: a stream that was cut is never complete", (wire) => {
	it.each(["cut-stream", "cut-stream-clean", "cut-in-frame", "no-finish"])("%s", async (spec) => {
		await brokenStream(spec, "incomplete", { wire, exitCode: 1 });
	});

	it.each([
		"cut-stream",
		"cut-stream-clean",
		"cut-in-frame",
		"no-finish",
	])("%s is not in the cache", async (spec) => {
		const seen = await meet(`${spec} x1`, { wire, ...stream, times: 1 });
		expect(seen.result).toBeUndefined();
		const again = await meet("", { wire, ...stream, times: 2 });
		expect(again.result?.cached).toBe(true);
	});

	it("before any content is asked for once more", async () => {
		await retriedOnce("cut-before-content", "incomplete", { wire, ...stream });
	});

	it.each([
		"cut-stream",
		"cut-stream-clean",
		"cut-in-frame",
		"no-finish",
	])("%s that nobody heard is asked for once more, and what came is kept", async (spec) => {
		const seen = await retriedOnce(spec, "incomplete", { wire, ...unheard, exitCode: 1 });
		expect(`${nasty} [[fault:${spec}]]`.startsWith(seen.error?.partialText ?? "")).toBe(true);
		expect(seen.error?.partialText).not.toBe("");
	});

	it("at any frame", async () => {
		for (const frames of [1, 2, 3, 5]) {
			await brokenStream(`cut-stream=${frames}`, "incomplete", { wire });
			await brokenStream(`cut-stream-clean=${frames}`, "incomplete", { wire });
		}
	});
});

describe.each(wires)("row 19 on the %s wire: a sloppy end is an end", (wire) => {
	it.each([
		...(wire === "gemini" || wire === "responses" ? [] : ["no-done", "data-after-done"]),
		...(wire === "openai" ? ["done-without-finish"] : []),
		"no-final-blank-line",
	])("%s", async (spec) => {
		const seen = await meet(spec, { wire, ...stream, times: 2 });
		expect(seen.error).toBeUndefined();
		expect(seen.result).toMatchObject({ text: `${nasty} [[fault:${spec}]]`, cached: true });
		expect(seen.result?.finishReason).toBe(spec === "done-without-finish" ? "other" : "stop");
	});

	it("cut-after-finish has the whole text, and what it cost is not known where usage was to follow", async () => {
		const seen = await meet("cut-after-finish", { wire, ...stream, times: 2 });
		expect(seen.result).toMatchObject({ text: `${nasty} [[fault:cut-after-finish]]`, cached: true });
		expect([seen.requests, seen.ledger[0]?.status]).toEqual([1, "ok"]);
		if (wire === "openai") expect(seen.ledger[0]?.cost_usd).toBeNull();
	});

	it.each(["open-after-done", "open-after-finish"])("%s is not waited for", async (spec) => {
		await accepted(spec, { wire, ...stream, timeouts: { finishMs: 100 } });
	});

	it("usage may follow the finish reason late", async () => {
		const seen = await accepted("open-after-finish=60", { wire, ...stream });
		expect(seen.result?.usage?.outputTokens).toBeGreaterThan(0);
	});
});

describe.concurrent.each(wires)("row 20 on the %s wire: silence", (wire) => {
	it.each([
		"stall-after-headers",
		"endless-comments=5",
	])("without content is not asked for again by itself: %s", async (spec) => {
		await patiently((timeouts) => timedOut(spec, { wire, ...stream, timeouts }));
	});

	it("in the middle keeps what came", async () => {
		await patiently((timeouts) => brokenStream("stall-mid-stream", "timeout", { wire, timeouts }));
	});

	it("in the middle, where nobody heard what came, keeps it too", async () => {
		const seen = await patiently((timeouts) =>
			timedOut("stall-mid-stream", { wire, ...unheard, timeouts, exitCode: 1 }),
		);
		expect(seen.error?.partialText).not.toBe("");
	});

	it("that ends in time is none", async () => {
		await accepted("stall-mid-stream=40", {
			wire,
			...stream,
			timeouts: { firstContentMs: 30_000, idleMs: 30_000 },
		});
	});

	it("is bounded by the whole request's time, also when something always comes", async () => {
		await patiently(async ({ firstContentMs }) => {
			const llm = { timeoutMs: firstContentMs, maxRetries: 0 };
			const seen = await meet("trickle=20", { wire, ...stream, llm });
			expect(seen.error).toMatchObject({ errorClass: "timeout", maybeBilled: true });
		});
	});
});

describe.each(wires)("row 21 on the %s wire: excess", (wire) => {
	it("giant-line is stopped", async () => {
		const seen = await meet("giant-line", { wire, ...stream });
		expect(seen.error).toMatchObject({ errorClass: "too_large", exitCode: 1 });
		expect(seen.requests).toBe(1);
	});

	it("gzip is unpacked in streams too", async () => {
		await accepted("gzip", { wire, ...stream });
	});
});

describe.each(wires)("row 22 on the %s wire: every way to write a stream", (wire) => {
	it.each([
		"sse-lf",
		"sse-crlf",
		"sse-cr",
		"sse-bom",
		"sse-no-space",
		"sse-fields",
		"sse-named-events",
		"sse-multiline",
		"byte-split",
		"comments",
		"heartbeat-empty",
		"heartbeat-ping",
		"heartbeat-text",
		"heartbeat-null",
		"heartbeat-object",
		"heartbeat-typed",
		"nan-in-field",
		...(wire === "openai" ? ["done-blanks", "done-lower"] : []),
	])("%s", async (spec) => {
		const seen = await accepted(spec, { wire, ...stream });
		expect(seen.result?.usage?.outputTokens).toBeGreaterThan(0);
	});
});

describe.each(wires)("row 23 on the %s wire: usage in streams", (wire) => {
	it("that is repeated counts once: the last", async () => {
		const plain = await meet("", { wire, ...stream, prompt: `${nasty} [[fault:usage-missing x0]]..` });
		const repeated = await meet("usage-repeated", {
			wire,
			...stream,
			prompt: `${nasty} [[fault:usage-repeated]]....`,
		});
		expect(repeated.result?.usage?.inputTokens).toBe(plain.result?.usage?.inputTokens);
		expect(repeated.result?.usage?.outputTokens).toBe(plain.result?.usage?.outputTokens);
	});
});

describe("row 23, OpenAI-compatible servers", () => {
	it("usage beside the finish reason is read", async () => {
		const seen = await accepted("usage-with-finish", { ...stream, model: "together_ai/echo" });
		expect(seen.result?.usage?.outputTokens).toBeGreaterThan(0);
	});

	it("a server that refuses include_usage is asked without it, and the cost is unknown", async () => {
		const seen = await meet("usage-refused", { ...stream });
		expect(seen.result).toMatchObject({
			text: `${nasty} [[fault:usage-refused]]`,
			usage: null,
			costUsd: null,
		});
		expect([seen.requests, seen.waits]).toEqual([2, []]);
	});
});

describe.each(wires)("row 24 on the %s wire", (wire) => {
	it("an answer that a filter cuts off midway is not an answer", async () => {
		const seen = await brokenBlocked(wire);
		expect(seen.error?.message).toMatch(/filter|SAFETY|refus/i);
	});
});

async function brokenBlocked(wire: (typeof wires)[number]) {
	const seen = await meet("content-filter-midway", { wire, ...stream });
	expect(seen.error).toMatchObject({ errorClass: "blocked", exitCode: 1, attempts: 1 });
	expect(seen.error?.partialText).toBe(seen.shown);
	expect([seen.result, seen.requests, seen.shown.length > 0]).toEqual([undefined, 1, true]);
	return seen;
}

describe("shapes of single providers", () => {
	it.each([
		["azure-first-chunk", "openai/echo"],
		["null-first-delta", "local/echo"],
		["content-list", "mistral/echo"],
		["finish-reason=eos", "together_ai/echo"],
	] as const)("%s of %s is an answer", async (spec, model) => {
		await accepted(spec, { ...stream, model });
	});
});
