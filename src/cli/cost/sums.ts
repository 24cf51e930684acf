import { scanLedger } from "../../state/ledger.ts";
import { type LedgerRow, type UnknownCost, unknownReason } from "../../state/ledger-row.ts";
import type { NameResolver } from "../../state/sessions/session-costs.ts";
import { localDay } from "../../state/totals.ts";

/** What calls can be summed by. */
export const groupings = ["day", "model", "provider", "command", "session"] as const;
export type Grouping = (typeof groupings)[number];

/** The sum of some calls. `costUsd` is what is known; `unknownCalls` counts the calls that are not in it. */
export interface CostSum {
	readonly key: string;
	calls: number;
	cachedCalls: number;
	failedCalls: number;
	inputTokens: number;
	cachedInputTokens: number;
	outputTokens: number;
	reasoningTokens: number;
	costUsd: number;
	unknownCalls: number;
	/** The same by why they are not known. */
	readonly unknown: Record<UnknownCost, number>;
	/** Of `costUsd` what providers reported; the rest is computed from prices. */
	reportedUsd: number;
	/** What cache hits did not cost, as far as it is known. */
	savedUsd: number;
}

export interface CostReport {
	/** Days in order, everything else by cost, the dearest first. */
	readonly groups: readonly CostSum[];
	readonly total: CostSum;
	readonly damagedLines: number;
	readonly firstDamagedLine: number | null;
}

export interface CostQuery {
	readonly by: Grouping;
	/** Calls that ended at or after this time, in ms since 1970. */
	readonly from?: number | undefined;
	/** Calls that ended before this time. */
	readonly to?: number | undefined;
	/** Follows sessions that have another name by now. */
	readonly nameOf?: NameResolver | undefined;
}

/** The key of calls without a session. */
const noSession = "(none)";

/** Sums the ledger in one pass. Memory grows with the number of groups only. */
export async function sumLedger(
	ledger: string,
	{ by, from, to, nameOf = (name) => name }: CostQuery,
): Promise<CostReport> {
	// ISO times in UTC are in order as texts.
	const first = from === undefined ? "" : new Date(from).toISOString();
	const end = to === undefined ? "~" : new Date(to).toISOString();
	const groups = new Map<string, CostSum>();
	const total = emptySum("total");
	const { damaged, firstDamaged } = await scanLedger(ledger, (row) => {
		if (row.ts < first || row.ts >= end) return;
		const key = keyOf(row, by, nameOf);
		let group = groups.get(key);
		if (group === undefined) {
			group = emptySum(key);
			groups.set(key, group);
		}
		add(group, row);
		add(total, row);
	});
	const sorted = [...groups.values()].sort(
		by === "day"
			? (a, b) => (a.key < b.key ? -1 : 1)
			: (a, b) => b.costUsd - a.costUsd || b.calls - a.calls || (a.key < b.key ? -1 : 1),
	);
	return { groups: sorted, total, damagedLines: damaged, firstDamagedLine: firstDamaged };
}

function keyOf(row: LedgerRow, by: Grouping, nameOf: NameResolver): string {
	switch (by) {
		case "day":
			return localDay(row.ts);
		case "session":
			return row.session === null ? noSession : (nameOf(row.session, row.ts) ?? row.session);
		default:
			return row[by];
	}
}

function emptySum(key: string): CostSum {
	return {
		key,
		calls: 0,
		cachedCalls: 0,
		failedCalls: 0,
		inputTokens: 0,
		cachedInputTokens: 0,
		outputTokens: 0,
		reasoningTokens: 0,
		costUsd: 0,
		unknownCalls: 0,
		unknown: { no_price: 0, no_usage: 0, untold: 0, interrupted: 0 },
		reportedUsd: 0,
		savedUsd: 0,
	};
}

function add(sum: CostSum, row: LedgerRow): void {
	const { cost_usd: usd } = row;
	if (row.reprices !== null) {
		// The call itself was counted, as one without a price.
		sum.unknownCalls -= 1;
		sum.unknown.no_price -= 1;
		sum.costUsd += usd ?? 0;
		return;
	}
	sum.calls += 1;
	if (row.cached) {
		sum.cachedCalls += 1;
		sum.savedUsd += row.saved_usd ?? 0;
		// A hit sent nothing: its tokens were counted when they were paid for.
		return;
	}
	if (row.status !== "ok") sum.failedCalls += 1;
	sum.inputTokens += row.input_tokens ?? 0;
	sum.cachedInputTokens += row.cached_input_tokens;
	sum.outputTokens += row.output_tokens ?? 0;
	sum.reasoningTokens += row.reasoning_tokens;
	if (usd !== null) {
		sum.costUsd += usd;
		if (row.cost_source === "reported") sum.reportedUsd += usd;
		return;
	}
	const reason = unknownReason(row);
	sum.unknownCalls += 1;
	if (reason !== null) sum.unknown[reason] += 1;
}
