import type { CollectedRow } from "./collect.ts";

/** What rows come to, for one model or for all. */
export interface Totals {
	readonly rows: number;
	readonly answered: number;
	readonly failed: number;
	readonly cached: number;
	/** Answers that reached the limit of their length. */
	readonly cutOff: number;
	readonly usd: number;
	/** Rows whose cost nobody knows. */
	readonly unknownCosts: number;
	readonly inputTokens: number;
	readonly outputTokens: number;
	/** Ms; null when nothing was measured. */
	readonly median: number | null;
	readonly slow: number | null;
	/** Of rows with an expectation, those that met it. */
	readonly passed: number;
	readonly expected: number;
}

/** Sums rows up; `slow` is the 95th percentile. */
export function totalsOf(rows: readonly CollectedRow[]): Totals {
	const latencies = rows
		.map(({ latencyMs }) => latencyMs)
		.filter((ms): ms is number => ms !== null)
		.toSorted((one, other) => one - other);
	const count = (test: (row: CollectedRow) => boolean) =>
		rows.reduce((sum, row) => sum + (test(row) ? 1 : 0), 0);
	const sum = (value: (row: CollectedRow) => number | null) =>
		rows.reduce((total, row) => total + (value(row) ?? 0), 0);
	const percentile = (share: number) => latencies[Math.ceil(latencies.length * share) - 1] ?? null;
	const answered = count(({ errorClass }) => errorClass === undefined);
	return {
		rows: rows.length,
		answered,
		failed: rows.length - answered,
		cached: count(({ cached }) => cached),
		cutOff: count(({ finishReason }) => finishReason === "length"),
		usd: sum(({ costUsd }) => costUsd),
		unknownCosts: count(({ costUsd }) => costUsd === null),
		inputTokens: sum(({ inputTokens, cached }) => (cached ? 0 : inputTokens)),
		outputTokens: sum(({ outputTokens, cached }) => (cached ? 0 : outputTokens)),
		median: percentile(0.5),
		slow: percentile(0.95),
		passed: count(({ pass }) => pass === true),
		expected: count(({ pass }) => pass !== null),
	};
}
