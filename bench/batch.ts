/**
 * `llmx batch` from file to file (read, send, ledger, journal with fsync, price, summarise) against a server that
 * answers at once, 64 in flight; beside it, in the same rounds, a bare undici loop: as a process that begins as cold
 * as llmx does, and once it is warm. Then a thousand rows, a warm cache, and servers that take their time.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Loop } from "./bare-loop.ts";
import { Workbench } from "./batch-process.ts";
import { median, printTable } from "./report.ts";

const rounds = Number(process.env.ROUNDS ?? 5);
const rows = Number(process.env.ROWS ?? 20_000);
const cachedRows = 100_000;
const inFlight = 64;
/** Servers that take their time; the loop waits for them as long as llmx does. */
const slow = [
	{ rows: 1_200, inFlight: 64, latencyMs: 25, wanted: "<= 1.3" },
	{ rows: 5_120, inFlight: 512, latencyMs: 300, wanted: "" },
];

function bareLoop(port: number, load: { rows: number; inFlight: number; warmUp?: number }): Loop {
	const script = fileURLToPath(new URL("bare-loop.ts", import.meta.url));
	const args = [port, load.rows, load.warmUp ?? 0, load.inFlight].map(String);
	const { stdout } = spawnSync(process.execPath, [script, ...args], {
		encoding: "utf8",
		stdio: ["ignore", "pipe", "inherit"],
	});
	return JSON.parse(stdout) as Loop;
}

/** How much longer llmx takes than the loop, over the rounds, and its rows a second. */
async function againstSlowServer({ rows, inFlight, latencyMs }: (typeof slow)[number]) {
	const bench = await Workbench.open(latencyMs);
	try {
		const prompts = bench.writePrompts(rows);
		const flags = ["--concurrency", String(inFlight), "--no-cache"];
		const times: number[] = [];
		const rates: number[] = [];
		for (let round = 0; round < rounds; round++) {
			const bare = bareLoop(bench.port, { rows, inFlight });
			const run = bench.run(prompts, "home", flags);
			times.push(run.workSeconds / (rows / bare.perSecond));
			rates.push(run.rows / run.workSeconds);
		}
		return { times: median(times), rate: median(rates) };
	} finally {
		bench.close();
	}
}

const bench = await Workbench.open();
try {
	const prompts = bench.writePrompts(rows);
	const thousand = bench.writePrompts(1_000);
	const many = bench.writePrompts(cachedRows);
	const flags = ["--concurrency", String(inFlight)];
	const none: readonly number[] = [];
	const figures = { bare: [...none], warm: [...none], cache: [...none], plain: [...none], small: [...none] };
	const ratios = { cache: [...none], plain: [...none], warm: [...none], cpu: [...none] };
	for (let round = 0; round < rounds; round++) {
		const bare = bareLoop(bench.port, { rows, inFlight });
		const warmed = bareLoop(bench.port, { rows, inFlight, warmUp: 10_000 });
		const cached = bench.run(prompts, `home-${round}`, flags);
		const plain = bench.run(prompts, `home-plain-${round}`, [...flags, "--no-cache"]);
		figures.bare.push(bare.perSecond);
		figures.warm.push(warmed.perSecond);
		figures.cache.push(cached.rows / cached.workSeconds);
		figures.plain.push(plain.rows / plain.workSeconds);
		ratios.cache.push(cached.rows / cached.workSeconds / bare.perSecond);
		ratios.plain.push(plain.rows / plain.workSeconds / bare.perSecond);
		ratios.warm.push(plain.rows / plain.workSeconds / warmed.perSecond);
		ratios.cpu.push(bare.cpuMicroseconds / ((plain.cpuSeconds * 1e6) / plain.rows));
		figures.small.push(bench.run(thousand, `home-small-${round}`, flags).workSeconds);
	}
	bench.run(many, "home-warm", flags);
	const warm = Array.from({ length: rounds }, () => bench.run(many, "home-warm", flags));
	const peak = Math.max(...warm.map(({ peakMegabytes }) => peakMegabytes));
	const rate = (values: readonly number[]) => `${Math.round(median(values))}/s`;
	printTable(
		["", "rows", "x bare undici", "x a warm one", "wanted"],
		[
			["bare undici loop", rate(figures.bare), "1", "", ""],
			["the same, warm", rate(figures.warm), "", "1", ""],
			[
				"batch --no-cache",
				rate(figures.plain),
				median(ratios.plain).toFixed(2),
				median(ratios.warm).toFixed(2),
				">= 0.25",
			],
			["the same by CPU time", "", median(ratios.cpu).toFixed(2), "", ">= 0.46"],
			["batch, filling the cache", rate(figures.cache), median(ratios.cache).toFixed(2), "", ""],
			["batch of 1,000 rows", `${median(figures.small).toFixed(2)} s`, "", "", "< 1 s"],
			["batch, warm cache", rate(warm.map((run) => run.rows / run.workSeconds)), "", "", ">= 19000/s"],
			["its peak memory", `${Math.round(peak)} MB`, "", "", ""],
		],
	);
} finally {
	bench.close();
}

console.log();
const slowRows: string[][] = [];
for (const load of slow) {
	const { times, rate } = await againstSlowServer(load);
	const name = `${load.rows} rows, ${load.inFlight} in flight, ${load.latencyMs} ms`;
	slowRows.push([name, `${Math.round(rate)}/s`, times.toFixed(2), load.wanted]);
}
printTable(["", "rows", "times as long as bare undici", "wanted"], slowRows);
