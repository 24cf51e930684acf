/**
 * Beyond one server and one process. First four servers of 50 requests a second behind one process, of which one is
 * slow, and one is killed and comes back; then the rows a second of 1, 2, 4 and 8 shards against a server that answers
 * at once. SECONDS and ROWS change how long that takes.
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

const seconds = Number(process.env.SECONDS ?? 30);
const rows = Number(process.env.ROWS ?? 20_000);
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
try {
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

	console.log("");
	const zero = [`http://127.0.0.1:${bench.port}/v1`];
	const table: string[][] = [];
	let alone = 0;
	for (const count of [1, 2, 4, 8]) {
		const file = bench.writePrompts(rows);
		const startedAt = performance.now();
		const shards = Array.from({ length: count }, (_, index) =>
			startBatch(`home-${count}-${index}`, zero, [
				...[file, "--shard", `${index + 1}/${count}`],
				...["-o", join(bench.folder, `shard-${count}.${index + 1}-of-${count}.jsonl`)],
			]),
		);
		const codes = await Promise.all(shards.map(async (shard) => (await once(shard, "exit"))[0]));
		const rate = (rows * 1_000) / (performance.now() - startedAt);
		alone ||= rate;
		table.push([
			String(count),
			rate.toFixed(0),
			(rate / alone).toFixed(2),
			codes.every((code) => code === 0) ? "" : "failed",
		]);
	}
	printTable([`shards on ${cpus().length} cores, start and end included`, "rows/s", "x one", ""], table);
} finally {
	for (const child of children) child.kill();
	bench.close();
}
