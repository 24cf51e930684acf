/**
 * What a run cost is one sum, wherever it is read: results and errors, the ledger, the summaries, `cost`, the budget,
 * and the books of the server that billed it; with faults, and over as many runs as it takes.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { resolvePaths } from "../../src/state/paths.ts";
import { readSpending } from "../../src/state/totals.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { createTestIo } from "../helpers/io.ts";
import { type Script, scriptedServer } from "../providers/scripted-server.ts";

/** How the server treats a request: it answers, blocks what it bills, refuses for nothing, or answers in no words. */
const treatments = ["answer", "answer", "answer", "blocked", "refused", "empty"] as const;

interface Row {
	readonly input: number;
	readonly output: number;
	readonly cached: number;
	readonly treatment: (typeof treatments)[number];
}

const rowsOf = fc.array(
	fc.record({
		input: fc.integer({ min: 1, max: 5_000 }),
		output: fc.integer({ min: 1, max: 900 }),
		cached: fc.integer({ min: 0, max: 100 }),
		treatment: fc.constantFrom(...treatments),
	}),
	{ minLength: 1, maxLength: 20 },
);

/** gpt-4.1-mini: 0.40 in, 0.10 cached, 1.60 out, in millionths. */
function billOf({ input, output, cached }: Row): number {
	const read = Math.floor((input * cached) / 100);
	return ((input - read) * 0.4 + read * 0.1 + output * 1.6) / 1e6;
}

function books(rows: readonly Row[]) {
	let billed = 0;
	const script: Script = (response, { body }) => {
		const row = rows[Number(String(body.messages.at(-1).content).split(" ")[1])] as Row;
		const headers = { "content-type": "application/json" };
		if (row.treatment === "refused") {
			response.writeHead(400, headers);
			response.end(JSON.stringify({ error: { message: "no", type: "invalid_request_error" } }));
			return;
		}
		billed += billOf(row);
		const blocked = row.treatment === "blocked";
		const message = { role: "assistant", content: row.treatment === "answer" ? "hello" : "" };
		response.writeHead(200, headers);
		response.end(
			JSON.stringify({
				choices:
					row.treatment === "empty"
						? []
						: [{ index: 0, message, finish_reason: blocked ? "content_filter" : "stop" }],
				usage: {
					prompt_tokens: row.input,
					completion_tokens: row.output,
					prompt_tokens_details: { cached_tokens: Math.floor((row.input * row.cached) / 100) },
				},
			}),
		);
	};
	return { script, billed: () => billed };
}

const near = (one: number, other: number) => expect(Math.abs(one - other)).toBeLessThan(1e-9);

describe("the sum of a run", () => {
	it("is the same in results and errors, ledger, summaries, cost, budget and the server's own books", async () => {
		await fc.assert(
			fc.asyncProperty(rowsOf, async (rows) => {
				const folder = mkdtempSync(join(tmpdir(), "llmx-accounts-"));
				afterTest(() => rmSync(folder, { recursive: true, force: true }));
				const { script, billed } = books(rows);
				const server = await scriptedServer(script);
				const env = {
					LLMX_HOME: join(folder, "home"),
					OPENAI_API_KEY: "sk-test",
					OPENAI_BASE_URL: `${server.url}/v1`,
				};
				const call = async (...args: string[]) => {
					const io = createTestIo({ cwd: folder, env });
					await main(args, io);
					return io.out();
				};
				writeFileSync(join(folder, "p.txt"), rows.map((_, index) => `row ${index}\n`).join(""));
				const run = [
					"batch",
					"p.txt",
					"-m",
					"gpt-4.1-mini",
					"--yes",
					"--max-retries",
					"0",
					"-q",
					"--summary-json",
					"s.json",
				];
				let told = 0;
				// Half of the rows, then all, then the failures once more.
				for (const more of [["--limit", String(Math.ceil(rows.length / 2))], [], ["--retry-failed"]]) {
					await call(...run, ...more, "--halt", "soon,fail=1000");
					told += (JSON.parse(readFileSync(join(folder, "s.json"), "utf8")) as { cost_usd: number }).cost_usd;
				}
				const read = (name: string) => {
					const path = join(folder, name);
					if (!existsSync(path)) return [];
					const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
					return lines.map((line) => JSON.parse(line) as { cost_usd: number | null });
				};
				const sum = (records: readonly { cost_usd: number | null }[]) =>
					records.reduce((usd, { cost_usd: cost }) => usd + (cost ?? Number.NaN), 0);
				near(sum(read("home/ledger.jsonl")), billed());
				near(told, billed());
				const report = JSON.parse(await call("cost", "--json")) as {
					total: { cost_usd: number; unknown_calls: number };
				};
				near(report.total.cost_usd, billed());
				expect(report.total.unknown_calls).toBe(0);
				near((await readSpending(resolvePaths(env))).thisMonth.usd, billed());
				// Failures were asked for twice, and their last record tells of the last time.
				const failed = rows.filter(({ treatment }) => treatment === "blocked" || treatment === "empty");
				const once = failed.reduce((usd, row) => usd + billOf(row), 0);
				near(sum(read("p.results.jsonl")) + sum(read("p.results.errors.jsonl")) + once, billed());
			}),
			{ numRuns: 3 },
		);
	});
});
