import { describe, expect, it } from "vitest";
import { CacheMissError } from "../../src/errors.ts";
import { noUsage } from "../../src/types.ts";
import { failureOf, ledgerLines, partsOf, setup, textOf } from "./harness.ts";

const llama = "sambanova/Meta-Llama-3.3-70B-Instruct";

describe("stream", () => {
	it.each([
		"openai/echo",
		"gemini/echo",
		"anthropic/echo",
	])("hands the answer on in pieces and ends with one finish: %s", async (model) => {
		const { llm, simulator } = await setup();
		const parts = await partsOf(llm(model).stream("one two three four"));
		expect(simulator.requests).toMatchObject([{ stream: true }]);
		expect(textOf(parts)).toBe("one two three four");
		expect(parts.filter(({ type }) => type === "text-delta").length).toBeGreaterThan(1);
		expect(parts.filter(({ type }) => type === "finish")).toHaveLength(1);
		expect(parts.at(-1)).toMatchObject({ type: "finish", finishReason: "stop", cached: false, attempts: 1 });
	});

	it("finishes with usage and cost, which are in the ledger by then", async () => {
		const { llm, env } = await setup();
		let rows: string[] = [];
		for await (const part of llm(llama).stream("hello", { cache: false })) {
			if (part.type !== "finish") continue;
			rows = ledgerLines(env.LLMX_HOME);
			expect(part.usage?.inputTokens).toBeGreaterThan(0);
			expect(JSON.parse(rows[0] ?? "{}")).toMatchObject({ status: "ok", cost_usd: part.costUsd });
			expect(part.costUsd).toBeGreaterThan(0);
		}
		expect(rows).toHaveLength(1);
	});

	it("keeps reasoning apart from the answer", async () => {
		const { llm } = await setup();
		const parts = await partsOf(llm("openai/reason").stream("x"));
		expect(textOf(parts)).toBe("x");
		expect(parts.some(({ type }) => type === "reasoning-delta")).toBe(true);
	});

	it("is served from the cache without a request, reasoning included", async () => {
		const { llm, simulator } = await setup();
		const first = await partsOf(llm("openai/reason").stream("x"));
		const second = await partsOf(llm("openai/reason").stream("x"));
		expect(simulator.stats.requests).toBe(1);
		expect(textOf(second)).toBe(textOf(first));
		const reasoning = (parts: typeof first) =>
			parts.map((part) => (part.type === "reasoning-delta" ? part.text : "")).join("");
		expect(reasoning(second)).toBe(reasoning(first));
		expect(second.at(-1)).toMatchObject({ type: "finish", cached: true, costUsd: 0, attempts: 0 });
	});

	it("is tried again before its first part", async () => {
		const { llm, simulator, clock } = await setup();
		const parts = await partsOf(llm().stream("[[fault:503 x2]] hello"));
		expect(textOf(parts)).toContain("hello");
		expect(parts.at(-1)).toMatchObject({ attempts: 3 });
		expect([simulator.stats.requests, clock.waits.length]).toEqual([3, 2]);
	});

	it("is not tried again after it, and what came is in the error, but neither complete nor cached", async () => {
		const { llm, simulator, ledger } = await setup();
		const parts: string[] = [];
		const reading = (async () => {
			for await (const part of llm().stream("one two three four [[fault:cut-stream]]")) {
				if (part.type === "text-delta") parts.push(part.text);
				expect(part.type).not.toBe("finish");
			}
		})();
		const error = await failureOf(reading);
		expect(error).toMatchObject({ errorClass: "incomplete", exitCode: 1 });
		expect(error.partialText).toBe(parts.join(""));
		expect(error.partialText).not.toBe("");
		expect(simulator.stats.requests).toBe(1);
		expect(await ledger()).toMatchObject([{ status: "maybe_billed", cost_usd: null }]);
		expect(
			await failureOf(llm().chat("one two three four [[fault:cut-stream]]", { cache: "only" })),
		).toMatchObject({
			message: "the answer is not in the cache",
		});
	});

	it("is not kept where the cache is not to be used", async () => {
		const { llm, simulator } = await setup();
		for await (const _ of llm().stream("hello", { cache: false }));
		await llm().ask("hello", { cache: false, streamed: true });
		expect(await failureOf(llm().chat("hello", { cache: "only" }))).toBeInstanceOf(CacheMissError);
		expect(simulator.stats.requests).toBe(2);
	});

	it("gives its slot away while it waits for the next try", async () => {
		const { llm, env } = await setup();
		const capped = llm("openai/echo", { env: { ...env, LLM_GLOBAL_CONCURRENCY: "1" } });
		expect(textOf(await partsOf(capped.stream("hello [[fault:503 x1]]")))).toBe("hello [[fault:503 x1]]");
	});

	it("left early closes the connection and leaves a maybe_billed row with estimated tokens", async () => {
		const { llm, simulator, ledger } = await setup({ tokensPerSecond: 20 });
		const asked = llm("openai/words-1000");
		for await (const part of asked.stream("tell me")) {
			if (part.type === "text-delta") break;
		}
		const rows = await ledger();
		expect(rows).toMatchObject([{ status: "maybe_billed", cost_usd: null }]);
		expect(rows[0]?.input_tokens).toBeGreaterThan(0);
		expect(rows[0]?.output_tokens).toBeGreaterThan(0);
		expect(asked.cost).toEqual({ usd: 0, unknownCalls: 1 });
		// The row's tokens are a guess, and sums hold none.
		expect(asked.usage).toEqual(noUsage);
		// The server notices, and stops working.
		await expect.poll(() => simulator.stats.inFlight).toBe(0);
	});

	it.each([
		"sim/words-1000",
		"ollama/words-1000",
		"lm_studio/words-1000",
		"vllm/words-1000",
		"local/words-1000",
	])("left early costs nothing where nothing is charged: %s", async (model) => {
		const { llm, simulator, ledger } = await setup({ tokensPerSecond: 20 });
		const asked = llm(model, { baseUrl: `${simulator.url}/v1` });
		for await (const part of asked.stream("tell me")) {
			if (part.type === "text-delta") break;
		}
		expect(await ledger()).toMatchObject([{ status: "maybe_billed", cost_usd: 0 }]);
		expect(asked.cost).toEqual({ usd: 0, unknownCalls: 0 });
	});

	it("ends with an AbortedError when its signal fires, and not quietly", async () => {
		const { llm, simulator, ledger } = await setup({ tokensPerSecond: 20 });
		const controller = new AbortController();
		const reading = (async () => {
			for await (const part of llm("openai/words-1000").stream("tell me", { signal: controller.signal })) {
				if (part.type === "text-delta") controller.abort();
			}
		})();
		expect(await failureOf(reading)).toMatchObject({ name: "AbortedError", exitCode: 130 });
		expect(await ledger()).toMatchObject([{ status: "maybe_billed" }]);
		await expect.poll(() => simulator.stats.inFlight).toBe(0);
	});
});
