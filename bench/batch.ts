/**
 * `llmx batch` from file to file (read, send, ledger, journal with fsync, price, summarise) against a server that
 * answers at once, 64 in flight; beside it, in the same rounds, a bare undici loop: as a process that begins as cold
 * as llmx does, and once it is warm. Then a thousand rows, and a warm cache.
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

function bareLoop(port: number, warmUp: number): Loop {
	const script = fileURLToPath(new URL("bare-loop.ts", import.meta.url));
	const { stdout } = spawnSync(process.execPath, [script, String(port), String(rows), String(warmUp)], {
		encoding: "utf8",
		stdio: ["ignore", "pipe", "inherit"],
	});
	return JSON.parse(stdout) as Loop;
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
		const bare = bareLoop(bench.port, 0);
		const warmed = bareLoop(bench.port, 10_000);
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
