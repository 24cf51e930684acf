import { describe, expect, it } from "vitest";
import { CachedAnswers } from "../../../src/ask/cached.ts";
import { route } from "../../../src/models/router.ts";
import { defineProvider } from "../../../src/providers/provider-definition.ts";
import { onResponses } from "../../../src/providers/provider-row.ts";
import { providers } from "../../../src/providers/registry.ts";
import { json, rig, scriptedServer } from "../scripted-server.ts";

const provider = onResponses(providers.openai);

function response(output: object[], more: object = {}) {
	const usage = { input_tokens: 10, output_tokens: 4, total_tokens: 14 };
	return {
		id: "resp_1",
		object: "response",
		created_at: 1_790_000_000,
		status: "completed",
		output,
		usage,
		...more,
	};
}

const said = (text: string) => ({ type: "message", content: [{ type: "output_text", text }] });

describe("the Responses API", () => {
	it("is asked at /responses, with the key", async () => {
		const server = await scriptedServer(json(response([said("hi")], { model: "m", service_tier: "flex" })));
		const { complete } = await rig(`${server.url}/v1`, provider);
		const answer = await complete();
		expect(answer.choices).toEqual([{ text: "hi", reasoning: null, finishReason: "stop" }]);
		expect(answer.charges).toEqual({ tier: "flex" });
		expect(answer.response).toEqual({
			id: "resp_1",
			model: "m",
			created: 1_790_000_000,
			serviceTier: "flex",
		});
		expect(server.received[0]?.url).toBe("/v1/responses");
		expect(server.received[0]?.headers.authorization).toBe("Bearer sk-planted-key-1234567890");
	});

	it("counts searches, and says of tools with a price of their own that it is not known", async () => {
		const output = [
			{ type: "web_search_call", id: "ws_1", status: "completed" },
			{ type: "web_search_call", id: "ws_2", status: "completed" },
			{ type: "code_interpreter_call", id: "ci_1", container_id: "c" },
			said("found"),
		];
		const server = await scriptedServer(json(response(output)));
		const { complete } = await rig(server.url, provider);
		const { charges, choices } = await complete();
		expect(charges).toEqual({ webSearches: 2, untold: "code interpreter" });
		expect(choices[0]?.details?.parts).toHaveLength(3);
	});

	it.each([
		["queued", "incomplete"],
		["in_progress", "incomplete"],
	])("never takes a response that is %s for an answer", async (status, errorClass) => {
		const server = await scriptedServer(json(response([], { status, usage: null })));
		const { complete } = await rig(server.url, provider);
		await expect(complete()).rejects.toMatchObject({ errorClass, maybeBilled: true });
	});

	it("sends the schema in the prompt to a model that has no field for one, and remembers it", async () => {
		const message =
			"Invalid parameter: 'text.format' of type 'json_schema' is not supported with this model.";
		const server = await scriptedServer(
			json({ error: { message, type: "invalid_request_error", param: "text.format", code: null } }, 400),
			json(response([said("{}")])),
			json(response([said("{}")])),
		);
		const { complete } = await rig(server.url, provider);
		const responseFormat = { type: "json-schema", name: "x", schema: { type: "object" } } as const;
		for (let time = 0; time < 2; time++) await complete({ parameters: { responseFormat } });
		const [, second, third] = server.received.map(({ body }) => JSON.stringify(body));
		expect(second).toContain("JSON Schema");
		expect(second).not.toContain("json_schema");
		expect(third).toBe(second);
		expect(server.received).toHaveLength(3);
	});
});

describe("a route over the Responses API", () => {
	const own = (wire?: "responses" | "openai") =>
		[defineProvider("lab", { base_url: "https://lab.example/v1", wire })] as const;

	it.each([
		["gpt-5-pro", "responses"],
		["openai/gpt-5.1-codex-max", "responses"],
		["openai/gpt-5", "openai"],
		["openrouter/openai/gpt-5-pro", "openai"],
	])("%s is asked over %s", (model, wire) => {
		expect(route(model, { env: {} }).provider.wire).toBe(wire);
	});

	it("is what a provider of one's own speaks, or none of OpenAI's models if the config says so", () => {
		const found = route("lab/x", { env: {}, providers: own("responses") });
		expect([found.provider.wire, found.baseUrl]).toEqual(["responses", "https://lab.example/v1"]);
		const chat = [defineProvider("openai", { base_url: "https://gateway.example/v1", wire: "openai" })];
		expect(route("gpt-5-pro", { env: {}, providers: chat }).provider.wire).toBe("openai");
	});

	it("has answers of its own in the cache", () => {
		const keyOf = (wire?: "responses" | "openai") => {
			const found = route("lab/x", { env: {}, providers: own(wire) });
			const question = { messages: [{ role: "user", content: "hi" }], parameters: {}, n: 1 } as const;
			return new CachedAnswers({ model: "lab/x", route: found } as never).key(question as never);
		};
		expect(keyOf("openai")).toBe(keyOf());
		expect(keyOf("responses")).not.toBe(keyOf());
	});
});
