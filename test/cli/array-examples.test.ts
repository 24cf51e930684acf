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
import { beforeEach, describe, expect, it } from "vitest";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { programPath } from "../helpers/program.ts";
import { parseYaml } from "../helpers/yaml.ts";

const shards = 8;
const rows = 240;
const examples = fileURLToPath(new URL("../../examples/arrays", import.meta.url));
const read = (name: string) => readFileSync(join(examples, name), "utf8");

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

const jobOf = (name: string) => parseYaml(read(name)) as Job;
const containerOf = (name: string) => jobOf(name).spec.template.spec.containers[0] as Container;

/** A task as its engine starts it. */
interface Task {
	readonly argv: readonly string[];
	readonly env: Readonly<Record<string, string>>;
}

const kubernetes = (index: number): Task => {
	const { command, args, env } = containerOf("kubernetes.yaml");
	const set = env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]));
	return {
		argv: [...command, ...args],
		env: { ...Object.fromEntries(set), JOB_COMPLETION_INDEX: `${index}` },
	};
};

const slurm = (index: number): Task => ({
	argv: ["sh", join(examples, "slurm.sbatch")],
	env: { SLURM_ARRAY_TASK_ID: `${index}`, SLURM_ARRAY_TASK_MIN: "0", SLURM_ARRAY_TASK_COUNT: `${shards}` },
});

interface JobDefinition {
	readonly retryStrategy: { readonly attempts: number };
	readonly containerProperties: {
		readonly command: readonly string[];
		readonly environment: readonly { readonly name: string; readonly value: string }[];
		readonly secrets: readonly unknown[];
	};
}

const awsBatch = (index: number): Task => {
	const { containerProperties } = JSON.parse(read("aws-batch.json")) as JobDefinition;
	const set = containerProperties.environment.map(({ name, value }) => [name, value]);
	const env = { AWS_BATCH_JOB_ARRAY_INDEX: `${index}`, AWS_BATCH_JOB_ARRAY_SIZE: `${shards}` };
	return { argv: containerProperties.command, env: { ...Object.fromEntries(set), ...env } };
};

let folder: string;
let simulator: Simulator;
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), "llmx-examples-"));
	afterTest(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
	simulator = await startSimulator({ latency: 40, logSize: 10 * rows });
	afterTest(() => simulator.close());
	const lines = Array.from({ length: rows }, (_, index) =>
		JSON.stringify({ id: `r${index}`, prompt: `row ${index}` }),
	);
	mkdirSync(join(folder, "data"));
	writeFileSync(join(folder, "data", "prompts.jsonl"), `${lines.join("\n")}\n`);
	mkdirSync(join(folder, "bin"));
	program("llmx", `exec "${process.execPath}" "${programPath}" "$@"`);
});

function program(name: string, script: string): void {
	writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${script}\n`);
	chmodSync(join(folder, "bin", name), 0o755);
}

function start({ argv, env }: Task): ChildProcess {
	const [command = "", ...rest] = argv;
	return spawn(command, rest, {
		cwd: folder,
		// A group of its own, which is killed whole, as a container is.
		detached: true,
		stdio: "ignore",
		env: {
			...env,
			PATH: `${join(folder, "bin")}:${process.env.PATH}`,
			DATA: join(folder, "data"),
			MODEL: "local/echo",
			LOCAL_BASE_URL: `${simulator.url}/v1`,
			NODE_DISABLE_COMPILE_CACHE: "1",
		},
	});
}

const endOf = (child: ChildProcess) =>
	new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));

/** Runs the 8 tasks side by side; some are killed on the way, and started again until they end, as engines do. */
async function runArray(
	task: (index: number) => Task,
	killed: ReadonlySet<number>,
): Promise<(number | null)[]> {
	return Promise.all(
		Array.from({ length: shards }, async (_, index) => {
			let child = start(task(index));
			if (killed.has(index)) {
				const results = join(folder, "data", `out.${index + 1}-of-${shards}.jsonl`);
				while (child.exitCode === null && !(existsSync(results) && readFileSync(results).length > 0))
					await new Promise((resolve) => setTimeout(resolve, 5));
				if (child.exitCode === null) {
					const ended = endOf(child);
					process.kill(-(child.pid as number), "SIGKILL");
					await ended;
				}
				child = start(task(index));
			}
			return endOf(child);
		}),
	);
}

const merge = async () => {
	const { command, args } = containerOf("kubernetes-merge.yaml");
	return endOf(start({ argv: [...command, ...args], env: {} }));
};

describe("the array of 8 tasks of", () => {
	it.each([
		["kubernetes.yaml", kubernetes],
		["slurm.sbatch", slurm],
		["aws-batch.json", awsBatch],
	])("%s answers each row once, also when tasks are killed", async (_name, task) => {
		const killed = new Set([2, 5, 7]);
		expect(await runArray(task, killed)).toEqual(Array(shards).fill(0));
		expect(await merge()).toBe(0);
		const data = join(folder, "data");
		const ids = readFileSync(join(data, "all.jsonl"), "utf8")
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line).id);
		expect(ids).toEqual(Array.from({ length: rows }, (_, index) => `r${index}`));
		const summary = JSON.parse(readFileSync(join(data, "summary.json"), "utf8"));
		expect(summary).toMatchObject({ shards, rows, missing: 0 });
		expect(summary.answered + summary.done_before).toBe(rows);
		expect(existsSync(join(data, "all.html"))).toBe(true);
		// What was not on its way at a kill was sent once.
		const sent = new Map<string, number>();
		for (const { prompt } of simulator.requests) sent.set(prompt, (sent.get(prompt) ?? 0) + 1);
		const twice = [...sent.values()].filter((count) => count > 1).length;
		expect(twice).toBeLessThanOrEqual(64 * killed.size);
		expect(Math.max(...sent.values())).toBeLessThanOrEqual(2);
		expect(readdirSync(data).filter((name) => name.endsWith(".lock") || name.endsWith(".inflight"))).toEqual(
			[],
		);
	});

	it("object-store.sh answers each row once, with a store of which a task has but a copy", async () => {
		// `aws s3 sync FROM TO …`, with folders for buckets.
		program(
			"aws",
			`from=$(echo "$3" | sed 's#^s3://#${join(folder, "store")}/#'); to=$(echo "$4" | sed 's#^s3://#${join(folder, "store")}/#')
mkdir -p "$from" "$to" && cp -r "$from/." "$to" && rm -rf "$to"/*/*.lock`,
		);
		const store = join(folder, "store", "run");
		mkdirSync(join(store, "input"), { recursive: true });
		writeFileSync(join(store, "input", "prompts.jsonl"), readFileSync(join(folder, "data", "prompts.jsonl")));
		const task = (index: number): Task => ({
			argv: [join(examples, "object-store.sh"), "prompts.jsonl", "-m", "local/echo", "-q"],
			env: {
				STORE: "s3://run",
				SHARDS: `${shards}`,
				WORK: join(folder, `work-${index}`),
				JOB_COMPLETION_INDEX: `${index}`,
			},
		});
		const codes = await Promise.all(Array.from({ length: shards }, (_, index) => endOf(start(task(index)))));
		expect(codes).toEqual(Array(shards).fill(0));
		// On another machine, with nothing but the store.
		rmSync(join(folder, "work-3"), { recursive: true });
		const before = simulator.stats.requests;
		expect(await endOf(start(task(3)))).toBe(0);
		expect(simulator.stats.requests).toBe(before);
		const argv = [
			"llmx",
			"batch",
			"merge",
			"store/run/shards/*/out/*-of-8.jsonl",
			"-o",
			"all.jsonl",
			"--input",
			"data/prompts.jsonl",
		];
		expect(await endOf(start({ argv, env: {} }))).toBe(0);
		expect(readFileSync(join(folder, "all.jsonl"), "utf8").trim().split("\n")).toHaveLength(rows);
	});
});

it("parallel.sh starts 8 tasks, again what failed, and merges", async () => {
	// A stand-in for GNU parallel: one process for each argument behind `:::`, with its number.
	program(
		"parallel",
		`while [ "$1" != ":::" ]; do script="$1"; shift; done; shift
seq=0; pids=""
for one in "$@"; do seq=$((seq + 1)); PARALLEL_SEQ=$seq sh -c "$script" & pids="$pids $!"; done
failed=0; for pid in $pids; do wait "$pid" || failed=$((failed + 1)); done; exit "$failed"`,
	);
	expect(await endOf(start({ argv: [join(examples, "parallel.sh")], env: {} }))).toBe(0);
	expect(
		readFileSync(join(folder, "data", "all.jsonl"), "utf8")
			.trim()
			.split("\n"),
	).toHaveLength(rows);
});

it("the manifests name resources, retries, secrets and the number of shards once each", () => {
	const { spec } = jobOf("kubernetes.yaml");
	const container = containerOf("kubernetes.yaml");
	expect(spec).toMatchObject({ completionMode: "Indexed", completions: shards, backoffLimitPerIndex: 10 });
	expect(container.env.find(({ name }) => name === "JOB_COMPLETIONS")?.value).toBe(`${shards}`);
	expect(container.env.some(({ name, value }) => name === "OPENAI_API_KEY" && value === undefined)).toBe(
		true,
	);
	expect(container.resources).toEqual({ requests: { cpu: "1", memory: "512Mi" }, limits: { memory: "1Gi" } });
	const batch = JSON.parse(read("aws-batch.json")) as JobDefinition;
	expect(batch.retryStrategy.attempts).toBe(10);
	expect(batch.containerProperties.secrets).toHaveLength(1);
	expect(read("slurm.sbatch")).toMatch(/^#SBATCH --array=0-7$/m);
	// No example holds a key.
	for (const name of readdirSync(examples)) expect(read(name)).not.toMatch(/sk-\w|AKIA/);
});
