import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError, LLM, type LLMOptions } from "../../src/index.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { answer } from "../providers/openai/answers.ts";
import { json, scriptedServer, text } from "../providers/scripted-server.ts";
import { failureOf, setup, temporaryFolder } from "./harness.ts";

function llmWith(
	model: string,
	config: object,
	options: LLMOptions,
	variables: Record<string, string> = {},
): LLM {
	const home = temporaryFolder();
	mkdirSync(home, { recursive: true });
	writeFileSync(join(home, "config.json"), JSON.stringify(config));
	const llm = new LLM(model, { env: { LLMX_HOME: home, ...variables }, cache: false, ...options });
	afterTest(() => llm.close());
	return llm;
}

describe("headers of a provider", () => {
	it("go to it with every request, those of the caller before those of the config", async () => {
		const server = await scriptedServer(json(answer("hi")));
		const headers = { "x-portkey-provider": "openai", "X-Team": "one", authorization: "Bearer $CORP_TOKEN" };
		const providers = { corp: { base_url: `${server.url}/v1`, headers } };
		const llm = llmWith("corp/m", { providers }, { headers: { "X-Team": "two" } }, { CORP_TOKEN: "t-123" });
		expect(await llm.chat("hello")).toBe("hi");
		expect(server.received[0]?.headers).toMatchObject({
			"x-portkey-provider": "openai",
			"x-team": "two",
			authorization: "Bearer t-123",
		});
	});

	it("that need a variable nobody has set are refused before anything is sent", () => {
		const providers = { corp: { base_url: "http://127.0.0.1:9/v1", headers: { "x-a": "$NOT_SET" } } };
		expect(() => llmWith("corp/m", { providers }, {})).toThrow(ConfigError);
	});
});

describe("a provider of one's own", () => {
	it.each([
		[
			"anthropic",
			"/v1/messages",
			{ type: "message", content: [{ type: "text", text: "hi" }], stop_reason: "end_turn" },
		],
		[
			"gemini",
			"/v1beta/models/m:generateContent",
			{ candidates: [{ content: { parts: [{ text: "hi" }] }, finishReason: "STOP" }] },
		],
	])("speaks %s when the config says so", async (wire, path, body) => {
		const server = await scriptedServer(json(body));
		const providers = { corp: { base_url: server.url, wire, key_env: "CORP_KEY" } };
		const llm = llmWith("corp/m", { providers }, {}, { CORP_KEY: "k-1" });
		expect(await llm.chat("hello")).toBe("hi");
		expect(server.received[0]?.url).toBe(path);
	});

	it("has its schemas, limits and parts sent as the config says", async () => {
		const server = await scriptedServer(json(answer('{"a":1}')));
		const own = { schema_form: "prompt", max_tokens_field: "max_completion_tokens", takes: ["image"] };
		const providers = { corp: { base_url: `${server.url}/v1/chat/completions`, ...own } };
		const llm = llmWith("corp/gpt-4o", { providers }, {});
		const responseFormat = { type: "json-schema", name: "x", schema: { type: "object" } } as const;
		await llm.chat("hello", { maxTokens: 5, responseFormat });
		expect(server.received[0]).toMatchObject({
			url: "/v1/chat/completions",
			body: { max_completion_tokens: 5, response_format: { type: "json_object" } },
		});
		expect(server.received[0]?.body.messages[0].content).toContain("JSON Schema");
	});
});

it("a 404 names the address that was asked", async () => {
	const server = await scriptedServer(text("nothing here", 404));
	const llm = llmWith("openai/m", {}, { baseUrl: `${server.url}/api`, keys: ["k"] });
	expect((await failureOf(llm.chat("hello"))).message).toContain(
		`at ${server.url}/api/chat/completions: nothing`,
	);
});

describe("the time of a request", () => {
	it("that is given takes the place of that to the first content", async () => {
		const { llm } = await setup();
		const runtime = { timeouts: {} };
		const slow = llm("openai/echo", { timeoutMs: 20_000, cache: false }, runtime);
		expect(await slow.chat("[[fault:stall-after-headers=60]] hi")).toContain("hi");
		const hurried = llm("openai/echo", { firstContentTimeoutMs: 30, maxRetries: 3 });
		const error = await failureOf(hurried.chat("[[fault:stall-after-headers]] hi"));
		expect([error.errorClass, error.attempts]).toEqual(["timeout", 1]);
		expect(error.message).toContain("within 0.03 s");
	});
});
