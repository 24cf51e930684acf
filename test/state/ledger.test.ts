import { spawn } from "node:child_process";
import fs, {
	appendFileSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmdirSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemFiles } from "../../src/state/file-system.ts";
import { Ledger, scanLedger } from "../../src/state/ledger.ts";
import type { LedgerEntry, LedgerRow } from "../../src/state/ledger-row.ts";
import { type Paths, resolvePaths } from "../../src/state/paths.ts";
import { readSpending } from "../../src/state/totals.ts";

let paths: Paths;
beforeEach(() => {
	paths = resolvePaths({ LLMX_HOME: mkdtempSync(join(tmpdir(), "llmx-ledger-")) });
});
afterEach(() => rmSync(paths.stateFolder, { recursive: true, force: true }));

const entry: LedgerEntry = {
	command: "ask",
	model: "sambanova/gpt-oss-120b",
	provider: "sambanova",
	modelId: "gpt-oss-120b",
	usage: {
		inputTokens: 412,
		cachedInputTokens: 128,
		cacheWriteTokens: 0,
		audioInputTokens: 0,
		outputTokens: 96,
		reasoningTokens: 0,
	},
	costUsd: 0.25,
	cached: false,
	status: "ok",
	attempts: 1,
	latencyMs: 1203.4,
};

async function readAll(): Promise<{ rows: LedgerRow[]; damaged: number }> {
	const rows: LedgerRow[] = [];
	const { damaged } = await scanLedger(paths.ledger, (row) => rows.push(row));
	return { rows, damaged };
}

describe("Ledger", () => {
	it("writes a private row that reads back whole", async () => {
		const ledger = new Ledger(paths.ledger, { now: () => Date.UTC(2026, 10, 22, 12) });
		ledger.append({ ...entry, session: "tuesday", label: "a b" });
		await ledger.flush();
		expect(statSync(paths.ledger).mode & 0o777).toBe(0o600);
		const { rows } = await readAll();
		expect(rows).toEqual([
			{
				ts: "2026-11-22T12:00:00.000Z",
				command: "ask",
				session: "tuesday",
				label: "a b",
				model: "sambanova/gpt-oss-120b",
				provider: "sambanova",
				model_id: "gpt-oss-120b",
				input_tokens: 412,
				cached_input_tokens: 128,
				cache_write_tokens: 0,
				audio_input_tokens: 0,
				output_tokens: 96,
				reasoning_tokens: 0,
				cost_usd: 0.25,
				unknown: null,
				cost_source: null,
				charges: null,
				reprices: null,
				cached: false,
				saved_usd: 0,
				status: "ok",
				attempts: 1,
				latency_ms: 1203,
				job: null,
				row: null,
			},
		]);
		await ledger.close();
	});

	it("keeps what is unknown apart from zero", async () => {
		const ledger = new Ledger(paths.ledger);
		ledger.append({ ...entry, usage: null, costUsd: null, status: "maybe_billed" });
		ledger.append({ ...entry, costUsd: 0, cached: true, savedUsd: null });
		await ledger.close();
		const { rows } = await readAll();
		expect(rows[0]).toMatchObject({ input_tokens: null, cost_usd: null, status: "maybe_billed" });
		expect(rows[1]).toMatchObject({ cost_usd: 0, cached: true, saved_usd: null });
	});

	it("writes the rows of one turn together and flush waits for them", async () => {
		const ledger = new Ledger(paths.ledger);
		for (let count = 0; count < 100; count += 1) ledger.append(entry);
		expect(existsSync(paths.ledger)).toBe(false);
		await ledger.flush();
		expect((await readAll()).rows).toHaveLength(100);
		await ledger.close();
	});

	it("writes pending rows when the process exits in the same turn", async () => {
		const module = new URL("../../src/state/ledger.ts", import.meta.url).href;
		const code = `import { Ledger } from ${JSON.stringify(module)};
			new Ledger(process.argv[1]).append(JSON.parse(process.argv[2]));
			process.exit(0);`;
		await run(code, paths.ledger, JSON.stringify(entry));
		expect((await readAll()).rows).toHaveLength(1);
	});

	it.each([
		[false, ["datasync"]],
		[true, ["sync"]],
	])("is on the disk when it is closed; at the end alone: %s", async (syncsAtEnd, wanted) => {
		const calls: string[] = [];
		const datasync = vi
			.spyOn(systemFiles, "datasync")
			.mockImplementation(async () => void calls.push("datasync"));
		const sync = vi.spyOn(systemFiles, "sync").mockImplementation(() => void calls.push("sync"));
		try {
			const ledger = new Ledger(paths.ledger, { syncsAtEnd });
			ledger.append(entry);
			await ledger.sync();
			expect(readFileSync(paths.ledger, "utf8").split("\n")).toHaveLength(2);
			await ledger.close();
			expect(calls).toEqual(wanted);
			await ledger.close();
			expect(calls).toEqual(wanted);
		} finally {
			datasync.mockRestore();
			sync.mockRestore();
		}
	});

	it("warns once and goes on when it cannot be written", async () => {
		writeFileSync(join(paths.stateFolder, "file"), "");
		const warnings: string[] = [];
		const ledger = new Ledger(join(paths.stateFolder, "file", "ledger.jsonl"), {
			onWarning: (message) => warnings.push(message),
		});
		ledger.append(entry);
		await ledger.flush();
		ledger.append(entry);
		await ledger.flush();
		expect(warnings).toHaveLength(1);
		expect(warnings[0]).toContain("ledger cannot be written");
	});

	it("keeps rows that cannot be written, and writes them with the next ones", async () => {
		const warnings: string[] = [];
		const ledger = new Ledger(paths.ledger, { onWarning: (message) => warnings.push(message) });
		mkdirSync(paths.ledger);
		ledger.open();
		ledger.append({ ...entry, label: "first" });
		await ledger.flush();
		rmdirSync(paths.ledger);
		ledger.append({ ...entry, label: "second" });
		await ledger.close();
		expect((await readAll()).rows.map(({ label }) => label)).toEqual(["first", "second"]);
		expect(warnings).toEqual([
			expect.stringContaining("the ledger cannot be written for now, its rows are kept"),
		]);
	});

	it("writes no row twice and none in pieces when the disk fills up in the middle of some", async () => {
		const original = fs.writeSync;
		const lines: string[] = [];
		let room = 700;
		try {
			Object.assign(fs, {
				writeSync: (descriptor: number, bytes: Buffer, offset = 0) => {
					if (room === 0) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
					const length = Math.min(room, bytes.length - offset);
					room -= length;
					return original(descriptor, bytes, offset, length);
				},
			});
			syncBuiltinESMExports();
			const ledger = new Ledger(paths.ledger);
			for (let row = 0; row < 8; row += 1) ledger.append({ ...entry, label: String(row) });
			await ledger.flush();
			expect(room).toBe(0);
			room = Number.POSITIVE_INFINITY;
			await ledger.close();
		} finally {
			Object.assign(fs, { writeSync: original });
			syncBuiltinESMExports();
		}
		const { rows, damaged } = await readAll();
		for (const { label } of rows) lines.push(label ?? "");
		expect(lines).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
		// The half of a row that was there stays as a line of its own.
		expect(damaged).toBeLessThanOrEqual(1);
	});

	it("puts rows that cannot be written in the end into a file that it names", async () => {
		mkdirSync(paths.ledger);
		const warnings: string[] = [];
		let lost = 0;
		const ledger = new Ledger(paths.ledger, {
			onWarning: (message) => warnings.push(message),
			onLost: () => {
				lost += 1;
			},
		});
		for (let row = 0; row < 3; row += 1) ledger.append(entry);
		await ledger.close();
		expect(lost).toBe(1);
		expect(warnings).toHaveLength(2);
		const file = /3 rows of the ledger could not be written to .*: cat (\S+) >>/.exec(warnings[1] ?? "")?.[1];
		const rows: LedgerRow[] = [];
		await scanLedger(file ?? "", (row) => rows.push(row));
		expect(rows).toHaveLength(3);
	});

	it("loses nothing when processes append at the same time", async () => {
		const module = new URL("../../src/state/ledger.ts", import.meta.url).href;
		const code = `import { Ledger } from ${JSON.stringify(module)};
			const ledger = new Ledger(process.argv[1]);
			for (let count = 0; count < 500; count += 1) { ledger.append(JSON.parse(process.argv[2])); await ledger.flush(); }`;
		await Promise.all(Array.from({ length: 4 }, () => run(code, paths.ledger, JSON.stringify(entry))));
		const { rows, damaged } = await readAll();
		expect(rows).toHaveLength(2000);
		expect(damaged).toBe(0);
	});
});

describe("scanLedger", () => {
	it("counts torn and damaged lines and reads the others", async () => {
		const ledger = new Ledger(paths.ledger);
		ledger.append({ ...entry, label: "größe 模型" });
		ledger.flushSync();
		appendFileSync(paths.ledger, '{"ts":"2026-11-22T1');
		ledger.append(entry);
		await ledger.close();
		appendFileSync(paths.ledger, 'hello\n[]\n{"ts":"x","cost_usd":"free"}\n\n');
		const { rows, damaged } = await readAll();
		expect(rows.map((row) => row.label)).toEqual(["größe 模型", null]);
		expect(damaged).toBe(4);
	});

	it("leaves an unfinished last line for later", async () => {
		const ledger = new Ledger(paths.ledger);
		ledger.append(entry);
		await ledger.close();
		const whole = statSync(paths.ledger).size;
		appendFileSync(paths.ledger, '{"ts":');
		expect(await scanLedger(paths.ledger, () => {})).toEqual({
			rows: 1,
			damaged: 0,
			firstDamaged: null,
			end: whole,
		});
	});

	it("finds rows across chunk borders", async () => {
		const ledger = new Ledger(paths.ledger);
		for (let count = 0; count < 10_000; count += 1) ledger.append({ ...entry, label: `é${count}` });
		await ledger.close();
		const { rows, damaged } = await readAll();
		expect(rows.map((row) => row.label)).toEqual(Array.from({ length: 10_000 }, (_, count) => `é${count}`));
		expect(damaged).toBe(0);
	});

	it("finds no rows where there is no ledger", async () => {
		expect(await scanLedger(paths.ledger, () => {})).toEqual({
			rows: 0,
			damaged: 0,
			firstDamaged: null,
			end: 0,
		});
	});
});

describe("readSpending", () => {
	const noon = new Date(2026, 10, 22, 12).getTime();
	const day = 86_400_000;

	function spend(at: number, costUsd: number | null, times = 1): void {
		const ledger = new Ledger(paths.ledger, { now: () => at });
		for (let count = 0; count < times; count += 1) ledger.append({ ...entry, costUsd });
		void ledger.close();
	}

	it("sums the local day and month, and counts what is unknown", async () => {
		spend(noon - 40 * day, 100);
		spend(noon - 3 * day, 2);
		spend(noon, 0.5, 2);
		spend(noon, null);
		expect(await readSpending(paths, noon)).toEqual({
			today: { usd: 1, unknownCalls: 1 },
			thisMonth: { usd: 3, unknownCalls: 1 },
		});
	});

	it("continues from stored totals and never counts a row twice", async () => {
		spend(noon, 0.5, 1000);
		expect((await readSpending(paths, noon)).today.usd).toBe(500);
		const stored = readFileSync(paths.ledgerTotals, "utf8");
		expect(JSON.parse(stored)).toMatchObject({ offset: statSync(paths.ledger).size });
		expect(statSync(paths.ledgerTotals).mode & 0o777).toBe(0o600);
		spend(noon, 0.5);
		expect((await readSpending(paths, noon)).today.usd).toBe(500.5);
		expect((await readSpending(paths, noon)).today.usd).toBe(500.5);
		expect(readFileSync(paths.ledgerTotals, "utf8")).toBe(stored);
	});

	it("knows a whole month from stored totals, on the last of its days", async () => {
		const end = new Date(2026, 11, 31, 12).getTime();
		for (let days = 60; days >= 0; days--) spend(end - days * day, 1, 20);
		expect((await readSpending(paths, end)).thisMonth.usd).toBe(31 * 20);
		// The ledger's rows up to here are not read again.
		const stored = JSON.parse(readFileSync(paths.ledgerTotals, "utf8"));
		expect(stored.offset).toBe(statSync(paths.ledger).size);
		expect((await readSpending(paths, end)).thisMonth.usd).toBe(31 * 20);
	});

	it("computes the totals again when they are damaged or the ledger was replaced", async () => {
		spend(noon, 0.5, 1000);
		await readSpending(paths, noon);
		writeFileSync(paths.ledgerTotals, '{"version":1,');
		expect((await readSpending(paths, noon)).today.usd).toBe(500);
		rmSync(paths.ledger);
		spend(noon, 0.25, 2000);
		expect((await readSpending(paths, noon)).today.usd).toBe(500);
		rmSync(paths.ledger);
		expect((await readSpending(paths, noon)).today.usd).toBe(0);
	});
});

function run(code: string, ...argv: string[]): Promise<void> {
	return new Promise((resolve, reject) => {
		const child = spawn(process.execPath, ["--input-type=module", "-e", code, ...argv], { stdio: "inherit" });
		child.once("exit", (status) => (status === 0 ? resolve() : reject(new Error(`exit ${status}`))));
	});
}
