import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { LLM } from "../../src/index.ts";
import { createTestIo } from "../helpers/io.ts";
import { type JobBench, jobBench, prompts } from "./harness.ts";

const viaJobs = (output = "out.jsonl", model = "openai/echo") => [
	"batch",
	"in.jsonl",
	"-m",
	model,
	"-o",
	output,
];

/** One request a row, now. */
async function live(bench: JobBench, args: readonly string[]) {
	const io = createTestIo({ cwd: bench.folder, env: bench.env });
	const exitCode = await main([...args, "-y"], io);
	return { exitCode, out: io.out(), err: io.err() };
}

function write(bench: JobBench, rows: readonly (readonly [id: string, prompt: string])[]): void {
	const lines = rows.map(([id, prompt]) => `${JSON.stringify({ id, prompt })}\n`);
	writeFileSync(join(bench.folder, "in.jsonl"), lines.join(""));
}

const booked = (bench: JobBench) => bench.read("home/ledger.jsonl").filter(({ job }) => job !== undefined);

describe("rows that are in jobs", () => {
	it("are not sent live, nor into other results, unless they are to have answers of their own", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(3));
		await bench.run([...viaJobs(), "--detach"]);
		const now = await live(bench, viaJobs());
		expect(now.exitCode).toBe(2);
		expect(now.err).toContain("3 rows are in 1 batch job");
		expect(now.err).toContain("llmx jobs rm openai:3:");
		const elsewhere = await bench.run(viaJobs("other.jsonl"));
		expect(elsewhere.exitCode).toBe(2);
		expect(elsewhere.err).toContain("/out.jsonl; sending them here would pay for them twice");
		expect(bench.simulator.stats.answered).toBe(0);
		expect(bench.submitted()).toBe(3);
		const samples = await bench.run([...viaJobs("other.jsonl"), "--no-cache"]);
		expect(samples.exitCode, samples.err).toBe(0);
		expect(bench.submitted()).toBe(6);
	});

	it("are reckoned with once: a dry run and a cap count the new rows, and the jobs that are open", async () => {
		const bench = await jobBench();
		const capped = [...viaJobs("out.jsonl", "gpt-4.1-mini"), "--max-tokens", "1000", "--max-cost"];
		bench.writeRows(prompts(2));
		// $0.0008 a row at most.
		expect((await bench.run([...capped, "0.0017", "--detach"])).exitCode).toBe(0);
		const { out } = await bench.run([...capped, "0.0017", "--via-jobs", "--dry-run"]);
		expect(out).toContain("in jobs   2 in batch jobs: not sent again");
		expect(out).toContain("to send   0 to");
		bench.writeRows(prompts(3));
		const dear = await bench.run([...capped, "0.0017"]);
		expect(dear.exitCode).toBe(8);
		expect(bench.submitted()).toBe(2);
		bench.writeRows(prompts(2));
		const home = await bench.run([...capped, "0.0001"]);
		expect(home.exitCode, home.err).toBe(0);
		expect(bench.read("out.jsonl")).toHaveLength(2);
	});

	it("stay those of a run whose results file was moved", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(3));
		await bench.run([...viaJobs(), "--detach"]);
		renameSync(join(bench.folder, "out.jsonl"), join(bench.folder, "moved.jsonl"));
		const { exitCode, err } = await bench.run(viaJobs("moved.jsonl"));
		expect(exitCode, err).toBe(0);
		expect(bench.read("moved.jsonl")).toHaveLength(3);
		expect(bench.submitted()).toBe(3);
	});

	it("are found from another home that has the results file, also at another place, and the first one loses nothing", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(5));
		await bench.run([...viaJobs(), "--job-rows", "3", "--detach"]);
		expect(readdirSync(bench.folder)).toContain(".out.jsonl.jobs");
		const [first, second] = [bench.env.LLMX_HOME as string, join(bench.folder, "second-home")];
		const elsewhere = join(bench.folder, "elsewhere");
		for (const name of ["in.jsonl", "out.jsonl", ".out.jsonl.jobs"])
			cpSync(join(bench.folder, name), join(elsewhere, name), { recursive: true });
		bench.env.LLMX_HOME = second;
		const copied = [...viaJobs(join(elsewhere, "out.jsonl")), "--no-cache"];
		expect((await live(bench, copied)).exitCode).toBe(2);
		const { exitCode, err } = await bench.run(copied);
		expect(exitCode, err).toBe(0);
		expect(bench.read("elsewhere/out.jsonl").map(({ text }) => text)).toEqual(prompts(5));
		expect(bench.read("second-home/ledger.jsonl")).toHaveLength(5);
		expect(readdirSync(elsewhere)).not.toContain(".out.jsonl.jobs");
		bench.env.LLMX_HOME = first;
		expect((await bench.run([...viaJobs(), "--no-cache"])).exitCode).toBe(0);
		expect(bench.read("out.jsonl").map(({ text }) => text)).toEqual(prompts(5));
		expect(readdirSync(bench.folder)).not.toContain(".out.jsonl.jobs");
		expect(bench.submitted()).toBe(5);
	});

	it("come home also when they were answered otherwise meanwhile", async () => {
		const bench = await jobBench();
		write(bench, [["a", "one"]]);
		await bench.run([...viaJobs(), "--detach"]);
		// The same prompt under another id fills the cache.
		write(bench, [["b", "one"]]);
		await live(bench, viaJobs("other.jsonl"));
		write(bench, [["a", "one"]]);
		expect((await live(bench, [...viaJobs(), "--cache-only"])).exitCode).toBe(0);
		const { exitCode, err } = await bench.run(viaJobs());
		expect(exitCode, err).toBe(0);
		expect(booked(bench)).toHaveLength(1);
		expect(bench.read("out.superseded.jsonl")).toMatchObject([{ id: "a", text: "one" }]);
		expect((await bench.run(["jobs"])).err).toContain("no jobs are waiting");
	});
});

describe("answers to rows that the input no longer has", () => {
	it("are kept beside the results and booked once, and come back when they are asked for again", async () => {
		const bench = await jobBench();
		const before = [
			["a", "one"],
			["b", "two"],
			["c", "three"],
		] as const;
		write(bench, before);
		await bench.run([...viaJobs(), "--no-cache", "--detach"]);
		write(bench, [
			["a", "one"],
			["b", "changed"],
		]);
		const { exitCode, err } = await bench.run([...viaJobs(), "--no-cache"]);
		expect(exitCode, err).toBe(0);
		expect(err).toContain("also answered 2 rows that this run does not have");
		expect(bench.read("out.jsonl").map(({ text }) => text)).toEqual(["one", "changed"]);
		expect(bench.read("out.superseded.jsonl").map(({ id, text }) => [id, text])).toEqual(
			expect.arrayContaining([
				["b", "two"],
				["c", "three"],
			]),
		);
		expect(booked(bench)).toHaveLength(4);
		write(bench, before);
		expect((await bench.run([...viaJobs(), "--no-cache"])).exitCode).toBe(0);
		expect(bench.read("out.jsonl").map(({ text }) => text)).toEqual(["one", "two", "three"]);
		expect(bench.submitted()).toBe(4);
	});

	it("wait for the whole input when a run takes a part of it", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(6));
		await bench.run([...viaJobs(), "--no-cache", "--detach"]);
		await bench.run([...viaJobs(), "--no-cache", "--limit", "2"]);
		expect(bench.read("out.jsonl")).toHaveLength(2);
		const { exitCode, err } = await bench.run([...viaJobs(), "--no-cache"]);
		expect(exitCode, err).toBe(0);
		expect(bench.read("out.jsonl").map(({ text }) => text)).toEqual(prompts(6));
		expect(bench.submitted()).toBe(6);
		expect(booked(bench)).toHaveLength(6);
	});
});

describe("what an open job may cost", () => {
	it("is set aside of the budget until its results are fetched", async () => {
		const bench = await jobBench();
		mkdirSync(join(bench.folder, "home"));
		const config = JSON.stringify({ budget: { daily: 0.002 } });
		writeFileSync(join(bench.folder, "home/config.json"), config);
		bench.writeRows(prompts(2));
		const first = [...viaJobs("out.jsonl", "gpt-4.1-mini"), "--max-tokens", "1000"];
		expect((await bench.run([...first, "--detach"])).exitCode).toBe(0);
		const second = [...viaJobs("other.jsonl", "gpt-4.1-mini"), "--max-tokens", "1000", "--no-cache"];
		const refused = await bench.run(second);
		expect(refused.exitCode, refused.err).toBe(8);
		expect(bench.submitted()).toBe(2);
		expect((await bench.run(first)).exitCode).toBe(0);
		const then = await bench.run(second);
		expect(then.exitCode, then.err).toBe(0);
	});
});

describe("llmx jobs", () => {
	it("fetch books what no batch command will, once, and the job is done with", async () => {
		const bench = await jobBench();
		const llm = new LLM("openai/echo", { env: bench.env });
		const id = await llm.batchSubmit(["one", "two"]);
		await llm.close();
		for (const output of ["raw.jsonl", "again.jsonl"])
			expect((await bench.run(["jobs", "fetch", id, "-o", output])).exitCode).toBe(0);
		expect(booked(bench)).toHaveLength(2);
		expect((await bench.run(["jobs"])).err).toContain("no jobs are waiting");
		expect(readdirSync(join(bench.folder, "home/jobs"))).toEqual([]);
	});

	it("wait runs a command at the end, with the exit code, however the job ends", async () => {
		for (const [faults, exitCode] of [
			[["none"], 0],
			[["expire"], 1],
		] as const) {
			const bench = await jobBench({ jobs: { faults } });
			bench.writeRows(prompts(2));
			await bench.run([...viaJobs(), "--detach"]);
			const { id } = JSON.parse((await bench.run(["jobs", "list", "--json"])).out) as { id: string };
			const told = join(bench.folder, "told");
			const notify = ["--notify", `printf $LLMX_EXIT_CODE > ${told}; exit 3`];
			const { exitCode: code, err } = await bench.run(["jobs", "wait", id, "--poll", "0.02", ...notify]);
			expect(code, err).toBe(exitCode);
			expect(readFileSync(told, "utf8")).toBe(String(exitCode));
			expect(err).toContain("--notify ended with exit code 3");
		}
	});

	it("rm leaves nothing of a job behind", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(2));
		await bench.run([...viaJobs(), "--detach"]);
		const { id } = JSON.parse((await bench.run(["jobs", "list", "--json"])).out) as { id: string };
		expect((await bench.run(["jobs", "rm", id, "-y"])).exitCode).toBe(0);
		expect(readdirSync(join(bench.folder, "home/jobs"))).toEqual([]);
		expect((await live(bench, viaJobs())).exitCode).toBe(0);
	});
});
