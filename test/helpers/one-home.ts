import { spawn } from "node:child_process";
import { expect } from "vitest";
import { ResponseCache } from "../../src/cache/response-cache.ts";
import { scanLedger } from "../../src/state/ledger.ts";
import type { LedgerRow } from "../../src/state/ledger-row.ts";
import { resolvePaths } from "../../src/state/paths.ts";
import { readSpending } from "../../src/state/totals.ts";

/**
 * Lets processes ask at the same time in one home, each `asks` questions of its own, and checks that no ledger row
 * and no cached answer is lost and that nothing is complained of.
 */
export async function shareOneHome(home: string, processes: number, asks: number): Promise<void> {
	const library = new URL("../../dist/index.js", import.meta.url).href;
	const code = `import { LLM } from ${JSON.stringify(library)};
			const llm = new LLM("sim/echo", { onWarning: (message) => { console.error(message); process.exitCode = 1; } });
			for (let index = 0; index < ${asks}; index += 1) {
				const answer = await llm.chat("question " + process.argv[1] + " " + index);
				if (!answer.includes(process.argv[1] + " " + index)) process.exitCode = 1;
			}
			await llm.close();`;
	const run = (name: string) =>
		new Promise<string>((resolve) => {
			const env = { ...process.env, LLMX_HOME: home };
			const child = spawn(process.execPath, ["--input-type=module", "-e", code, name], {
				env,
				stdio: ["ignore", "ignore", "pipe"],
			});
			let complaints = "";
			child.stderr.on("data", (data: Buffer) => {
				complaints += data;
			});
			child.once("close", (status) => resolve(status === 0 ? complaints : `${complaints} (exit ${status})`));
		});
	const names = Array.from({ length: processes }, (_, index) => `process-${index}`);
	expect(await Promise.all(names.map(run))).toEqual(names.map(() => ""));

	const paths = resolvePaths({ LLMX_HOME: home });
	const rows: LedgerRow[] = [];
	const { damaged } = await scanLedger(paths.ledger, (row) => rows.push(row));
	expect(damaged).toBe(0);
	expect(rows).toHaveLength(processes * asks);
	expect(rows.every((row) => row.status === "ok" && !row.cached)).toBe(true);
	expect((await readSpending(paths)).today).toEqual({ usd: 0, unknownCalls: 0 });
	const cache = new ResponseCache(paths.cache);
	expect((await cache.statistics()).entries).toBe(processes * asks);
	await cache.close();
}
