/**
 * `llmx cost` over a ledger of a million rows, as a multiple of reading and parsing its lines and nothing else in the
 * same run; and the writing of those rows.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sumLedger } from "../src/cli/cost/sums.ts";
import { Ledger } from "../src/state/ledger.ts";
import { resolvePaths } from "../src/state/paths.ts";
import { readSpending } from "../src/state/totals.ts";
import { printTable } from "./report.ts";

const rows = Number(process.env.ROWS ?? 1_000_000);
const home = mkdtempSync(join(tmpdir(), "llmx-bench-"));
const paths = resolvePaths({ LLMX_HOME: home });
const models = [
	"sambanova/gpt-oss-120b",
	"gpt-4.1-mini",
	"anthropic/claude-haiku-4-5",
	"gemini/gemini-2.5-flash",
];

async function timed(action: () => Promise<unknown> | unknown): Promise<number> {
	const start = performance.now();
	await action();
	return performance.now() - start;
}

try {
	const written = await timed(async () => {
		let now = Date.now() - rows * 2_000;
		const ledger = new Ledger(paths.ledger, { now: () => now });
		for (let index = 0; index < rows; index += 1) {
			now += 2_000;
			const model = models[index % models.length] as string;
			ledger.append({
				command: "batch",
				model,
				provider: "openai",
				modelId: model,
				usage: {
					inputTokens: 412,
					cachedInputTokens: index % 3 === 0 ? 128 : 0,
					cacheWriteTokens: 0,
					audioInputTokens: 0,
					outputTokens: 96,
					reasoningTokens: 0,
				},
				costUsd: index % 1000 === 0 ? null : 0.00036,
				cached: false,
				status: "ok",
				attempts: 1,
				latencyMs: 1200,
			});
			if (index % 64 === 0) ledger.flushSync();
		}
		await ledger.close();
	});
	const baseline = await timed(async () => {
		const file = await open(paths.ledger);
		for await (const line of file.readLines()) JSON.parse(line);
	});
	const byModel = await timed(() => sumLedger(paths.ledger, { by: "model" }));
	const byDay = await timed(() => sumLedger(paths.ledger, { by: "day" }));
	const firstBudget = await timed(() => readSpending(paths));
	const nextBudget = await timed(() => readSpending(paths));
	const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
	const ratio = (value: number) => `${(value / baseline).toFixed(2)} x`;
	printTable(
		[
			`${rows} rows, ${Math.round(statSync(paths.ledger).size / 1e6)} MB`,
			"time",
			"of readLines + JSON.parse",
		],
		[
			["readLines and JSON.parse", ms(baseline), ratio(baseline)],
			["cost --by model", ms(byModel), ratio(byModel)],
			["cost --by day", ms(byDay), ratio(byDay)],
			["append, 64 rows a write", ms(written), ratio(written)],
			["budget, without stored totals", ms(firstBudget), ratio(firstBudget)],
			["budget, with stored totals", ms(nextBudget), ratio(nextBudget)],
		],
	);
	console.log(`peak memory ${Math.round(process.resourceUsage().maxRSS / 1000)} MB`);
} finally {
	rmSync(home, { recursive: true, force: true });
}
