import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
	type Cost,
	LLM,
	RequestError,
	ResponseCache,
	type Result,
	type RowOutcome,
	type RunControl,
} from "../../src/index.ts";
import { setup } from "../llm/harness.ts";
import { json, scriptedServer } from "../providers/scripted-server.ts";

let home: string;

beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "llmx-generate-"));
});
afterEach(() => {
	vi.restoreAllMocks();
	rmSync(home, { recursive: true, force: true });
});

/** Runs rows through the simulator, with the cache of this test. */
async function run(rows: Iterable<string>, control: RunControl<string> = {}): Promise<RowOutcome<string>[]> {
	const llm = new LLM("sim/echo", { env: { LLMX_HOME: home } });
	const outcomes: RowOutcome<string>[] = [];
	try {
		for await (const outcome of llm.generateEach(rows, {}, control)) outcomes.push(outcome);
	} finally {
		await llm.close();
	}
	return outcomes;
}

function refuse(result: Result): never {
	throw new RequestError(`no: ${result.text}`, {
		provider: "sim",
		errorClass: "schema",
		advice: { retry: "never", key: "keep" },
		maybeBilled: false,
	});
}

describe("whoever runs many rows", () => {
	it("is asked before every sending and told how it ended", async () => {
		const asked: string[] = [];
		const ended: string[] = [];
		const outcomes = await run(["a", "b", "a"], {
			admit: (row) => {
				asked.push(row);
				return "go";
			},
			onSent: (row, { cost, error, usage }) => {
				expect([cost, error]).toEqual([{ usd: 0, unknownCalls: 0 }, undefined]);
				expect(usage?.inputTokens).toBeGreaterThan(0);
				ended.push(row);
			},
		});
		expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true]);
		// The second "a" waits for the first.
		expect(asked.toSorted()).toEqual(["a", "b"]);
		expect(ended.toSorted()).toEqual(["a", "b"]);
	});

	it("has identical rows sent once, also when the answer comes while the cache is looked into", async () => {
		const lookedUp = Promise.withResolvers<void>();
		const answered = Promise.withResolvers<void>();
		const { getMany } = ResponseCache.prototype;
		let lookUps = 0;
		vi.spyOn(ResponseCache.prototype, "getMany").mockImplementation(async function (
			this: ResponseCache,
			keys,
		) {
			const found = await getMany.call(this, keys);
			if (++lookUps === 2) {
				lookedUp.resolve();
				await answered.promise;
			}
			return found;
		});
		const server = await scriptedServer(async (response) => {
			await lookedUp.promise;
			json({ choices: [{ message: { content: "once" }, finish_reason: "stop" }] })(response, {} as never);
		});
		async function* rows() {
			yield "same";
			yield "same";
		}
		const llm = new LLM("local/some-model", { env: { LLMX_HOME: home }, baseUrl: server.url });
		const outcomes: RowOutcome<string>[] = [];
		for await (const outcome of llm.generateEach(rows())) {
			outcomes.push(outcome);
			answered.resolve();
		}
		await llm.close();
		expect(outcomes).toMatchObject([
			{ ok: true, result: { text: "once", cached: false } },
			{ ok: true, result: { text: "once", cached: true } },
		]);
		expect(server.received).toHaveLength(1);
	});

	it("is told what a failure cost, at each sending and in all", async () => {
		const { llm, ledger } = await setup();
		const costs: Cost[] = [];
		const outcomes: RowOutcome<string>[] = [];
		const rows = ["[[fault:content-filter]] billed", "[[fault:reset-before-response]] nobody knows"];
		const run = llm("openai/gpt-4.1-mini").generateEach(
			rows,
			{},
			{ onSent: (_, { cost }) => costs.push(cost) },
		);
		for await (const outcome of run) outcomes.push(outcome);
		const [billed, unknown] = outcomes.toSorted((a, b) => a.index - b.index);
		const known = (await ledger()).reduce((sum, { cost_usd }) => sum + (cost_usd ?? 0), 0);
		expect(known).toBeGreaterThan(0);
		expect(billed).toMatchObject({ ok: false, spent: { usd: known, unknownCalls: 0 } });
		expect(unknown).toMatchObject({ ok: false, attempts: 2, spent: { usd: 0, unknownCalls: 2 } });
		expect(costs).toHaveLength(3);
		expect(costs).toContainEqual({ usd: known, unknownCalls: 0 });
	});

	it("ends the run by refusing a sending: what is in flight lands, and nothing is an error", async () => {
		let sent = 0;
		const outcomes = await run(["a", "b", "c", "d"], { admit: () => (++sent > 2 ? "stop" : "go") });
		expect(outcomes.map(({ row }) => row).toSorted()).toEqual(["a", "b"]);
	});

	it("ends the run with a signal, also from an endless input", async () => {
		const stop = new AbortController();
		function* endless() {
			for (let row = 0; ; row++) yield `row ${row}`;
		}
		let sent = 0;
		const onSent = () => {
			if (++sent === 100) stop.abort();
		};
		const outcomes = await run(endless(), { stop: stop.signal, onSent });
		expect(outcomes.every(({ ok }) => ok)).toBe(true);
		expect(outcomes).toHaveLength(sent);
		expect(sent).toBeLessThan(1000);
	});

	it("judges answers: a refused one is a failure, is not stored, and is not taken from the cache", async () => {
		const first = await run(["x", "x"], { judge: (_row, result) => refuse(result) });
		expect(first.map((outcome) => !outcome.ok && outcome.error.message)).toEqual(["no: x", "no: x"]);
		expect(await run(["x"])).toMatchObject([{ ok: true, result: { cached: false } }]);
		expect(await run(["x"])).toMatchObject([{ ok: true, result: { cached: true } }]);
		const again = await run(["x"], {
			judge: (_row, result) => (result.cached ? refuse(result) : result),
		});
		expect(again).toMatchObject([{ ok: true, result: { cached: false } }]);
	});

	it("judges a shared answer for each row: a twin's refusal leaves the first one answered", async () => {
		let judged = 0;
		const judge = (_row: string, result: Result) => (++judged === 1 ? result : refuse(result));
		const outcomes = await run(["x", "x", "x"], { judge });
		expect(outcomes.map(({ index, ok }) => [index, ok])).toEqual([
			[0, true],
			[1, false],
			[2, false],
		]);
	});

	it("may mend an answer; the cache keeps the model's own", async () => {
		const judge = (_row: string, result: Result) => ({ ...result, text: "mended" });
		expect(await run(["x"], { judge })).toMatchObject([{ result: { text: "mended" } }]);
		expect(await run(["x"])).toMatchObject([{ result: { text: "x", cached: true } }]);
	});
});
