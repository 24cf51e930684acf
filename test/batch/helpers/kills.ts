import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { startSimulator } from "../../../src/simulator/server.ts";
import { readRecords, startLlmx, until } from "./process.ts";

export interface KillPlan {
	readonly rows: number;
	readonly kills: number;
	readonly concurrency: number;
	/** 0 <= x < 1. */
	readonly random: () => number;
}

/**
 * Kills a batch at random points, resumes it each time, and lets it finish: every row must be answered exactly once,
 * no line be unreadable, and no more rows be sent twice than were on their way when the process was killed.
 */
export async function killAndResume({ rows, kills, concurrency, random }: KillPlan): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "llmx-kill-"));
	const simulator = await startSimulator({ latency: { medianMs: 8, p95Ms: 25 } });
	try {
		const ids = Array.from({ length: rows }, (_, index) => `row-${index}`);
		const lines = ids.map((id) => `${JSON.stringify({ id, prompt: `prompt of ${id}` })}\n`);
		writeFileSync(join(folder, "prompts.jsonl"), lines.join(""));
		// Without the cache, so that every row that is sent again can be counted at the server.
		const args = [
			"batch",
			"prompts.jsonl",
			"-m",
			"local/echo",
			"--no-cache",
			"--concurrency",
			String(concurrency),
		];
		const env = { LOCAL_BASE_URL: `${simulator.url}/v1` };
		let killed = 0;
		for (let kill = 0; kill < kills; kill++) {
			const before = simulator.stats.requests;
			const share = Math.ceil((rows / kills) * 2 * random());
			const running = startLlmx(args, folder, env);
			await until(running, () => simulator.stats.requests - before >= share);
			running.child.kill("SIGKILL");
			if ((await running.ended) === "SIGKILL") killed += 1;
		}
		const last = startLlmx(args, folder, env);
		expect(await last.ended, last.err()).toBe(0);
		const records = readRecords(join(folder, "prompts.results.jsonl"));
		expect(records.map(({ id }) => id)).toEqual(ids);
		expect(records.every(({ id, text }) => text === `prompt of ${id}`)).toBe(true);
		const twice = simulator.stats.requests - rows;
		expect(twice).toBeLessThanOrEqual(killed * concurrency);
	} finally {
		await simulator.close();
		rmSync(folder, { recursive: true, force: true });
	}
}
