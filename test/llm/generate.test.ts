import { describe, expect, it } from "vitest";
import { PartialFailureError } from "../../src/index.ts";
import { failureOf, ledgerLines, setup } from "./harness.ts";

describe("generate", () => {
	it("returns one list of answers per prompt, in the order of the prompts", async () => {
		const { llm } = await setup({ latency: { medianMs: 5, p95Ms: 20 } });
		const prompts = Array.from({ length: 50 }, (_, index) => `prompt ${index}`);
		expect(await llm("openai/echo").generate(prompts)).toEqual(prompts.map((prompt) => [prompt]));
	});

	it("of nothing is nothing", async () => {
		const { llm, simulator } = await setup();
		expect(await llm().generate([])).toEqual([]);
		expect(simulator.stats.requests).toBe(0);
	});

	it("never discards the other answers when one prompt fails", async () => {
		const { llm, ledger } = await setup();
		const error = await failureOf(llm().generate(["a", "[[fault:400]]", "c"]));
		expect(error).toBeInstanceOf(PartialFailureError);
		expect(error.results).toEqual([["a"], null, ["c"]]);
		expect(error.errors).toMatchObject([null, { errorClass: "invalid_request", status: 400 }, null]);
		expect(error.message).toMatch(/^1 of 3 prompts failed: /);
		expect(error.exitCode).toBe(1);
		expect((await ledger()).map(({ status }) => status).toSorted()).toEqual(["failed", "ok", "ok"]);
	});

	it("keeps at most maxConcurrent requests in flight", async () => {
		const { llm, simulator } = await setup({ latency: 5 });
		const prompts = Array.from({ length: 20 }, (_, index) => `prompt ${index}`);
		await llm("openai/echo", { maxConcurrent: 3 }).generate(prompts);
		expect(simulator.stats.mostInFlight).toBe(3);
	});

	it("asks each prompt n times, under the system prompt", async () => {
		const { llm, simulator } = await setup();
		const answers = await llm("openai/words-3").generate(["a", "b"], { n: 2, systemPrompt: "Be brief." });
		expect(answers.map((texts) => texts.length)).toEqual([2, 2]);
		for (const { body } of simulator.requests) {
			expect(body).toMatchObject({
				n: 2,
				messages: [{ role: "system", content: "Be brief." }, { role: "user" }],
			});
		}
	});

	it("sends identical prompts in flight once, and the others cost nothing", async () => {
		const { llm, simulator, ledger } = await setup({ latency: 20 });
		const samba = llm("sambanova/Meta-Llama-3.3-70B-Instruct");
		expect(await samba.generate(["same", "same", "other", "same"])).toEqual([
			["same"],
			["same"],
			["other"],
			["same"],
		]);
		expect(simulator.stats.requests).toBe(2);
		const rows = await ledger();
		expect(rows.filter(({ cached }) => cached)).toHaveLength(2);
		expect(rows.filter(({ cached, cost_usd }) => cached && cost_usd === 0)).toHaveLength(2);
	});

	it("without the cache asks every prompt as a sample of its own", async () => {
		const { llm, simulator } = await setup();
		await llm().generate(["same", "same"], { cache: false });
		await llm().generate(["same"], { cache: false });
		expect(simulator.stats.requests).toBe(3);
	});

	it("takes answers from the cache, asks afresh with refresh, and sends nothing with only", async () => {
		const { llm, simulator } = await setup();
		await llm().generate(["a"]);
		await llm().generate(["a"]);
		expect(simulator.stats.requests).toBe(1);
		await llm().generate(["a"], { cache: "refresh" });
		expect(simulator.stats.requests).toBe(2);
		const error = await failureOf(llm().generate(["a", "b"], { cache: "only" }));
		expect(error.results).toEqual([["a"], null]);
		expect(error.errors[1].message).toBe("the answer is not in the cache");
		expect(simulator.stats.requests).toBe(2);
	});

	it("does not share the answers of chat: its keys have a shape of their own", async () => {
		const { llm, simulator } = await setup();
		await llm().chat("a");
		await llm().generate(["a"]);
		expect(simulator.stats.requests).toBe(2);
	});

	it.each([
		["401", 4],
		["insufficient-quota", 7],
	])("whose keys an earlier run used up fails at once, and sends nothing: %s", async (fault, exitCode) => {
		const { llm, simulator } = await setup({ keyFaults: { "sk-openai-0123456789": fault } });
		const asked = llm();
		expect(await failureOf(asked.generate(["a", "b"]))).toMatchObject({ exitCode });
		const requests = simulator.stats.requests;
		const again = await failureOf(asked.generate(["a", "b"]));
		expect(again).toMatchObject({ exitCode, results: [null, null] });
		expect(simulator.stats.requests).toBe(requests);
	});

	it("stopped by its signal says of every prompt what became of it", async () => {
		const { llm, simulator } = await setup();
		const controller = new AbortController();
		const generating = failureOf(
			llm("openai/echo", { maxConcurrent: 2 }).generate(
				["a", "b", "[[fault:no-answer]] c", "[[fault:no-answer]] d", "e"],
				{
					signal: controller.signal,
				},
			),
		);
		await expect.poll(() => simulator.stats.requests).toBe(4);
		controller.abort();
		const error = await generating;
		expect(error).toBeInstanceOf(PartialFailureError);
		expect(error.exitCode).toBe(130);
		expect(error.results).toEqual([["a"], ["b"], null, null, null]);
		expect(error.errors.map((one: Error | null) => one?.name)).toEqual([
			undefined,
			undefined,
			"AbortedError",
			"AbortedError",
			"AbortedError",
		]);
	});
});

describe("generateEach", () => {
	it("yields outcomes as they complete, with the row and its place, failures among them", async () => {
		const { llm } = await setup();
		const seen: string[] = [];
		const rows = [
			{ prompt: "[[fault:no-answer=200]] slow", id: 7 },
			{ prompt: "[[fault:400]]", id: 8 },
			{ prompt: "quick", id: 9, system: "Be brief." },
		];
		for await (const outcome of llm().generateEach(rows)) {
			seen.push(
				`${outcome.row.id} ${outcome.index} ${outcome.ok ? outcome.result.finishReason : outcome.error.exitCode}`,
			);
		}
		expect(seen).toHaveLength(3);
		expect(seen.at(-1)).toBe("7 0 stop");
		expect(seen.toSorted()).toEqual(["7 0 stop", "8 1 1", "9 2 stop"]);
	});

	it("takes a row that cannot be asked for a failure of that row alone", async () => {
		const { llm, simulator } = await setup();
		const rows = [
			{ prompt: "a" },
			{ messages: [] },
			{ messages: [{ role: "wizard", content: "x" }] },
			{ prompt: "d" },
		];
		const seen: string[] = [];
		for await (const outcome of llm().generateEach(rows)) {
			seen.push(`${outcome.index} ${outcome.ok ? outcome.result.text : outcome.error.name}`);
		}
		expect(seen.toSorted()).toEqual(["0 a", "1 UsageError", "2 UsageError", "3 d"]);
		expect(simulator.stats.requests).toBe(2);
	});

	it("takes an endless iterable in flat memory, and lets go of it when its consumer leaves", async () => {
		const { llm, simulator } = await setup();
		let taken = 0;
		let closed = false;
		async function* endless() {
			try {
				for (;;) yield `prompt ${taken++}`;
			} finally {
				closed = true;
			}
		}
		let count = 0;
		let mostAhead = 0;
		for await (const outcome of llm("openai/echo", { maxConcurrent: 8, cache: false }).generateEach(
			endless(),
		)) {
			expect(outcome.ok).toBe(true);
			mostAhead = Math.max(mostAhead, taken - count);
			if (++count === 1_500) break;
		}
		// Finished outcomes that wait for the consumer, and those in flight.
		expect(mostAhead).toBeLessThan(1_200);
		expect(closed).toBe(true);
		await expect.poll(() => simulator.stats.inFlight).toBe(0);
	});

	it.each([
		["cannot be asked", { messages: [] }],
		["are in the cache", { prompt: "a" }],
	])("lets go of an endless iterable of rows that %s: left, stopped or aborted", async (_, row) => {
		const { llm } = await setup();
		await llm().generate(["a"]);
		for (const how of ["leave", "stop", "abort"]) {
			const stop = new AbortController();
			const abort = new AbortController();
			let closed = false;
			function* endless() {
				try {
					for (;;) yield row;
				} finally {
					closed = true;
				}
			}
			let count = 0;
			const running = (async () => {
				for await (const _ of llm().generateEach(
					endless(),
					{ signal: abort.signal },
					{ stop: stop.signal },
				)) {
					if (++count < 2_000) continue;
					if (how === "leave") break;
					(how === "stop" ? stop : abort).abort();
				}
			})();
			if (how === "abort") expect(await failureOf(running)).toMatchObject({ name: "AbortedError" });
			else await running;
			expect(closed).toBe(true);
			expect(count).toBeLessThan(10_000);
		}
	});

	it("stops reading an endless iterable whose consumer is slow", async () => {
		const { llm, simulator } = await setup();
		function* endless() {
			for (let row = 0; ; row++) yield `prompt ${row}`;
		}
		const outcomes = llm("openai/echo", { cache: false }).generateEach(endless());
		await outcomes.next();
		const quiet = async () => {
			const before = simulator.stats.requests;
			await new Promise((resolve) => setTimeout(resolve, 50));
			return simulator.stats.requests - before;
		};
		await expect.poll(quiet).toBe(0);
		expect(simulator.stats.requests).toBeLessThan(3_000);
		await outcomes.return();
	});

	it("keeps the answers that came when another of the same prompt fails", async () => {
		const { llm, simulator } = await setup();
		// Anthropic gives one answer a request, so that three answers are three requests; the first of them fails.
		const rows = llm("anthropic/echo").generateEach(["[[fault:400 x1]] hi"], { n: 3 });
		const { value: outcome } = await rows.next();
		expect(outcome).toMatchObject({ ok: false, error: { status: 400 }, partial: { attempts: 3 } });
		expect(outcome?.ok === false && outcome.partial?.texts).toHaveLength(2);
		expect(simulator.stats.requests).toBe(3);
	});

	it("has the ledger row of an outcome written before it hands the outcome on", async () => {
		const { llm, env } = await setup();
		let count = 0;
		for await (const outcome of llm().generateEach(["a", "b", "[[fault:400]]", "a", "d"])) {
			count += 1;
			const rows = ledgerLines(env.LLMX_HOME);
			expect(rows.length).toBeGreaterThanOrEqual(count);
			expect(outcome.index).toBeLessThan(5);
		}
		expect(count).toBe(5);
	});

	it("hands an outcome on before the end of its input", async () => {
		const { llm } = await setup();
		let release: (() => void) | undefined;
		const held = new Promise<void>((resolve) => {
			release = resolve;
		});
		async function* rows() {
			yield "first";
			await held;
			yield "second";
		}
		const outcomes = llm().generateEach(rows());
		expect(await outcomes.next()).toMatchObject({ value: { row: "first", ok: true } });
		release?.();
		expect(await outcomes.next()).toMatchObject({ value: { row: "second", ok: true } });
		expect(await outcomes.next()).toMatchObject({ done: true });
	});

	it("aborted ends with an AbortedError after the outcomes that were there", async () => {
		const { llm, simulator, ledger } = await setup();
		const controller = new AbortController();
		const texts: string[] = [];
		const running = (async () => {
			const rows = ["a", "[[fault:no-answer]] b"];
			for await (const outcome of llm().generateEach(rows, { signal: controller.signal })) {
				if (outcome.ok) texts.push(outcome.result.text);
			}
		})();
		await expect.poll(() => simulator.stats.requests).toBe(2);
		await expect.poll(() => texts).toEqual(["a"]);
		controller.abort();
		expect(await failureOf(running)).toMatchObject({ name: "AbortedError", exitCode: 130 });
		expect((await ledger()).map(({ status }) => status)).toEqual(["ok", "maybe_billed"]);
	});

	it("throws what its input throws, after the outcomes of the rows before", async () => {
		const { llm } = await setup();
		function* rows() {
			yield "a";
			throw new Error("the file is torn");
		}
		const texts: string[] = [];
		const running = (async () => {
			for await (const outcome of llm().generateEach(rows())) if (outcome.ok) texts.push(outcome.result.text);
		})();
		expect(await failureOf(running)).toMatchObject({ message: "the file is torn" });
		expect(texts).toEqual(["a"]);
	});
});
