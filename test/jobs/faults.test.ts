import { describe, expect, it } from "vitest";
import { type JobFault, jobFaults } from "../../src/simulator/jobs/faults.ts";
import { seededRandom } from "../../src/simulator/random.ts";
import type { TestIo } from "../helpers/io.ts";
import { type JobBench, type JobProvider, jobBench, jobProviders, prompts } from "./harness.ts";

const args = (model: string) => ["batch", "in.jsonl", "-m", model, "-o", "out.jsonl", "--no-cache"];

/** Nothing lost, nothing twice: whatever happened on the way. */
function expectWhole(bench: JobBench, count: number): void {
	const results = bench.read("out.jsonl");
	expect(results.map(({ id }) => id)).toEqual(prompts(count).map((_, index) => `id ${index}`));
	expect(results.map(({ text }) => text)).toEqual(prompts(count));
	const booked = bench.read("home/ledger.jsonl").filter(({ status }) => status === "ok");
	expect(booked).toHaveLength(count);
	expect(new Set(booked.map(({ row }) => row)).size).toBe(count);
	const sum = (rows: readonly { readonly cost_usd?: unknown }[]) =>
		rows.reduce((usd, row) => usd + ((row.cost_usd as number | null) ?? 0), 0);
	expect(sum(booked)).toBeCloseTo(sum(results), 9);
}

/** Faults that end by themselves when the same command is run again. */
const passing = jobFaults.filter((fault) => !["stuck", "all-fail", "other-ids"].includes(fault));
/** Only after so long a list is believed to have no job of a create that was cut off. */
const minuteMs = 60_000;
/** Faults after which rows are rightly submitted again: the provider never worked on them. */
const freeing = new Set<JobFault>(["expire", "fail", "queue-late", "missing", "no-id", "credit"]);

/** Does something once a text is on stderr. */
function whenSaid(io: TestIo, text: string, action: () => void): void {
	const timer = setInterval(() => {
		if (!io.err().includes(text)) return;
		clearInterval(timer);
		action();
	}, 5);
}

describe("a job that meets a fault", () => {
	it.each(passing)("%s: every row is answered in the end, once, and booked once", async (fault) => {
		const bench = await jobBench({ jobs: { faults: [fault] } });
		bench.writeRows(prompts(20));
		let last = { exitCode: 1, err: "" };
		for (let runs = 0; last.exitCode !== 0 && runs < 4; runs++) {
			last = await bench.run(args("openai/echo"));
			bench.age(minuteMs);
		}
		expect(last.exitCode, last.err).toBe(0);
		expectWhole(bench, 20);
		if (!freeing.has(fault)) expect(bench.submitted()).toBe(20);
	});

	it("random faults at random providers: the same law", async () => {
		for (let seed = 1; seed <= 12; seed++) {
			const random = seededRandom(seed);
			const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
			const provider = pick(Object.keys(jobProviders)) as JobProvider;
			const faults = Array.from({ length: 3 }, () => pick([...passing, "none" as const]));
			const count = 1 + Math.floor(random() * 30);
			const bench = await jobBench({ jobs: { faults } });
			bench.writeRows(prompts(count));
			let last = { exitCode: 1, err: "" };
			for (let runs = 0; last.exitCode !== 0 && runs < 8; runs++) {
				last = await bench.run(args(jobProviders[provider].model));
				bench.age(minuteMs);
			}
			expect(last.exitCode, `seed ${seed}, ${provider}, ${faults}: ${last.err}`).toBe(0);
			expectWhole(bench, count);
		}
	});

	it("all rows fail: there is an error file only, and every row has its reason", async () => {
		const bench = await jobBench({ jobs: { faults: ["all-fail"] } });
		bench.writeRows(prompts(4));
		const { exitCode } = await bench.run(args("openai/echo"));
		expect(exitCode).toBe(1);
		expect(bench.read("out.jsonl")).toEqual([]);
		expect(bench.read("out.errors.jsonl")).toHaveLength(4);
	});

	it("a line that may not be: the row fails with the provider's words, and the others are submitted again", async () => {
		const bench = await jobBench();
		bench.writeRows(["one", "two [[job:bad-line]]", "three"]);
		const { exitCode, err } = await bench.run(args("openai/echo"));
		expect(exitCode, err).toBe(1);
		expect(bench.read("out.jsonl").map(({ id }) => id)).toEqual(["id 0", "id 2"]);
		expect(bench.read("out.errors.jsonl")).toMatchObject([
			{ id: "id 1", error: { message: expect.stringContaining("not a valid request") } },
		]);
		expect(bench.submitted()).toBe(5);
	});

	it("no credit for the second of three jobs: the run says so, and the next one goes on where it was", async () => {
		const bench = await jobBench({ jobs: { faults: ["none", "no-credit"] } });
		bench.writeRows(prompts(9));
		const first = await bench.run([...args("openai/echo"), "--job-rows", "3"]);
		expect(first.exitCode, first.err).toBe(7);
		expect(first.err).toContain("exceeded your current quota");
		expect(first.err).toContain("3 rows in 1 job, which go on at the provider");
		const second = await bench.run([...args("openai/echo"), "--job-rows", "3"]);
		expect(second.exitCode, second.err).toBe(0);
		expectWhole(bench, 9);
		expect(bench.submitted()).toBe(9);
	});

	it("no room in the queue: jobs are split by what the server says, and wait for each other", async () => {
		const bench = await jobBench({ jobs: { queuedTokens: 2_000, lifeMs: 40 } });
		bench.writeRows(prompts(120));
		const { exitCode, err } = await bench.run(args("openai/echo"));
		expect(exitCode, err).toBe(0);
		expect(err).toContain("splitting the rows into smaller jobs");
		expect(Object.keys(bench.simulator.jobs).length).toBeGreaterThan(2);
		expect(bench.submitted()).toBe(120);
		expectWhole(bench, 120);
	});

	it("results under other ids alone: they are kept, and the rows are not paid for again by themselves", async () => {
		const bench = await jobBench({ jobs: { faults: ["other-ids"] } });
		bench.writeRows(prompts(3));
		for (let runs = 0; runs < 2; runs++) {
			const { exitCode, err } = await bench.run(args("openai/echo"));
			expect(exitCode).toBe(1);
			const [, name] = /they are kept in \S*\/(out\.foreign-\w{8}\.jsonl)/.exec(err) ?? [];
			expect(bench.read(name as string)).toHaveLength(3);
			expect(err).toContain("llmx jobs rm openai:3:");
		}
		expect(bench.submitted()).toBe(3);
		const { id } = JSON.parse((await bench.run(["jobs", "list", "--json"])).out) as { id: string };
		await bench.run(["jobs", "rm", id, "-y"]);
		expect((await bench.run(args("openai/echo"))).exitCode).toBe(0);
	});

	it("a state that no document names is no end", async () => {
		const bench = await jobBench({ jobs: { faults: ["new-state"] } });
		bench.writeRows(prompts(2));
		const { exitCode, err } = await bench.run(args("openai/echo"));
		expect(exitCode, err).toBe(0);
		expect(err).toContain("defragmenting");
	});

	it("one that never ends can be left with Ctrl-C, looked at and cancelled, and what it did is kept", async () => {
		const bench = await jobBench({ jobs: { faults: ["stuck"], lifeMs: 20 } });
		bench.writeRows(prompts(4));
		const left = await bench.run(args("openai/echo"), (io) =>
			whenSaid(io, "1 job", () => io.raise("SIGINT")),
		);
		expect(left.exitCode, left.err).toBe(130);
		expect(left.err).toContain("4 rows in 1 job, which go on at the provider");
		const [job] = (await bench.run(["jobs", "list", "--json"])).out.trim().split("\n");
		const { id } = JSON.parse(job as string) as { id: string };
		expect((await bench.run(["jobs", "status", id])).out).toContain("state     running");
		expect((await bench.run(["jobs", "cancel", id])).exitCode).toBe(0);
		const second = await bench.run(args("openai/echo"));
		expect(second.exitCode, second.err).toBe(1);
		expect(bench.read("out.jsonl")).toHaveLength(2);
		const third = await bench.run(args("openai/echo"));
		expect(third.exitCode, third.err).toBe(0);
		expectWhole(bench, 4);
		expect(bench.submitted()).toBe(6);
	});

	it("another key does not find the job, and nothing is sent again", async () => {
		const bench = await jobBench({ jobs: { lifeMs: 50 } });
		bench.writeRows(prompts(2));
		await bench.run([...args("openai/echo"), "--detach"]);
		bench.env.OPENAI_API_KEY = "sk-of-another-project";
		const { exitCode, err } = await bench.run(args("openai/echo"));
		expect(exitCode).toBe(4);
		expect(err).toContain("created with another key");
		expect(bench.submitted()).toBe(2);
	});
});
