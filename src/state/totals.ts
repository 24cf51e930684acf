import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import type { Cost } from "../types.ts";
import { replaceFile } from "./files.ts";
import { scanLedger } from "./ledger.ts";
import type { Paths } from "./paths.ts";

/** Days kept in the totals file: a whole month before this one, for any month. */
const KEPT_DAYS = 62;
/** The totals are stored again when this much of the ledger came after them. */
const STORE_AFTER_BYTES = 64 << 10;
/** This much of the ledger before `offset` is kept to notice a ledger that was replaced. */
const MARK_BYTES = 256;

/**
 * Sums of the first `offset` bytes of the ledger. As a pure function of those bytes, any stored version is right,
 * whichever of several processes stored it last: no lock is needed, and a lost file is computed again.
 */
interface StoredTotals {
	readonly version: 1;
	readonly offset: number;
	/** The last bytes of those summed, as latin1. */
	readonly mark: string;
	/** Local calendar day, `2026-11-22`, to what its calls cost. */
	readonly days: Record<string, DayTotal>;
}

interface DayTotal {
	usd: number;
	unknown_calls: number;
}

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
	const days: Record<string, DayTotal> = { ...stored?.days };
	const start = stored?.offset ?? 0;
	const { end } = await scanLedger(
		paths.ledger,
		(row) => {
			const day = localDay(row.ts);
			const previous = days[day];
			days[day] = {
				usd: (previous?.usd ?? 0) + (row.cost_usd ?? 0),
				unknown_calls: (previous?.unknown_calls ?? 0) + (row.cost_usd === null ? 1 : 0),
			};
		},
		start,
	);
	if (end - start > STORE_AFTER_BYTES) storeTotals(paths, end, days);

	const today = localDay(new Date(now).toISOString());
	const sum = { usd: 0, unknownCalls: 0 };
	for (const [day, total] of Object.entries(days)) {
		if (day.slice(0, 7) !== today.slice(0, 7)) continue;
		sum.usd += total.usd;
		sum.unknownCalls += total.unknown_calls;
	}
	const day = days[today];
	return { today: { usd: day?.usd ?? 0, unknownCalls: day?.unknown_calls ?? 0 }, thisMonth: sum };
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
		if (stored.version !== 1 || stored.mark !== markBefore(paths.ledger, stored.offset)) return undefined;
		return stored;
	} catch {
		return undefined;
	}
}

function storeTotals(paths: Paths, offset: number, days: Record<string, DayTotal>): void {
	const kept = Object.entries(days).sort().slice(-KEPT_DAYS);
	try {
		const mark = markBefore(paths.ledger, offset);
		if (mark === undefined) return;
		const totals: StoredTotals = { version: 1, offset, mark, days: Object.fromEntries(kept) };
		replaceFile(paths.ledgerTotals, `${JSON.stringify(totals)}\n`);
	} catch {
		// The totals only save time: a full disk must not stop a call that needs none of it.
	}
}

function markBefore(ledger: string, offset: number): string | undefined {
	const descriptor = openSync(ledger, "r");
	try {
		if (!(offset >= 0) || fstatSync(descriptor).size < offset) return undefined;
		const mark = Buffer.alloc(Math.min(MARK_BYTES, offset));
		readSync(descriptor, mark, 0, mark.length, offset - mark.length);
		return mark.toString("latin1");
	} finally {
		closeSync(descriptor);
	}
}
