import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { faults } from "../../src/simulator/faults/table.ts";
import type { WireName } from "../../src/simulator/request.ts";
import { startSimulator } from "../../src/simulator/server.ts";
import { createTestIo } from "../helpers/io.ts";
import { neverEnds, plantedKey } from "./encounter.ts";
import { wires } from "./wires.ts";

/** An outage of the server, a refused or spent key: they end a run, and have tests of their own. */
const endTheRun = new Set(["1", "9", "10"]);
/** Limits: the controller takes its time over them, which has tests on a virtual clock. */
const slowTheRun = new Set(["12", "12, 13"]);
/** Excess costs seconds of work, and is stopped before anything of a batch is reached. */
const excess = "21";

/** Of the faults that have nothing of a wire; ask meets the others on all of them. */
const metByEachWire = new Set(["503", "504", "reset-before-response", "cut-chunked", "content-filter"]);

const models: Readonly<Record<WireName, string>> = {
	openai: "gpt-4.1-mini",
	responses: "gpt-5-codex",
	gemini: "gemini/gemini-2.5-flash",
	anthropic: "anthropic/claude-haiku-4-5",
};

interface Row {
	readonly id: string;
	readonly cost_usd: number | null;
	readonly maybe_billed?: boolean;
}

const filesUnder = (folder: string): string[] =>
	globSync("**/*", { cwd: folder })
		.map((name) => join(folder, name))
		.filter((path) => statSync(path).isFile());

const rowsOf = (path: string): Row[] =>
	readFileSync(path, "utf8")
		.split("\n")
		.slice(0, -1)
		.map((line) => JSON.parse(line) as Row);

describe("a batch that meets every fault of a request", () => {
	it.concurrent.each(
		wires,
	)("on the %s wire has an answer or a failure for each row, exact sums, and shows no key", async (wire) => {
		const folder = mkdtempSync(join(tmpdir(), "llmx-batch-fault-"));
		const simulator = await startSimulator();
		try {
			const names = faults
				.filter(({ name, on, row, wires: known }) => {
					const isMet =
						on !== "stream" && (known?.includes(wire) ?? (wire === "openai" || metByEachWire.has(name)));
					return (
						isMet && !endTheRun.has(row) && !slowTheRun.has(row) && !neverEnds.has(name) && row !== excess
					);
				})
				.map(({ name }) => name);
			// Good rows between the bad ones: more failures than answers would be an outage.
			const rows = names.flatMap((name) => [
				{ id: name, prompt: `meets [[fault:${name} x2]]` },
				...["a", "b", "c"].map((suffix) => ({
					id: `${name}-${suffix}`,
					prompt: `fine ${name} ${suffix}`,
				})),
			]);
			writeFileSync(join(folder, "in.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
			const io = createTestIo({
				cwd: folder,
				env: {
					LLMX_HOME: join(folder, "home"),
					OPENAI_BASE_URL: `${simulator.url}/v1`,
					OPENAI_API_KEY: plantedKey,
					GEMINI_BASE_URL: simulator.url,
					GEMINI_API_KEY: plantedKey,
					ANTHROPIC_BASE_URL: simulator.url,
					ANTHROPIC_API_KEY: plantedKey,
				},
			});
			const bounds = ["--max-tokens", "200", "--max-retries", "1", "--yes"];
			const flags = ["--debug", "--concurrency", "16", "--summary-json", "summary.json", ...bounds];
			expect(await main(["batch", "in.jsonl", "-m", models[wire], ...flags], io)).toBe(1);
			const answers = rowsOf(join(folder, "in.results.jsonl"));
			const failures = rowsOf(join(folder, "in.results.errors.jsonl"));
			expect([...answers, ...failures].map(({ id }) => id).toSorted(), io.err()).toEqual(
				rows.map(({ id }) => id).toSorted(),
			);
			expect(failures.map(({ id }) => id).every((id) => names.includes(id))).toBe(true);
			for (const { id, cost_usd, maybe_billed } of failures) expect(cost_usd === null, id).toBe(maybe_billed);
			const summary = JSON.parse(readFileSync(join(folder, "summary.json"), "utf8"));
			const sums = createTestIo({ cwd: folder, env: { LLMX_HOME: join(folder, "home") } });
			expect(await main(["cost", "--json"], sums)).toBe(0);
			const { total } = JSON.parse(sums.out());
			expect(summary.cost_usd).toBeCloseTo(total.cost_usd, 12);
			expect(summary.unknown_cost_requests).toBe(total.unknown_calls);
			const seen = [io.out(), io.err(), ...filesUnder(folder).map((path) => readFileSync(path, "latin1"))];
			expect(seen.some((text) => text.includes(plantedKey))).toBe(false);
			expect(io.err()).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
		} finally {
			await simulator.close();
			rmSync(folder, { recursive: true, force: true });
		}
	});
});
