import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { readShardName, resolveShard, shardName } from "../../src/cli/batch/shards/shard.ts";
import { main } from "../../src/cli/main.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { failureOf } from "../helpers/failure.ts";
import { createTestIo } from "../helpers/io.ts";

const engines = {
	kubernetes: (index: number, count: number) => ({
		JOB_COMPLETION_INDEX: `${index}`,
		JOB_COMPLETIONS: `${count}`,
	}),
	slurm: (index: number, count: number) => ({
		SLURM_ARRAY_TASK_ID: `${index}`,
		SLURM_ARRAY_TASK_MIN: "0",
		SLURM_ARRAY_TASK_COUNT: `${count}`,
	}),
	"slurm from 1": (index: number, count: number) => ({
		SLURM_ARRAY_TASK_ID: `${index + 1}`,
		SLURM_ARRAY_TASK_MIN: "1",
		SLURM_ARRAY_TASK_COUNT: `${count}`,
	}),
	"slurm by tens": (index: number, count: number) => ({
		SLURM_ARRAY_TASK_ID: `${10 * index}`,
		SLURM_ARRAY_TASK_MIN: "0",
		SLURM_ARRAY_TASK_STEP: "10",
		SLURM_ARRAY_TASK_COUNT: `${count}`,
	}),
	"AWS Batch": (index: number, count: number) => ({
		AWS_BATCH_JOB_ARRAY_INDEX: `${index}`,
		AWS_BATCH_JOB_ARRAY_SIZE: `${count}`,
	}),
};

describe("--shard auto", () => {
	it.each(Object.entries(engines))("takes every part once from the tasks of %s", (_name, environment) => {
		for (const count of [1, 2, 8, 13]) {
			const taken = Array.from({ length: count }, (_, index) =>
				resolveShard("auto", undefined, environment(index, count)),
			);
			expect(taken.map((shard) => shard?.index)).toEqual(
				Array.from({ length: count }, (_, index) => index + 1),
			);
			expect(taken.every((shard) => shard?.count === count)).toBe(true);
		}
	});

	it("takes the count from --shards where the engine does not say it", () => {
		expect(resolveShard("auto", 4, { PARALLEL_SEQ: "4" })).toEqual({
			index: 4,
			count: 4,
			source: "GNU parallel: PARALLEL_SEQ=4, --shards 4",
		});
		expect(resolveShard("auto", 8, { JOB_COMPLETION_INDEX: "7" })).toMatchObject({ index: 8, count: 8 });
	});

	const wrong: readonly [
		what: string,
		env: Record<string, string>,
		count: number | undefined,
		message: RegExp,
	][] = [
		["no array", {}, undefined, /not the task of a job array/],
		[
			"no count",
			{ JOB_COMPLETION_INDEX: "3" },
			undefined,
			/JOB_COMPLETION_INDEX=3 .* nothing says of how many/,
		],
		[
			"two engines",
			{ SLURM_ARRAY_TASK_ID: "1", PARALLEL_SEQ: "2" },
			8,
			/both SLURM_ARRAY_TASK_ID and PARALLEL_SEQ/,
		],
		[
			"another count",
			engines["AWS Batch"](1, 8),
			4,
			/--shards says 4 shards, and AWS_BATCH_JOB_ARRAY_SIZE says 8/,
		],
		[
			"an index beyond",
			{ JOB_COMPLETION_INDEX: "8" },
			8,
			/JOB_COMPLETION_INDEX=8 is not one of 8 tasks from 0 on/,
		],
		[
			"a task that runs again alone",
			{ ...engines.slurm(5, 1), SLURM_ARRAY_TASK_MIN: "5" },
			8,
			/--shards says 8 shards, and SLURM_ARRAY_TASK_COUNT says 1/,
		],
		[
			"a gap",
			{ SLURM_ARRAY_TASK_ID: "7", SLURM_ARRAY_TASK_MIN: "0", SLURM_ARRAY_TASK_COUNT: "3" },
			undefined,
			/not one of 3 tasks/,
		],
		["words", { JOB_COMPLETION_INDEX: "two" }, 8, /JOB_COMPLETION_INDEX is not a number/],
		["a negative one", { JOB_COMPLETION_INDEX: "-1" }, 8, /is not a number/],
	];
	it.each(wrong)("refuses %s", async (_what, env, count, message) => {
		const error = await failureOf((async () => resolveShard("auto", count, env))());
		expect(error.message).toMatch(message);
		expect(error).toMatchObject({ exitCode: 2 });
	});

	it("names files that can be read back", () => {
		const shard = { index: 3, count: 8 };
		for (const name of [
			"out.jsonl",
			"a.b/out",
			"out.csv",
			"a.results.jsonl",
			"o.jsonl.gz",
			"folder/.hidden",
		]) {
			const own = shardName(name, shard);
			expect(own).toContain(".3-of-8");
			expect(readShardName(own)).toEqual({ ...shard, whole: name });
		}
		expect(shardName("out.jsonl.gz", shard)).toBe("out.3-of-8.jsonl.gz");
		expect(readShardName("prompts.9-of-8.jsonl")).toBeUndefined();
	});
});

describe("the tasks of an array", () => {
	let cwd: string;
	beforeEach(() => {
		cwd = mkdtempSync(join(tmpdir(), "llmx-array-"));
		afterTest(() => rmSync(cwd, { recursive: true, force: true }));
		const rows = Array.from({ length: 200 }, (_, index) =>
			JSON.stringify({ id: `r${index}`, prompt: `row ${index}` }),
		);
		writeFileSync(join(cwd, "p.jsonl"), `${rows.join("\n")}\n`);
	});
	async function task(argv: string[], env: Record<string, string> = {}) {
		const io = createTestIo({ cwd, env: { LLMX_HOME: join(cwd, "home"), ...env } });
		const code = await main(["batch", ...argv], io);
		return { code, err: io.err() };
	}
	const common = [
		"p.jsonl",
		"-m",
		"sim/echo",
		"--shard",
		"auto",
		"-o",
		"out.jsonl",
		"--summary-json",
		"sum.json",
	];

	it("write files of their own, say which shard they took, and share out all rows", async () => {
		for (let index = 0; index < 4; index++) {
			const { code, err } = await task(common, engines.kubernetes(index, 4));
			expect(code).toBe(0);
			expect(err).toContain(
				`llmx: shard ${index + 1} of 4 (Kubernetes: JOB_COMPLETION_INDEX=${index}, JOB_COMPLETIONS=4)\n`,
			);
		}
		const names = readdirSync(cwd).filter((name) => name.startsWith("out.") || name.startsWith("sum."));
		expect(names.toSorted()).toEqual(
			[1, 2, 3, 4].flatMap((n) => [`out.${n}-of-4.jsonl`, `sum.${n}-of-4.json`]).toSorted(),
		);
		const ids = names
			.filter((name) => name.startsWith("out."))
			.flatMap((name) =>
				readFileSync(join(cwd, name), "utf8")
					.trim()
					.split("\n")
					.map((line) => JSON.parse(line).id),
			);
		expect(new Set(ids).size).toBe(200);
		expect(ids).toHaveLength(200);
	});

	it("go on where they were when they are started again", async () => {
		await task([...common, "-q"], engines.slurm(1, 4));
		const before = readFileSync(join(cwd, "out.2-of-4.jsonl"), "utf8");
		const lines = before.split("\n");
		// Killed in the middle of a record.
		writeFileSync(
			join(cwd, "out.2-of-4.jsonl"),
			`${lines.slice(0, 10).join("\n")}\n${lines[10]?.slice(0, 30)}`,
		);
		const { code, err } = await task(common, engines.slurm(1, 4));
		expect(code).toBe(0);
		expect(err).toContain("10 before");
		const idsOf = (text: string) =>
			text
				.trim()
				.split("\n")
				.map((line) => JSON.parse(line).id);
		expect(idsOf(readFileSync(join(cwd, "out.2-of-4.jsonl"), "utf8"))).toEqual(idsOf(before));
	});

	it("are refused when the number of shards has changed", async () => {
		await task([...common, "-q"], engines.slurm(1, 4));
		const { code, err } = await task([...common, "-q"], engines.slurm(1, 5));
		expect(code).toBe(2);
		expect(err).toContain("out.2-of-4.jsonl is one of 4 shards, and this run is one of 5");
		expect(existsSync(join(cwd, "out.2-of-5.jsonl"))).toBe(false);
	});

	it("write a file also when no row is theirs", async () => {
		writeFileSync(join(cwd, "p.jsonl"), '"one row"\n');
		for (let index = 0; index < 3; index++)
			expect((await task([...common, "-q"], engines.kubernetes(index, 3))).code).toBe(0);
		expect(readdirSync(cwd).filter((name) => name.startsWith("out."))).toHaveLength(3);
	});
});
