/** How figures are written for people. All money is in USD, all time in ms; null is `unknown`, never 0. */

import type { Cost, Usage } from "../types.ts";

/** `10000` -> `10,000`. */
export function formatCount(count: number): string {
	return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 row`, `2 rows`. */
export function formatPlural(count: number, singular: string, plural = `${singular}s`): string {
	return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

/** A size in tokens, short: `812`, `3.1k`, `128k`, `1.1 M`. */
export function formatTokens(tokens: number): string {
	if (tokens < 1000) return String(Math.round(tokens));
	const thousands = tokens / 1000;
	if (thousands < 99.95) return `${trimDecimals(thousands, 1)}k`;
	if (thousands < 999.5) return `${Math.round(thousands)}k`;
	return `${trimDecimals(tokens / 1e6, 1)} M`;
}

/** A sum of USD for machines, without the noise that adding binary fractions leaves in its last digits. */
export function roundUsd(usd: number): number {
	return Number(usd.toPrecision(12));
}

/** `$1.83`, `$0.42`, and two significant digits below ten cents: `$0.00031`. Null is `unknown`. */
export function formatUsd(usd: number | null): string {
	if (usd === null || !Number.isFinite(usd)) return "unknown";
	if (usd === 0) return "$0";
	const sign = usd < 0 ? "-" : "";
	const amount = Math.abs(usd);
	if (amount >= 0.0995) {
		const [whole = "0", cents = "00"] = amount.toFixed(2).split(".");
		return `${sign}$${formatCount(Number(whole))}.${cents}`;
	}
	const decimals = Math.min(1 - Math.floor(Math.log10(amount)), 20);
	return `${sign}$${amount.toFixed(decimals).replace(/(\.\d\d\d*?)0+$/, "$1")}`;
}

/** A sum that says what it leaves out: `$0.42 + 3 calls of unknown price`. */
export function formatCost(cost: Cost): string {
	if (cost.unknownCalls === 0) return formatUsd(cost.usd);
	const unknown = `${formatPlural(cost.unknownCalls, "call")} of unknown price`;
	return cost.usd === 0 ? unknown : `${formatUsd(cost.usd)} + ${unknown}`;
}

/** The same where there is little room: `$0.63 +1?`. */
export function formatCostBrief({ usd, unknownCalls }: Cost): string {
	if (unknownCalls === 0) return formatUsd(usd);
	return usd === 0
		? `${formatCount(unknownCalls)} unknown`
		: `${formatUsd(usd)} +${formatCount(unknownCalls)}?`;
}

/** `40 ms`, `1.2 s`, `24 min 10 s`, `3 h 5 min`, `2 d 4 h`; `coarse` keeps the largest unit only: `14 min`. */
export function formatDuration(ms: number, options: { readonly coarse?: boolean } = {}): string {
	if (ms < 99.5) return `${Math.max(0, Math.round(ms))} ms`;
	if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
	const seconds = Math.round(ms / 1000);
	if (seconds < 60) return `${seconds} s`;
	if (options.coarse) {
		if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
		if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`;
		return `${Math.round(seconds / 86_400)} d`;
	}
	if (seconds < 3600) return units(Math.floor(seconds / 60), "min", seconds % 60, "s");
	const minutes = Math.round(seconds / 60);
	if (minutes < 1440) return units(Math.floor(minutes / 60), "h", minutes % 60, "min");
	const hours = Math.round(minutes / 60);
	return units(Math.floor(hours / 24), "d", hours % 24, "h");
}

function units(large: number, largeUnit: string, small: number, smallUnit: string): string {
	return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** `812 B`, `1.2 KB`, `38 MB`. */
export function formatBytes(bytes: number): string {
	if (bytes < 1000) return `${Math.round(bytes)} B`;
	let value = bytes;
	for (const unit of ["KB", "MB", "GB"]) {
		value /= 1000;
		if (value < 999.5) return `${value < 9.95 ? trimDecimals(value, 1) : Math.round(value)} ${unit}`;
	}
	return `${trimDecimals(value / 1000, 1)} TB`;
}

/** How long ago, in words: `just now`, `5 minutes ago`, `yesterday`, `3 days ago`; NaN is `unknown`. */
export function formatAge(ageMs: number): string {
	if (Number.isNaN(ageMs)) return "unknown";
	const minutes = Math.round(ageMs / 60_000);
	if (minutes < 1) return "just now";
	if (minutes < 60) return `${formatPlural(minutes, "minute")} ago`;
	const hours = Math.round(minutes / 60);
	if (hours < 24) return `${formatPlural(hours, "hour")} ago`;
	const days = Math.round(hours / 24);
	if (days === 1) return "yesterday";
	if (days < 61) return `${formatPlural(days, "day")} ago`;
	const months = Math.round(days / 30.4);
	if (months < 24) return `${formatPlural(months, "month")} ago`;
	return `${formatPlural(Math.round(days / 365.25), "year")} ago`;
}

/** What `usageLine` needs to know of an answer; a StreamFinish and a Result have it all. */
export interface AnswerFigures {
	readonly usage: Usage | null;
	readonly costUsd: number | null;
	readonly cached: boolean;
	readonly latencyMs: number;
}

/** `412 in (128 cached) · 96 out · $0.00031 · 1.2 s · 80 tok/s`; says `from the cache` when nothing was sent. */
export function usageLine(figures: AnswerFigures): string {
	const { usage, costUsd, cached, latencyMs } = figures;
	const parts: string[] = [];
	if (usage === null) parts.push("tokens unknown");
	else {
		const read = usage.cachedInputTokens > 0 ? ` (${formatCount(usage.cachedInputTokens)} cached)` : "";
		const thought = usage.reasoningTokens > 0 ? ` (${formatCount(usage.reasoningTokens)} reasoning)` : "";
		parts.push(
			`${formatCount(usage.inputTokens)} in${read}`,
			`${formatCount(usage.outputTokens)} out${thought}`,
		);
	}
	if (cached) return [...parts, "$0", "from the cache"].join(" · ");
	parts.push(costUsd === null ? "cost unknown" : formatUsd(costUsd), formatDuration(latencyMs));
	if (usage !== null && usage.outputTokens > 0 && latencyMs > 0)
		parts.push(`${formatCount((usage.outputTokens * 1000) / latencyMs)} tok/s`);
	return parts.join(" · ");
}

function trimDecimals(value: number, decimals: number): string {
	return value.toFixed(decimals).replace(/\.0+$/, "");
}
