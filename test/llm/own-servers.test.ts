import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { LLM, type RequestError } from "../../src/index.ts";
import { createTestIo } from "../helpers/io.ts";
import { json, type Script, scriptedServer } from "../providers/scripted-server.ts";

let home: string;

beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "llmx-own-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const answer = {
	choices: [{ index: 0, message: { role: "assistant", content: "{}" }, finish_reason: "stop" }],
	usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
};

describe("headers of one's own", () => {
	/** Says again what it was sent, as a server in trouble may. */
	const echo =
		(status: number): Script =>
		(response) => {
			const sent = JSON.stringify(response.req.headers);
			response.writeHead(status, { "content-type": "application/json", "x-echo": "1" });
			response.end(JSON.stringify({ error: { message: `bad request: ${sent}`, code: "bad" } }));
		};

	it.each([400, 401, 500, 200])("are not shown when a server echoes them with %i", async (status) => {
		const server = await scriptedServer(echo(status), echo(status), echo(status));
		const llm = new LLM("local/x", {
			baseUrl: server.url,
			env: { LLMX_HOME: home, LAB_TOKEN: "tok-0123456789abcdef" },
			headers: { "x-lab": "Bearer $LAB_TOKEN", "x-team": "blue-team-passphrase" },
			maxRetries: 0,
		});
		const error = (await llm.ask("hi").catch((thrown) => thrown)) as RequestError;
		await llm.close();
		expect(server.received[0]?.headers["x-lab"]).toBe("Bearer tok-0123456789abcdef");
		expect(error.message).toContain("bad request");
		expect(inspect(error, { depth: 12, showHidden: true })).not.toMatch(/tok-0123|blue-team/);
	});

	it("are not printed by config show, unless they name a variable", async () => {
		const run = async (...argv: string[]) => {
			const io = createTestIo({ env: { LLMX_HOME: home } });
			await main(["config", ...argv], io);
			return io.out();
		};
		const headers = { "x-lab": "$LAB_TOKEN", authorization: "Bearer $LAB_TOKEN", "x-team": "passphrase" };
		await run("set", "providers.lab", JSON.stringify({ base_url: "https://lab.example/v1", headers }));
		expect(JSON.parse(await run("show")).providers.lab.headers).toEqual({ ...headers, "x-team": "[hidden]" });
		expect(await run("show", "providers.lab.headers")).not.toContain("passphrase");
		expect(await run("show", "providers.lab.headers.x-lab")).toBe('"$LAB_TOKEN"\n');
		expect(await run("show", "providers.lab.headers.x-team")).toBe('"[hidden]"\n');
		// A header may be called like a field of a provider, or hold a dot.
		await run("set", "providers.lab.headers.label", "$LAB_TOKEN");
		await run("set", "providers.lab.headers.x.y", "$LAB_TOKEN");
		await run("unset", "providers.lab.headers.x-team");
		const { "x-team": _, ...others } = headers;
		const now = { ...others, label: "$LAB_TOKEN", "x.y": "$LAB_TOKEN" };
		expect(JSON.parse(await run("show", "providers.lab.headers"))).toEqual(now);
	});
});

describe("the form of a server, in the options", () => {
	const options = (url: string) => ({ baseUrl: url, keys: ["k"], env: { LLMX_HOME: home }, maxRetries: 0 });

	it("may be another wire, with the answers, limits and refusals of that", async () => {
		const message = { type: "message", role: "assistant", model: "x", stop_reason: "end_turn" };
		const usage = { input_tokens: 3, output_tokens: 1 };
		const server = await scriptedServer(json({ ...message, content: [{ type: "text", text: "hi" }], usage }));
		await using llm = new LLM("local/some-claude", { ...options(server.url), wire: "anthropic" });
		expect(await llm.ask("hi")).toMatchObject({ text: "hi", usage: { inputTokens: 3 } });
		expect(server.received[0]?.url).toBe("/v1/messages");
		expect(server.received[0]?.headers["x-api-key"]).toBe("k");
		await expect(llm.ask("hi", { seed: 1 })).rejects.toThrow("does not take seed");
	});

	it("may be the Responses API for a model that is usually asked by chat completions", async () => {
		const output = [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "hi" }] }];
		const usage = { input_tokens: 3, output_tokens: 1, total_tokens: 4 };
		const server = await scriptedServer(json({ object: "response", status: "completed", output, usage }));
		await using llm = new LLM("gpt-4.1-mini", { ...options(server.url), wire: "responses" });
		expect(await llm.ask("hi")).toMatchObject({ text: "hi" });
		expect(server.received[0]?.url).toMatch(/\/responses$/);
	});

	it.each([
		["max_completion_tokens", "max_completion_tokens"],
		["max_tokens", "max_tokens"],
	] as const)("names the field of the limit: %s", async (maxTokensField, field) => {
		const server = await scriptedServer(json(answer));
		await using llm = new LLM("local/x", { ...options(server.url), maxTokensField });
		await llm.ask("hi", { maxTokens: 7 });
		expect(server.received[0]?.body).toMatchObject({ [field]: 7 });
	});

	it("says what the model takes besides text", async () => {
		const image = { type: "image", mediaType: "image/png", data: "AAAA" };
		const history = [{ role: "user", content: [{ type: "text", text: "what is it?" }, image] }];
		const server = await scriptedServer(json(answer), json(answer));
		await using blind = new LLM("openai/x", { ...options(server.url), takes: [] });
		await expect(blind.ask(history)).rejects.toThrow("does not take an image");
		expect(server.received).toHaveLength(0);
		await using seeing = new LLM("deepseek/x", { ...options(server.url), takes: ["image"] });
		await seeing.ask(history);
		expect(JSON.stringify(server.received[0]?.body)).toContain("image_url");
	});
});

describe("--schema-form", () => {
	const responseFormat = { type: "json-schema", name: "x", schema: { type: "object" } } as const;

	it.each([
		"field",
		"prompt",
	] as const)("%s is how the schema is asked for, and part of the cache key", async (schemaForm) => {
		const server = await scriptedServer(json(answer), json(answer));
		const ask = async (form: "field" | "prompt" | undefined) => {
			await using llm = new LLM("openai/gpt-4o", {
				baseUrl: server.url,
				keys: ["k"],
				env: { LLMX_HOME: home },
				schemaForm: form,
			});
			await llm.ask("hi", { responseFormat });
		};
		await ask(schemaForm);
		const [first] = server.received.map(({ body }) => JSON.stringify(body));
		expect(first?.includes("json_schema")).toBe(schemaForm === "field");
		expect(first?.includes("JSON Schema")).toBe(schemaForm === "prompt");
		await ask(undefined);
		expect(server.received).toHaveLength(schemaForm === "field" ? 1 : 2);
	});
});
