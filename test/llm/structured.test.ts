import { describe, expect, it } from "vitest";
import { askForJson, type JsonSchemaFormat, UsageError } from "../../src/index.ts";
import { failureOf, setup } from "./harness.ts";

const schema = {
	type: "object",
	properties: { name: { type: "string" }, age: { type: "integer" } },
	required: ["name", "age"],
	additionalProperties: false,
};
const responseFormat: JsonSchemaFormat = { type: "json-schema", name: "person", schema };

function ask(text: string) {
	return [{ role: "user", content: text }];
}

describe("askForJson", () => {
	it.each([
		"openai/json",
		"gemini/json",
		"anthropic/json",
	])("returns JSON that satisfies the schema: %s", async (model) => {
		const { llm } = await setup();
		const result = await askForJson(llm(model), ask("Who?"), { responseFormat });
		expect(JSON.parse(result.text)).toEqual({ name: expect.any(String), age: expect.any(Number) });
	});

	it("checks the answers of a provider that knows no schemas, too", async () => {
		const { llm, simulator, env } = await setup();
		const deepseek = { DEEPSEEK_BASE_URL: `${simulator.url}/v1`, DEEPSEEK_API_KEY: "sk-deep-0123456789" };
		const asked = llm("deepseek/some-model", { env: { ...env, ...deepseek } });
		const good = 'Who? [[fault:say={"name":"Ada","age":36}]]';
		const { text } = await askForJson(asked, ask(good), { responseFormat });
		expect(JSON.parse(text)).toEqual({ name: "Ada", age: 36 });
		expect(simulator.requests[0]?.body).toMatchObject({
			response_format: { type: "json_object" },
			messages: [
				{ role: "system", content: expect.stringContaining(JSON.stringify(schema)) },
				{ role: "user" },
			],
		});
	});

	it("takes a code fence off", async () => {
		const { llm, simulator } = await setup();
		const fenced = 'x [[fault:say=```json\n{"name":"Ada","age":36}\n```]]';
		expect(await askForJson(llm(), ask(fenced), { responseFormat })).toMatchObject({
			text: '{"name":"Ada","age":36}',
			texts: ['{"name":"Ada","age":36}'],
			attempts: 1,
		});
		expect(simulator.stats.requests).toBe(1);
	});

	it("sends a wrong answer back once with what is wrong with it, and counts both", async () => {
		const { llm, simulator, ledger } = await setup();
		const asked = llm("sambanova/json");
		const wrong = 'Who? [[fault:say={"name":"Ada","age":"old"}]]';
		const result = await askForJson(asked, ask(wrong), { responseFormat });
		expect(JSON.parse(result.text)).toEqual({ name: expect.any(String), age: expect.any(Number) });
		expect(simulator.stats.requests).toBe(2);
		expect(simulator.requests[1]?.body.messages).toEqual([
			{ role: "user", content: wrong },
			{ role: "assistant", content: '{"name":"Ada","age":"old"}' },
			{ role: "user", content: expect.stringContaining("- /age must be integer") },
		]);
		expect(result.attempts).toBe(2);
		const rows = await ledger();
		expect(rows).toHaveLength(2);
		expect(result.usage?.inputTokens).toBe(rows.reduce((sum, row) => sum + (row.input_tokens ?? 0), 0));
	});

	it("fails with class schema when the repaired answer is wrong too", async () => {
		const { llm, simulator } = await setup();
		const error = await failureOf(askForJson(llm("openai/fault:say"), ask("Who?"), { responseFormat }));
		expect(error).toMatchObject({
			errorClass: "schema",
			exitCode: 1,
			attempts: 2,
			partialText: "not JSON",
			usage: { outputTokens: expect.any(Number) },
			message:
				"openai/fault:say: the answer does not match the schema, even after a repair: the answer is not JSON",
		});
		expect(error.hint).not.toBe("");
		expect(simulator.stats.requests).toBe(2);
	});

	it("is not bound to fail for ever by a wrong answer in the cache", async () => {
		const { llm, simulator } = await setup();
		const model = "openai/fault:say";
		await failureOf(askForJson(llm(model), ask("Who?"), { responseFormat }));
		await failureOf(askForJson(llm(model), ask("Who?"), { responseFormat }));
		expect(simulator.stats.requests).toBe(3);
		await failureOf(askForJson(llm(model), ask("Who?"), { responseFormat, cache: "only" }));
		expect(simulator.stats.requests).toBe(3);
	});

	it("keeps the first answer, which was paid for, when the request for its repair fails", async () => {
		const { llm, simulator } = await setup();
		const asked = llm("openai/echo", { maxRetries: 0 });
		let requests = 0;
		const ask = asked.ask.bind(asked);
		asked.ask = (messages, options) =>
			++requests === 1 ? ask(messages, options) : ask("[[fault:400]]", options);
		const question = [{ role: "user", content: "Who? [[fault:say=not JSON]]" }];
		const error = await failureOf(askForJson(asked, question, { responseFormat }));
		expect(error).toMatchObject({ errorClass: "invalid_request", status: 400, partialText: "not JSON" });
		expect(error.usage.outputTokens).toBeGreaterThan(0);
		expect(simulator.stats.requests).toBe(2);
	});

	it.each([
		[1, "not JSON"],
		[2, "not JSON\n---\nnot JSON"],
	])("keeps the answers, %i of them, when it is stopped while one is repaired", async (n, partialText) => {
		const { llm, simulator } = await setup();
		const asked = llm("openai/echo");
		let requests = 0;
		const ask = asked.ask.bind(asked);
		asked.ask = (messages, options) =>
			++requests === 1 ? ask(messages, options) : ask("[[fault:no-answer]]", options);
		const stop = new AbortController();
		const question = [{ role: "user", content: "Who? [[fault:say=not JSON]]" }];
		const options = { responseFormat, n, streamed: true, signal: stop.signal };
		const asking = failureOf(askForJson(asked, question, options));
		await expect.poll(() => simulator.stats.requests).toBe(2);
		stop.abort();
		expect(await asking).toMatchObject({ name: "AbortedError", exitCode: 130, partialText });
	});

	it("keeps the other answers when the repair of one is wrong too", async () => {
		const { llm } = await setup();
		const asking = askForJson(llm("openai/fault:say"), ask("Who?"), { responseFormat, n: 2 });
		expect(await failureOf(asking)).toMatchObject({
			errorClass: "schema",
			partialText: "not JSON\n---\nnot JSON",
		});
	});

	it("repairs only those of several answers that are wrong", async () => {
		const { llm, simulator } = await setup();
		const result = await askForJson(llm("openai/json"), ask("Who?"), { responseFormat, n: 2 });
		expect(result.texts).toHaveLength(2);
		expect(simulator.stats.requests).toBe(1);
	});

	it("refuses a schema that is none before anything is sent", async () => {
		const { llm, simulator } = await setup();
		const broken: JsonSchemaFormat = { ...responseFormat, schema: { type: "nonsense" } };
		const error = await failureOf(askForJson(llm(), ask("Who?"), { responseFormat: broken }));
		expect(error).toBeInstanceOf(UsageError);
		expect(error.message).toMatch(/^the JSON Schema is invalid: /);
		expect(simulator.stats.requests).toBe(0);
	});
});
