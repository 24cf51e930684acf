import type { Estimate } from "../../batch/estimate.ts";
import type { RunOutcome } from "../../batch/execute.ts";
import type { ModelRun } from "../../batch/run.ts";
import type { RunStats } from "../../batch/run-stats.ts";
import type { TimelineJson } from "../../batch/timeline.ts";
import type { FailureClass } from "../../results/records.ts";
import type { ServerState } from "../../schedule/servers.ts";
import { decimal } from "../../state/decimal.ts";
import type { Colors } from "../../terminal/colors.ts";
import {
	formatCost,
	formatCount,
	formatDuration,
	formatPlural,
	formatTokens,
	formatUsd,
	roundUsd,
} from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import { usdJson } from "./cost.ts";
import { serverSummaries } from "./server-lines.ts";

export interface SummaryView {
	readonly outcome: RunOutcome;
	readonly modelRuns: readonly ModelRun[];
	/** Rows times models of the selection, what was done before included. */
	readonly total: number;
	/** Of them those that had an answer before the run. */
	readonly doneBefore: number;
	readonly elapsedMs: number;
	/** Where failures are written; undefined for a run to stdout. */
	readonly failuresName: string | undefined;
	/** Results of earlier prompts or models that were set aside, and where; undefined when there were none. */
	readonly superseded: { readonly count: number; readonly name: string } | undefined;
	/** USD above the cap of the run, and what that is: `--max-cost`, or a budget. */
	readonly overshootUsd: number;
	readonly capName: string;
	/** What the run was thought to cost; undefined when nobody estimated it. */
	readonly estimate?:
		| (Pick<Estimate, "usd" | "unpricedRows" | "rows"> & { readonly ceilingRows?: number })
		| undefined;
	/** The command that sends what is missing, and the one that sends failures too. */
	readonly again: { readonly missing: string; readonly failed: string };
	readonly timeline: TimelineJson;
	/** The answers came in jobs, which say nothing of a pace. */
	readonly viaJobs?: boolean | undefined;
}

const words: Partial<Record<FailureClass, string>> = {
	rate_limit: "rate limit",
	context_length: "too long",
	invalid_request: "invalid request",
	not_found: "not found",
	too_large: "too large",
	malformed_response: "malformed response",
	schema: "schema mismatch",
	network: "network",
	tls: "TLS",
};

/** Columns of the labels before the texts of a summary. */
const labelWidth = 10;

/** A terminal that is narrower shows what it shows. */
const leastTextWidth = 20;

/** Breaks texts of a summary to what a terminal of so many columns has room for; undefined where there is none. */
export async function summaryWrap(
	columns: number | undefined,
): Promise<((text: string) => string) | undefined> {
	const width = (columns ?? 0) - labelWidth;
	if (width < leastTextWidth) return undefined;
	// A summary is told also where no file can be opened any more.
	const loaded = await import("../../terminal/width.ts").catch(() => undefined);
	return loaded && ((text) => loaded.wrapText(text, width));
}

/** What a run came to, in a few lines for people; `wrap` breaks a text into lines. */
export function summaryLines(
	view: SummaryView,
	colors: Colors,
	wrap: (text: string) => string = (text) => text,
): string[] {
	const { outcome, modelRuns } = view;
	const { stats } = outcome;
	const lines: [label: string, text: string][] = [];
	if (outcome.stopped !== undefined) lines.push(["stopped", colors.yellow(sanitizeLine(outcome.stopped))]);
	if (outcome.hint !== undefined) lines.push(["", sanitizeLine(outcome.hint)]);
	for (const note of outcome.notes) lines.push(["files", colors.yellow(sanitizeLine(note))]);
	lines.push(["answered", answeredText(view)]);
	if (stats.requests > 0 || stats.cached > 0) lines.push(["cost", costText(stats)]);
	if (view.overshootUsd > 0) lines.push(["", `${formatUsd(view.overshootUsd)} above ${view.capName}`]);
	if (stats.requests > 0 && !view.viaJobs) lines.push(["pace", paceText(stats, view.elapsedMs)]);
	const busy = modelRuns.filter(({ stats: { finished } }) => finished > 0);
	const width = Math.max(0, ...busy.map(({ model }) => sanitizeLine(model).length));
	if (modelRuns.length > 1) for (const modelRun of busy) lines.push(["", modelText(modelRun, width)]);
	for (const { llm } of modelRuns)
		for (const [index, text] of serverSummaries(llm.pace?.servers ?? []).entries())
			lines.push([index === 0 ? "servers" : "", text]);
	if (stats.expecting > 0) lines.push(["expected", expectedText(stats)]);
	if (stats.truncated > 0)
		lines.push(["cut off", `${formatPlural(stats.truncated, "answer")} at the length limit`]);
	if (outcome.failed > 0) lines.push(["failed", colors.red(failedText(view))]);
	if (view.superseded !== undefined) lines.push(["set aside", supersededText(view.superseded)]);
	if (outcome.missing > 0) lines.push(["missing", missingText(view)]);
	if (outcome.missing > 0) lines.push(["again", sanitizeLine(view.again.missing)]);
	else if (outcome.failed > 0) lines.push(["again", sanitizeLine(view.again.failed)]);
	const estimated = estimatedText(view);
	if (estimated !== undefined) lines.push(["estimated", estimated]);
	return lines.map(([label, text]) => {
		// A command is copied as it stands.
		const shown = label === "again" ? text : wrap(text).replaceAll("\n", `\n${" ".repeat(labelWidth)}`);
		return `${colors.dim(label.padEnd(labelWidth - 1))} ${shown}`;
	});
}

function answeredText({ outcome, total, doneBefore, elapsedMs }: SummaryView): string {
	const { stats } = outcome;
	const answered = doneBefore + stats.answered;
	const parts = [`${formatCount(answered)} of ${formatCount(total)} in ${formatDuration(elapsedMs)}`];
	if (stats.cached > 0) parts.push(`${formatCount(stats.cached)} from the cache`);
	if (doneBefore > 0) parts.push(`${formatCount(doneBefore)} before`);
	return parts.join(" · ");
}

/** Whether the run cost what it was thought to; nothing where nothing was to be paid. */
function estimatedText({ outcome: { stats }, estimate }: SummaryView): string | undefined {
	if (estimate === undefined) return undefined;
	const { usd, unpricedRows, rows, ceilingRows = 0 } = estimate;
	if (stats.requests === 0 || (usd.high === 0 && unpricedRows === 0)) return undefined;
	const cost = `cost ${formatCost({ usd: stats.usd, unknownCalls: stats.unknownCosts })}`;
	if (unpricedRows === rows) return `unknown, ${cost}`;
	if (ceilingRows > 0) return `up to ${formatUsd(usd.high)}, ${cost}`;
	return `${formatUsd(usd.low)} to ${formatUsd(usd.high)}, ${cost}`;
}

function costText(stats: RunStats): string {
	const cost = formatCost({ usd: stats.usd, unknownCalls: stats.unknownCosts });
	const saved = stats.savedUsd > 0 ? ` (the cache saved ${formatUsd(stats.savedUsd)})` : "";
	const cached = stats.cachedInputTokens > 0 ? ` (${keptText(stats)})` : "";
	const input = `${formatTokens(stats.inputTokens)} tokens in${cached}`;
	return `${cost}${saved} · ${input} · ${formatTokens(stats.outputTokens)} out`;
}

/** What of the input the provider had kept, and what that saved. */
function keptText({ cachedInputTokens, promptCacheSavedUsd: saved }: RunStats): string {
	const kept = `${formatTokens(cachedInputTokens)} cached`;
	return saved > 0 ? `${kept}, which saved ${formatUsd(saved)}` : kept;
}

function paceText(stats: RunStats, elapsedMs: number): string {
	const parts = [`${formatCount((stats.answered * 60_000) / Math.max(elapsedMs, 1))} answers/min`];
	const [middle, slow] = [stats.latencies.percentile(0.5), stats.latencies.percentile(0.95)];
	if (middle !== null && slow !== null)
		parts.push(`p50 ${formatDuration(middle)}`, `p95 ${formatDuration(slow)}`);
	if (stats.refusals > 0) parts.push(`${formatPlural(stats.refusals, "refusal")} (429)`);
	return parts.join(" · ");
}

/** `width` is that of the longest name, so that figures stand below each other. */
function modelText({ model, stats }: ModelRun, width: number): string {
	const cost = formatCost({ usd: stats.usd, unknownCalls: stats.unknownCosts });
	const failed = stats.failed > 0 ? ` · ${formatCount(stats.failed)} failed` : "";
	const middle = stats.latencies.percentile(0.5);
	const pace = middle === null ? "" : ` · p50 ${formatDuration(middle)}`;
	return `${sanitizeLine(model).padEnd(width)}  ${formatCount(stats.answered)} answered${failed} · ${cost}${pace}`;
}

function failedText({ outcome, failuresName }: SummaryView): string {
	const kinds = [...outcome.stats.failures]
		.toSorted(([, one], [, other]) => other - one)
		.map(([errorClass, count]) => `${formatCount(count)} ${words[errorClass] ?? errorClass}`);
	const before = outcome.failed - outcome.stats.failed;
	if (before > 0) kinds.push(`${formatCount(before)} before`);
	return `${formatCount(outcome.failed)}: ${kinds.join(", ")}${failuresName ? ` → ${sanitizeLine(failuresName)}` : ""}`;
}

function expectedText({ passed, expecting }: RunStats): string {
	const share = ((100 * passed) / expecting).toFixed(1);
	return `${formatCount(passed)} of ${formatCount(expecting)} as expected (${share} %)`;
}

function supersededText({ count, name }: NonNullable<SummaryView["superseded"]>): string {
	return `${formatPlural(count, "result")} of earlier prompts, parameters or models → ${sanitizeLine(name)}`;
}

function missingText({ outcome, viaJobs }: SummaryView): string {
	if (viaJobs) return `${formatPlural(outcome.missing, "row")} without a result`;
	const { interrupted, turnedAway, unknownCosts } = outcome.stats;
	const { overflowed } = outcome;
	const unsent = outcome.missing - interrupted - turnedAway.size - overflowed;
	const rows = formatPlural(outcome.missing, "row");
	if (unsent === outcome.missing) return `${rows} not sent`;
	const billed = unknownCosts > 0 ? " and maybe billed" : "";
	const parts = [
		...(overflowed > 0 ? [`${formatCount(overflowed)} answered, but not in the results file`] : []),
		...(turnedAway.size > 0 ? [`${formatCount(turnedAway.size)} refused`] : []),
		...(interrupted > 0 ? [`${formatCount(interrupted)} interrupted${billed}`] : []),
		...(unsent > 0 ? [`${formatCount(unsent)} not sent`] : []),
	];
	return `${rows}: ${parts.join(", ")}`;
}

/** The same for machines, in the spelling of files. */
export function summaryJson(view: SummaryView): Readonly<Record<string, unknown>> {
	const { outcome } = view;
	return {
		rows: view.total,
		done_before: view.doneBefore,
		missing: outcome.missing,
		...statsJson(outcome.stats),
		failed_in_all: outcome.failed,
		seconds: Math.round(view.elapsedMs) / 1000,
		estimated_usd: view.estimate === undefined || view.estimate.rows === 0 ? null : usdJson(view.estimate),
		superseded: view.superseded?.count ?? 0,
		overshoot_usd: roundUsd(view.overshootUsd),
		stopped: outcome.stopped ?? null,
		files: outcome.notes,
		exit_code: outcome.exitCode,
		timeline: view.timeline,
		models: Object.fromEntries(
			view.modelRuns.map(({ model, stats, llm }) => [
				model,
				{ ...statsJson(stats), ...serversJson(llm.pace?.servers) },
			]),
		),
	};
}

function statsJson(stats: RunStats): Readonly<Record<string, unknown>> {
	const round = (ms: number | null) => (ms === null ? null : Math.round(ms));
	return {
		answered: stats.answered,
		cached: stats.cached,
		failed: stats.failed,
		failures: Object.fromEntries(stats.failures),
		interrupted: stats.interrupted,
		truncated: stats.truncated,
		expecting: stats.expecting,
		passed: stats.passed,
		requests: stats.requests,
		refusals_429: stats.refusals,
		input_tokens: stats.inputTokens,
		cached_input_tokens: stats.cachedInputTokens,
		output_tokens: stats.outputTokens,
		cost_usd: decimal(roundUsd(stats.usd)),
		unknown_cost_requests: stats.unknownCosts,
		saved_usd: decimal(roundUsd(stats.savedUsd)),
		prompt_cache_saved_usd: decimal(roundUsd(stats.promptCacheSavedUsd)),
		latency_p50_ms: round(stats.latencies.percentile(0.5)),
		latency_p95_ms: round(stats.latencies.percentile(0.95)),
	};
}

function serversJson(servers: readonly ServerState[] = []): Readonly<Record<string, unknown>> {
	if (servers.length === 0) return {};
	const figures = servers.map(({ name, answers, failures, latencyMs }) => ({
		name,
		answers,
		failures,
		latency_ms: latencyMs === null ? null : Math.round(latencyMs),
	}));
	return { servers: figures };
}
