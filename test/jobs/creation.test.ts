import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type JobBench, jobBench, prompts } from "./harness.ts";

const args = (model: string) => ["batch", "in.jsonl", "-m", model, "-o", "out.jsonl", "--no-cache"];

const hourMs = 3_600_000;

/** What a run leaves that was killed after its create was received, and before the answer came. */
async function submitAndForget(bench: JobBench, model: string): Promise<void> {
	bench.writeRows(prompts(3));
	const { exitCode, err } = await bench.run([...args(model), "--detach"]);
	expect(exitCode, err).toBe(0);
	const path = join(bench.folder, "home/jobs.jsonl");
	const lines = readFileSync(path, "utf8").split("\n");
	writeFileSync(path, lines.filter((line) => !line.includes('"created"')).join("\n"));
}

describe("an upload that is answered without naming a file", () => {
	const large = prompts(3).map((prompt) => prompt.padEnd(2_000_000, " and so on"));

	it.each(["gemini/echo", "openai/echo"])("is made again, for it costs nothing (%s)", async (model) => {
		const bench = await jobBench({ jobs: { faults: ["no-file"] } });
		bench.writeRows(large);
		const { exitCode, err } = await bench.run(args(model));
		expect(exitCode, err).toBe(0);
		expect(bench.read("out.jsonl").map(({ text }) => text)).toEqual(large);
		expect(bench.submitted()).toBe(3);
	});

	it("ends the run when that happens every time, with nothing created, and the next run goes on", async () => {
		const bench = await jobBench({ jobs: { faults: Array.from({ length: 5 }, () => "no-file") } });
		bench.writeRows(large);
		const { exitCode, err } = await bench.run(args("gemini/echo"));
		expect(exitCode).toBe(1);
		expect(err).toContain("the upload was answered without naming a file");
		expect(bench.submitted()).toBe(0);
		expect((await bench.run(args("gemini/echo"))).exitCode).toBe(0);
		expect(bench.submitted()).toBe(3);
	});
});

describe("a job whose creation was cut off", () => {
	it("is looked for until a minute has passed, however often one looks at jobs: lists lag", async () => {
		let submitted = 0;
		// A busy machine may take longer to begin than is left of the minute.
		for (const leftMs of [300, 3_000, 20_000]) {
			const bench = await jobBench({ jobs: { faults: ["hidden"] } });
			await submitAndForget(bench, "openai/echo");
			bench.age(60_000 - leftMs);
			const { exitCode, err } = await bench.run(args("openai/echo"));
			expect(exitCode, err).toBe(0);
			expect(err).toContain("looking for a job of 3 rows whose creation was cut off");
			submitted = bench.submitted();
			if (submitted === 3) break;
		}
		expect(submitted).toBe(3);
	});

	it("is found whatever the clocks say where it carries a tag", async () => {
		const bench = await jobBench();
		await submitAndForget(bench, "openai/echo");
		// This computer's clock was wrong by the zone it stands in.
		bench.age(-9 * hourMs);
		const { exitCode, err } = await bench.run(args("openai/echo"));
		expect(exitCode, err).toBe(0);
		expect(bench.submitted()).toBe(3);
	});

	it("is asked about where only the time speaks against it, and nothing is submitted again", async () => {
		const bench = await jobBench({ now: () => Date.now() - 2 * hourMs });
		await submitAndForget(bench, "anthropic/echo");
		bench.age(60_000);
		for (let runs = 0; runs < 2; runs++) {
			const { exitCode, err } = await bench.run(args("anthropic/echo"));
			expect(exitCode, err).toBe(5);
			expect(err).toContain("a job at Anthropic could be it but for the time of creation");
			expect(err).toContain("llmx jobs rm");
		}
		expect(bench.submitted()).toBe(3);
	});
});

it("of several keys the one that a job was created with is used for it, in whatever order they come", async () => {
	const bench = await jobBench();
	bench.writeRows(prompts(2));
	bench.env.OPENAI_KEYS = "sk-one,sk-two";
	await bench.run([...args("openai/echo"), "--detach"]);
	bench.env.OPENAI_KEYS = "sk-two,sk-one";
	const { exitCode, err } = await bench.run(args("openai/echo"));
	expect(exitCode, err).toBe(0);
	expect(bench.submitted()).toBe(2);
	bench.writeRows(prompts(3));
	await bench.run([...args("openai/echo"), "--detach"]);
	bench.env.OPENAI_KEYS = "sk-three,sk-one";
	expect((await bench.run(args("openai/echo"))).exitCode).toBe(4);
});
