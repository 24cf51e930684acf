import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { JobEvent } from "../../src/jobs/job-log.ts";
import { isVanishing, keptUntil } from "../../src/jobs/retention.ts";
import { type JobBench, jobBench, prompts } from "./harness.ts";

const dayMs = 86_400_000;

/** Writes a job into the log as one that was submitted so many days ago. */
function jobOfDaysAgo(bench: JobBench, days: number, provider: string, run: string | null): void {
	const at = new Date(Date.now() - days * dayMs).toISOString();
	const events: JobEvent[] = [
		{
			event: "submitting",
			job: `tag-${provider}`,
			at,
			run,
			provider,
			model: `${provider}/echo`,
			model_id: "echo",
			base_url: "",
			key: "",
			rows: 2,
			bytes: 10,
			estimate_usd: null,
		},
		{ event: "created", job: `tag-${provider}`, raw_id: "batch_1", adopted: false },
	];
	mkdirSync(join(bench.folder, "home"), { recursive: true });
	const lines = events.map((event) => `${JSON.stringify(event)}\n`).join("");
	writeFileSync(join(bench.folder, "home/jobs.jsonl"), lines, { flag: "a" });
}

describe("the time for which results are kept", () => {
	it("is never taken to be longer than it can be, and half of it is when to worry", () => {
		for (const from of ["creation", "end"] as const)
			for (const days of [1, 7, 29, 30]) {
				const until = keptUntil(1_000, { days, from }) as number;
				expect(until).toBe(1_000 + days * dayMs);
				expect(isVanishing(1_000, { days, from }, 1_000 + (days * dayMs) / 2)).toBe(false);
				expect(isVanishing(1_000, { days, from }, 1_001 + (days * dayMs) / 2)).toBe(true);
			}
		expect(keptUntil(1_000, null)).toBeNull();
		expect(keptUntil(0, { days: 30, from: "end" })).toBeNull();
		expect(isVanishing(0, { days: 30, from: "end" }, Date.now())).toBe(false);
	});

	it("is said when a job is submitted and when it is looked at", async () => {
		const bench = await jobBench({ jobs: { faults: ["stuck"] } });
		bench.writeRows(prompts(2));
		const left = await bench.run(["batch", "in.jsonl", "-m", "openai/echo", "--detach"]);
		expect(left.err).toMatch(/results {3}kept until \d{4}-\d\d-\d\d at least \(30 d\)/);
		const { id } = JSON.parse((await bench.run(["jobs", "list", "--json"])).out) as { id: string };
		expect((await bench.run(["jobs", "status", id])).out).toMatch(/kept {6}until \S+ at least \(30 d\)/);
		const groq = await jobBench({ jobs: { faults: ["stuck"] } });
		groq.writeRows(prompts(2));
		const silent = await groq.run(["batch", "in.jsonl", "-m", "groq/echo", "--detach"]);
		expect(silent.err).toContain("results   kept for a time that Groq does not state");
	});

	it("is warned of by the list once half of it is over, with what to do", async () => {
		const bench = await jobBench();
		jobOfDaysAgo(bench, 20, "openai", null);
		jobOfDaysAgo(bench, 16, "anthropic", "/data/out.jsonl");
		jobOfDaysAgo(bench, 20, "groq", null);
		const { err, out } = await bench.run(["jobs"]);
		expect(out.match(/batch_1/g)).toHaveLength(3);
		expect(err).toMatch(
			/openai:2:batch_1 are kept until \S+ at least \(10 d\): llmx jobs fetch openai:2:batch_1 -o FILE/,
		);
		expect(err).toMatch(
			/anthropic:2:batch_1 are kept until \S+ at least \(13 d\): run its batch command again/,
		);
		expect(err).not.toContain("groq");
		const json = (await bench.run(["jobs", "list", "--json"])).out.trim().split("\n");
		expect(json.map((line) => JSON.parse(line).kept_until === null)).toEqual([true, false, false]);
	});

	it("makes of a job that is not there any more one whose results are gone, not a broken network", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(2));
		await bench.run(["batch", "in.jsonl", "-m", "openai/echo", "--detach"]);
		const path = join(bench.folder, "home/jobs.jsonl");
		const old = new Date(Date.now() - 31 * dayMs).toISOString();
		const events = bench.read("home/jobs.jsonl") as unknown as JobEvent[];
		writeFileSync(
			path,
			events
				.map((event) => {
					if (event.event === "submitting") return { ...event, at: old };
					return event.event === "created" ? { ...event, raw_id: "batch_deleted" } : event;
				})
				.map((event) => `${JSON.stringify(event)}\n`)
				.join(""),
		);
		const { exitCode, err } = await bench.run(["batch", "in.jsonl", "-m", "openai/echo"]);
		expect(exitCode).toBe(1);
		expect(err).toContain("the results of openai:2:batch_deleted are gone: OpenAI keeps them for 30 days");
		expect(err).toContain("llmx jobs rm openai:2:batch_deleted");
		expect(bench.submitted()).toBe(2);
	});
});

describe("results of rows that are none of a job's", () => {
	it("are kept in a file of their own, as they came", async () => {
		const bench = await jobBench({ jobs: { faults: ["foreign"] } });
		bench.writeRows(prompts(3));
		const { exitCode, err } = await bench.run(["batch", "in.jsonl", "-m", "openai/echo", "-o", "out.jsonl"]);
		expect(exitCode, err).toBe(0);
		const [, name] = /they are kept in \S*\/(out\.foreign-\w{8}\.jsonl)/.exec(err) ?? [];
		expect(bench.read(name as string)).toMatchObject([
			{ custom_id: "stranger-1", response: { status_code: 200 } },
		]);
		expect(bench.read("out.jsonl")).toHaveLength(3);
	});
});
