import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RowBounds, rowBounds } from "../../src/batch/row-bounds.ts";
import { Conversation, LLM, type LLMOptions, type RowOutcome, type RunControl } from "../../src/index.ts";
import { findPrice } from "../../src/models/pricing.ts";
import type { GenerateRow } from "../../src/options.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";

let home: string;
let simulator: Simulator;

beforeEach(async () => {
	home = mkdtempSync(join(tmpdir(), "llmx-prompt-cache-"));
	simulator = await startSimulator({ latency: 30 });
});
afterEach(async () => {
	await simulator.close();
	rmSync(home, { recursive: true, force: true });
});

const model = "claude-haiku-4-5";
const long = "All words of a long book of rules. ".repeat(700);
const tokens = Math.ceil(long.length / 4);

function newLLM(options: Partial<LLMOptions> = {}): LLM {
	return new LLM(`anthropic/${model}`, {
		baseUrl: simulator.url,
		keys: ["k"],
		env: { LLMX_HOME: home },
		...options,
	});
}

const rowsOf = (count: number, system = long): GenerateRow[] =>
	Array.from({ length: count }, (_, index) => ({ prompt: `row ${index}`, system }));

interface Ran {
	readonly outcomes: readonly RowOutcome<GenerateRow>[];
	/** Rows that the provider's cache was filled by, and those that read it. */
	readonly wrote: number;
	readonly read: number;
	readonly savedUsd: number;
	readonly usd: number;
}

async function run(
	rows: readonly GenerateRow[],
	options: Partial<LLMOptions> = {},
	control: RunControl<GenerateRow> = {},
): Promise<Ran> {
	await using llm = newLLM(options);
	const outcomes: RowOutcome<GenerateRow>[] = [];
	for await (const outcome of llm.generateEach(rows, { cache: options.cache }, control))
		outcomes.push(outcome);
	const usages = outcomes.map((outcome) => (outcome.ok ? outcome.result.usage : null));
	return {
		outcomes,
		wrote: usages.filter((usage) => (usage?.cacheWriteTokens ?? 0) > 0).length,
		read: usages.filter((usage) => (usage?.cachedInputTokens ?? 0) > 0).length,
		savedUsd: llm.promptCacheSavedUsd,
		usd: llm.cost.usd,
	};
}

describe("rows that share a long system prompt", () => {
	it.each([
		true,
		false,
	])("are sent once one of them has filled the provider's cache (own cache: %s)", async (cache) => {
		const ran = await run(rowsOf(40), { cache });
		expect(ran.outcomes.every(({ ok }) => ok)).toBe(true);
		expect([ran.wrote, ran.read]).toEqual([1, 39]);
		const price = findPrice("anthropic", model);
		if (price?.cachedInput == null || price.cacheWrite == null) throw new Error("no prices");
		const saved = (39 * (price.input - price.cachedInput) - (price.cacheWrite - price.input)) * tokens * 1e-6;
		expect(ran.savedUsd).toBeCloseTo(saved, 9);
		const plain = await run(rowsOf(40), { cache: "refresh", promptCache: false });
		expect([plain.wrote, plain.read, plain.savedUsd]).toEqual([0, 0, 0]);
		expect(plain.usd - ran.usd).toBeCloseTo(saved, 9);
	});

	it("fill it once for each prompt", async () => {
		const others = rowsOf(9, `${long} And one more.`).map((row, index) => ({
			...row,
			prompt: `other ${index}`,
		}));
		const ran = await run([...rowsOf(9), ...others]);
		expect([ran.wrote, ran.read]).toEqual([2, 16]);
	});

	it("go on when the one that was to fill it fails", async () => {
		const [first, ...rest] = rowsOf(6);
		const ran = await run([{ ...first, prompt: "[[fault:400]]" }, ...rest]);
		expect(ran.outcomes.map(({ ok }) => ok).filter((ok) => !ok)).toHaveLength(1);
		expect(ran.wrote + ran.read).toBe(5);
	});

	it("end with the run while they wait", async () => {
		const stop = new AbortController();
		const onSent = () => stop.abort();
		const [first, ...rest] = rowsOf(6);
		const rows = [{ ...first, prompt: "[[fault:stall-after-headers=60]]" }, ...rest];
		const ran = await run(rows, {}, { stop: stop.signal, onSent });
		expect(ran.outcomes.length).toBeLessThan(6);
		const aborted = new AbortController();
		await using llm = newLLM();
		const outcomes = llm.generateEach([{ ...first, prompt: "[[fault:no-answer]]" }, ...rest], {
			signal: aborted.signal,
			cache: false,
		});
		setTimeout(() => aborted.abort(), 50);
		const drained = (async () => {
			for await (const _ of outcomes);
		})();
		await expect(drained).rejects.toThrow();
	});
});

describe("nothing is marked for", () => {
	it.each<[string, readonly GenerateRow[]]>([
		["a single row", rowsOf(1)],
		["short prompts", rowsOf(5, "be brief")],
		["prompts that only one row has", [0, 1, 2].flatMap((index) => rowsOf(1, `${index} ${long}`))],
		[
			"rows that say themselves what is kept",
			rowsOf(3).map((row) => ({ ...row, parameters: { extra: { cache_control: { type: "none" } } } })),
		],
	])("%s", async (_, rows) => {
		const ran = await run(rows);
		expect([ran.wrote, ran.read]).toEqual([0, 0]);
	});
});

describe("a conversation", () => {
	it("has its history kept from the second turn on, and reads it", async () => {
		await using llm = newLLM();
		const talk = new Conversation(llm);
		for (const question of [long, "and then?", "and then again?"]) await talk.say(question);
		const kept = talk.turns.map(({ finish }) => [
			finish?.usage?.cacheWriteTokens,
			finish?.usage?.cachedInputTokens,
		]);
		expect(kept[0]).toEqual([0, 0]);
		expect(kept[1]?.[0]).toBeGreaterThan(2 * tokens - 2);
		expect(kept[2]?.[1]).toBe(kept[1]?.[0]);
	});
});

describe("bounds", () => {
	const boundsOf = (system: string, promptCacheMinimum: number | undefined): RowBounds =>
		rowBounds(
			{
				n: 1,
				parameters: {},
				messages: [
					{ role: "system", content: system },
					{ role: "user", content: "x" },
				],
			} as never,
			{ provider: "anthropic", modelId: model, isFree: false, promptCacheMinimum },
			undefined,
		);

	it("of a row hold whether the prompt is written, read or neither", () => {
		const kept = boundsOf(long, 4_096).usd;
		const plain = boundsOf(long, undefined).usd;
		if (kept === null || plain === null) throw new Error("no price");
		expect(kept.high).toBeGreaterThan(plain.high);
		expect(kept.low).toBeLessThan(plain.low);
		expect(boundsOf("short", 4_096).usd).toEqual(boundsOf("short", undefined).usd);
	});
});
