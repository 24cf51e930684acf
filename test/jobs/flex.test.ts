import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rowBounds } from "../../src/batch/row-bounds.ts";
import { pricesOf } from "../../src/models/price-table.ts";
import { jobBench, prompts } from "./harness.ts";

const flags = ["--flex", "-y", "-q"];

describe("the cheaper tier of requests that may wait", () => {
	it.each([
		["openai/echo", "service_tier"],
		["openrouter/echo", "service_tier"],
		["gemini/echo", "serviceTier"],
	])("is asked for by every request (%s)", async (model, field) => {
		const bench = await jobBench();
		bench.writeRows(prompts(3));
		const { exitCode, err } = await bench.run(["batch", "in.jsonl", "-m", model, ...flags]);
		expect(exitCode, err).toBe(0);
		expect(bench.simulator.requests.map(({ body }) => body[field])).toEqual(["flex", "flex", "flex"]);
	});

	it("has the ordinary price for a ceiling where nobody publishes its own, never $0", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(2));
		const args = [
			"batch",
			"in.jsonl",
			"-m",
			"openrouter/openai/gpt-4o-mini",
			"--max-tokens",
			"100",
			"--flex",
		];
		const dry = await bench.run([...args, "--dry-run", "--summary-json", "s.json"]);
		expect(dry.out).toMatch(/cost {6}up to \$\S+, the ordinary price: that of the flex tier is lower/);
		const { cost_usd: cost } = JSON.parse(readFileSync(join(bench.folder, "s.json"), "utf8")) as {
			cost_usd: { low: unknown; high: number };
		};
		expect(cost.low).toBeNull();
		expect((await bench.run([...args, "--max-cost", String(cost.high)])).exitCode).toBe(0);
		expect((await bench.run([...args, "-o", "b.jsonl", "--no-cache", "--max-cost", "1e-6"])).exitCode).toBe(
			8,
		);
	});

	it("is refused where nobody sells one, before anything is sent", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(1));
		for (const [model, hint] of [
			["anthropic/echo", "batch jobs: --via-jobs"],
			["groq/echo", "batch jobs: --via-jobs"],
			["local/echo", "omit --flex"],
		]) {
			const { exitCode, err } = await bench.run(["batch", "in.jsonl", "-m", model as string, ...flags]);
			expect(exitCode).not.toBe(0);
			expect(err).toContain("has no cheaper tier");
			expect(err).toContain(hint);
		}
		expect(bench.simulator.requests).toEqual([]);
	});

	it("yields to the tier that a row names, and changes neither rows nor the cache", async () => {
		const bench = await jobBench();
		const rows = [
			{ id: "1", prompt: "one" },
			{
				custom_id: "2",
				method: "POST",
				url: "/v1/chat/completions",
				body: { messages: [{ role: "user", content: "two" }], service_tier: "default" },
			},
		];
		writeFileSync(join(bench.folder, "in.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
		await bench.run(["batch", "in.jsonl", "-m", "openai/echo", ...flags]);
		const tiers = bench.simulator.requests.map(({ prompt, body }) => `${prompt}: ${body.service_tier}`);
		expect(tiers.toSorted()).toEqual(["one: flex", "two: default"]);
		const again = await bench.run(["batch", "in.jsonl", "-m", "openai/echo", "--dry-run"]);
		expect(again.out).toContain("2 already answered");
		const elsewhere = ["batch", "in.jsonl", "-m", "openai/echo", "-o", "other.jsonl", "--dry-run"];
		expect((await bench.run(elsewhere)).out).toContain("2 in the cache");
	});

	it("is estimated at its own price, and bounded at the ordinary one", () => {
		const row = {
			line: 1,
			id: "1",
			model: undefined,
			messages: [{ role: "user", content: "hello" }],
			prompt: { text: "hello", system: undefined },
			parameters: { maxTokens: 100 },
			n: 1,
			linksImages: false,
			metadata: undefined,
		} as const;
		const sold = ["openai", "openrouter"].flatMap((id) => pricesOf(id).all());
		for (const { provider, model: modelId, batchInput } of sold) {
			const model = { provider, modelId, isFree: false, hasJobs: true };
			const [ordinary, flex] = [
				rowBounds(row, model, undefined),
				rowBounds(row, { ...model, tier: "flex" }, undefined),
			];
			expect(flex.usdOf(100)).toBe(ordinary.usdOf(100));
			// Where nobody publishes its price, the ordinary one is the most that it may be.
			const most = { low: 0, high: ordinary.usd?.high };
			expect(flex.usd).toEqual(batchInput === null ? most : ordinary.otherUsd());
			expect(flex.isCeiling).toBe(batchInput === null);
		}
	});
});
