import { describe, expect, it } from "vitest";
import type { Rehearsal } from "../../src/batch/rehearse.ts";
import { LatencyHistogram, RunStats } from "../../src/batch/run-stats.ts";
import { commandsAgain } from "../../src/cli/batch/again.ts";
import { rehearsalJson, rehearsalLines } from "../../src/cli/batch/rehearsal.ts";
import { type SummaryView, summaryJson, summaryLines, summaryWrap } from "../../src/cli/batch/summary.ts";
import { type BatchView, progressLine, progressLines } from "../../src/cli/batch/view.ts";
import { createColors } from "../../src/terminal/colors.ts";
import { textWidth } from "../../src/terminal/width.ts";

const plain = createColors(false);

function stats(values: Partial<Omit<RunStats, "latencies" | "failures" | "finished">>): RunStats {
	return Object.assign(new RunStats(), values);
}

const view: BatchView = {
	source: "prompts.jsonl",
	target: "prompts.results.jsonl",
	models: [{ model: "sambanova/Meta-Llama-3.3-70B-Instruct", stats: stats({}) }],
	total: 10_000,
	stats: stats({ answered: 6_201, cached: 812, failed: 13, inFlight: 41, usd: 1.83 }),
	requestsPerMinute: 2_944,
	tokensPerMinute: 1_100_000,
	leftMs: 14 * 60_000,
	pace: { window: 41, requestsPerMinute: 3_000, reason: "held by the request limit" },
	pause: undefined,
	capUsd: 5,
};

describe("the progress of a run", () => {
	it("is a group of lines on a terminal", () => {
		expect(progressLines(view, 100, plain)).toEqual([
			`prompts.jsonl → prompts.results.jsonl${" ".repeat(25)}sambanova/Meta-Llama-3.3-70B-Instruct`,
			`${"━".repeat(31)}╺${"━".repeat(18)}  6,214 of 10,000   62 %   14 min left`,
			"6,201 answered · 812 cached · 13 failed · 41 in flight",
			"2,944 requests/min (limit 3,000) · 1.1 M tokens/min",
			"window 41, held by the request limit",
			"$1.83 so far · about $2.94 in all · cap $5.00",
		]);
	});

	it("has a line for each of several models, of eight at most", () => {
		const models = [
			{ model: "gpt-4.1-mini", stats: stats({ answered: 1_201, inFlight: 12, usd: 0.31 }) },
			{ model: "anthropic/claude-haiku-4-5", stats: stats({ answered: 88, failed: 2, unknownCosts: 1 }) },
		];
		const [head, , , one, other] = progressLines({ ...view, models }, 100, plain);
		expect(head).toMatch(/2 models$/);
		expect(one).toBe("  gpt-4.1-mini                1,201 answered · 12 in flight · $0.31");
		expect(other).toBe(
			"  anthropic/claude-haiku-4-5  88 answered · 2 failed · 0 in flight · 1 call of unknown price",
		);
		for (const count of [2, 8, 9, 40]) {
			const many = Array.from({ length: count }, (_, index) => ({ model: `m${index}`, stats: stats({}) }));
			const lines = progressLines({ ...view, models: many }, 100, plain).slice(3, -3);
			expect(lines).toHaveLength(Math.min(count, 8));
			if (count > 8) expect(lines.at(-1)).toBe(`  and ${count - 7} more models`);
		}
	});

	it.each([20, 40, 60, 80, 100, 300])("keeps its bar and head within %i columns", (columns) => {
		const [head = "", bar = ""] = progressLines(view, columns, plain);
		expect(textWidth(head)).toBeLessThan(columns);
		if (columns >= 60) expect(textWidth(bar)).toBeLessThan(columns);
	});

	it.each([24, 40, 60, 80])("says at %i columns what is waited for, and cuts nothing of it", (columns) => {
		const pause = { ms: 12_000, why: "OpenAI answered 503" };
		const troubled = {
			...view,
			pause,
			stats: stats({ answered: 3, trouble: "OpenAI answered 503 (overloaded)" }),
		};
		const lines = progressLines(troubled, columns, plain).slice(2);
		for (const line of lines) expect(textWidth(line)).toBeLessThan(columns);
		const text = lines.join(" ").replaceAll(" · ", " ");
		expect(text).toContain("2,944 requests/min (limit 3,000) 1.1 M tokens/min");
		expect(text).toContain("paused, next try in 12 s: most requests fail");
		if (columns >= 40) expect(text).toContain("last heard: OpenAI answered 503 (overloaded)");
	});

	describe("over several servers", () => {
		const servers = [
			{ name: "gpu1:8000", inFlight: 24, answers: 3_100, failures: 0, latencyMs: 412, isOut: false },
			{
				name: "gpu2.cluster.example:8000",
				inFlight: 1,
				answers: 12,
				failures: 31,
				latencyMs: null,
				isOut: true,
			},
		];
		const pace = { window: 48, requestsPerMinute: null, reason: "starting", servers };

		it("has a line for each, those out of order first", () => {
			expect(progressLines({ ...view, pace }, 100, plain).slice(-2)).toEqual([
				"gpu2.cluster.example:8000  out of order · 12 answered · 31 failed",
				"gpu1:8000                  24 in flight · 3,100 answered · 0.4 s",
			]);
			expect(progressLine({ ...view, pace })).toContain("1 of 2 servers, without gpu2.cluster.example:8000");
		});

		it.each([20, 40, 80, 200])("keeps within %i columns, and to eight lines", (columns) => {
			const many = Array.from({ length: 30 }, () => servers).flat();
			const all = progressLines({ ...view, pace: { ...pace, servers: many } }, columns, plain);
			const lines = all.slice(-8);
			expect(all.at(-9)).toContain("cap $5.00");
			expect(lines.at(-1)).toBe("and 53 other servers");
			for (const line of lines.slice(0, -1)) expect(textWidth(line)).toBeLessThan(columns);
		});
	});

	it("has no colours where none are wanted, and some where they are", () => {
		expect(progressLines(view, 100, plain).join("")).not.toContain("\x1b");
		expect(progressLines(view, 100, createColors(true))[2]).toContain("\x1b[31m13 failed\x1b[39m");
	});

	it("says what a request failed with until one is answered, and before what was heard about limits", () => {
		const pace = { window: 64, requestsPerMinute: null, reason: "starting slowly", lastSignal: "429" };
		const holdOf = (trouble: string | null) =>
			progressLines({ ...view, stats: stats({ trouble }), pace }, 100, plain)[4];
		expect(holdOf(null)).toBe("window 64, starting slowly · last heard: 429");
		expect(holdOf("OpenAI: connection refused\x1b[2J")).toBe(
			"window 64, starting slowly · last heard: OpenAI: connection refused",
		);
	});

	it("says what is waited for while nothing is sent", () => {
		const pace = { window: 64, requestsPerMinute: null, reason: "waiting as long as the server asked" };
		const holdOf = (pause: BatchView["pause"]) => progressLines({ ...view, pace, pause }, 100, plain)[4];
		expect(holdOf({ ms: 12_300, why: null })).toBe(
			"paused, next try in 12 s: waiting as long as the server asked",
		);
		expect(holdOf({ ms: 400, why: "503" })).toBe("paused, next try in 1.0 s: most requests fail");
	});

	it("counts what is left in seconds below five minutes", () => {
		const left = (leftMs: number) => progressLines({ ...view, leftMs }, 100, plain)[1];
		expect(left(91_200)).toContain("1 min 32 s left");
		expect(left(301_000)).toContain("5 min left");
	});

	it("is one line elsewhere, and does not call an unknown cost nothing", () => {
		const unknown = {
			...view,
			stats: stats({ answered: 3, inFlight: 1, unknownCosts: 3 }),
			pace: undefined,
			leftMs: null,
		};
		expect(progressLine({ ...unknown, capUsd: undefined })).toBe(
			"3 of 10,000 (0 %) · 3 answered · 1 in flight · 2,944 requests/min · 1.1 M tokens/min · 3 calls of unknown price so far",
		);
	});
});

describe("the summary", () => {
	const done = stats({
		answered: 9_987,
		cached: 812,
		failed: 13,
		requests: 9_191,
		refusals: 3,
		inputTokens: 3_100_000,
		cachedInputTokens: 400_000,
		outputTokens: 1_200_000,
		usd: 2.95,
		savedUsd: 0.21,
	});
	done.failures.set("blocked", 3).set("rate_limit", 9).set("context_length", 1);
	for (let ms = 100; ms <= 2_000; ms += 10) done.latencies.add(ms);
	const summary: SummaryView = {
		outcome: {
			stats: done,
			missing: 0,
			failed: 13,
			overflowed: 0,
			stopped: undefined,
			hint: undefined,
			notes: [],
			exitCode: 1,
		},
		modelRuns: [],
		total: 10_000,
		doneBefore: 0,
		elapsedMs: 1_450_000,
		failuresName: "prompts.results.errors.jsonl",
		overshootUsd: 0,
		capName: "--max-cost",
		estimate: { usd: { low: 1.2, high: 4.5 }, unpricedRows: 0, rows: 9_188 },
		again: commandsAgain(["batch", "my prompts.jsonl", "--overwrite"]),
		superseded: undefined,
		timeline: { interval_seconds: 1, answered: [], failed: [], refusals_429: [] },
	};

	it("says what came of a run, what it cost, and how to go on", () => {
		expect(summaryLines(summary, plain)).toEqual([
			"answered  9,987 of 10,000 in 24 min 10 s · 812 from the cache",
			"cost      $2.95 (the cache saved $0.21) · 3.1 M tokens in (400k cached) · 1.2 M out",
			"pace      413 answers/min · p50 1.0 s · p95 1.9 s · 3 refusals (429)",
			"failed    13: 9 rate limit, 3 blocked, 1 too long → prompts.results.errors.jsonl",
			"again     llmx batch 'my prompts.jsonl' --retry-failed",
			"estimated $1.20 to $4.50, cost $2.95",
		]);
	});

	it("says first why it was stopped, and what is missing", () => {
		const outcome = {
			...summary.outcome,
			missing: 400,
			failed: 0,
			stopped: "the disk\x1b[2J is full",
			hint: "make room",
		};
		const lines = summaryLines({ ...summary, outcome, overshootUsd: 0.02 }, plain);
		expect(lines[0]).toBe("stopped   the disk is full");
		expect(lines[1]).toBe("          make room");
		expect(lines).toContain("          $0.02 above --max-cost");
		expect(lines.slice(-3)).toEqual([
			"missing   400 rows not sent",
			"again     llmx batch 'my prompts.jsonl'",
			"estimated $1.20 to $4.50, cost $2.95",
		]);
	});

	it("fits the terminal, but for the command, which is copied whole", async () => {
		const again = commandsAgain(["batch", "a file with a rather long name of prompts.jsonl"]);
		const outcome = {
			...summary.outcome,
			stopped: "the answers of the provider are refused for want of credit",
		};
		for (const columns of [40, 80, 200]) {
			const wrap = await summaryWrap(columns);
			const lines = summaryLines({ ...summary, outcome, again }, plain, wrap).flatMap((line) =>
				line.split("\n"),
			);
			expect(lines).toContain(`again     ${again.failed}`);
			const others = lines.filter((line) => !line.startsWith("again"));
			expect(Math.max(...others.map((line) => line.length))).toBeLessThanOrEqual(columns);
			expect(others.every((line) => /^(?:[a-z]\S* +| {10})\S/.test(line))).toBe(true);
		}
		expect(await summaryWrap(undefined)).toBeUndefined();
	});

	it("is JSON for machines", () => {
		expect(summaryJson(summary)).toMatchObject({
			rows: 10_000,
			answered: 9_987,
			cached: 812,
			failed: 13,
			failures: { blocked: 3, rate_limit: 9, context_length: 1 },
			missing: 0,
			cost_usd: 2.95,
			saved_usd: 0.21,
			refusals_429: 3,
			seconds: 1450,
			exit_code: 1,
			stopped: null,
		});
	});
});

describe("what a rehearsal found", () => {
	const rehearsal: Rehearsal = {
		model: "gpt-4.1",
		requests: 3_963,
		cached: 37,
		durationMs: 562_000,
		inputTokens: 843_000,
		outputTokens: 1_010_000,
		usd: 9.77,
		heldBy: { reason: "held by --tpm", share: 0.987 },
	};

	it("is the time, the pace, the cost, what holds it back, and what was assumed", () => {
		expect(rehearsalLines([rehearsal], 2.5)).toEqual([
			"time      9 min 22 s",
			"requests  3,963, and 37 rows cached",
			"pace      423 requests/min · 198k tokens/min",
			"tokens    843k in · 1 M out",
			"cost      $9.77",
			"mostly    held by --tpm (99 % of the time)",
			"assumed   answers in 2.5 s (--answer-seconds), about 200 tokens each; nothing was sent",
		]);
	});

	it("has a heading for each of several models, and calls an unknown cost unknown", () => {
		const lines = rehearsalLines([rehearsal, { ...rehearsal, model: "x/new\n", usd: null }], 1);
		expect(lines.filter((line) => /:$|^cost/.test(line))).toEqual([
			...["gpt-4.1:", "cost      $9.77", "x/new :", "cost      unknown"],
		]);
		expect(rehearsalJson([rehearsal, { ...rehearsal, durationMs: 600_000 }])).toMatchObject({
			seconds: 600,
			models: [{ model: "gpt-4.1", cost_usd: 9.77 }, { seconds: 600 }],
		});
	});
});

describe("latencies", () => {
	it("give percentiles within two percent, in constant memory", () => {
		const histogram = new LatencyHistogram();
		expect(histogram.percentile(0.5)).toBeNull();
		for (let ms = 1; ms <= 10_000; ms++) histogram.add(ms);
		expect(Math.abs((histogram.percentile(0.5) as number) / 5_000 - 1)).toBeLessThan(0.02);
		expect(Math.abs((histogram.percentile(0.95) as number) / 9_500 - 1)).toBeLessThan(0.02);
	});
});
