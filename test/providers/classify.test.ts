import { describe, expect, it } from "vitest";
import { classify } from "../../src/providers/classify.ts";
import { isErrorPayload, readErrorBody, readErrorText } from "../../src/providers/error-body.ts";
import type { ProviderRow } from "../../src/providers/provider-row.ts";
import { providers } from "../../src/providers/registry.ts";

function verdict(status: number, body: unknown, provider: ProviderRow = providers.openai, more: object = {}) {
	return classify({
		provider,
		modelId: "some-model",
		detail: typeof body === "string" ? readErrorText(body) : readErrorBody(body),
		status,
		retryForbidden: false,
		afterMs: undefined,
		keys: ["sk-planted-key-1234567890"],
		...more,
	});
}

const coded = (code: string, message = "m") => ({ error: { code, message } });

describe("an error status", () => {
	it.each([
		[400, "invalid_request", "never", "keep", 1, false],
		[401, "auth", "always", "drop", 4, false],
		[402, "quota", "always", "retire", 7, false],
		[403, "forbidden", "never", "keep", 4, false],
		[404, "not_found", "never", "keep", 1, false],
		[405, "invalid_request", "never", "keep", 1, false],
		[408, "timeout", "once", "keep", 5, true],
		[409, "server", "always", "keep", 5, false],
		[410, "not_found", "never", "keep", 1, false],
		[413, "too_large", "never", "keep", 1, false],
		[418, "invalid_request", "never", "keep", 1, false],
		[422, "invalid_request", "never", "keep", 1, false],
		[425, "server", "always", "keep", 5, false],
		[429, "rate_limit", "always", "next", 5, false],
		[499, "timeout", "once", "keep", 5, true],
		[500, "server", "always", "keep", 5, false],
		[501, "invalid_request", "never", "keep", 1, false],
		[502, "server", "always", "keep", 5, false],
		[503, "overloaded", "always", "keep", 5, false],
		[504, "timeout", "once", "keep", 5, true],
		[520, "server", "once", "keep", 5, true],
		[498, "overloaded", "always", "keep", 5, false],
		[529, "overloaded", "always", "keep", 5, false],
	])("%i is %s: retry %s, key %s, exit %i", (status, errorClass, retry, key, exitCode, maybeBilled) => {
		const error = verdict(status, "");
		expect([error.errorClass, error.advice.retry, error.advice.key]).toEqual([errorClass, retry, key]);
		expect([error.exitCode, error.maybeBilled, error.status]).toEqual([exitCode, maybeBilled, status]);
		expect(error.message).toContain(`OpenAI answered ${status}`);
	});

	it("obeys x-should-retry: false", () => {
		expect(verdict(503, "", providers.openai, { retryForbidden: true }).advice.retry).toBe("never");
	});

	it("hands a hint on, but not with a final verdict", () => {
		expect(verdict(503, "", providers.openai, { afterMs: 900 }).advice.afterMs).toBe(900);
		expect(verdict(404, "", providers.openai, { afterMs: 900 }).advice.afterMs).toBeUndefined();
	});
});

describe("a code in the body", () => {
	it.each([
		[429, coded("insufficient_quota"), "openai", "quota", "retire"],
		[429, coded("insufficient_quota"), "sambanova", "rate_limit", "next"],
		[429, coded("project_spend_limit_exceeded"), "openai", "quota", "retire"],
		[429, coded("billing_hard_limit_reached"), "openai", "quota", "retire"],
		[429, coded("exceeded_current_quota_error"), "openai", "quota", "retire"],
		[429, coded("token_quota_exceeded"), "cerebras", "quota", "retire"],
		[429, coded("budget_exceeded"), "openai", "quota", "retire"],
		[400, coded("budget_exceeded"), "openai", "quota", "retire"],
		[429, coded("engine_overloaded_error"), "openai", "overloaded", "keep"],
		[429, coded("queue_exceeded"), "cerebras", "overloaded", "keep"],
		[429, coded("3505"), "mistral", "overloaded", "keep"],
		[429, coded("rate_limit_exceeded"), "openai", "rate_limit", "next"],
		[429, coded("queue_full"), "sambanova", "rate_limit", "next"],
		[
			429,
			{ error: { message: "Rate limit exceeded: free-models-per-day" } },
			"openrouter",
			"quota",
			"retire",
		],
		[402, { error: { message: "Insufficient credits" } }, "openrouter", "quota", "retire"],
		[400, coded("context_length_exceeded"), "openai", "context_length", "keep"],
		[400, coded("content_filter"), "openai", "blocked", "keep"],
		[400, { error: { innererror: { code: "ResponsibleAIPolicyViolation" } } }, "openai", "blocked", "keep"],
		[400, { code: "invalid-argument", error: "Incorrect API key provided." }, "xai", "auth", "drop"],
		[413, { error: { message: "maximum context length is 10 tokens" } }, "groq", "context_length", "keep"],
		[400, { error: { message: "The context was helpful" } }, "openai", "invalid_request", "keep"],
	] as const)("%i %j at %s is %s, key %s", (status, body, id, errorClass, key) => {
		const error = verdict(status, body, providers[id]);
		expect([error.errorClass, error.advice.key]).toEqual([errorClass, key]);
	});

	it("reads Gemini's limits: a day's or none at all is spent, a minute's is not", () => {
		const quota = (quotaId: string, message: string) =>
			verdict(
				429,
				{
					error: {
						code: 429,
						message,
						status: "RESOURCE_EXHAUSTED",
						details: [{ violations: [{ quotaId }] }],
					},
				},
				providers.gemini,
			).errorClass;
		expect(quota("RequestsPerDayPerModel-FreeTier", "limit: 20")).toBe("quota");
		expect(quota("RequestsPerMinutePerModel", "limit: 0, model: x")).toBe("quota");
		expect(quota("RequestsPerMinutePerModel", "limit: 05")).toBe("rate_limit");
		expect(quota("RequestsPerMinutePerModel", "limit: 0.5")).toBe("rate_limit");
		expect(quota("RequestsPerMinutePerModel", "limit: 1000")).toBe("rate_limit");
	});

	it("inside a stream is judged like the status it stands for, and retried at most once", () => {
		const overloaded = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
		const error = verdict(200, overloaded, providers.anthropic);
		expect([error.errorClass, error.status, error.advice.retry]).toEqual(["overloaded", 529, "once"]);
		expect(error.maybeBilled).toBe(true);
		expect(verdict(200, { error: { message: "x", code: 400 } }).advice.retry).toBe("never");
		expect(verdict(200, { error: { message: "something" } }).errorClass).toBe("server");
	});
});

describe("the message", () => {
	it("says the sizes of a prompt that is too long", () => {
		const body = {
			error: { code: 400, type: "exceed_context_size_error", message: "x", n_prompt_tokens: 9, n_ctx: 5 },
		};
		expect(verdict(400, body, providers.local).message).toContain("some-model (9 tokens, the limit is 5)");
	});

	it("shows at most 200 harmless characters of a page", () => {
		const page = `<html><head><style>b{}</style></head><body>\u001b[31mBad\u202e gateway ${"x".repeat(900)}</body></html>`;
		const { message } = verdict(502, page);
		expect(message).toContain("Bad gateway");
		expect(message.length).toBeLessThan(260);
		expect(message).not.toMatch(/[\u0000-\u001f\u202e<>]/);
	});

	it("shows no key", () => {
		const { message } = verdict(401, {
			error: {
				message: "Incorrect API key sk-planted-key-1234567890, or sk-proj-abc***xyz, Bearer abcdefghijkl",
			},
		});
		expect(message).not.toMatch(/planted|proj|abcdefgh/);
		expect(message).toContain("[key]");
	});

	it("names the next step", () => {
		expect(verdict(401, "", providers.groq).hint).toContain("llmx keys set groq");
		expect(verdict(404, "", providers.groq).hint).toContain("llmx models --live --provider groq");
		expect(verdict(403, "", providers.groq).hint).toContain("Groq");
		expect(verdict(502, "", providers.groq).hint).toBe("try again later");
	});
});

describe("error bodies", () => {
	it.each([
		[{ error: { message: "a", code: "b" } }, "a"],
		[{ error: "a", code: "b" }, "a"],
		[{ detail: "a" }, "a"],
		[{ detail: [{ loc: ["body", "x"], msg: "a" }] }, "body.x: a"],
		[{ object: "error", message: { detail: [{ loc: ["n"], msg: "a" }] } }, "n: a"],
		[{ message: "a" }, "a"],
		[[{ error: { message: "a" } }], "a"],
		[{ errors: [{ message: "a" }] }, "a"],
		[{ error: { message: "p", metadata: { raw: '{"error":{"message":"a"}}' } } }, "p: a"],
		[{ error: { message: "p", metadata: { raw: "a" } } }, "p: a"],
		["a", "a"],
		[null, ""],
		[7, ""],
		[{}, ""],
		[[], ""],
	])("%j says %j", (body, message) => {
		expect(readErrorBody(body).message).toBe(message);
	});

	it("collects every code, and numbers as statuses", () => {
		const detail = readErrorBody({
			error: { code: 429, status: "RESOURCE_EXHAUSTED", type: "t", details: [{ reason: "R" }] },
		});
		expect(detail.status).toBe(429);
		expect(detail.codes).toEqual(["resource_exhausted", "t", "r"]);
		expect(readErrorBody({ error: { code: "503" } }).status).toBe(503);
	});

	it("tells errors from answers", () => {
		for (const body of [
			{ error: {} },
			{ error: "x" },
			{ object: "error" },
			{ type: "error" },
			{ detail: "x" },
		]) {
			expect(isErrorPayload(body), JSON.stringify(body)).toBe(true);
		}
		for (const body of [{ choices: [], error: null }, { choices: [], detail: 1 }, null, [], "x", {}])
			expect(isErrorPayload(body), JSON.stringify(body)).toBe(false);
		expect(isErrorPayload({ message: "x" }, "error")).toBe(true);
	});
});
