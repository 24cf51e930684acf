import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Papa from "papaparse";
import { expect } from "vitest";
import { startSimulator } from "../../../src/simulator/server.ts";
import { startLlmx, until } from "./process.ts";

export interface Workload {
	/** Lines with a `question` and an `answer`. */
	readonly prompts: string;
	/** How many answers the server has given when the run is killed. */
	readonly kills: readonly number[];
	readonly requestsPerMinute: number;
	readonly flags?: readonly string[];
	/** What was in flight at the kills is all that may be sent twice. */
	readonly mostSentTwice: number;
}

/** Runs a workload as a user would who kills it twice: what comes out is whole, and nothing was asked for twice. */
export async function survives({ prompts, kills, requestsPerMinute, flags = [], mostSentTwice }: Workload) {
	const folder = mkdtempSync(join(tmpdir(), "llmx-problems-"));
	const simulator = await startSimulator({ limits: { requestsPerMinute }, latency: 10 });
	try {
		copyFileSync(prompts, join(folder, "problems.jsonl"));
		const questions = readFileSync(prompts, "utf8")
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line) as { question: string; answer: string });
		const run = [
			"batch",
			"problems.jsonl",
			"-m",
			"together_ai/echo",
			"--column",
			"question",
			"-o",
			"out.csv",
		];
		const args = [...run, ...flags, "--yes"];
		const env = { TOGETHER_BASE_URL: `${simulator.url}/v1`, TOGETHER_API_KEY: "sk-test" };
		for (const answered of kills) {
			const running = startLlmx(args, folder, env);
			await until(running, () => simulator.stats.answered >= answered);
			running.child.kill("SIGKILL");
			expect(await running.ended).toBe("SIGKILL");
			expect(existsSync(join(folder, "out.csv"))).toBe(false);
		}
		const last = startLlmx(args, folder, env);
		expect(await last.ended, last.err()).toBe(0);
		const { data, errors, meta } = Papa.parse<Record<string, string>>(
			readFileSync(join(folder, "out.csv"), "utf8"),
			{ header: true, skipEmptyLines: true },
		);
		expect(errors).toEqual([]);
		// The input has a column called "answer" already.
		expect(meta.fields).toEqual(["question", "answer", "answer_1", "finish_reason", "error"]);
		expect(data.map(({ question, answer }) => ({ question, answer }))).toEqual(questions);
		expect(data.every(({ question, answer_1 }) => question === answer_1)).toBe(true);
		expect(simulator.stats.answered).toBeLessThanOrEqual(questions.length + mostSentTwice);
	} finally {
		await simulator.close();
		rmSync(folder, { recursive: true, force: true });
	}
}
