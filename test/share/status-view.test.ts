import { describe, expect, it } from "vitest";
import { fitToHeight, fitToWidth, statusLines, totalsOf } from "../../src/cli/batch/share/status-view.ts";
import type { SharedRunView, SharedShard } from "../../src/share/view.ts";
import { createColors } from "../../src/terminal/colors.ts";
import { viewOf } from "./helpers/shards.ts";

function shardOf(shard: string, facts: Partial<SharedShard> = {}): SharedShard {
	return { ...viewOf(shard), alive: true, set_aside_usd: 0, ...facts };
}

const run: SharedRunView = {
	run: "prompts.jsonl",
	began: 0,
	stopped: null,
	committed_usd: 3,
	shards: [
		// Killed, and started again.
		shardOf("1/2", { alive: false, answered: 3, cost_usd: 1, requests: 3, set_aside_usd: 0.5 }),
		shardOf("1/2", { done_before: 3, answered: 2, cost_usd: 0.5, requests: 2, max_cost: 5 }),
		shardOf("2/2", { alive: false, answered: 4, failed: 1, cost_usd: 1, requests: 5 }),
	],
};

describe("the status of a shared run", () => {
	it("counts the rows of a shard that came back once, and its money twice", () => {
		expect(totalsOf(run)).toMatchObject({
			shards: 2,
			alive: 1,
			rows: 20,
			done: 10,
			requests: 10,
			cost_usd: 2.5,
			set_aside_usd: 0.5,
			max_cost: 5,
		});
	});

	it("shows each shard in a line, and on a narrow terminal in a block", () => {
		const lines = (width: number | undefined) =>
			statusLines(run, { now: 120_000, width, colors: createColors(false) });
		expect(lines(undefined).join("\n")).toContain(
			[
				"run       prompts.jsonl",
				"begun     2 minutes ago",
				"shards    1 of 2 running",
				"done      10 of 20 (50 %)",
				"pace      0 requests/min",
				"cost      $2.50 · $0.50 set aside",
				"cap       $5.00",
			].join("\n"),
		);
		expect(lines(undefined).at(-1)).toMatch(/^2\/2 +gone +5 of 10 +1 +\$1\.00 +here$/);
		for (const line of lines(40)) expect(line.length).toBeLessThanOrEqual(40);
	});

	it("cuts nothing, however long states and hosts are and however narrow the terminal", () => {
		const long = {
			...run,
			shards: [1, 2, 3].map((index) =>
				shardOf(`${index}/3`, {
					state: index === 2 ? "stopped: $5.00 of the cap of all shards are spent or set aside" : "running",
					host: `llmx-batch-${index}-x8zkq.${"n".repeat(index * 5)}.internal`,
					cost_usd: 0.1234,
				}),
			),
		};
		for (const width of [40, 79, 80, 100, 200]) {
			const lines = statusLines(long, { now: 0, width, colors: createColors(false) });
			const text = lines.join(" ").replaceAll(/\s+/g, " ");
			for (const title of ["state", "done", "req/min", "in flight", "cost", "host"])
				expect(text).toContain(title);
			for (const { host } of long.shards) expect(text).toContain(host);
			expect(text).not.toContain(" failed");
			for (const line of fitToWidth(lines, width)) expect(line.length).toBeLessThanOrEqual(width);
			expect(fitToWidth(lines, width).join("").replaceAll(" ", "")).toBe(lines.join("").replaceAll(" ", ""));
			// A terminal that is too low says so.
			expect(fitToHeight(lines, lines.length)).toBe(lines);
			const low = fitToHeight(lines, 5);
			expect(low).toHaveLength(5);
			expect(low.at(-1)).toBe(`… ${lines.length - 4} more lines: needs more rows`);
			expect(low.at(-1)?.length).toBeLessThan(40);
		}
	});

	it("is safe to print, whatever a shard says of itself", () => {
		const hostile = {
			...run,
			run: "a\x1b[2J",
			shards: [shardOf("1\n/1", { host: "\x1b]0;x\x07", state: "\r" })],
		};
		const text = statusLines(hostile, { now: 0, width: 80, colors: createColors(false) }).join("\n");
		expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
	});
});
