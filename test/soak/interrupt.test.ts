import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { startSimulator } from "../../src/simulator/server.ts";
import { readRecords, startLlmx } from "../batch/helpers/process.ts";
import { seededRandom } from "../batch/helpers/random.ts";

const rows = 400;
const interrupts = 40;
const random = seededRandom(5);

it("a batch that is interrupted at random points says so within 100 ms, is gone within 2 s, and loses nothing", async () => {
	const folder = mkdtempSync(join(tmpdir(), "llmx-interrupt-"));
	const simulator = await startSimulator({ latency: { medianMs: 100, p95Ms: 1_000 } });
	try {
		const lines = Array.from({ length: rows }, (_, index) => `prompt ${index}\n`);
		writeFileSync(join(folder, "prompts.txt"), lines.join(""));
		const args = ["batch", "prompts.txt", "-m", "local/echo", "--no-cache", "--concurrency", "8"];
		const env = { LOCAL_BASE_URL: `${simulator.url}/v1` };
		let told = 0;
		for (let count = 0; count < interrupts; count++) {
			const running = startLlmx(args, folder, env);
			const message = new Promise<number>((resolve) => {
				running.child.stderr?.on("data", () => {
					if (running.err().includes("stopping (SIGINT)")) resolve(performance.now());
				});
			});
			await sleep(50 + 500 * random());
			if (running.isOver()) break;
			const sentAt = performance.now();
			running.child.kill("SIGINT");
			const exit = await running.ended;
			expect(performance.now() - sentAt).toBeLessThan(2_000);
			// Before it listens the signal itself ends it, which a shell calls 130, too.
			expect([130, "SIGINT"]).toContain(exit);
			if (exit !== 130) continue;
			expect((await message) - sentAt).toBeLessThan(100);
			told += 1;
		}
		expect(told).toBeGreaterThan(10);
		const last = startLlmx(args, folder, env);
		expect(await last.ended, last.err()).toBe(0);
		const records = readRecords(join(folder, "prompts.results.jsonl"));
		expect(records.map(({ id, text }) => [id, text])).toEqual(
			lines.map((_, index) => [String(index + 1), `prompt ${index}`]),
		);
	} finally {
		await simulator.close();
		rmSync(folder, { recursive: true, force: true });
	}
});
