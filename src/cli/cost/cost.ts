import { type Command, Option } from "commander";
import { repriceLedger } from "../../batch/reprice.ts";
import { UsageError } from "../../errors.ts";
import type { Paths } from "../../state/paths.ts";
import { followNames } from "../../state/sessions/session-costs.ts";
import type { Session } from "../../state/sessions/session-lines.ts";
import { readSession, sessionNames } from "../../state/sessions/sessions.ts";
import { readSpending } from "../../state/totals.ts";
import type { Colors } from "../../terminal/colors.ts";
import {
	formatCost,
	formatCount,
	formatPlural,
	formatTokens,
	formatUsd,
	roundUsd,
} from "../../terminal/formats.ts";
import { escapeJson, sanitizeLine } from "../../terminal/sanitize.ts";
import { textWidth } from "../../terminal/width.ts";
import { wrapIndented } from "../../terminal/wrap.ts";
import { colorsFor } from "../ask/answer-writer.ts";
import { type BudgetPeriod, budgetPeriods } from "../budget.ts";
import type { CommandContext } from "../command.ts";
import { dayAfter, parseDay, parseSince } from "../periods.ts";
import { renderTextTable, type TableColumn } from "../text-table.ts";
import { type CostReport, type CostSum, type Grouping, groupings, sumLedger } from "./sums.ts";

interface CostFlags {
	readonly by: Grouping;
	readonly since?: number;
	readonly from?: number;
	readonly to?: number;
	readonly json?: boolean;
	readonly csv?: boolean;
	readonly reprice?: boolean;
}

const maxBar = 20;
const minBar = 6;

const examples = `
Calls of unknown price are counted separately, never as $0. Days are in your time zone.

Examples:
  llmx cost                       all calls, by model
  llmx cost --since 7d --by day   the last seven days
  llmx cost --from 2026-11-01 --to 2026-11-30 --by session --csv`;

/** Adds the options and the action of `cost`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description("Show what was spent, from the ledger of all calls.")
		.addOption(new Option("--by <what>", "group by").choices(groupings).default("model"))
		.addOption(
			new Option("--since <time>", "start of the period: 7d, 12h, today, month or a date")
				.argParser((text) => parseSince(text, Date.now()))
				.conflicts("from"),
		)
		.option("--from <day>", "first day, as in 2026-11-01", (text: string) => parseDay(text))
		.option("--to <day>", "last day", (text: string) => parseDay(text))
		.addOption(new Option("--json", "print one JSON object").conflicts("csv"))
		.option("--csv", "print CSV")
		.option("--reprice", "price calls whose model had no price when they were made")
		.addHelpText("after", examples)
		.action(async (flags: CostFlags) => finish(await runCost(flags, context)));
}

async function runCost(flags: CostFlags, { io, settings }: CommandContext): Promise<number> {
	const from = flags.since ?? flags.from;
	const to = flags.to === undefined ? undefined : dayAfter(flags.to);
	if (from !== undefined && to !== undefined && from >= to)
		throw new UsageError("the period ends before it begins");
	const { paths, config } = settings;
	if (flags.reprice) {
		const { calls, usd, left } = await repriceLedger(paths, config);
		const rest = left === 0 ? "" : `; ${formatPlural(left, "call")} still without one`;
		io.stderr.write(`llmx: ${formatPlural(calls, "call")} priced, ${formatUsd(usd)}${rest}\n`);
	}
	const nameOf = flags.by === "session" ? followNames(storedSessions(paths)) : undefined;
	const report = await sumLedger(paths.ledger, { by: flags.by, from, to, nameOf });
	if (flags.json) io.stdout.write(`${escapeJson(JSON.stringify(toJson(report, flags.by, from, to)))}\n`);
	else if (flags.csv) io.stdout.write(await toCsvText(report, flags.by));
	else if (report.total.calls === 0) io.stderr.write("llmx: no calls in the ledger for this period\n");
	else {
		const { budget } = config;
		const hasBudget = budget.daily !== undefined || budget.monthly !== undefined;
		const periods = hasBudget ? budgetPeriods(await readSpending(paths), budget) : [];
		const width = io.stdout.isTTY ? io.stdout.columns : undefined;
		const limitUsd = flags.by === "day" ? budget.daily : undefined;
		io.stdout.write(
			toText(report, { by: flags.by, colors: colorsFor(io, "stdout"), width, limitUsd, periods }),
		);
	}
	if (report.damagedLines > 0) {
		const count = formatPlural(report.damagedLines, "damaged line");
		io.stderr.write(`llmx: skipped ${count} of the ledger, the first is line ${report.firstDamagedLine}\n`);
	}
	return 0;
}

/** The sessions there are; a file that cannot be read costs its names only. */
function* storedSessions(paths: Paths): Iterable<Session> {
	for (const name of sessionNames(paths)) {
		try {
			const session = readSession(paths, name);
			if (session !== undefined) yield session;
		} catch {
			// `llmx sessions` tells of it.
		}
	}
}

interface CostView {
	readonly by: Grouping;
	readonly colors: Colors;
	readonly width: number | undefined;
	/** USD that a day's bar shows as its limit. */
	readonly limitUsd: number | undefined;
	readonly periods: readonly BudgetPeriod[];
}

function toText(report: CostReport, { by, colors, width, limitUsd, periods }: CostView): string {
	const { groups, total } = report;
	const columns: TableColumn[] = [
		{ title: by },
		{ title: "calls", align: "right" },
		{ title: "in", align: "right" },
		{ title: "out", align: "right" },
		{ title: "cost", align: "right" },
		{ title: total.unknownCalls > 0 ? "unknown" : "", align: "right" },
	];
	const rows = groups.map((sum) => [
		sanitizeLine(sum.key),
		formatCount(sum.calls),
		formatTokens(sum.inputTokens),
		formatTokens(sum.outputTokens),
		sum.unknownCalls > 0 && sum.costUsd === 0 ? "unknown" : formatUsd(sum.costUsd),
		sum.unknownCalls > 0 ? formatPlural(sum.unknownCalls, "call") : "",
	]);
	let table = renderTextTable(columns, rows, { width, colors });
	// Bars are for eyes: a pipe gets figures only, and so does a terminal without room for them.
	const barWidth = Math.min(maxBar, (width ?? 0) - widthOf(table) - 2);
	if (barWidth >= minBar) {
		const dearest = Math.max(limitUsd ?? 0, ...groups.map((group) => group.costUsd));
		const withBars = rows.map((row, index) => [
			...row,
			barOf(groups[index]?.costUsd ?? 0, dearest, barWidth, limitUsd),
		]);
		table = renderTextTable([...columns, { title: "" }], withBars, { width, colors });
	}
	const failed = total.failedCalls > 0 ? `, ${formatCount(total.failedCalls)} of them failed` : "";
	const known = formatCost({ usd: total.costUsd, unknownCalls: total.unknownCalls });
	const lines = [`total  ${known} for ${formatPlural(total.calls, "call")}${failed}`];
	if (total.cachedCalls > 0)
		lines.push(`cache  ${formatPlural(total.cachedCalls, "answer")} saved ${formatUsd(total.savedUsd)}`);
	if (total.unknownCalls > 0) lines.push(`unknown  ${unknownText(total)}`);
	if (total.reportedUsd > 0) {
		const computed = formatUsd(total.costUsd - total.reportedUsd);
		lines.push(
			`known  ${formatUsd(total.reportedUsd)} as reported by providers, ${computed} computed from prices`,
		);
	}
	for (const { limit, cost, when } of periods) {
		const left = Math.max(0, limit - cost.usd);
		lines.push(`budget  ${formatUsd(left)} of ${formatUsd(limit)} left ${when}`);
	}
	const wrapped = lines.flatMap((line) => (width === undefined ? line : wrapIndented(line, width)));
	return `${table}\n${wrapped.join("\n")}\n`;
}

const reasons = {
	no_price: "without a price (--reprice looks again)",
	no_usage: "without usage in the answer",
	untold: "with charges of no published price",
	interrupted: "interrupted, possibly billed",
} as const;

/** `2 without a price (--reprice looks again) · 1 interrupted, possibly billed`. */
function unknownText({ unknown }: CostSum): string {
	return Object.entries(reasons)
		.filter(([reason]) => unknown[reason as keyof typeof reasons] > 0)
		.map(([reason, text]) => `${formatCount(unknown[reason as keyof typeof reasons])} ${text}`)
		.join(" · ");
}

const widthOf = (table: string) => Math.max(...table.split("\n").map((line) => textWidth(line)));

/** A bar of eighths of a cell; anything that cost something shows. The limit is a line in it, or beside it. */
function barOf(usd: number, dearest: number, width: number, limitUsd: number | undefined): string {
	const eighths = usd <= 0 || dearest <= 0 ? 0 : Math.max(1, Math.round((usd / dearest) * width * 8));
	const bar = "█".repeat(Math.floor(eighths / 8)) + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
	if (limitUsd === undefined || dearest <= 0) return bar;
	const at = Math.min(width - 1, Math.round((limitUsd / dearest) * width));
	const cells = [...bar.padEnd(at)];
	return [...cells.slice(0, at), "│", ...cells.slice(at + 1)].join("");
}

const fields = [
	["calls", (sum: CostSum) => sum.calls],
	["cached_calls", (sum: CostSum) => sum.cachedCalls],
	["failed_calls", (sum: CostSum) => sum.failedCalls],
	["input_tokens", (sum: CostSum) => sum.inputTokens],
	["cached_input_tokens", (sum: CostSum) => sum.cachedInputTokens],
	["output_tokens", (sum: CostSum) => sum.outputTokens],
	["reasoning_tokens", (sum: CostSum) => sum.reasoningTokens],
	["cost_usd", (sum: CostSum) => roundUsd(sum.costUsd)],
	["unknown_calls", (sum: CostSum) => sum.unknownCalls],
	["saved_usd", (sum: CostSum) => roundUsd(sum.savedUsd)],
	["reported_usd", (sum: CostSum) => roundUsd(sum.reportedUsd)],
	["unknown_no_price", (sum: CostSum) => sum.unknown.no_price],
	["unknown_no_usage", (sum: CostSum) => sum.unknown.no_usage],
	["unknown_untold", (sum: CostSum) => sum.unknown.untold],
	["unknown_interrupted", (sum: CostSum) => sum.unknown.interrupted],
] as const;

function toJson(report: CostReport, by: Grouping, from: number | undefined, to: number | undefined) {
	const figures = (sum: CostSum) => Object.fromEntries(fields.map(([name, read]) => [name, read(sum)]));
	const time = (value: number | undefined) => (value === undefined ? null : new Date(value).toISOString());
	return {
		by,
		from: time(from),
		to: time(to),
		groups: report.groups.map((group) => ({ [by]: group.key, ...figures(group) })),
		total: figures(report.total),
		damaged_lines: report.damagedLines,
	};
}

async function toCsvText(report: CostReport, by: Grouping): Promise<string> {
	const { toCsv } = await import("./csv.ts");
	const rows = report.groups.map((group) => [
		sanitizeLine(group.key),
		...fields.map(([, read]) => read(group)),
	]);
	return toCsv([by, ...fields.map(([name]) => name)], rows);
}
