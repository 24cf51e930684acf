import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type JobProvider, jobBench, jobProviders, prompts, type Row } from "./harness.ts";

const providers = Object.keys(jobProviders) as JobProvider[];

describe.each(providers)("a job at %s", (provider) => {
	const { model } = jobProviders[provider];
	const args = ["batch", "in.jsonl", "-m", model, "-o", "out.jsonl", "--no-cache"];

	it("brings every answer under the user's own id, in the order of the input, and books it once", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(12));
		const { exitCode, err } = await bench.run(args);
		expect(exitCode, err).toBe(0);
		const rows = bench.read("out.jsonl");
		expect(rows.map(({ id }) => id)).toEqual(prompts(12).map((_, index) => `id ${index}`));
		expect(rows.map(({ text }) => text)).toEqual(prompts(12));
		expect(Object.keys(bench.simulator.jobs)).toHaveLength(1);
		expect(bench.read("home/ledger.jsonl")).toHaveLength(12);
		expect((await bench.run(args)).exitCode).toBe(0);
		expect(bench.submitted()).toBe(12);
		expect(bench.read("home/ledger.jsonl")).toHaveLength(12);
	});

	it("is found again when the answer to its creation is lost, and is not created twice", async () => {
		for (const fault of ["lost", "created-500"] as const) {
			const bench = await jobBench({ jobs: { faults: [fault] } });
			bench.writeRows(prompts(4));
			const { exitCode, err } = await bench.run(args);
			expect(exitCode, err).toBe(0);
			expect(Object.keys(bench.simulator.jobs)).toHaveLength(1);
			expect(bench.read("out.jsonl")).toHaveLength(4);
		}
	});

	it("is left running by --detach, and fetched by the same command", async () => {
		const bench = await jobBench({ jobs: { lifeMs: 60 } });
		bench.writeRows(prompts(3));
		const first = await bench.run([...args, "--detach"]);
		expect(first.exitCode, first.err).toBe(0);
		expect(first.err).toContain("3 rows in 1 job");
		expect(bench.read("out.jsonl")).toHaveLength(0);
		const second = await bench.run(args);
		expect(second.exitCode, second.err).toBe(0);
		expect(bench.read("out.jsonl")).toHaveLength(3);
		expect(bench.submitted()).toBe(3);
	});

	it("is fetched by the same command with --detach, too, once it has ended", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(3));
		const first = await bench.run([...args, "--detach"]);
		expect(first.err).toContain(`fetch the answers later: llmx ${args.join(" ")} --via-jobs`);
		expect(bench.read("out.jsonl")).toHaveLength(0);
		const second = await bench.run([...args, "--detach"]);
		expect(second.exitCode, second.err).toBe(0);
		expect(bench.read("out.jsonl")).toHaveLength(3);
		expect(bench.submitted()).toBe(3);
	});

	it("keeps what a job brought that did not come to its end, and sends only the rest again", async () => {
		const bench = await jobBench({ jobs: { faults: ["expire"] } });
		bench.writeRows(prompts(6));
		const first = await bench.run(args);
		expect(first.exitCode, first.err).toBe(1);
		const kept = bench.read("out.jsonl").length;
		// Gemini's and OpenRouter's expired jobs bring nothing.
		expect(kept).toBe(["gemini", "openrouter"].includes(provider) ? 0 : 3);
		const second = await bench.run(args);
		expect(second.exitCode, second.err).toBe(0);
		expect(bench.read("out.jsonl")).toHaveLength(6);
		expect(bench.submitted()).toBe(12 - kept);
	});

	it("tells rows that failed from rows that are missing", async () => {
		const bench = await jobBench();
		bench.writeRows(["good", "bad [[job:fail]]", "also good"]);
		const { exitCode, err } = await bench.run(args);
		expect(exitCode, err).toBe(1);
		expect(bench.read("out.jsonl").map(({ id }) => id)).toEqual(["id 0", "id 2"]);
		const [failure] = bench.read("out.errors.jsonl");
		expect(failure).toMatchObject({ id: "id 1", cost_usd: 0, maybe_billed: false });
		expect(JSON.stringify(failure)).toContain("says that it fails");
	});
});

it.each([
	"openai/o3-pro",
	"openai/gpt-5-pro",
])("a model of the Responses API alone runs as jobs of it (%s)", async (model) => {
	const bench = await jobBench();
	bench.writeRows(prompts(5));
	const { exitCode, err } = await bench.run([
		"batch",
		"in.jsonl",
		"-m",
		model,
		"-o",
		"out.jsonl",
		"--no-cache",
	]);
	expect(exitCode, err).toBe(0);
	expect(bench.read("out.jsonl").map(({ text }) => text)).toEqual(prompts(5));
	const address = `${bench.simulator.url}/v1/batches`;
	const { data } = (await (await fetch(address)).json()) as { data: { endpoint: string }[] };
	expect(data.map(({ endpoint }) => endpoint)).toEqual(["/v1/responses"]);
	expect(
		bench.read("home/ledger.jsonl").every(({ cost_usd: usd }) => typeof usd === "number" || usd === null),
	).toBe(true);
});

describe("a server of the user's own with a copy of OpenAI's batch API", () => {
	const run = async (definition: object) => {
		const bench = await jobBench();
		const corp = { base_url: `${bench.simulator.url}/v1`, ...definition };
		mkdirSync(join(bench.folder, "home"));
		writeFileSync(join(bench.folder, "home/config.json"), JSON.stringify({ providers: { corp } }));
		bench.writeRows(prompts(3));
		const outcome = await bench.run(["batch", "in.jsonl", "-m", "corp/echo", "-o", "out.jsonl"]);
		return { ...outcome, rows: bench.read("out.jsonl").length };
	};

	it("runs jobs when the config says so", async () => {
		const { exitCode, err, rows } = await run({ jobs: "openai" });
		expect(exitCode, err).toBe(0);
		expect(rows).toBe(3);
	});

	it("runs jobs over the Responses API where it speaks that", async () => {
		const { exitCode, err, rows } = await run({ jobs: "openai", wire: "responses" });
		expect(exitCode, err).toBe(0);
		expect(rows).toBe(3);
	});

	it("has none when the config is silent, and a misspelled one is named", async () => {
		expect(await run({})).toMatchObject({ exitCode: 2, rows: 0 });
		const { err, rows } = await run({ jobs: "open-ai" });
		expect(err).toContain('"providers.corp.jobs"');
		expect(rows).toBe(0);
	});
});

it("jobs of models that only the Responses API serves are for its endpoint, and keep nothing", async () => {
	const bench = await jobBench();
	bench.writeRows(prompts(3));
	const { exitCode, err } = await bench.run(["batch", "in.jsonl", "-m", "gpt-5-codex", "-o", "out.jsonl"]);
	expect(exitCode, err).toBe(0);
	const rows = bench.read("out.jsonl");
	expect(rows.map(({ text }) => text)).toEqual(prompts(3));
	for (const { response, cost_usd: usd } of rows) {
		expect(String((response as Row).id)).toMatch(/^resp_/);
		expect(usd).toBeGreaterThan(0);
	}
});
