import { expect, it } from "vitest";
import { describeFailure } from "../../src/chat/failure.ts";
import { type ErrorClass, RequestError } from "../../src/errors.ts";

const failure = (errorClass: ErrorClass, hint: string) =>
	new RequestError("it failed", {
		...{ provider: "openai", errorClass, hint, maybeBilled: false, exitCode: 1 },
		advice: { retry: "never", key: "keep" },
	});

it.each([
	["blocked", "change the prompt", "/edit changes the question, /model chooses another model"],
	[
		"context_length",
		"shorten",
		"/compact or /new makes room, /model chooses one with a larger context window",
	],
	["auth", "check the key", "check the key; then /retry"],
	["server", "try again in 5 s", "try again in 5 s with /retry"],
	[
		"network",
		"ask again; this request may have been billed",
		"/retry asks again; this request may have been billed",
	],
	["not_found", "llmx models --live", "llmx models --live"],
] as const)("says what to do about %s in a chat's own commands", (errorClass, hint, expected) => {
	expect(describeFailure(failure(errorClass, hint)).hint).toBe(expected);
});
