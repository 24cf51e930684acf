import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import type { Cost } from "../types.ts";
import { replaceFile } from "./files.ts";
import { scanLedger } from "./ledger.ts";
import { unknownCallsOf } from "./ledger-row.ts";
import type { Paths } from "./paths.ts";

/** A whole month before this one, for any month and zone. */
const keptMs = 64 * 86_400_000;
/** Zones differ from UTC by quarters of an hour, so that a local day or month is a number of these. */
const quarterMs = 15 * 60_000;
/** The totals are stored again when this much of the ledger came after them. */
const storeAfterBytes = 64 << 10;
/** This much of the ledger before `offset` is kept to notice a ledger that was replaced. */
const markBytes = 256;

/**
 * Sums of the first `offset` bytes of the ledger. As a pure function of those bytes, any stored version is right,
 * whichever of several processes stored it last: no lock is needed, and a lost file is computed again.
 */
interface StoredTotals {
	readonly version: 2;
	readonly offset: number;
	/** The last bytes of those summed, as latin1. */
	readonly mark: string;
	/** Quarters of an hour since 1970, to what their calls cost. Whoever reads them may be in any time zone. */
	readonly quarters: Record<string, QuarterTotal>;
}

/** USD, and calls of unknown cost. */
type QuarterTotal = readonly [usd: number, unknownCalls: number];

/** What was spent on a calendar day and in its month, in the zone of this machine. */
export interface Spending {
	readonly today: Cost;
	readonly thisMonth: Cost;
}

/**
 * What the ledger says was spent today and this month. Reads only what was appended since the totals were last
 * stored (at most about 64 KiB, unless a run of many calls just ended).
 */
export async function readSpending(paths: Paths, now: number = Date.now()): Promise<Spending> {
	const stored = readTotals(paths);
	const quarters: Record<string, QuarterTotal> = { ...stored?.quarters };
	const start = stored?.offset ?? 0;
	const { end } = await scanLedger(
		paths.ledger,
		(row) => {
			const quarter = quarterOf(row.ts);
			const [usd, unknown] = quarters[quarter] ?? [0, 0];
			quarters[quarter] = [usd + (row.cost_usd ?? 0), unknown + unknownCallsOf(row)];
		},
		start,
	);
	if (end - start > storeAfterBytes) storeTotals(paths, end, quarters);
	const day = new Date(now);
	const [year, month, date] = [day.getFullYear(), day.getMonth(), day.getDate()];
	const sum = (from: Date, to: Date): Cost => {
		const [first, end] = [from.getTime() / quarterMs, to.getTime() / quarterMs];
		let cost = { usd: 0, unknownCalls: 0 };
		for (const [quarter, [usd, unknown]] of Object.entries(quarters)) {
			if (Number(quarter) < first || Number(quarter) >= end) continue;
			cost = { usd: cost.usd + usd, unknownCalls: cost.unknownCalls + unknown };
		}
		return cost;
	};
	return {
		today: sum(new Date(year, month, date), new Date(year, month, date + 1)),
		thisMonth: sum(new Date(year, month, 1), new Date(year, month + 1, 1)),
	};
}

let lastTime = "";
let lastNumber = 0;

/** The number of the quarter of an hour that an ISO time in UTC lies in; rows that follow one another share it. */
function quarterOf(ts: string): number {
	const minute = ts.slice(0, 16);
	if (minute !== lastTime) {
		lastTime = minute;
		lastNumber = Math.floor(Date.parse(ts) / quarterMs);
	}
	return lastNumber;
}

let lastQuarter = "";
let lastDay = "";

/** The local calendar day of an ISO time. Zones differ from UTC by quarters of an hour, so one lookup serves a quarter. */
export function localDay(ts: string): string {
	const quarter = ts.slice(0, 14) + Math.floor(Number(ts.slice(14, 16)) / 15);
	if (quarter !== lastQuarter) {
		const date = new Date(ts);
		const pad = (value: number) => String(value).padStart(2, "0");
		lastDay = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
		lastQuarter = quarter;
	}
	return lastDay;
}

function readTotals(paths: Paths): StoredTotals | undefined {
	try {
		const stored = JSON.parse(readFileSync(paths.ledgerTotals, "utf8")) as StoredTotals;
		if (stored.version !== 2 || stored.mark !== markBefore(paths.ledger, stored.offset)) return undefined;
		return stored;
	} catch {
		return undefined;
	}
}

function storeTotals(paths: Paths, offset: number, quarters: Record<string, QuarterTotal>): void {
	const newest = Object.keys(quarters).reduce((most, quarter) => Math.max(most, Number(quarter)), 0);
	const first = newest - keptMs / quarterMs;
	const kept = Object.entries(quarters).filter(([quarter]) => Number(quarter) >= first);
	try {
		const mark = markBefore(paths.ledger, offset);
		if (mark === undefined) return;
		const totals: StoredTotals = { version: 2, offset, mark, quarters: Object.fromEntries(kept) };
		replaceFile(paths.ledgerTotals, `${JSON.stringify(totals)}\n`);
	} catch {
		// The totals only save time: a full disk must not stop a call that needs none of it.
	}
}

function markBefore(ledger: string, offset: number): string | undefined {
	const descriptor = openSync(ledger, "r");
	try {
		if (!(offset >= 0) || fstatSync(descriptor).size < offset) return undefined;
		const mark = Buffer.alloc(Math.min(markBytes, offset));
		readSync(descriptor, mark, 0, mark.length, offset - mark.length);
		return mark.toString("latin1");
	} finally {
		closeSync(descriptor);
	}
}
