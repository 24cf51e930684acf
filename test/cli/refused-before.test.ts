import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "../helpers/io.ts";
import { temporaryFolder } from "../llm/harness.ts";

const keys = { OPENAI_API_KEY: "k", ANTHROPIC_API_KEY: "k", GEMINI_API_KEY: "k", GROQ_API_KEY: "k" };
const plain = { prompt: "hi" };

/** Nobody listens there, so that a request would fail in other words. */
const nowhere = Object.fromEntries(
	["OPENAI", "ANTHROPIC", "GEMINI", "GROQ"].map((name) => [`${name}_BASE_URL`, "http://127.0.0.1:9"]),
);

describe("what a provider or model does not take is refused before the run", () => {
	it.each<[what: string, rows: object[], args: string[], said: string]>([
		[
			"another model",
			[plain],
			["-p", "model=x"],
			'p.jsonl:1: the raw parameter "model" is set by llmx itself',
		],
		["what the provider has not", [plain], ["--top-k", "4"], "p.jsonl:1: OpenAI does not take top_k"],
		[
			"answers that nobody counts",
			[plain],
			["-m", "gemini/gemini-2.5-flash", "-p", 'config={"candidateCount":3}'],
			'p.jsonl:1: the raw parameter "candidateCount" is set by llmx itself',
		],
		[
			"what one model has not",
			[plain, { prompt: "hot", temperature: 1.5 }],
			["-m", "anthropic/claude-haiku-4-5"],
			"p.jsonl:2: Anthropic does not take a temperature of 1.5: it goes from 0 to 1",
		],
		[
			"sound for a model that reads",
			[
				plain,
				{
					messages: [
						{
							role: "user",
							content: [{ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }],
						},
					],
				},
			],
			["-m", "groq/llama-3.3-70b-versatile"],
			"p.jsonl:2: Groq does not take",
		],
	])("%s", async (_, rows, args, said) => {
		const folder = temporaryFolder();
		writeFileSync(join(folder, "p.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
		const env = { LLMX_HOME: join(folder, "home"), ...keys, ...nowhere };
		const io = createTestIo({ env, cwd: folder });
		const model = args.includes("-m") ? [] : ["-m", "gpt-4.1-mini"];
		expect(await main(["batch", "p.jsonl", ...model, ...args, "--yes"], io)).toBe(2);
		expect(io.err()).toContain(said);
		expect(io.err()).toContain("nothing was sent");
		expect(existsSync(join(folder, "p.results.jsonl"))).toBe(false);
	});
});
