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
