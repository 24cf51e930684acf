import { type ChildProcess, spawn } from "node:child_process";
import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { main } from "../../src/cli/main.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import { afterTest } from "./cleanup.ts";
import { createTestIo } from "./io.ts";
import { programPath, sharedCodeCache } from "./program.ts";
import { parseYaml } from "./yaml.ts";

export const shards = 8;
export const rows = 240;
export const examples = fileURLToPath(new URL("../../examples/arrays", import.meta.url));
export const read = (name: string) => readFileSync(join(examples, name), "utf8");

interface Container {
	readonly command: readonly string[];
	readonly args: readonly string[];
	readonly env: readonly { readonly name: string; readonly value?: string }[];
	readonly resources: { readonly requests: object; readonly limits: object };
}

interface Job {
	readonly spec: {
		readonly completionMode?: string;
		readonly completions?: number;
		readonly backoffLimitPerIndex?: number;
		readonly template: {
			readonly spec: { readonly restartPolicy: string; readonly containers: readonly Container[] };
		};
	};
}

export const jobOf = (name: string) => parseYaml(read(name)) as Job;
export const containerOf = (name: string) => jobOf(name).spec.template.spec.containers[0] as Container;

/** A task as its engine starts it. */
export interface Task {
	readonly argv: readonly string[];
	readonly env: Readonly<Record<string, string>>;
}

export const kubernetes = (index: number): Task => {
	const { command, args, env } = containerOf("kubernetes.yaml");
	const set = env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]));
	return {
		argv: [...command, ...args],
		env: { ...Object.fromEntries(set), JOB_COMPLETION_INDEX: `${index}` },
	};
};

export const slurm = (index: number): Task => ({
	argv: ["sh", join(examples, "slurm.sbatch")],
	env: { SLURM_ARRAY_TASK_ID: `${index}`, SLURM_ARRAY_TASK_MIN: "0", SLURM_ARRAY_TASK_COUNT: `${shards}` },
});

export interface JobDefinition {
	readonly retryStrategy: { readonly attempts: number };
	readonly containerProperties: {
		readonly command: readonly string[];
		readonly environment: readonly { readonly name: string; readonly value: string }[];
		readonly secrets: readonly unknown[];
	};
}

export const awsBatch = (index: number): Task => {
	const { containerProperties } = JSON.parse(read("aws-batch.json")) as JobDefinition;
	const set = containerProperties.environment.map(({ name, value }) => [name, value]);
	const env = { AWS_BATCH_JOB_ARRAY_INDEX: `${index}`, AWS_BATCH_JOB_ARRAY_SIZE: `${shards}` };
	return { argv: containerProperties.command, env: { ...Object.fromEntries(set), ...env } };
};

/** What stands in for `llmx` where it is only to be seen how it is called: leaves that behind, and is done. */
const caller =
	'd="$CALLS/$(date +%s%N)-$$"; mkdir -p "$d"; pwd > "$d/cwd"; env -0 > "$d/env"; printf "%s\\0" "$@" > "$d/argv"';

/** A folder with prompts, a server that answers them, and programs that the tasks of an array find on their path. */
export class ArrayOfTasks {
	readonly folder = mkdtempSync(join(tmpdir(), "llmx-examples-"));
	readonly data = join(this.folder, "data");
	readonly simulator: Simulator;

	private constructor(simulator: Simulator) {
		this.simulator = simulator;
		afterTest(() => rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 }));
		const lines = Array.from({ length: rows }, (_, index) =>
			JSON.stringify({ id: `r${index}`, prompt: `row ${index}` }),
		);
		mkdirSync(this.data);
		writeFileSync(join(this.data, "prompts.jsonl"), `${lines.join("\n")}\n`);
		mkdirSync(join(this.folder, "bin"));
		this.addProgram("llmx", `exec "${process.execPath}" "${programPath}" "$@"`);
		mkdirSync(join(this.folder, "seen"));
		this.addProgram("llmx", caller, "seen");
	}

	static async create(): Promise<ArrayOfTasks> {
		const simulator = await startSimulator({ latency: 40, logSize: 10 * rows });
		afterTest(() => simulator.close());
		return new ArrayOfTasks(simulator);
	}

	addProgram(name: string, script: string, programs = "bin"): void {
		const path = join(this.folder, programs, name);
		writeFileSync(path, `#!/bin/sh\n${script}\n`);
		chmodSync(path, 0o755);
	}

	/** Starts a task as a process; `programs`: which of them it finds. */
	start({ argv, env }: Task, programs = "bin"): ChildProcess {
		const [command = "", ...rest] = argv;
		return spawn(command, rest, {
			cwd: this.folder,
			// A group of its own, which is killed whole, as a container is.
			detached: true,
			stdio: "ignore",
			env: {
				...env,
				PATH: `${join(this.folder, programs)}:${process.env.PATH}`,
				DATA: this.data,
				MODEL: "local/echo",
				LOCAL_BASE_URL: `${this.simulator.url}/v1`,
				...sharedCodeCache,
			},
		});
	}

	/** Runs a task's script as a process, and each call of `llmx` that it makes in this one; returns their exit codes. */
	async runHere(task: Task): Promise<number[]> {
		const calls = mkdtempSync(join(this.folder, "calls-"));
		expect(await endOf(this.start({ ...task, env: { ...task.env, CALLS: calls } }, "seen"))).toBe(0);
		const codes: number[] = [];
		for (const call of readdirSync(calls).sort()) {
			const wordsOf = (name: string) =>
				readFileSync(join(calls, call, name), "utf8")
					.split("\0")
					.slice(0, -1);
			const env = Object.fromEntries(
				wordsOf("env").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
			);
			const cwd = readFileSync(join(calls, call, "cwd"), "utf8").trimEnd();
			codes.push(await main(wordsOf("argv"), createTestIo({ env, cwd, stdin: "" })));
		}
		return codes;
	}

	/** Runs the 8 tasks side by side; some are killed on the way, and started again until they end, as engines do. */
	async run(task: (index: number) => Task, killed: ReadonlySet<number>): Promise<(number | null)[]> {
		return Promise.all(
			Array.from({ length: shards }, (_, index) =>
				killed.has(index) ? this.killAndRun(task(index), index) : endOf(this.start(task(index))),
			),
		);
	}

	/** Starts a task as a process, kills it once it has answers, and starts it again. */
	async killAndRun(task: Task, index: number): Promise<number | null> {
		const child = this.start(task);
		const results = join(this.data, `out.${index + 1}-of-${shards}.jsonl`);
		while (child.exitCode === null && !(existsSync(results) && readFileSync(results).length > 0))
			await new Promise((resolve) => setTimeout(resolve, 5));
		if (child.exitCode === null) {
			const ended = endOf(child);
			process.kill(-(child.pid as number), "SIGKILL");
			await ended;
		}
		return endOf(this.start(task));
	}

	/** All rows are answered, merged in their order, and sent once, but for those that were on their way at a kill. */
	expectAnswered(kills: number): void {
		const ids = readFileSync(join(this.data, "all.jsonl"), "utf8")
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line).id);
		expect(ids).toEqual(Array.from({ length: rows }, (_, index) => `r${index}`));
		const summary = JSON.parse(readFileSync(join(this.data, "summary.json"), "utf8"));
		expect(summary).toMatchObject({ shards, rows, missing: 0 });
		expect(summary.answered + summary.done_before).toBe(rows);
		expect(existsSync(join(this.data, "all.html"))).toBe(true);
		const sent = new Map<string, number>();
		for (const { prompt } of this.simulator.requests) sent.set(prompt, (sent.get(prompt) ?? 0) + 1);
		const twice = [...sent.values()].filter((count) => count > 1).length;
		expect(twice).toBeLessThanOrEqual(64 * kills);
		expect(Math.max(...sent.values())).toBeLessThanOrEqual(2);
		expect(
			readdirSync(this.data).filter((name) => name.endsWith(".lock") || name.endsWith(".inflight")),
		).toEqual([]);
	}
}

export const endOf = (child: ChildProcess) =>
	new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));

export const merge = (): Task => {
	const { command, args } = containerOf("kubernetes-merge.yaml");
	return { argv: [...command, ...args], env: {} };
};
