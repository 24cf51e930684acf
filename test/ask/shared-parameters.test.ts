import { describe, expect, it } from "vitest";
import { questionMaker } from "../../src/ask/question.ts";
import { requestHash } from "../../src/batch/request-hash.ts";
import { cacheKey, canonicalJson, sharedJson } from "../../src/cache/key.ts";
import type { BatchRow } from "../../src/prompts/row-builder.ts";

describe("parameters that rows share", () => {
	it("are read once, and those that may change are read again", () => {
		const toQuestion = questionMaker({ maxTokens: 5 });
		const shared = Object.freeze({ temperature: 1 });
		const first = toQuestion({ prompt: "a", parameters: shared });
		expect(first.parameters).toEqual({ maxTokens: 5, temperature: 1 });
		expect(toQuestion({ prompt: "b", parameters: shared }).parameters).toBe(first.parameters);
		const changing: { temperature: number } = { temperature: 0 };
		for (const temperature of [0, 0.5, 1]) {
			changing.temperature = temperature;
			expect(toQuestion({ prompt: "c", parameters: changing }).parameters).toEqual({
				maxTokens: 5,
				temperature,
			});
		}
		expect(toQuestion({ prompt: "d", parameters: shared }).parameters).toEqual(first.parameters);
	});

	it("have the JSON of any others", () => {
		const parameters = { topP: 0.5, extra: { b: [1, undefined], a: null }, temperature: undefined };
		const messages = [{ role: "user", content: 'é "quoted"' }] as const;
		const row = { messages, n: 2, parameters } as unknown as BatchRow;
		const frozen = { ...row, parameters: Object.freeze({ ...parameters }) } as BatchRow;
		expect(requestHash(frozen)).toBe(requestHash(row));
		expect(sharedJson(frozen.parameters)).toBe(canonicalJson(parameters));
		const config = { provider: "p", baseUrl: "u", ...parameters };
		expect(cacheKey({ model: "m", messages, config })).toBe(
			cacheKey({
				config: { ...config },
				messages: [{ content: messages[0].content, role: "user" }],
				model: "m",
			}),
		);
	});
});
