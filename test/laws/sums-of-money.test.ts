import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { startLlmx, until } from "../batch/helpers/process.ts";
import { createTestIo } from "../helpers/io.ts";
import { type Billing, model, startBillingServer } from "./billing-server.ts";

const rows = 40;
/** One here; more are a longer look at the same law. */
const seeds = Array.from({ length: Number(process.env.LAW_SEEDS ?? 1) }, (_, index) => 11 + index);
const concurrency = 8;
const flags = ["--concurrency", String(concurrency), "--max-retries", "1", "--yes", "--max-tokens", "99000"];

interface Row {
	readonly cost_usd: number | null;
}

/** The same money as everybody who tells of it knows it. */
interface Books {
	readonly server: readonly Billing[];
	readonly ledger: readonly Row[];
	readonly results: readonly Row[];
	readonly failures: readonly Row[];
	/** What `llmx cost` says, and the summary of the last run. */
	readonly cost: { readonly cost_usd: number; readonly unknown_calls: number };
	readonly summary: { readonly cost_usd: number; readonly unknown_cost_requests: number };
}

const sum = (list: readonly (number | null)[]) => list.reduce<number>((total, usd) => total + (usd ?? 0), 0);
const known = (list: readonly Row[]) => sum(list.map(({ cost_usd }) => cost_usd));
const unknowns = (list: readonly Row[]) => list.filter(({ cost_usd }) => cost_usd === null).length;

/** Runs a batch against a server that keeps books, killed once as many more requests as each kill says have come. */
async function keepBooks(seed: number, kills: readonly number[]): Promise<Books> {
	const folder = mkdtempSync(join(tmpdir(), "llmx-books-"));
	await using server = await startBillingServer(seed);
	try {
		const prompts = Array.from({ length: rows }, (_, index) => `${JSON.stringify(`row ${index}`)}\n`);
		writeFileSync(join(folder, "in.jsonl"), prompts.join(""));
		const home = join(folder, "home");
		const env = { LLMX_HOME: home, OPENAI_BASE_URL: server.url, OPENAI_API_KEY: "sk-test" };
		const argv = ["batch", "in.jsonl", "-m", model, ...flags, "--summary-json", "summary.json"];
		for (const more of kills) {
			const before = server.requests();
			const running = startLlmx(argv, folder, env);
			await until(running, () => server.requests() >= before + more);
			running.child.kill("SIGKILL");
			await running.ended;
		}
		const io = createTestIo({ cwd: folder, env });
		expect([0, 1], io.err()).toContain(await main(argv, io));
		const asked = createTestIo({ cwd: folder, env });
		expect(await main(["cost", "--json"], asked)).toBe(0);
		const rowsOf = (path: string) =>
			existsSync(path)
				? readFileSync(path, "utf8")
						.trim()
						.split("\n")
						.filter(Boolean)
						.map((line) => JSON.parse(line))
				: [];
		return {
			server: server.books,
			ledger: rowsOf(join(home, "ledger.jsonl")),
			results: rowsOf(join(folder, "in.results.jsonl")),
			failures: rowsOf(join(folder, "in.results.errors.jsonl")),
			cost: JSON.parse(asked.out()).total,
			summary: JSON.parse(readFileSync(join(folder, "summary.json"), "utf8")),
		};
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/**
 * What holds of every run: nothing is in the ledger that was not billed, and nothing billed is in no way in it.
 * `unheard`: as many answers may be in the ledger and in no row.
 */
function expectNothingLost({ server, ledger, results, failures, cost }: Books, unheard = 0): void {
	expect(results.length + failures.length).toBe(rows);
	expect(cost.cost_usd).toBeCloseTo(known(ledger), 9);
	expect(cost.unknown_calls).toBe(unknowns(ledger));
	// What is left on the server's books stands in the ledger as a call of unknown cost.
	const billed = server.map(({ usd }) => ({ cost_usd: usd }));
	expect(withoutEach(billed, ledger).length).toBeLessThanOrEqual(unknowns(ledger));
	// A row that is unknown for one of its calls may hide what another one cost.
	const costs = withoutEach(ledger, [...results, ...failures]);
	expect(costs.length).toBeLessThanOrEqual(unknowns(failures) + unheard);
}

/** What the first ones cost, with each cost of the others taken away; each of those must be there. */
function withoutEach(from: readonly Row[], others: readonly Row[]): number[] {
	const left = from.flatMap(({ cost_usd }) => (cost_usd ? [cost_usd] : []));
	for (const { cost_usd } of others) {
		if (!cost_usd) continue;
		const place = left.findIndex((usd) => Math.abs(usd - cost_usd) < 1e-9);
		expect(place, `${cost_usd} is there`).not.toBe(-1);
		left.splice(place, 1);
	}
	return left;
}

describe("the sums of money agree", () => {
	it.concurrent.each(seeds)("to 1e-9 in a run with faults (seed %i)", async (seed) => {
		const books = await keepBooks(seed, []);
		expectNothingLost(books);
		const { server, ledger, summary } = books;
		expect(known(ledger)).toBeCloseTo(sum(server.map(({ usd, told }) => (told ? usd : 0))), 9);
		expect(summary.cost_usd).toBeCloseTo(known(ledger), 9);
		expect(summary.unknown_cost_requests).toBe(unknowns(ledger));
		expect(unknowns(ledger)).toBe(server.filter(({ told }) => !told).length);
	});

	it.concurrent("after two kills and a resume, with no billed call out of the ledger", async () => {
		// At a kill an answer may be in the ledger, and not yet among the results.
		expectNothingLost(await keepBooks(13, [14, 16]), 2 * concurrency);
	});
});
