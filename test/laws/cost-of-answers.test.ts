import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LLM } from "../../src/index.ts";
import { findPrice } from "../../src/models/pricing.ts";
import { json, type Script, scriptedServer, sse } from "../providers/scripted-server.ts";
import { type Dialect, dialects, type TrueBill, trueCost, words } from "./bills.ts";

const tokens = fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat(40_000) });

const bills: fc.Arbitrary<TrueBill> = fc.record({
	plain: fc.integer({ min: 1, max: 40_000 }),
	cached: tokens,
	written: tokens,
	writtenHour: tokens,
	sound: tokens,
	reasoning: tokens,
	text: fc.integer({ min: 4, max: 8_000 }),
	searches: fc.constantFrom(0, 0, 0, 1, 7),
	tier: fc.constantFrom("ordinary", "ordinary", "priority", "flex"),
	form: fc.constantFrom(0, 1, 2),
});
const nothing: TrueBill = {
	...{ plain: 0, cached: 0, written: 0, writtenHour: 0, sound: 0, reasoning: 0, text: 0, searches: 0 },
	tier: "ordinary",
	form: 0,
};

/** What servers have written where a count should be. A figure that is left out, or null, says that there is none. */
const nonsense = fc.constantFrom<unknown>(-1, 1.5, "12", "many", {}, [], true, 9e15, 2 ** 60);

/** How an answer spoils its usage: not at all, by leaving it out, or with one figure that is none. */
const spoiling = fc.oneof(
	{ weight: 3, arbitrary: fc.constant({ kind: "right" as const }) },
	{ weight: 1, arbitrary: fc.constantFrom({ kind: "absent" as const }, { kind: "null" as const }) },
	{ weight: 1, arbitrary: fc.constant({ kind: "zeros" as const }) },
	{
		weight: 3,
		arbitrary: fc.record({ kind: fc.constant("figure" as const), which: fc.nat(30), value: nonsense }),
	},
);
type Spoiling = typeof spoiling extends fc.Arbitrary<infer Kind> ? Kind : never;

function spoil(usage: Record<string, unknown>, spoiled: Spoiling): unknown {
	if (spoiled.kind === "absent") return undefined;
	if (spoiled.kind === "null") return null;
	const copy = structuredClone(usage);
	const figures = figuresOf(copy);
	if (spoiled.kind === "zeros") for (const figure of figures) figure.holder[figure.name] = 0;
	if (spoiled.kind === "figure") {
		const { holder, name } = figures[spoiled.which % figures.length] as (typeof figures)[number];
		holder[name] = spoiled.value;
	}
	return copy;
}

/** Every figure in a usage, with the object that holds it. */
function figuresOf(value: unknown): { holder: Record<string, unknown>; name: string }[] {
	if (typeof value !== "object" || value === null) return [];
	const holder = value as Record<string, unknown>;
	return Object.entries(holder).flatMap(([name, inner]) =>
		typeof inner === "number" ? [{ holder, name }] : figuresOf(inner),
	);
}

const close = (a: number, b: number) => Math.abs(a - b) <= 1e-9;

describe.each(
	Object.entries(dialects),
)("the cost of any answer in the words of %s", (name, dialect: Dialect) => {
	it("is right, or unknown, and never too low", async () => {
		let script: Script = () => {};
		const server = await scriptedServer((response, received) => script(response, received));
		const base = { baseUrl: dialect.model.startsWith("openai") ? `${server.url}/v1` : server.url };
		await using llm = new LLM(dialect.model, {
			...{ ...base, keys: ["sk-test"], env: { LLMX_HOME: "/nonexistent" } },
			...{ cache: false, ledger: false, maxRetries: 0 },
		});
		let known = 0;
		await fc.assert(
			fc.asyncProperty(bills, spoiling, fc.boolean(), async (drawn, spoiled, streamed) => {
				const bill = { ...nothing, ...pick(drawn, [...dialect.has, "form"]) } as TrueBill;
				const inputTokens = bill.plain + bill.cached + bill.written + bill.writtenHour + bill.sound;
				const price = findPrice(llm.provider, llm.modelId, { inputTokens });
				if (price === null) throw new Error(`${dialect.model} has no price, so that this shows nothing`);
				const truth = trueCost(bill, price, dialect.searchUsd);
				const usage = spoil(dialect.usage(bill, truth), spoiled);
				script = streamed ? sse(...dialect.stream(usage, bill)) : json(dialect.answer(usage, bill));
				const { text, costUsd } = await llm.ask("what does it cost?", { streamed });
				expect(text).toBe(words);
				if (costUsd === null) return;
				known += 1;
				expect(costUsd).toBeGreaterThanOrEqual(truth - 1e-9);
				if (spoiled.kind === "right") expect(close(costUsd, truth), `${costUsd} and not ${truth}`).toBe(true);
			}),
			{ numRuns: Number(process.env.LAW_RUNS ?? 60) },
		);
		expect(known, name).toBeGreaterThan(0);
	});
});

describe("the cost of an answer whose server leaves the thoughts out of its totals", () => {
	const prose = "four letters and a blank come to about one token in the words that people write down. ";
	const textOf = (count: number) => prose.repeat(Math.ceil((count * 4) / prose.length)).slice(0, count * 4);
	/** As gateways have written it: in a figure beside the totals, or in none, with the thoughts themselves or without. */
	const forms = ["beside", "beside, with thoughts", "nowhere, with thoughts"] as const;

	it("is right, or unknown, and never too low, where there are more thoughts than answer", async () => {
		let script: Script = () => {};
		const server = await scriptedServer((response, received) => script(response, received));
		await using llm = new LLM("openai/gpt-5-mini", {
			...{ baseUrl: `${server.url}/v1`, keys: ["sk-test"], env: { LLMX_HOME: "/nonexistent" } },
			...{ cache: false, ledger: false, maxRetries: 0 },
		});
		const price = findPrice("openai", "gpt-5-mini");
		if (price === null) throw new Error("gpt-5-mini has no price, so that this shows nothing");
		const counts = fc.tuple(fc.integer({ min: 40, max: 3_000 }), fc.integer({ min: 1, max: 5 }));
		await fc.assert(
			fc.asyncProperty(counts, fc.constantFrom(...forms), async ([answer, times], form) => {
				const thoughts = answer * times;
				const message = {
					role: "assistant",
					content: textOf(answer),
					...(form === "beside" ? {} : { reasoning_content: textOf(thoughts) }),
				};
				const usage = {
					prompt_tokens: 100,
					completion_tokens: answer,
					total_tokens: 100 + answer,
					...(form.startsWith("beside") ? { completion_tokens_details: { reasoning_tokens: thoughts } } : {}),
				};
				script = json({ choices: [{ index: 0, message, finish_reason: "stop" }], usage });
				const { costUsd } = await llm.ask("what does it cost?", { streamed: false });
				if (form === "nowhere, with thoughts" && times === 1) return;
				if (costUsd === null) return;
				expect(costUsd).toBeCloseTo((100 * price.input + (answer + thoughts) * price.output) / 1e6, 9);
			}),
			{ numRuns: Number(process.env.LAW_RUNS ?? 60) },
		);
	});
});

function pick<T extends object>(from: T, names: readonly (keyof T)[]): Partial<T> {
	return Object.fromEntries(names.map((name) => [name, from[name]])) as Partial<T>;
}
