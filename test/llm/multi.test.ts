import { describe, expect, it } from "vitest";
import { multiChat, multiGenerate, PartialFailureError } from "../../src/index.ts";
import { failureOf, setup } from "./harness.ts";

describe("multiChat", () => {
	it("asks several models at once and returns their answers by model, in the order given", async () => {
		const { env, simulator } = await setup();
		const models = ["gemini/words-2", "openai/echo", "anthropic/echo", "openai/echo"];
		const answers = await multiChat(models, "hello", { env });
		expect(Object.keys(answers)).toEqual(["gemini/words-2", "openai/echo", "anthropic/echo"]);
		expect(answers).toMatchObject({ "openai/echo": "hello", "anthropic/echo": "hello" });
		expect(simulator.stats.requests).toBe(3);
	});

	it("shares its cache with chat, whatever keys and environment were given", async () => {
		const { env, llm, simulator } = await setup();
		await llm("openai/echo").chat("hello", { temperature: 0.5 });
		const others = { ...env, UNRELATED: "1" };
		const answers = await multiChat(["openai/echo"], "hello", {
			env: others,
			temperature: 0.5,
			keys: ["sk-other-0123456789"],
			maxRetries: 1,
		});
		expect(answers).toEqual({ "openai/echo": "hello" });
		expect(simulator.stats.requests).toBe(1);
	});

	it("keeps the answers that came when a model fails", async () => {
		const { env } = await setup();
		const error = await failureOf(
			multiChat(["openai/echo", "openai/fault:400", "nowhere/x"], "hello", { env }),
		);
		expect(error).toBeInstanceOf(PartialFailureError);
		expect(error.results).toEqual({ "openai/echo": "hello" });
		expect(error.errors).toMatchObject({ "openai/fault:400": { status: 400 }, "nowhere/x": { exitCode: 2 } });
		expect(error.message).toMatch(/^2 of 3 models failed; openai\/fault:400: /);
	});
});

describe("multiGenerate", () => {
	it("runs the same prompts through each model", async () => {
		const { env } = await setup();
		const answers = await multiGenerate(["openai/echo", "anthropic/echo"], ["a", "b"], { env });
		expect(answers).toEqual({ "openai/echo": [["a"], ["b"]], "anthropic/echo": [["a"], ["b"]] });
	});

	it("keeps every answer of every model when one prompt of one fails", async () => {
		const { env } = await setup({ keyFaults: { "sk-anthropic-0123456789": "400" } });
		const error = await failureOf(multiGenerate(["openai/echo", "anthropic/echo"], ["a"], { env }));
		expect(error.results).toEqual({ "openai/echo": [["a"]] });
		expect(error.errors["anthropic/echo"]).toBeInstanceOf(PartialFailureError);
	});
});
