import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { createTestIo } from "../helpers/io.ts";
import { temporaryFolder } from "../llm/harness.ts";

/** Answers every request after a moment, with so many tokens. */
async function slowServer(outputTokens: number): Promise<string> {
	const server = createServer((request, response) => {
		request.resume().on("end", () => {
			const usage = { prompt_tokens: 10, completion_tokens: outputTokens, total_tokens: 10 + outputTokens };
			const message = { role: "assistant", content: "as it is" };
			const answer = { choices: [{ index: 0, message, finish_reason: "stop" }], usage };
			setTimeout(() => response.end(JSON.stringify(answer)), 60);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	afterTest(() => void server.close());
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

/** Runs three rows at each of two models under one cap. */
async function run(maxCost: string, outputTokens: number) {
	const folder = temporaryFolder();
	const row = (number: number) => JSON.stringify({ prompt: `question ${number}`, max_tokens: 1_000 });
	writeFileSync(join(folder, "p.jsonl"), [1, 2, 3].map(row).join("\n"));
	const env = {
		LLMX_HOME: join(folder, "home"),
		OPENAI_API_KEY: "k",
		OPENAI_BASE_URL: await slowServer(outputTokens),
	};
	const io = createTestIo({ env, cwd: folder });
	const models = ["-m", "gpt-4.1-mini", "-m", "gpt-4.1"];
	const exitCode = await main(["batch", "p.jsonl", ...models, "--max-cost", maxCost], io);
	const answers = readFileSync(join(folder, "p.results.jsonl"), "utf8").trim().split("\n");
	return { exitCode, err: io.err(), answers };
}

describe("a cap over two models", () => {
	it("lets one wait for what the other leaves", async () => {
		// $0.0016 and $0.008 are set aside for an answer of each: there is room for one at a time.
		const { exitCode, answers, err } = await run("0.0085", 10);
		expect({ exitCode, answers: answers.length }, err).toEqual({ exitCode: 0, answers: 6 });
	});

	it("is named as what ended the run", async () => {
		const { exitCode, answers, err } = await run("0.0085", 1_000);
		expect(answers.length).toBeLessThan(6);
		expect(exitCode).toBe(8);
		expect(err).toContain("the next answer could exceed --max-cost");
	});
});
