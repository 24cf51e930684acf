/**
 * Beyond one server and one process. First four servers of 50 requests a second behind one process, of which one is
 * slow, and one is killed and comes back; then, against a server that answers at once, the rows a second of 1, 2, 4 and 8
 * shards with and without a shared cap, what sharing it costs a row, and the memory of Redis. SECONDS, ROWS, ROUNDS and
 * MEMORY_ROWS change how long that takes; PARTS names some of: servers, shards, cost, memory.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Workbench } from "./batch-process.ts";
import { printTable } from "./report.ts";
import { BenchRedis, type CpuCost, costOfSharing, memoryOfRedis, rateOfShards } from "./scale/sharing.ts";

const parts = (process.env.PARTS ?? "servers,shards,cost,memory").split(",");
const seconds = Number(process.env.SECONDS ?? 30);
const rows = Number(process.env.ROWS ?? 20_000);
const rounds = Number(process.env.ROUNDS ?? 5);
const memoryRows = Number(process.env.MEMORY_ROWS ?? 200_000);
const llmx = fileURLToPath(new URL("../bin/llmx.js", import.meta.url));
const children = new Set<ChildProcess>();

function start(args: readonly string[], env: Record<string, string | undefined> = process.env): ChildProcess {
	const child = spawn(process.execPath, args, {
		stdio: ["ignore", "pipe", "inherit"],
		env,
		cwd: bench.folder,
	});
	children.add(child);
	child.once("exit", () => children.delete(child));
	return child;
}

async function startServer(port: number, latencyMs: number) {
	const file = fileURLToPath(new URL("scale/limited-server.ts", import.meta.url));
	const child = start([file, String(port), String(latencyMs)]);
	const [text] = await once(child.stdout as NodeJS.ReadableStream, "data");
	return { child, port: Number(text) };
}

function startBatch(home: string, urls: readonly string[], flags: readonly string[]): ChildProcess {
	const env = {
		PATH: process.env.PATH,
		LLMX_HOME: join(bench.folder, home),
		LOCAL_BASE_URLS: urls.join(","),
	};
	return start([llmx, "batch", "-m", "local/m", "--no-cache", "-q", ...flags], env);
}

/** Rows that a results file has by now; all records of these runs are equally long, but for some bytes. */
function rowsIn(file: string): number {
	if (!existsSync(file)) return 0;
	const { size } = statSync(file);
	if (size === 0) return 0;
	const text = readFileSync(file, "utf8").slice(0, 200_000);
	const lines = text.split("\n").length - 1;
	return lines === 0 ? 0 : Math.round((size * lines) / text.slice(0, text.lastIndexOf("\n") + 1).length);
}

/** Rows a second between now and then. */
async function rateFor(file: string, forSeconds: number): Promise<number> {
	const before = rowsIn(file);
	const startedAt = performance.now();
	await sleep(forSeconds * 1_000);
	return ((rowsIn(file) - before) * 1_000) / (performance.now() - startedAt);
}

const bench = await Workbench.open();
const closing: (() => void)[] = [];
try {
	if (parts.includes("servers")) {
		const servers = await Promise.all([300, 300, 300, 300].map((latencyMs) => startServer(0, latencyMs)));
		const urls = servers.map(({ port }) => `http://127.0.0.1:${port}/v1`);
		const prompts = bench.writePrompts(Math.round(200 * (5 * seconds + 60)));
		const results = join(bench.folder, "servers.jsonl");
		const summary = join(bench.folder, "servers.json");
		const run = startBatch("home-servers", urls, [prompts, "-o", results, "--summary-json", summary]);
		const ended = once(run, "exit");
		await sleep(10_000);
		const full = await rateFor(results, seconds);
		servers[0]?.child.kill("SIGKILL");
		await sleep(2_000);
		const without = await rateFor(results, seconds);
		await startServer(servers[0]?.port ?? 0, 300);
		const backAt = performance.now();
		let back = 0;
		while (back < 0.97 * full && performance.now() - backAt < 60_000) back = await rateFor(results, 2);
		const backSeconds = (performance.now() - backAt) / 1_000;
		servers[1]?.child.kill("SIGKILL");
		await startServer(servers[1]?.port ?? 0, 3_000);
		await sleep(15_000);
		const slow = await rateFor(results, seconds);
		run.kill("SIGINT");
		await ended;
		const told = JSON.parse(readFileSync(summary, "utf8")) as Record<string, number>;
		printTable(
			["four servers of 50 requests/s", "rows/s", "wanted"],
			[
				["all of them", full.toFixed(1), ">= 194"],
				["one killed", without.toFixed(1), ">= 145.5"],
				["back at 97 % after", `${backSeconds.toFixed(0)} s`, "<= 10 s"],
				["one answers in 3 s", slow.toFixed(1), ">= 194"],
				["rows lost", String(told.failed), "0"],
				["429s per 1,000", ((1_000 * (told.refusals_429 ?? 0)) / (told.answered ?? 1)).toFixed(1), "<= 25"],
			],
		);
		for (const child of children) child.kill();
	}
	const redis = parts.some((part) => part !== "servers") ? await BenchRedis.start(bench.folder) : undefined;
	if (redis !== undefined) closing.push(() => redis.close());
	if (redis !== undefined && parts.includes("shards")) {
		console.log("");
		const table: string[][] = [];
		let one = 0;
		for (const count of [1, 2, 4, 8]) {
			const alone = await rateOfShards(bench, { count, rows });
			const sharing = await rateOfShards(bench, { count, rows, redis });
			one ||= alone;
			table.push([
				String(count),
				alone.toFixed(0),
				(alone / one).toFixed(2),
				sharing.toFixed(0),
				(sharing / one).toFixed(2),
			]);
		}
		const head = `shards on ${cpus().length} cores, each under a cap, start and end included`;
		printTable([head, "rows/s", "x one", "sharing the cap", "x one"], table);
	}
	if (redis !== undefined && parts.includes("cost")) {
		console.log("");
		const { alone, sharing } = await costOfSharing(bench, redis, rows, rounds);
		const more = `${(100 * (sharing.rowMicroseconds / alone.rowMicroseconds - 1)).toFixed(1)} %`;
		const cells = ({ rowMicroseconds, runMilliseconds }: CpuCost) => [
			rowMicroseconds.toFixed(0),
			runMilliseconds.toFixed(0),
		];
		printTable(
			["CPU time of one process under a cap", "us a row", "ms a run", "more a row", "wanted"],
			[
				["alone", ...cells(alone), "", ""],
				["sharing the cap", ...cells(sharing), more, "<= 3 %"],
			],
		);
	}
	if (redis !== undefined && parts.includes("memory")) {
		console.log("");
		const used = await memoryOfRedis(bench, redis, memoryRows);
		const mean = (of: readonly number[]) =>
			`${(of.reduce((sum, bytes) => sum + bytes, 0) / of.length / 1024).toFixed(0)} KB`;
		const third = Math.floor(used.length / 3);
		printTable(
			[`Redis over ${memoryRows} rows of eight shards`, "first third", "last third", "most"],
			[["memory used", mean(used.slice(0, third)), mean(used.slice(-third)), mean([Math.max(...used)])]],
		);
	}
} finally {
	for (const close of closing) close();
	for (const child of children) child.kill();
	bench.close();
}
