import type { RunStats } from "../../batch/run-stats.ts";
import type { ServerState } from "../../schedule/servers.ts";
import type { Colors } from "../../terminal/colors.ts";
import { formatCost, formatCount, formatDuration, formatTokens, formatUsd } from "../../terminal/formats.ts";
import { flowText } from "../../terminal/markdown/flow.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import { textWidth, truncateText } from "../../terminal/width.ts";
import { serverLines, serverPart } from "./server-lines.ts";

/** How a limiter holds a model back at this moment. */
export interface PaceView {
	/** Requests that may be in flight. */
	readonly window: number;
	/** Requests per minute that the provider allows, as far as it said so or was found out; else null. */
	readonly requestsPerMinute: number | null;
	readonly reason: string;
	/** Ms for which nothing is sent, because the provider asked for that or lets nothing through. */
	readonly pausedMs?: number;
	/** What the provider said last about limits. */
	readonly lastSignal?: string | null;
	/** How each of several servers fares. */
	readonly servers?: readonly ServerState[];
}

/** Everything that the progress of a run shows. */
export interface BatchView {
	readonly source: string;
	readonly target: string;
	/** Each model with what has happened to it. */
	readonly models: readonly { readonly model: string; readonly stats: RunStats }[];
	/** Rows times models to be done in this run. */
	readonly total: number;
	readonly stats: RunStats;
	/** Over the last minute, or since the start. */
	readonly requestsPerMinute: number;
	readonly tokensPerMinute: number;
	/** Ms to the end; null when nobody can say. */
	readonly leftMs: number | null;
	/** Nothing is sent for `ms`; `why` is the failure of an outage, null when a limit is waited for. */
	readonly pause: { readonly ms: number; readonly why: string | null } | undefined;
	readonly pace: PaceView | undefined;
	readonly capUsd: number | undefined;
}

const mostBarColumns = 50;
/** With fewer finished rows than this an average says nothing. */
const leastForAverage = 20;

/** The group of lines on a terminal. */
export function progressLines(view: BatchView, columns: number, colors: Colors): string[] {
	const { stats, total } = view;
	const width = Math.min(columns, 100) - 1;
	const share = total === 0 ? 1 : stats.finished / total;
	const models = view.models.length === 1 ? (view.models[0]?.model ?? "") : `${view.models.length} models`;
	const title = `${view.source} → ${view.target}`;
	const gap = width - textWidth(title) - textWidth(models);
	const head =
		gap >= 2 ? title + " ".repeat(gap) + models : truncateText(`${title}  ${models}`, Math.max(1, width));
	const figures = [
		`${formatCount(stats.finished)} of ${formatCount(total)}`,
		`${Math.floor(share * 100)} %`,
		...(view.leftMs === null ? [] : [`${formatLeft(view.leftMs)} left`]),
	].join("   ");
	const barColumns = Math.min(mostBarColumns, width - textWidth(figures) - 2);
	const counts = [
		`${formatCount(stats.answered)} answered`,
		...(stats.cached > 0 ? [`${formatCount(stats.cached)} cached`] : []),
		...(stats.failed > 0 ? [colors.red(`${formatCount(stats.failed)} failed`)] : []),
		`${formatCount(stats.inFlight)} in flight`,
	];
	return [
		colors.dim(head),
		barColumns >= 10 ? `${bar(share, barColumns, colors)}  ${figures}` : figures,
		...inLines(counts, width),
		...modelLines(view, width, colors),
		...inLines(rateParts(view), width),
		...inLines(holdParts(view), width),
		...inLines(costParts(view), width),
		...serverLines(view.pace?.servers ?? [], width, colors),
	];
}

/** What is waited for is not to be cut, but long words of a server would push the rest of the group off the screen. */
const mostPartLines = 4;

/** Parts beside each other as long as they fit, and below each other where they do not. */
function inLines(parts: readonly string[], width: number): string[] {
	const lines: string[] = [];
	for (const part of parts) {
		const line = lines.length === 0 ? undefined : `${lines.at(-1)} · ${part}`;
		if (line !== undefined && textWidth(line) <= width) lines[lines.length - 1] = line;
		else lines.push(...(textWidth(part) <= width ? [part] : flowText(part, { width })));
	}
	return lines.slice(0, mostPartLines);
}

/** More lines than these would push the rest of the group off a small screen. */
const mostModelLines = 8;
const mostNameColumns = 36;

/** A line for each of several models. */
function modelLines({ models }: BatchView, width: number, colors: Colors): string[] {
	if (models.length < 2) return [];
	const shown = models.length > mostModelLines ? models.slice(0, mostModelLines - 1) : models;
	const longest = Math.max(...shown.map(({ model }) => textWidth(model)));
	const columns = Math.min(longest, mostNameColumns, Math.floor(width / 2));
	const lines = shown.map(({ model, stats }) => {
		const name = truncateText(model, columns);
		const padding = " ".repeat(Math.max(0, columns - textWidth(name)));
		const parts = [
			`${formatCount(stats.answered)} answered`,
			...(stats.failed > 0 ? [colors.red(`${formatCount(stats.failed)} failed`)] : []),
			`${formatCount(stats.inFlight)} in flight`,
			formatCost({ usd: stats.usd, unknownCalls: stats.unknownCosts }),
		];
		return `  ${name}${padding}  ${parts.join(" · ")}`;
	});
	const left = models.length - shown.length;
	return left === 0 ? lines : [...lines, `  and ${formatCount(left)} more models`];
}

/** One line for logs and pipes. */
export function progressLine(view: BatchView): string {
	const { stats, total } = view;
	const share = total === 0 ? 100 : Math.floor((100 * stats.finished) / total);
	return [
		`${formatCount(stats.finished)} of ${formatCount(total)} (${share} %)`,
		`${formatCount(stats.answered)} answered`,
		...(stats.cached > 0 ? [`${formatCount(stats.cached)} cached`] : []),
		...(stats.failed > 0 ? [`${formatCount(stats.failed)} failed`] : []),
		`${formatCount(stats.inFlight)} in flight`,
		...rateParts(view),
		...holdParts(view),
		...costParts(view),
		...[serverPart(view.pace?.servers ?? []) ?? []].flat(),
		...(view.leftMs === null ? [] : [`${formatLeft(view.leftMs)} left`]),
	].join(" · ");
}

function bar(share: number, columns: number, colors: Colors): string {
	const halves = Math.round(Math.min(1, Math.max(0, share)) * columns * 2);
	const full = Math.floor(halves / 2);
	if (full === columns) return colors.cyan("━".repeat(columns));
	const edge = halves % 2 === 1 ? colors.cyan("╸") : colors.dim("╺");
	return colors.cyan("━".repeat(full)) + edge + colors.dim("━".repeat(columns - full - 1));
}

function rateParts({ requestsPerMinute, tokensPerMinute, pace }: BatchView): string[] {
	const limit = pace?.requestsPerMinute;
	const requests = `${formatCount(requestsPerMinute)} requests/min`;
	return [
		limit ? `${requests} (limit ${formatCount(limit)})` : requests,
		`${formatTokens(tokensPerMinute)} tokens/min`,
	];
}

/** What holds the run back. A failure that no answer has followed yet is the best explanation of standing still. */
function holdParts({ stats, pace, pause }: BatchView): string[] {
	const heard = stats.trouble === null ? pace?.lastSignal : sanitizeLine(stats.trouble);
	const last = heard ? [`last heard: ${heard}`] : [];
	if (pause !== undefined) {
		const next = `next try in ${formatDuration(Math.max(1_000, pause.ms))}`;
		const why = pause.why === null ? (pace?.reason ?? "waiting") : "most requests fail";
		return [`paused, ${next}: ${why}`, ...last];
	}
	return [...(pace === undefined ? [] : [`window ${formatCount(pace.window)}, ${pace.reason}`]), ...last];
}

/** Seconds while they matter: below five minutes. */
function formatLeft(ms: number): string {
	return formatDuration(ms < 300_000 ? 1_000 * Math.ceil(ms / 1_000) : ms, { coarse: ms >= 300_000 });
}

function costParts({ stats, total, capUsd }: BatchView): string[] {
	const parts = [`${formatCost({ usd: stats.usd, unknownCalls: stats.unknownCosts })} so far`];
	if (stats.finished >= leastForAverage && stats.usd > 0 && stats.finished < total)
		parts.push(`about ${formatUsd((stats.usd / stats.finished) * total)} in all`);
	if (capUsd !== undefined) parts.push(`cap ${formatUsd(capUsd)}`);
	return parts;
}
