import { expect } from "vitest";
import type { JobFault } from "../../src/simulator/jobs/faults.ts";
import { startProgram } from "../helpers/program.ts";
import { jobBench, prompts } from "./harness.ts";

export interface JobKillOptions {
	readonly rows: number;
	readonly jobRows: number;
	readonly kills: number;
	readonly faults: readonly JobFault[];
	readonly model: string;
	/** 0 <= x < 1. */
	readonly random: () => number;
	/** A kill comes within so many ms of the start. */
	readonly withinMs: number;
	/** So much time passes between two runs, as far as they know. */
	readonly pauseMs: number;
}

/**
 * Runs a batch of jobs as a process, kills it with SIGKILL at random moments of submitting, waiting and fetching, and
 * runs the same command until it is done. Then: no job too many, every row once in the results, booked once. Returns how
 * many of the kills met a run that had not ended yet.
 */
export async function killJobs(options: JobKillOptions): Promise<number> {
	const { rows, jobRows, kills, faults, model, random, withinMs, pauseMs } = options;
	const bench = await jobBench({ jobs: { lifeMs: (withinMs * kills) / 3, faults } });
	bench.writeRows(prompts(rows));
	const argv = ["batch", "in.jsonl", "-m", model, "-o", "out.jsonl", "--no-cache", "--via-jobs", "-y", "-q"];
	const start = () =>
		startProgram([...argv, "--poll", "0.1", "--job-rows", String(jobRows)], {
			cwd: bench.folder,
			env: bench.env,
		});
	let last = { code: 1 as number | null, err: "" };
	let killed = 0;
	for (let kill = 0; kill < kills && last.code !== 0; kill++) {
		const run = start();
		const timer = setTimeout(() => run.child.kill("SIGKILL"), random() * withinMs);
		last = await run.ended;
		clearTimeout(timer);
		if (last.code === null) killed += 1;
		bench.age(pauseMs);
	}
	for (let tries = 0; last.code !== 0 && tries < 3; tries++) last = await start().ended;
	expect(last.code, last.err).toBe(0);
	expect(Object.keys(bench.simulator.jobs)).toHaveLength(Math.ceil(rows / jobRows));
	expect(bench.submitted()).toBe(rows);
	const results = bench.read("out.jsonl");
	expect(results.map(({ text }) => text)).toEqual(prompts(rows));
	const booked = bench.read("home/ledger.jsonl").map(({ row }) => row);
	expect(booked).toHaveLength(rows);
	expect(new Set(booked).size).toBe(rows);
	return killed;
}
