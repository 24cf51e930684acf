import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { startProgram } from "../helpers/program.ts";
import { jobBench, prompts } from "../jobs/harness.ts";

/** The most memory that a process has had, in MB; 0 once it is gone, or where that cannot be known. */
function peakMb(pid: number | undefined): number {
	try {
		const status = readFileSync(`/proc/${pid}/status`, "utf8");
		return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1000;
	} catch {
		return 0;
	}
}

it("120,000 rows are split, fetched out of order and merged in flat memory; what is undone is finished live", async () => {
	const bench = await jobBench({ jobs: { lifeMs: 5_000, faults: ["expire", "expire", "expire"] } });
	const count = 120_000;
	bench.writeRows(prompts(count));
	const argv = [
		"batch",
		"in.jsonl",
		"-m",
		"openai/echo",
		"-o",
		"out.jsonl",
		"--no-cache",
		"--via-jobs",
		"-y",
	];
	const run = startProgram([...argv, "--poll", "2", "--finish-live", "-q"], {
		cwd: bench.folder,
		env: bench.env,
	});
	let peak = 0;
	const timer = setInterval(() => {
		peak = Math.max(peak, peakMb(run.child.pid));
	}, 100);
	const { code, err } = await run.ended;
	clearInterval(timer);
	expect(code, err).toBe(0);
	expect(Object.values(bench.simulator.jobs).sort()).toEqual([20_000, 50_000, 50_000]);
	expect(bench.simulator.stats.answered).toBe(count / 2);
	const results = bench.read("out.jsonl");
	expect(results).toHaveLength(count);
	expect(results.every(({ id, text }, index) => id === `id ${index}` && text === `row number ${index}`)).toBe(
		true,
	);
	console.log(`peak memory: ${Math.round(peak)} MB`);
	expect(peak).toBeLessThan(250);
});
