import type { SharedRunView, SharedShard } from "../../../share/view.ts";
import type { Colors } from "../../../terminal/colors.ts";
import { formatAge, formatCost, formatCount, formatPlural, formatUsd } from "../../../terminal/formats.ts";
import { flowText } from "../../../terminal/markdown/flow.ts";
import { sanitizeLine } from "../../../terminal/sanitize.ts";
import { textWidth } from "../../../terminal/width.ts";
import { renderTextTable } from "../../text-table.ts";

/** All shards of a run taken together. */
export interface SharedTotals {
	readonly shards: number;
	readonly alive: number;
	readonly rows: number;
	readonly done: number;
	readonly failed: number;
	readonly requests: number;
	readonly refusals_429: number;
	readonly requests_per_minute: number;
	readonly cost_usd: number;
	readonly unknown_cost_requests: number;
	readonly set_aside_usd: number;
	/** The highest cap that a living shard keeps to; null without. */
	readonly max_cost: number | null;
}

/** The last process of each shard: one that was killed and came back counts once. */
export function latestOf(run: SharedRunView): readonly SharedShard[] {
	return [...new Map(run.shards.map((shard) => [`${shard.source} ${shard.shard}`, shard])).values()];
}

/** Sums of a run. Costs are those of all processes, rows those of the last one of each shard. */
export function totalsOf(run: SharedRunView): SharedTotals {
	const latest = latestOf(run);
	const living = latest.filter(({ alive }) => alive);
	const sum = (shards: readonly SharedShard[], of: (shard: SharedShard) => number) =>
		shards.reduce((total, shard) => total + of(shard), 0);
	const caps = living.flatMap(({ max_cost }) => max_cost ?? []);
	return {
		shards: latest.length,
		alive: living.length,
		rows: sum(latest, ({ rows }) => rows),
		done: sum(latest, doneOf),
		failed: sum(latest, ({ failed }) => failed),
		requests: sum(run.shards, ({ requests }) => requests),
		refusals_429: sum(run.shards, ({ refusals_429 }) => refusals_429),
		requests_per_minute: sum(living, ({ requests_per_minute }) => requests_per_minute),
		cost_usd: sum(run.shards, ({ cost_usd }) => cost_usd),
		unknown_cost_requests: sum(run.shards, ({ unknown_cost_requests }) => unknown_cost_requests),
		set_aside_usd: sum(run.shards, ({ set_aside_usd }) => set_aside_usd),
		max_cost: caps.length === 0 ? null : Math.max(...caps),
	};
}

/** What `batch status` shows of a run. `width`: columns of the terminal; undefined for a pipe. */
export function statusLines(
	run: SharedRunView,
	{
		now,
		width,
		colors,
	}: { readonly now: number; readonly width: number | undefined; readonly colors: Colors },
): string[] {
	const totals = totalsOf(run);
	const share = totals.rows === 0 ? 100 : Math.floor((100 * totals.done) / totals.rows);
	const cost = formatCost({ usd: totals.cost_usd, unknownCalls: totals.unknown_cost_requests });
	const aside = totals.set_aside_usd > 0 ? ` · ${formatUsd(totals.set_aside_usd)} set aside` : "";
	const refusals = totals.refusals_429 > 0 ? ` · ${formatPlural(totals.refusals_429, "refusal")} (429)` : "";
	const facts: [label: string, text: string][] = [
		["run", sanitizeLine(run.run)],
		["begun", formatAge(Math.max(0, now - run.began))],
		...(run.stopped === null
			? []
			: [["stopped", colors.yellow(sanitizeLine(run.stopped))] as [string, string]]),
		["shards", `${formatCount(totals.alive)} of ${formatCount(totals.shards)} running`],
		["done", `${formatCount(totals.done)} of ${formatCount(totals.rows)} (${share} %)`],
		["pace", `${formatCount(totals.requests_per_minute)} requests/min${refusals}`],
		["cost", `${cost}${aside}`],
		...(totals.max_cost === null ? [] : [["cap", formatUsd(totals.max_cost)] as [string, string]]),
	];
	const rows = latestOf(run).map((shard) => [
		sanitizeLine(shard.shard),
		stateOf(shard),
		`${formatCount(doneOf(shard))} of ${formatCount(shard.rows)}`,
		shard.failed > 0 ? formatCount(shard.failed) : "",
		shard.alive ? formatCount(shard.requests_per_minute) : "",
		shard.alive ? formatCount(shard.in_flight) : "",
		formatUsd(shard.cost_usd),
		sanitizeLine(shard.host),
	]);
	const columns = [
		{ title: "shard" },
		{ title: "state", flexible: true },
		{ title: "done", align: "right" as const },
		{ title: "failed", align: "right" as const },
		{ title: "req/min", align: "right" as const },
		{ title: "in flight", align: "right" as const },
		{ title: "cost", align: "right" as const },
		{ title: "host" },
	];
	// What no shard has to say takes no room from the others.
	const said = columns.flatMap((_, index) => (rows.some((row) => row[index] !== "") ? index : []));
	const table = renderTextTable(
		said.map((index) => columns[index] as (typeof columns)[number]),
		rows.map((row) => said.map((index) => row[index] as string)),
		{ width, colors },
	)
		.trimEnd()
		.split("\n");
	return [...facts.map(([label, text]) => `${colors.dim(label.padEnd(9))} ${text}`), "", ...table];
}

/** Breaks what is wider than the terminal, long names too. */
export function fitToWidth(lines: readonly string[], width: number): string[] {
	return lines.flatMap((line) =>
		textWidth(line) <= width ? line : flowText(line, { width, breakWords: true }),
	);
}

/** As many lines as a terminal of `height` rows shows, of which the last says how many are left out. */
export function fitToHeight(lines: readonly string[], height: number): readonly string[] {
	if (lines.length <= height) return lines;
	const shown = Math.max(0, height - 1);
	return [...lines.slice(0, shown), `… ${formatPlural(lines.length - shown, "more line")}: needs more rows`];
}

function doneOf({ done_before, answered, failed }: SharedShard): number {
	return done_before + answered + failed;
}

/** One that does not live and has not said that it ended was killed, or is cut off. */
function stateOf({ alive, state }: SharedShard): string {
	return state === "running" && !alive ? "gone" : sanitizeLine(state);
}
