import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkBudget } from "../../src/cli/budget.ts";
import { Ledger } from "../../src/state/ledger.ts";
import { type Paths, resolvePaths } from "../../src/state/paths.ts";

const now = new Date(2026, 10, 22, 12).getTime();
let paths: Paths;
beforeEach(() => {
	paths = resolvePaths({ LLMX_HOME: mkdtempSync(join(tmpdir(), "llmx-budget-")) });
});
afterEach(() => rmSync(paths.stateFolder, { recursive: true, force: true }));

function spend(costUsd: number | null, daysAgo = 0): void {
	const ledger = new Ledger(paths.ledger, { now: () => now - daysAgo * 86_400_000 });
	const model = { model: "gpt-4.1", provider: "openai", modelId: "gpt-4.1" };
	ledger.append({
		...model,
		command: "ask",
		usage: null,
		costUsd,
		cached: false,
		status: "ok",
		attempts: 1,
		latencyMs: 1,
	});
	ledger.close();
}

describe("checkBudget", () => {
	it("says nothing without a budget or far from it", async () => {
		spend(100);
		expect(await checkBudget(paths, {}, { now })).toEqual({ warning: null, remainingUsd: null });
		expect(await checkBudget(paths, { daily: 200 }, { now })).toEqual({ warning: null, remainingUsd: 100 });
	});

	it("warns from 80 % on, and names calls of unknown price", async () => {
		spend(4);
		spend(null);
		expect(await checkBudget(paths, { daily: 5, monthly: 50 }, { now })).toEqual({
			warning: "80 % of the daily budget of $5.00 is spent: $4.00 + 1 call of unknown price today",
			remainingUsd: 1,
		});
	});

	it("refuses at 100 % with exit 8, for the day and for the month", async () => {
		spend(3);
		spend(7, 5);
		await expect(checkBudget(paths, { daily: 3 }, { now })).rejects.toThrow(
			expect.objectContaining({ message: "the daily budget of $3.00 is spent: $3.00 today", exitCode: 8 }),
		);
		await expect(checkBudget(paths, { daily: 5, monthly: 10 }, { now })).rejects.toThrow(
			expect.objectContaining({
				message: "the monthly budget of $10.00 is spent: $10.00 this month",
				hint: "continue with --over-budget, or raise it: llmx config set budget.monthly USD",
			}),
		);
	});

	it("only warns with --over-budget", async () => {
		spend(6);
		expect(await checkBudget(paths, { daily: 5 }, { now, overBudget: true })).toEqual({
			warning: "the daily budget of $5.00 is spent: $6.00 today",
			remainingUsd: null,
		});
	});
});
