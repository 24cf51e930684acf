/**
 * Peak memory of `llmx batch` over a million rows, and how it grows with them: the same run over a tenth of the rows
 * is the baseline. ROWS=100000 makes it quick.
 */
import { Workbench } from "./batch-process.ts";
import { printTable } from "./report.ts";

const rows = Number(process.env.ROWS ?? 1_000_000);
const few = rows / 10;

const bench = await Workbench.open();
try {
	const flags = ["--concurrency", "64", "--no-cache"];
	const small = bench.run(bench.writePrompts(few), "home-small", flags);
	const large = bench.run(bench.writePrompts(rows), "home-large", flags);
	const growth = ((large.peakMegabytes - small.peakMegabytes) * 1024 * 1024) / (rows - few);
	printTable(
		["rows", "peak", "rows/s", "wanted"],
		[
			[
				String(few),
				`${Math.round(small.peakMegabytes)} MB`,
				`${Math.round(small.rows / small.workSeconds)}`,
				"",
			],
			[
				String(rows),
				`${Math.round(large.peakMegabytes)} MB`,
				`${Math.round(large.rows / large.workSeconds)}`,
				"<= 250 MB",
			],
			["growth", `${growth.toFixed(1)} bytes a row`, "", "<= 60 bytes"],
		],
	);
} finally {
	bench.close();
}
