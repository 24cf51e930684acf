import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { repriceLedger } from "../../src/batch/reprice.ts";
import { sumLedger } from "../../src/cli/cost/sums.ts";
import { parseConfig } from "../../src/state/config.ts";
import { resolvePaths } from "../../src/state/paths.ts";
import { readSpending } from "../../src/state/totals.ts";
import { afterTest } from "../helpers/cleanup.ts";

function home() {
	const folder = mkdtempSync(join(tmpdir(), "llmx-reprice-"));
	afterTest(() => rmSync(folder, { recursive: true, force: true }));
	const paths = resolvePaths({ LLMX_HOME: folder });
	mkdirSync(dirname(paths.ledger), { recursive: true });
	return paths;
}

const row = (fields: object) =>
	`${JSON.stringify({
		ts: new Date().toISOString(),
		command: "ask",
		model: "groq/new",
		provider: "groq",
		model_id: "new",
		input_tokens: 1_000_000,
		output_tokens: 100_000,
		cost_usd: null,
		status: "ok",
		attempts: 1,
		latency_ms: 1,
		...fields,
	})}\n`;

const config = parseConfig(JSON.stringify({ prices: { "groq/new": { input: 2, output: 10 } } }), "config");

describe("cost --reprice", () => {
	it("prices what had no price, once, and leaves the rest as it is", async () => {
		const paths = home();
		const before =
			row({ unknown: "no_price" }) +
			row({}) +
			row({ unknown: "no_usage", input_tokens: null, output_tokens: null }) +
			row({ status: "maybe_billed" }) +
			row({ unknown: "untold", charges: { tier: "scale" } }) +
			row({ model_id: "other", model: "groq/other" }) +
			row({ cost_usd: 1 });
		writeFileSync(paths.ledger, before);
		expect(await repriceLedger(paths, config)).toEqual({ calls: 2, usd: 6, left: 1 });
		expect(readFileSync(paths.ledger, "utf8").startsWith(before)).toBe(true);
		expect(await repriceLedger(paths, config)).toEqual({ calls: 0, usd: 0, left: 1 });
		const { total, groups } = await sumLedger(paths.ledger, { by: "model" });
		expect(total).toMatchObject({ calls: 7, costUsd: 7, unknownCalls: 4, inputTokens: 6_000_000 });
		expect(total.unknown).toEqual({ no_price: 1, no_usage: 1, untold: 1, interrupted: 1 });
		expect(groups.find(({ key }) => key === "groq/new")).toMatchObject({ calls: 6, costUsd: 7 });
		expect((await readSpending(paths)).today).toEqual({ usd: 7, unknownCalls: 4 });
	});

	it("prices a call by its own day", async () => {
		const paths = home();
		writeFileSync(paths.ledger, row({ ts: "2026-01-02T03:04:05.000Z" }));
		const dated = parseConfig(
			JSON.stringify({
				prices: {
					"groq/*": [
						{ input: 1, output: 1 },
						{ input: 9, output: 9, from: "2026-02-01" },
					],
				},
			}),
			"config",
		);
		expect(await repriceLedger(paths, dated)).toEqual({ calls: 1, usd: 1.1, left: 0 });
		const last = readFileSync(paths.ledger, "utf8").trim().split("\n").at(-1) as string;
		expect(JSON.parse(last)).toMatchObject({ ts: "2026-01-02T03:04:05.000Z", reprices: 0, cost_usd: 1.1 });
	});

	it("says of what providers reported that they did", async () => {
		const paths = home();
		appendFileSync(paths.ledger, row({ cost_usd: 0.5, cost_source: "reported" }) + row({ cost_usd: 0.25 }));
		const { total } = await sumLedger(paths.ledger, { by: "model" });
		expect([total.reportedUsd, total.costUsd]).toEqual([0.5, 0.75]);
	});
});

describe("what was spent", () => {
	it("is of the day of whoever asks, in whatever zone the totals were written", async () => {
		const paths = home();
		// 20:00 UTC is the 28th in London and the 29th in Tokyo; enough rows for the totals to be stored.
		const late = row({ ts: "2026-11-28T20:00:00.000Z", cost_usd: 0.001 });
		writeFileSync(paths.ledger, late.repeat(1_000));
		const now = Date.parse("2026-11-28T20:30:00Z");
		const zone = process.env.TZ;
		afterTest(() => {
			if (zone === undefined) delete process.env.TZ;
			else process.env.TZ = zone;
		});
		for (const [TZ, at] of [
			["UTC", now],
			["Asia/Tokyo", now],
			["Asia/Kathmandu", now],
			["America/New_York", now],
		] as const) {
			process.env.TZ = TZ;
			expect((await readSpending(paths, at)).today.usd, TZ).toBeCloseTo(1, 9);
		}
		process.env.TZ = "Asia/Tokyo";
		expect((await readSpending(paths, now - 86_400_000)).today.usd).toBe(0);
		process.env.TZ = "UTC";
		expect((await readSpending(paths, now + 86_400_000)).today.usd).toBe(0);
	});
});
