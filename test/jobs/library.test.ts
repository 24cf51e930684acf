import { describe, expect, it } from "vitest";
import { LLM, NoJobsError, PartialFailureError } from "../../src/index.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { type JobBench, jobBench } from "./harness.ts";

function model(bench: JobBench, name: string, home = "home"): LLM {
	const llm = new LLM(name, { env: { ...bench.env, LLMX_HOME: `${bench.folder}/${home}` } });
	afterTest(() => llm.close());
	return llm;
}

describe("batches of the library", () => {
	it("answer every prompt in order, and book each once", async () => {
		const bench = await jobBench();
		const llm = model(bench, "openai/echo");
		expect(await llm.batch(["one", "two", "three"], { pollMs: 5 })).toEqual([["one"], ["two"], ["three"]]);
		expect(bench.read("home/ledger.jsonl")).toHaveLength(3);
	});

	it("are found by their id from another machine", async () => {
		const bench = await jobBench();
		const id = await model(bench, "anthropic/echo").batchSubmit(["one", "two"]);
		expect(id).toMatch(/^anthropic:2:msgbatch_/);
		const elsewhere = model(bench, "anthropic/echo", "another-home");
		expect(await elsewhere.batchStatus(id)).toMatchObject({
			state: "completed",
			isFinal: true,
			succeeded: 2,
		});
		expect(await elsewhere.batchRetrieve(id)).toEqual([["one"], ["two"]]);
		expect(await elsewhere.batchRetrieve(id)).toEqual([["one"], ["two"]]);
		expect(bench.read("another-home/ledger.jsonl")).toHaveLength(2);
	});

	it("say which prompts have no answer, and keep the others'", async () => {
		const bench = await jobBench();
		const llm = model(bench, "mistral/echo");
		const failure = await llm.batch(["fine", "bad [[job:fail]]"], { pollMs: 5 }).catch((error) => error);
		expect(failure).toBeInstanceOf(PartialFailureError);
		expect(failure.results).toEqual([["fine"], null]);
		expect(failure.errors).toEqual([
			null,
			expect.objectContaining({ message: expect.stringContaining("fails") }),
		]);
	});

	it("are refused where a provider has none, and for ids of another provider", async () => {
		const bench = await jobBench();
		const llm = new LLM("deepseek/echo", { env: { ...bench.env, DEEPSEEK_API_KEY: "k" } });
		await expect(llm.batchSubmit(["x"])).rejects.toBeInstanceOf(NoJobsError);
		await expect(model(bench, "openai/echo").batchStatus("gemini:1:batches/1")).rejects.toThrow(
			/one of gemini/,
		);
	});
});
