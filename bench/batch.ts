/**
 * `llmx batch` from file to file (read, send, ledger, journal with fsync, price, summarise) against a server that
 * answers at once, 64 in flight, beside a bare undici loop in the same rounds; a thousand rows; and a warm cache.
 */
import { Agent, request } from "undici";
import { Workbench } from "./batch-process.ts";
import { median, printTable } from "./report.ts";

const rounds = Number(process.env.ROUNDS ?? 5);
const rows = Number(process.env.ROWS ?? 20_000);
const cachedRows = 100_000;
const inFlight = 64;

interface Loop {
	readonly perSecond: number;
	readonly cpuMicroseconds: number;
}

/** POSTs by undici alone, the body parsed and nothing else done. */
async function bareLoop(port: number, count: number): Promise<Loop> {
	const agent = new Agent({ connections: inFlight });
	const body = JSON.stringify({
		model: "m",
		messages: [{ role: "user", content: "prompt, with a few words" }],
	});
	const options = {
		method: "POST",
		body,
		headers: { "content-type": "application/json" },
		dispatcher: agent,
	} as const;
	let left = count;
	const cpu = process.cpuUsage();
	const startedAt = performance.now();
	await Promise.all(
		Array.from({ length: inFlight }, async () => {
			while (left-- > 0) {
				const response = await request(`http://127.0.0.1:${port}/v1/chat/completions`, options);
				await response.body.json();
			}
		}),
	);
	const seconds = (performance.now() - startedAt) / 1000;
	const used = process.cpuUsage(cpu);
	await agent.close();
	return { perSecond: count / seconds, cpuMicroseconds: (used.user + used.system) / count };
}

const bench = await Workbench.open();
try {
	const prompts = bench.writePrompts(rows);
	const thousand = bench.writePrompts(1_000);
	const many = bench.writePrompts(cachedRows);
	const flags = ["--concurrency", String(inFlight)];
	const figures = { bare: [] as Loop[], cache: [] as number[], plain: [] as number[], small: [] as number[] };
	const ratios = { cache: [] as number[], plain: [] as number[], cpu: [] as number[] };
	await bareLoop(bench.port, 5_000);
	for (let round = 0; round < rounds; round++) {
		const bare = await bareLoop(bench.port, rows);
		const cached = bench.run(prompts, `home-${round}`, flags);
		const plain = bench.run(prompts, `home-plain-${round}`, [...flags, "--no-cache"]);
		figures.bare.push(bare);
		figures.cache.push(cached.rows / cached.workSeconds);
		figures.plain.push(plain.rows / plain.workSeconds);
		ratios.cache.push(cached.rows / cached.workSeconds / bare.perSecond);
		ratios.plain.push(plain.rows / plain.workSeconds / bare.perSecond);
		ratios.cpu.push(bare.cpuMicroseconds / ((plain.cpuSeconds * 1e6) / plain.rows));
		figures.small.push(bench.run(thousand, `home-small-${round}`, flags).workSeconds);
	}
	bench.run(many, "home-warm", flags);
	const warm = Array.from({ length: rounds }, () => bench.run(many, "home-warm", flags));
	const peak = Math.max(...warm.map(({ peakMegabytes }) => peakMegabytes));
	const rate = (values: readonly number[]) => `${Math.round(median(values))}/s`;
	printTable(
		["", "rows", "against bare undici", "wanted"],
		[
			["bare undici loop", rate(figures.bare.map(({ perSecond }) => perSecond)), "1", ""],
			["batch --no-cache", rate(figures.plain), median(ratios.plain).toFixed(2), ">= 0.25"],
			["the same by CPU time", "", median(ratios.cpu).toFixed(2), ""],
			["batch, filling the cache", rate(figures.cache), median(ratios.cache).toFixed(2), ""],
			["batch of 1,000 rows", `${median(figures.small).toFixed(2)} s`, "", "< 1 s"],
			["batch, warm cache", rate(warm.map((run) => run.rows / run.workSeconds)), "", ">= 20000/s"],
			["its peak memory", `${Math.round(peak)} MB`, "", ""],
		],
	);
} finally {
	bench.close();
}
