import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What was measured last of each peer, from which the README's tables are made. */
export const figuresPath = fileURLToPath(new URL("figures.json", import.meta.url));

interface Source {
	readonly peer: string;
	/** The package and its version; of llmx the commit. */
	readonly of: string;
	readonly date: string;
}

/** Many prompts, as medians of so many rounds. */
export interface RunFigures extends Source {
	readonly latencyMs: number;
	/** Null where the peer decides. */
	readonly inFlight: number | null;
	readonly rows: number;
	readonly rounds: number;
	readonly rowsPerSecond: number;
	readonly firstRequestMs: number;
	readonly cpuMs: number;
	readonly megabytes: number;
}

export interface KillFigures extends Source {
	readonly answered: number;
	readonly kept: number;
}

/** One prompt on the command line. */
export interface AskFigures extends Source {
	readonly rounds: number;
	readonly wholeMs: number;
	readonly firstRequestMs: number;
	readonly cpuMs: number;
	readonly megabytes: number;
}

export interface Figures {
	readonly runs: readonly RunFigures[];
	readonly kills: readonly KillFigures[];
	readonly asks: readonly AskFigures[];
	/** Peers that could not be installed. */
	readonly absent: readonly string[];
}

const none: Figures = { runs: [], kills: [], asks: [], absent: [] };

export function readFigures(): Figures {
	return existsSync(figuresPath) ? (JSON.parse(readFileSync(figuresPath, "utf8")) as Figures) : none;
}

/** Puts new figures in the place of those of the same peer and load. */
export function recordFigures(fresh: Partial<Figures>): void {
	const { runs, kills, asks, absent } = readFigures();
	const load = ({ peer, latencyMs, inFlight }: RunFigures) => `${peer} ${latencyMs} ${inFlight}`;
	const name = ({ peer }: Source) => peer;
	const figures: Figures = {
		runs: replaced(runs, fresh.runs, load),
		kills: replaced(kills, fresh.kills, name),
		asks: replaced(asks, fresh.asks, name),
		absent: fresh.absent ?? absent,
	};
	writeFileSync(figuresPath, `${JSON.stringify(figures, null, "\t")}\n`);
}

function replaced<T>(old: readonly T[], fresh: readonly T[] = [], keyOf: (item: T) => string): T[] {
	const items = new Map(old.map((item) => [keyOf(item), item]));
	for (const item of fresh) items.set(keyOf(item), item);
	return [...items.values()];
}

const latencies = [0, 25, 300];
const whole = (value: number) => Math.round(value).toLocaleString("en-US");
const precise = (value: number) => value.toFixed(value < 10 ? 2 : 0);

/** The README's table of many prompts. What is not of a latency or a number in flight is measured at 25 ms with 64. */
export function manyTable({ runs, kills }: Figures, labels: readonly string[]): string {
	const head = [
		"1,200 prompts",
		"rows/s with 64 in flight",
		"with 512",
		"first request",
		"CPU a row",
		"peak memory",
		"kept after `kill -9`",
	];
	const rows = labels.flatMap((peer) => {
		const of = (latencyMs: number, inFlight: number | null) =>
			runs.find((run) => run.peer === peer && run.latencyMs === latencyMs && run.inFlight === inFlight);
		const paces = of(25, null) !== undefined;
		const rates = (inFlight: number | null) =>
			latencies
				.map((latencyMs) => of(latencyMs, inFlight))
				.map((run) => (run === undefined ? "?" : whole(run.rowsPerSecond)))
				.join(" · ");
		const usual = of(25, paces ? null : 64);
		if (usual === undefined) return [];
		const kill = kills.find((one) => one.peer === peer);
		return [
			[
				peer,
				paces ? rates(null) : rates(64),
				paces ? "finds out" : rates(512),
				`${whole(usual.firstRequestMs)} ms`,
				`${precise(usual.cpuMs)} ms`,
				`${whole(usual.megabytes)} MB`,
				kill === undefined ? "–" : `${kill.kept} of ${kill.answered}`,
			],
		];
	});
	return markdown(head, rows);
}

/** The README's table of one prompt. */
export function askTable({ asks }: Figures, labels: readonly string[]): string {
	const head = ["one prompt", "first request", "whole", "CPU", "peak memory"];
	const rows = labels.flatMap((peer) => {
		const ask = asks.find((one) => one.peer === peer);
		if (ask === undefined) return [];
		const { firstRequestMs, wholeMs, cpuMs, megabytes } = ask;
		return [
			[peer, ...[firstRequestMs, wholeMs, cpuMs].map((ms) => `${whole(ms)} ms`), `${whole(megabytes)} MB`],
		];
	});
	return markdown(head, rows);
}

/** Days and versions of the figures. */
export function sourcesOf({ runs, kills, asks }: Figures): string {
	const sources = [...runs, ...kills, ...asks];
	const listed = (items: readonly string[]) => [...new Set(items)].sort().join(", ");
	return `${listed(sources.map(({ date }) => date))}: ${listed(sources.map(({ of }) => of))}`;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
	return [line(head), `|${"---|".repeat(head.length)}\n`, ...rows.map(line)].join("");
}
