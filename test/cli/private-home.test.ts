import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import { Ledger } from "../../src/state/ledger.ts";
import { resolvePaths } from "../../src/state/paths.ts";
import { createTestIo } from "../helpers/io.ts";

const bin = fileURLToPath(new URL("../../bin/llmx.js", import.meta.url));

let folder: string;
let home: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-home-"));
	home = join(folder, "state", "llmx");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Every file and folder with its mode, as `state/llmx/ledger.jsonl 600`. What is in compile/ is Node's. */
function modesIn(path: string): string[] {
	return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
		const inner = join(path, entry.name);
		const line = `${inner.slice(folder.length + 1)} ${(statSync(inner).mode & 0o777).toString(8)}`;
		return entry.isDirectory() && entry.name !== "compile" ? [line, ...modesIn(inner)] : [line];
	});
}

describe("everything that llmx keeps", () => {
	it.each(["000", "022", "077"])("is private under umask %s", (umask) => {
		const llmx = `"${process.execPath}" "${bin}"`;
		const script = `umask ${umask}
			${llmx} config set budget.daily 5 && printf sk-planted-1234567890 | ${llmx} keys set openai &&
			${llmx} ask -m sim/echo --session notes --no-stdin hello && ${llmx} config set budget.daily 6 &&
			${llmx} ask -m sim/echo --no-stdin hello`;
		const env = { ...process.env, LLMX_HOME: home };
		const run = spawnSync("/bin/sh", ["-c", script], { env, encoding: "utf8" });
		expect(run.status, run.stderr).toBe(0);
		const modes = modesIn(folder);
		expect(modes.map((line) => line.split(" ")[0])).toEqual(
			expect.arrayContaining([
				"state/llmx/config.json",
				"state/llmx/keys.json",
				"state/llmx/ledger.jsonl",
				"state/llmx/responses.sqlite",
				"state/llmx/sessions/notes.jsonl",
			]),
		);
		expect(modes.filter((line) => !/ [67]00$/.test(line))).toEqual([]);
	});
});

describe("a budget that is spent", () => {
	let simulator: Simulator;
	beforeAll(async () => {
		simulator = await startSimulator();
	});
	afterAll(() => simulator.close());

	const run = async (model: string, ...argv: string[]) => {
		const env = { LLMX_HOME: home, OPENAI_API_KEY: "sk-budget", OPENAI_BASE_URL: `${simulator.url}/v1` };
		const io = createTestIo({ env });
		const exitCode = await main(["ask", "-m", model, ...argv, "hello"], io);
		return { exitCode, out: io.out(), err: io.err() };
	};

	it("refuses to ask with exit 8, and --over-budget goes on", async () => {
		expect(
			await main(["config", "set", "budget.daily", "5"], createTestIo({ env: { LLMX_HOME: home } })),
		).toBe(0);
		const ledger = new Ledger(resolvePaths({ LLMX_HOME: home }).ledger);
		const call = { command: "ask", model: "gpt-4.1", provider: "openai", modelId: "gpt-4.1", usage: null };
		ledger.append({ ...call, costUsd: 4.5, cached: false, status: "ok", attempts: 1, latencyMs: 1 });
		ledger.close();
		const warned = await run("gpt-4.1");
		expect(warned.exitCode).toBe(0);
		expect(warned.err).toContain("90 % of the daily budget of $5.00 is spent: $4.50 today");
		ledger.append({ ...call, costUsd: 0.5, cached: false, status: "ok", attempts: 1, latencyMs: 1 });
		ledger.close();
		const refused = await run("gpt-4.1", "--refresh");
		expect(refused).toMatchObject({ exitCode: 8, out: "" });
		expect(refused.err).toContain(
			"the daily budget of $5.00 is spent: $5.00 today\n  continue with --over-budget",
		);
		const over = await run("gpt-4.1", "--over-budget");
		expect(over).toMatchObject({ exitCode: 0, out: "hello\n" });
		expect(await run("sim/echo")).toMatchObject({ exitCode: 0, out: "hello\n" });
	});
});
