import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "../helpers/io.ts";
import { json, scriptedServer } from "../providers/scripted-server.ts";

let home: string;
beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "llmx-suggest-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function ask(model: string): Promise<string> {
	const { url } = await scriptedServer(
		json({ error: { message: "no such model", code: "model_not_found" } }, 404),
	);
	const env = { LLMX_HOME: home, OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: "sk-planted-1234567890" };
	const io = createTestIo({ env });
	expect(await main(["ask", "-m", model, "hi"], io)).toBe(1);
	return io.err();
}

describe("a model that the provider does not know", () => {
	it("is answered with the names it most likely stands for", async () => {
		expect(await ask("gpt-4.1-mnii")).toMatch(/did you mean gpt-4\.1-mini.*\?\n {2}see what OpenAI serves/);
	});

	it("is not guessed at when its name is known: then the address is wrong", async () => {
		expect(await ask("gpt-4.1-mini")).not.toContain("did you mean");
	});
});
