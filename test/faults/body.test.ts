import { describe, expect, it } from "vitest";
import { meet, nasty, patiently } from "./encounter.ts";
import { accepted, failed, modes, retriedOnce, timedOut } from "./outcomes.ts";
import { wires } from "./wires.ts";

describe.each(wires)("row 15 on the %s wire: 200 with something else", (wire) => {
	describe.each(modes)("%s", (mode) => {
		it.each([
			"html-200",
			"text-200",
			"null-200",
			"object-200",
			"bad-json-200",
		])("%s is no answer", async (spec) => {
			const seen = await meet(spec, { wire, mode });
			expect(seen.error?.message).toMatch(/not an API response|incomplete|broke off/);
			expect(["malformed_response", "incomplete"]).toContain(seen.error?.errorClass);
			expect(seen.error?.exitCode).toBe(1);
			expect([seen.result, seen.shown]).toEqual([undefined, ""]);
			expect(seen.requests).toBeLessThanOrEqual(2);
		});

		it("nothing at all is asked for once more", async () => {
			await retriedOnce("empty-200", "empty", { wire, mode, exitCode: 1 });
		});
	});

	it("a stream without an event is asked for once more", async () => {
		await retriedOnce("empty-stream", "empty", { wire, mode: "stream", exitCode: 1 });
	});

	it("the plain answer to a streaming request is read", async () => {
		await accepted("json-for-stream", { wire, mode: "stream" });
	});
});

describe.each(wires)("row 16 on the %s wire: an error inside a 200", (wire) => {
	it.each([
		["400", "invalid_request", 1],
		["429", "rate_limit", 2],
		["529", "overloaded", 2],
	] as const)("%s is classified by its code", async (status, errorClass, requests) => {
		const seen = await meet(`error-200=${status}`, { wire });
		expect(seen.error).toMatchObject({ errorClass, attempts: requests });
		expect(seen.requests).toBe(requests);
	});
});

describe("row 16 on the responses wire: a response that failed", () => {
	it.each([
		["server_error", "server", 2],
		["server_is_overloaded", "overloaded", 2],
		["rate_limit_exceeded", "rate_limit", 2],
		["invalid_image", "invalid_request", 1],
		["bio_policy", "blocked", 1],
	] as const)("with %s in a stream is classified by its code", async (code, errorClass, requests) => {
		const seen = await meet(`response-failed=${code}`, { wire: "responses", mode: "stream", heard: false });
		expect(seen.error).toMatchObject({ errorClass, maybeBilled: true });
		expect([seen.requests, seen.result]).toEqual([requests, undefined]);
	});

	it("in whole, too", async () => {
		const seen = await meet("response-failed", { wire: "responses" });
		expect(seen.error).toMatchObject({ errorClass: "server", maybeBilled: true, attempts: 2 });
	});
});

it.each(modes)("row 23: a summary that the account may not have is not asked for again: %s", async (mode) => {
	const seen = await meet("summary-refused", { wire: "responses", mode });
	expect(seen.error).toBeUndefined();
	expect([seen.requests, seen.result?.text]).toEqual([2, `${nasty} [[fault:summary-refused]]`]);
});

describe.each(wires)("row 16 on the %s wire: a field for errors", (wire) => {
	it.each([
		["fields", "plain"],
		["object", "plain"],
		["text", "plain"],
		["list", "plain"],
		["fields", "stream"],
		["text", "stream"],
	] as const)("that says nothing is no error: %s, %s", async (which, mode) => {
		await accepted(`error-empty=${which}`, { wire, mode });
	});

	it.each([
		["base_resp", "rate_limit", /rate limit exceeded \(RPM\)/],
		["code", "rate_limit", /rate limit reached/],
		["error_code", "server", /the daily request limit is reached/],
		["errors", "server", /the worker is out of memory/],
		["success", "server", /the upstream model is out of order/],
	] as const)("of another shape shows the server's words: %s", async (which, errorClass, words) => {
		for (const mode of modes) {
			const seen = await meet(`error-shape=${which}`, { wire, mode });
			expect(seen.error).toMatchObject({ errorClass, exitCode: 5 });
			expect(seen.error?.message).toMatch(words);
			expect(seen.requests).toBe(2);
		}
	});
});

describe.each(wires)("row 24b on the %s wire: right by the letter", (wire) => {
	describe.each(modes)("%s", (mode) => {
		it.each([
			"gzip-close=120",
			"gzip-close=500",
			"continue-first",
			"continue-first=20",
		])("%s", async (spec) => {
			await accepted(spec, { wire, mode });
		});
	});
});

describe.each(wires)("row 17 on the %s wire: parts missing", (wire) => {
	// An answer of Anthropic has one list of content and no choices.
	if (wire !== "anthropic")
		it.each(modes)("no choices is a failure that keeps the usage: %s", async (mode) => {
			const seen = await meet("no-choices", { wire, mode });
			expect(seen.result).toBeUndefined();
			expect(seen.error?.usage?.inputTokens).toBeGreaterThan(0);
			expect([seen.error?.exitCode, seen.requests]).toEqual([1, 1]);
			expect(seen.ledger).toMatchObject([{ status: "failed", input_tokens: seen.error?.usage?.inputTokens }]);
		});

	it.each(modes)("no content at the token limit is an answer that was cut short: %s", async (mode) => {
		const seen = await meet("content-null-length", { wire, mode });
		expect(seen.error).toBeUndefined();
		expect(seen.result).toMatchObject({ text: "", finishReason: "length" });
	});

	it("a frame without a delta is skipped", async () => {
		await accepted("missing-delta", { wire, mode: "stream" });
	});
});

describe.each(wires)("row 18 on the %s wire: a plain body that was cut is never an answer", (wire) => {
	it.each(["short-content-length", "cut-chunked"])("%s", async (spec) => {
		await retriedOnce(spec, "incomplete", { wire, exitCode: 5 });
	});

	it.each(["lying-content-length", "cut-gzip"])("%s", async (spec) => {
		const seen = await meet(spec, { wire });
		expect([seen.result, seen.error?.maybeBilled]).toEqual([undefined, true]);
		expect(["incomplete", "malformed_response"]).toContain(seen.error?.errorClass);
		expect(seen.requests).toBeLessThanOrEqual(2);
	});
});

describe.each(wires)("row 18 on the %s wire: an answer that the server gave up", (wire) => {
	const given = {
		openai: ["abort", "error", "network_error"],
		responses: ["cancelled", "failed"],
		gemini: ["OTHER"],
		anthropic: ["pause_turn"],
	}[wire];

	it.each(
		given.flatMap((reason) => modes.map((mode) => [reason, mode] as const)),
	)("with %s is incomplete, and its usage is its bill: %s", async (reason, mode) => {
		const spec = `finish-aborted=${reason}`;
		const seen = await meet(spec, { wire, mode, heard: false });
		expect(seen.error).toMatchObject({ errorClass: "incomplete", attempts: 2, exitCode: 1 });
		expect(seen.error?.message).toContain(reason);
		expect(nasty.startsWith(seen.error?.partialText ?? "-")).toBe(true);
		expect([seen.requests, seen.result]).toEqual([2, undefined]);
		expect(seen.ledger).toHaveLength(2);
		for (const row of seen.ledger) {
			expect(row.status).toBe("failed");
			expect(row.input_tokens).toBe(seen.error?.usage?.inputTokens);
		}
		const recovered = await meet(`${spec} x1`, { wire, mode, heard: false });
		expect([recovered.requests, recovered.result?.finishReason]).toEqual([2, "stop"]);
	});

	it("in whole, without a finish reason, is incomplete", async () => {
		const seen = await meet("finish-missing", { wire });
		expect(seen.error).toMatchObject({ errorClass: "incomplete", attempts: 2 });
		expect([seen.requests, seen.result]).toEqual([2, undefined]);
	});

	it.each(modes)("without any text has failed, with the reason: %s", async (mode) => {
		const seen = await meet("finish-broken", { wire, mode });
		expect(seen.error).toMatchObject({ errorClass: "malformed_response", attempts: 1, exitCode: 1 });
		expect(seen.error?.message).toMatch(/unheard_of|MALFORMED_FUNCTION_CALL|new_reason/);
		expect([seen.requests, seen.ledger[0]?.status]).toEqual([1, "failed"]);
	});
});

describe.concurrent.each(wires)("row 20 on the %s wire: silence", (wire) => {
	it.each([
		"stall-after-headers",
		"stall-mid-body",
	])("%s ends after the time to the first content", async (spec) => {
		await patiently((timeouts) => timedOut(spec, { wire, timeouts }));
	});

	it("one byte now and then is bounded by the whole request's time", async () => {
		await patiently(async ({ firstContentMs }) => {
			const seen = await meet("trickle=20", { wire, llm: { timeoutMs: firstContentMs, maxRetries: 0 } });
			expect(seen.error).toMatchObject({ errorClass: "timeout", maybeBilled: true });
		});
	});
});

describe.each(wires)("row 21 on the %s wire: much, but no excess", (wire) => {
	it("a good gzip is read, a bad one is not an answer", async () => {
		await accepted("gzip", { wire });
		const seen = await meet("invalid-gzip", { wire });
		expect([seen.result, seen.error?.exitCode]).toEqual([undefined, 1]);
	});

	it("an answer in single bytes is read exactly", async () => {
		await accepted("byte-split", { wire });
	});
});

describe.each(wires)("row 23 on the %s wire: usage", (wire) => {
	it.each(modes)("that is missing makes the cost unknown, never 0: %s", async (mode) => {
		const seen = await meet("usage-missing", { wire, mode });
		expect(seen.result).toMatchObject({
			text: `${nasty} [[fault:usage-missing]]`,
			usage: null,
			costUsd: null,
		});
		expect(seen.ledger).toMatchObject([{ status: "ok", cost_usd: null, input_tokens: null }]);
	});

	it.each(modes)("that makes no sense makes the cost unknown too: %s", async (mode) => {
		const seen = await meet("usage-garbage", { wire, mode });
		expect(seen.result?.text).toBe(`${nasty} [[fault:usage-garbage]]`);
		expect(seen.result?.costUsd).toBeNull();
	});
});

describe.each(wires)("row 24 on the %s wire: filters", (wire) => {
	it.each(modes)("an answer that a filter took away is a failure that says why: %s", async (mode) => {
		const seen = await failed("content-filter", "blocked", { wire, mode });
		expect(seen.error?.message).toMatch(/filter|SAFETY|refus/i);
		expect(seen.error?.usage?.inputTokens).toBeGreaterThan(0);
	});

	it("a prompt that a filter refused is a failure", async () => {
		await failed(
			"content-filter-error",
			wire === "openai" || wire === "responses" ? "blocked" : "invalid_request",
			{ wire },
		);
	});
});

describe("row 24, one wire's own ways", () => {
	it.each(
		modes.flatMap((mode) => [["openai", mode] as const, ["responses", mode] as const]),
	)("a refusal on the %s wire is not an answer: %s", async (wire, mode) => {
		const seen = await failed("refusal", "blocked", { wire, mode });
		expect(seen.error?.message).toContain("I'm sorry, I can't help with that.");
	});

	describe.each(modes)("Gemini, %s", (mode) => {
		it.each([
			["block-reason", /PROHIBITED_CONTENT/],
			["no-candidates", /no candidate was returned/],
			["content-filter=RECITATION", /RECITATION/],
		] as const)("%s", async (spec, says) => {
			const seen = await meet(spec, { wire: "gemini", mode });
			expect(seen.result).toBeUndefined();
			expect(seen.error?.message).toMatch(says);
		});
	});
});

describe("shapes of single providers are answers", () => {
	it.each([
		["content-list", "mistral/echo"],
		["finish-reason=eos", "together_ai/echo"],
		["gzip", "together_ai/echo"],
	] as const)("%s of %s", async (spec, model) => {
		await accepted(spec, { model });
	});

	it.each([
		"openai",
		"responses",
	] as const)("thoughts that end without having begun are kept apart: %s", async (wire) => {
		const seen = await meet("think-unopened", { wire });
		expect(seen.result).toMatchObject({
			text: `${nasty} [[fault:think-unopened]]`,
			reasoning: "Let me think.",
		});
	});

	it("OpenRouter's own figure is the cost", async () => {
		const seen = await meet("reported-cost=0.5", { model: "openrouter/echo", mode: "stream" });
		expect(seen.result?.costUsd).toBe(0.5);
		const elsewhere = await meet("reported-cost=0.5", { mode: "stream" });
		expect(elsewhere.result?.costUsd).not.toBe(0.5);
	});

	it.each([
		["reason", "stream"],
		["reason", "plain"],
		["reason-field", "stream"],
		["reason-field", "plain"],
		["reason-think", "stream"],
		["reason-think", "plain"],
	] as const)("reasoning of %s is kept apart from the answer: %s", async (model, mode) => {
		const seen = await meet("", { model: `openai/${model}`, mode });
		expect(seen.result?.text).toBe(nasty);
		expect(seen.result?.reasoning).toContain("Repeating them exactly");
	});
});
