import { expect, it } from "vitest";
import { LlmxError, RequestError } from "../../src/errors.ts";
import { failureText } from "../../src/terminal/failure-text.ts";

const failure = (attempts: number) =>
	new RequestError("Groq answered 503: Busy.", {
		provider: "groq",
		errorClass: "overloaded",
		advice: { retry: "always", key: "keep" },
		maybeBilled: false,
		attempts,
	});

it("names the attempts where there was more than one", () => {
	expect(failureText(failure(1))).toBe("Groq answered 503: Busy.");
	expect(failureText(failure(3))).toBe("Groq answered 503: Busy (3 attempts)");
	expect(failureText(new LlmxError("no"))).toBe("no");
});
