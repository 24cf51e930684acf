import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Papa from "papaparse";
import { describe, expect, it } from "vitest";
import { startSimulator } from "../../src/simulator/server.ts";
import { startLlmx, until } from "./helpers/process.ts";

const source = fileURLToPath(new URL("../../../shared/prompts/gsm8k_test.jsonl", import.meta.url));

describe.skipIf(!existsSync(source))("GSM8K", () => {
	it("runs whole against a limited server, is killed twice, resumed, and ends in a clean table", async () => {
		const folder = mkdtempSync(join(tmpdir(), "llmx-gsm8k-"));
		const simulator = await startSimulator({ limits: { requestsPerMinute: 30_000 }, latency: 10 });
		try {
			copyFileSync(source, join(folder, "gsm8k.jsonl"));
			const questions = readFileSync(source, "utf8")
				.trim()
				.split("\n")
				.map((line) => JSON.parse(line) as { question: string; answer: string });
			const args = [
				"batch",
				"gsm8k.jsonl",
				"-m",
				"together_ai/echo",
				"--column",
				"question",
				"-o",
				"out.csv",
			];
			const env = { TOGETHER_BASE_URL: `${simulator.url}/v1`, TOGETHER_API_KEY: "sk-test" };
			for (const answered of [300, 700]) {
				const running = startLlmx([...args, "--yes"], folder, env);
				await until(running, () => simulator.stats.answered >= answered);
				running.child.kill("SIGKILL");
				expect(await running.ended).toBe("SIGKILL");
				expect(existsSync(join(folder, "out.csv"))).toBe(false);
			}
			const last = startLlmx([...args, "--yes"], folder, env);
			expect(await last.ended, last.err()).toBe(0);
			const { data, errors, meta } = Papa.parse<Record<string, string>>(
				readFileSync(join(folder, "out.csv"), "utf8"),
				{ header: true, skipEmptyLines: true },
			);
			expect(errors).toEqual([]);
			expect(meta.fields).toEqual(["question", "answer", "answer_1"]);
			expect(data.map(({ question, answer }) => ({ question, answer }))).toEqual(questions);
			expect(data.every(({ question, answer_1 }) => question === answer_1)).toBe(true);
			// What was on its way at the two kills is all that was sent twice, and the cache has some of that.
			expect(simulator.stats.answered).toBeLessThan(questions.length + 2 * 512);
		} finally {
			await simulator.close();
			rmSync(folder, { recursive: true, force: true });
		}
	}, 180_000);
});
