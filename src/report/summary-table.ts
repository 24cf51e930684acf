import { formatCost, formatCount, formatDuration, formatTokens } from "../terminal/formats.ts";
import type { CollectedRow } from "./collect.ts";
import { escapeHtml } from "./escape.ts";
import { type Totals, totalsOf } from "./totals.ts";

/** The totals as a table of the page, a line a model and one for all. */
export function summaryTable(rows: readonly CollectedRow[]): string {
	const byModel = new Map<string, CollectedRow[]>();
	for (const row of rows) {
		const known = byModel.get(row.column);
		if (known === undefined) byModel.set(row.column, [row]);
		else known.push(row);
	}
	const lines = [...byModel].map(([model, own]) => [model, totalsOf(own)] as const);
	if (lines.length !== 1) lines.push(["all", totalsOf(rows)]);
	const columns = shown(lines.map(([, totals]) => totals));
	const head = columns.map(({ title }) => `<th scope="col">${title}</th>`).join("");
	const body = lines.map(([name, totals]) => {
		const cells = columns.map(({ text }) => `<td>${escapeHtml(text(totals))}</td>`).join("");
		return `<tr><th scope="row"><bdi>${escapeHtml(name)}</bdi></th>${cells}</tr>`;
	});
	return `<table><thead><tr><th scope="col">model</th>${head}</tr></thead><tbody>${body.join("")}</tbody></table>`;
}

interface Column {
	readonly title: string;
	readonly text: (totals: Totals) => string;
	/** Left out when no line has anything to say in it. */
	readonly matters?: (totals: Totals) => boolean;
}

const share = (part: number, of: number) => (of === 0 ? "" : ` (${((100 * part) / of).toFixed(1)} %)`);
const time = (ms: number | null) => (ms === null ? "" : formatDuration(ms));

const allColumns: readonly Column[] = [
	{ title: "rows", text: ({ rows }) => formatCount(rows) },
	{ title: "answered", text: ({ answered }) => formatCount(answered) },
	{ title: "failed", text: ({ failed }) => formatCount(failed), matters: ({ failed }) => failed > 0 },
	{ title: "cut off", text: ({ cutOff }) => formatCount(cutOff), matters: ({ cutOff }) => cutOff > 0 },
	{ title: "cached", text: ({ cached }) => formatCount(cached), matters: ({ cached }) => cached > 0 },
	{
		title: "as expected",
		text: ({ passed, expected }) =>
			`${formatCount(passed)} of ${formatCount(expected)}${share(passed, expected)}`,
		matters: ({ expected }) => expected > 0,
	},
	{ title: "cost", text: ({ usd, unknownCosts }) => formatCost({ usd, unknownCalls: unknownCosts }) },
	{ title: "tokens in", text: ({ inputTokens }) => formatTokens(inputTokens) },
	{ title: "tokens out", text: ({ outputTokens }) => formatTokens(outputTokens) },
	{ title: "p50", text: ({ median }) => time(median), matters: ({ median }) => median !== null },
	{ title: "p95", text: ({ slow }) => time(slow), matters: ({ slow }) => slow !== null },
];

function shown(totals: readonly Totals[]): readonly Column[] {
	return allColumns.filter(({ matters }) => matters === undefined || totals.some(matters));
}
