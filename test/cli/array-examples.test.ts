import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import {
	ArrayOfTasks,
	awsBatch,
	containerOf,
	endOf,
	examples,
	type JobDefinition,
	jobOf,
	kubernetes,
	merge,
	read,
	rows,
	shards,
	slurm,
	type Task,
} from "../helpers/array-tasks.ts";

let array: ArrayOfTasks;
beforeEach(async () => {
	array = await ArrayOfTasks.create();
});

describe("the array of 8 tasks of", () => {
	// All of them as processes, with more kills, are in test/soak.
	it("slurm.sbatch answers each row once, also when a task is killed", async () => {
		const killed = 5;
		const others = Array.from({ length: shards }, (_, index) => index).filter((index) => index !== killed);
		const codes = others.map((index) => array.runHere(slurm(index)));
		expect(await array.killAndRun(slurm(killed), killed)).toBe(0);
		expect(await Promise.all(codes)).toEqual(Array(shards - 1).fill([0]));
		expect(await endOf(array.start(merge()))).toBe(0);
		array.expectAnswered(1);
	});

	it.each([
		["kubernetes.yaml", kubernetes],
		["aws-batch.json", awsBatch],
	])("%s answers each row once", async (_name, task) => {
		const tasks = Array.from({ length: shards }, (_, index) => array.runHere(task(index)));
		expect(await Promise.all(tasks)).toEqual(Array(shards).fill([0]));
		expect(await array.runHere(merge())).toEqual([0]);
		array.expectAnswered(0);
	});

	it("object-store.sh answers each row once, with a store of which a task has but a copy", async () => {
		// `aws s3 sync FROM TO …`, with folders for buckets.
		array.addProgram(
			"aws",
			`from=$(echo "$3" | sed 's#^s3://#${join(array.folder, "store")}/#'); to=$(echo "$4" | sed 's#^s3://#${join(array.folder, "store")}/#')
mkdir -p "$from" "$to" && cp -r "$from/." "$to" && rm -rf "$to"/*/*.lock`,
		);
		const few = 2;
		const store = join(array.folder, "store", "run");
		mkdirSync(join(store, "input"), { recursive: true });
		writeFileSync(
			join(store, "input", "prompts.jsonl"),
			readFileSync(join(array.folder, "data", "prompts.jsonl")),
		);
		const task = (index: number): Task => ({
			argv: [join(examples, "object-store.sh"), "prompts.jsonl", "-m", "local/echo", "-q"],
			env: {
				STORE: "s3://run",
				SHARDS: `${few}`,
				WORK: join(array.folder, `work-${index}`),
				JOB_COMPLETION_INDEX: `${index}`,
			},
		});
		const codes = await Promise.all(
			Array.from({ length: few }, (_, index) => endOf(array.start(task(index)))),
		);
		expect(codes).toEqual(Array(few).fill(0));
		// On another machine, with nothing but the store.
		rmSync(join(array.folder, "work-1"), { recursive: true });
		const before = array.simulator.stats.requests;
		expect(await endOf(array.start(task(1)))).toBe(0);
		expect(array.simulator.stats.requests).toBe(before);
		const argv = [
			"llmx",
			"batch",
			"merge",
			"store/run/shards/*/out/*-of-2.jsonl",
			"-o",
			"all.jsonl",
			"--input",
			"data/prompts.jsonl",
		];
		expect(await array.runHere({ argv, env: {} })).toEqual([0]);
		expect(readFileSync(join(array.folder, "all.jsonl"), "utf8").trim().split("\n")).toHaveLength(rows);
	});
});

it("parallel.sh starts 8 tasks, again what failed, and merges", async () => {
	// A stand-in for GNU parallel: one process for each argument behind `:::`, with its number.
	array.addProgram(
		"parallel",
		`while [ "$1" != ":::" ]; do script="$1"; shift; done; shift
seq=0; pids=""
for one in "$@"; do seq=$((seq + 1)); PARALLEL_SEQ=$seq sh -c "$script" & pids="$pids $!"; done
failed=0; for pid in $pids; do wait "$pid" || failed=$((failed + 1)); done; exit "$failed"`,
		"seen",
	);
	expect(await array.runHere({ argv: [join(examples, "parallel.sh")], env: {} })).toEqual(
		Array(shards + 1).fill(0),
	);
	expect(
		readFileSync(join(array.folder, "data", "all.jsonl"), "utf8")
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
