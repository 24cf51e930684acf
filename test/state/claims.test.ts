import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { BudgetClaim, claimedBy } from "../../src/state/money/claims.ts";
import { afterTest } from "../helpers/cleanup.ts";

let folder: string;
const budget = (usd: number) => async () => usd;

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-claims-"));
	afterTest(() => rmSync(folder, { recursive: true, force: true }));
});

describe("claims on a budget", () => {
	it("never come to more than there is, however many are made at once", async () => {
		const claims = Array.from({ length: 8 }, () => new BudgetClaim(folder));
		const granted = await Promise.all(claims.map((claim) => claim.add(0.3, budget(1))));
		expect(granted.reduce((sum, usd) => sum + usd, 0)).toBeCloseTo(1, 12);
		expect(await claimedBy(folder)).toBeCloseTo(1, 12);
		await Promise.all(claims.map((claim) => claim.release()));
		expect(await claimedBy(folder)).toBe(0);
	});

	it("shrink by what is spent, and grow as long as something is left", async () => {
		const [one, other] = [new BudgetClaim(folder), new BudgetClaim(folder)];
		expect(await one.add(0.6, budget(1))).toBe(0.6);
		expect(await other.add(0.6, budget(1))).toBeCloseTo(0.4, 12);
		// 0.5 of the first are spent now, and in the ledger: 0.5 of the budget are left, 0.1 of them claimed.
		one.keep(0.1);
		expect(await claimedBy(folder)).toBeCloseTo(0.5, 12);
		expect(await one.add(1, budget(0.5))).toBe(0);
		await other.release();
		expect(await one.add(1, budget(0.5))).toBeCloseTo(0.4, 12);
		await one.release();
	});

	it("end with their process, in whatever way that ends", async () => {
		const module = new URL("../../src/state/money/claims.ts", import.meta.url).href;
		const script = `
			const { BudgetClaim } = await import(${JSON.stringify(module)});
			await new BudgetClaim(${JSON.stringify(folder)}).add(0.7, async () => 1);
			process.stdout.write("claimed");
			setInterval(() => {}, 1000);`;
		const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
			stdio: ["ignore", "pipe", "inherit"],
		});
		afterTest(() => child.kill("SIGKILL"));
		await new Promise((resolve) => child.stdout.once("data", resolve));
		expect(await claimedBy(folder)).toBe(0.7);
		const gone = new Promise((resolve) => child.once("exit", resolve));
		child.kill("SIGKILL");
		await gone;
		expect(await claimedBy(folder)).toBe(0);
		expect(readdirSync(folder).filter((name) => name.endsWith(".json"))).toEqual([]);
	});
});
