import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Estimate } from "../../src/batch/estimate.ts";
import { disagreements } from "../../src/cli/jobs/job-totals.ts";
import { noTotals } from "../../src/jobs/dialects/common.ts";
import { noRows } from "../../src/jobs/totals.ts";
import { allPrices } from "../../src/models/price-table.ts";
import type { BatchRow } from "../../src/prompts/row-builder.ts";
import { jobBench, prompts } from "./harness.ts";

const row: BatchRow = {
	line: 1,
	id: "1",
	model: undefined,
	messages: [{ role: "user", content: "hello" }],
	prompt: { text: "hello", system: undefined },
	parameters: { maxTokens: 100 },
	n: 1,
	linksImages: false,
	metadata: undefined,
};

describe("what rows cost now and as jobs", () => {
	it("is known of both ways only where both are published, and either way says the same", () => {
		for (const price of allPrices()) {
			if (price.aboveInputTokens > 0 || price.effectiveTo !== null) continue;
			const model = { provider: price.provider, modelId: price.model, isFree: false, hasJobs: true };
			const [now, viaJobs] = [false, true].map((viaJobs) => {
				const estimate = new Estimate(undefined);
				estimate.add(row, { ...model, viaJobs });
				return estimate;
			}) as [Estimate, Estimate];
			expect(viaJobs.otherWay.usd).toEqual(now.usd);
			expect(now.otherWay.usd).toEqual(viaJobs.usd);
			const isPublished = price.batchInput !== null && price.batchOutput !== null;
			expect(now.otherWay.unpricedRows, `${price.provider}/${price.model}`).toBe(isPublished ? 0 : 1);
			if (!isPublished) expect(now.otherWay.usd).toEqual({ low: 0, high: 0 });
		}
	});

	it("stands in a dry run side by side; unknown where no price of jobs is published", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(3));
		const dryRun = async (...args: string[]) =>
			(await bench.run(["batch", "in.jsonl", "--max-tokens", "50", "--dry-run", ...args])).out;
		expect(await dryRun("-m", "gpt-4.1-mini")).toMatch(
			/cost {6}\$\S+( to \$\S+)?\nas jobs {3}\$\S+( to \$\S+)? with --via-jobs\n/,
		);
		expect(await dryRun("-m", "gpt-4.1-mini", "--via-jobs")).toMatch(
			/cost {6}\$\S+( to \$\S+)? as batch jobs\nnow {7}\$\S+( to \$\S+)? without --via-jobs\n/,
		);
		expect(await dryRun("-m", "openrouter/openai/gpt-4o-mini")).toContain(
			"as jobs   unknown with --via-jobs",
		);
		expect(await dryRun("-m", "sambanova/DeepSeek-V3.1")).not.toContain("as jobs");
		expect(await dryRun("-m", "gpt-4.1-mini", "-m", "sambanova/DeepSeek-V3.1")).not.toContain("as jobs");
	});
});

describe("what cannot go as jobs", () => {
	it("is refused before anything is asked or sent: a provider without a batch API, also in a dry run", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(2));
		bench.env.SAMBANOVA_API_KEY = "k";
		for (const more of [[], ["--dry-run", "--via-jobs"]]) {
			const { exitCode, err } = await bench.run([
				"batch",
				"in.jsonl",
				"-m",
				"sambanova/DeepSeek-V3.1",
				...more,
			]);
			expect(exitCode).toBe(2);
			expect(err).toContain("no batch API that llmx speaks");
			expect(err).toContain("omit --via-jobs");
		}
	});

	it("is refused by row: more answers than one request gives", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(3));
		const { exitCode, err } = await bench.run(["batch", "in.jsonl", "-m", "anthropic/echo", "-n", "2"]);
		expect(exitCode).toBe(2);
		expect(err).toContain("2 answers to a row need several requests");
		expect(bench.submitted()).toBe(0);
		const many = await bench.run(["batch", "in.jsonl", "-m", "openai/echo", "-n", "2", "--no-cache"]);
		expect(many.exitCode, many.err).toBe(0);
		expect(bench.read("in.results.jsonl").map(({ texts }) => (texts as string[]).length)).toEqual([2, 2, 2]);
	});
});

describe("what a provider says that a whole job came to", () => {
	const run = async (model: string, faults: readonly "totals"[]) => {
		const bench = await jobBench({ jobs: { faults } });
		bench.writeRows(prompts(4));
		const outcome = await bench.run(["batch", "in.jsonl", "-m", model, "-o", "out.jsonl", "--no-cache"]);
		expect(outcome.exitCode, outcome.err).toBe(0);
		return outcome.err;
	};

	it("is nothing to speak of when its rows add up to it", async () => {
		expect(await run("openai/echo", [])).not.toContain("the provider");
	});

	it("is told when its rows add up to something else, in tokens or money", async () => {
		expect(await run("openai/echo", ["totals"])).toMatch(
			/the provider counts 1\d\d tokens in and \d+ out, and its rows add up to \d\d tokens in and \d+ out/,
		);
		expect(await run("xai/echo", ["totals"])).toMatch(
			/cost \$\S+, the provider says; the cost of 4 rows of it is unknown/,
		);
	});

	it("is compared to a half percent, for bills are rounded", () => {
		const rows = { ...noRows, usd: 1, inputTokens: 10, outputTokens: 5 };
		const said = (costUsd: number) => disagreements("job", { ...noTotals, costUsd }, rows);
		expect(said(1.004)).toEqual([]);
		expect(said(1.01)).toEqual(["job cost $1.01, the provider says, and its rows add up to $1.00"]);
		expect(disagreements("job", { ...noTotals, inputTokens: 11, outputTokens: 5 }, rows)).toHaveLength(1);
		expect(disagreements("job", { ...noTotals, inputTokens: 10, outputTokens: 5 }, rows)).toEqual([]);
	});
});

describe("a rehearsal of jobs", () => {
	it("makes the jobs that a run makes, sends nothing, and needs no key", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(50));
		delete bench.env.OPENAI_API_KEY;
		const rehearsal = ["batch", "in.jsonl", "-m", "gpt-4.1-mini", "--rehearse", "--job-rows", "20"];
		const { exitCode, out, err } = await bench.run([...rehearsal, "--summary-json", "sum.json"]);
		expect(exitCode, err).toBe(0);
		expect(out).toMatch(/^jobs {6}3 jobs · 50 rows · \d+ kB\n/);
		expect(out).toMatch(/\ncost {6}\$\S+ to \$\S+ as batch jobs\n/);
		expect(out).toContain("at the latest 24 h after they are submitted");
		expect(out).toContain("nothing was submitted");
		expect(bench.submitted()).toBe(0);
		const [{ bytes, ...rest }] = (
			JSON.parse(readFileSync(join(bench.folder, "sum.json"), "utf8")) as {
				models: [Record<string, unknown>];
			}
		).models;
		expect(rest).toMatchObject({ jobs: 3, rows: 50, cached: 0, refused: 0, rounds: 1, promised_hours: 24 });
		bench.env.OPENAI_API_KEY = "k";
		await bench.run(["batch", "in.jsonl", "-m", "gpt-4.1-mini", "--detach", "--job-rows", "20"]);
		expect(Object.values(bench.simulator.jobs).toSorted()).toEqual([10, 20, 20]);
		const submitted = bench.read("home/jobs.jsonl").filter(({ event }) => event === "submitting");
		expect(submitted.reduce((sum, event) => sum + (event.bytes as number), 0)).toBeLessThanOrEqual(
			bytes as number,
		);
	});

	it("reckons with the queue as it was last found, and with a price that nobody publishes", async () => {
		const bench = await jobBench({ jobs: { queuedTokens: 2_000 } });
		bench.writeRows(prompts(60).map((prompt) => prompt.padEnd(400, " and more")));
		await bench.run(["batch", "in.jsonl", "-m", "openai/echo", "-o", "first.jsonl", "--no-cache"]);
		const { out } = await bench.run(["batch", "in.jsonl", "-m", "openai/echo", "--rehearse", "--no-cache"]);
		expect(out).toMatch(/the queue takes them in \d+ rounds/);
		expect(out).toContain("cost      unknown as batch jobs");
	});
});
