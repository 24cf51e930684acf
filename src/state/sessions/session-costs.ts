/** What sessions cost, as the ledger tells: also what was undone, asked for again, compared or failed. */

import { addUsage, type Cost, noUsage, type Usage } from "../../types.ts";
import { scanLedger } from "../ledger.ts";
import type { LedgerRow } from "../ledger-row.ts";
import type { Paths } from "../paths.ts";
import type { Session } from "./session-lines.ts";

/** What calls took. */
export interface Spent {
	/** USD. */
	readonly cost: Cost;
	/** Tokens. */
	readonly usage: Usage;
}

export const nothingSpent: Spent = { cost: { usd: 0, unknownCalls: 0 }, usage: noUsage };

/** Returns the present name of the session that had a name at a time; the name itself when there is none any more. */
export type NameResolver = (name: string, at: string) => string;

interface Period {
	readonly from: string;
	readonly name: string;
}

/**
 * Follows sessions through their renames: the ledger has the name of the time. One name is never that of two sessions
 * at once, so name and time are enough.
 */
export function followNames(sessions: Iterable<Session>): NameResolver {
	const periods = new Map<string, Period[]>();
	for (const { name, createdAt, formerNames } of sessions) {
		let from = createdAt;
		for (const had of [...formerNames, { name, until: "" }]) {
			periods.set(had.name, [...(periods.get(had.name) ?? []), { from, name }]);
			from = had.until;
		}
	}
	for (const list of periods.values()) list.sort((a, b) => (a.from < b.from ? -1 : 1));
	return (name, at) => {
		const list = periods.get(name);
		return (list?.findLast(({ from }) => from <= at) ?? list?.[0])?.name ?? name;
	};
}

/**
 * Sums the ledger by session, for the sessions given, up to a time when one is given (ISO 8601). A session that the
 * ledger knows nothing of, because that file is gone, has what its own answers say.
 */
export async function readSessionCosts(
	paths: Paths,
	sessions: readonly Session[],
	before?: string,
): Promise<Map<string, Spent>> {
	const nameOf = followNames(sessions);
	const spent = new Map<string, Spent>();
	const wanted = new Set(sessions.map(({ name }) => name));
	await scanLedger(
		paths.ledger,
		(row) => {
			if (row.session === null || (before !== undefined && row.ts >= before)) return;
			const name = nameOf(row.session, row.ts);
			if (wanted.has(name)) spent.set(name, addRow(spent.get(name) ?? nothingSpent, row));
		},
		0,
		'"session":"',
	);
	for (const session of sessions) if (!spent.has(session.name)) spent.set(session.name, spentOf(session));
	return spent;
}

function addRow({ cost, usage }: Spent, row: LedgerRow): Spent {
	const isUnknown = row.cost_usd === null;
	const tokens = {
		inputTokens: row.input_tokens ?? 0,
		cachedInputTokens: row.cached_input_tokens,
		cacheWriteTokens: row.cache_write_tokens,
		audioInputTokens: row.audio_input_tokens,
		outputTokens: row.output_tokens ?? 0,
		reasoningTokens: row.reasoning_tokens,
	};
	return {
		cost: { usd: cost.usd + (row.cost_usd ?? 0), unknownCalls: cost.unknownCalls + (isUnknown ? 1 : 0) },
		// What a call that was cut off may have used is an estimate.
		usage: row.cached || row.status === "maybe_billed" ? usage : addUsage(usage, tokens),
	};
}

/** What a session's own answers took, as far as its file tells. */
function spentOf({ all, inherited }: Session): Spent {
	let spent = nothingSpent;
	for (const message of all.slice(inherited)) {
		if (message.role !== "assistant" || message.cached || message.copyOf !== undefined) continue;
		const { costUsd = null, usage } = message;
		const { cost } = spent;
		spent = {
			cost: { usd: cost.usd + (costUsd ?? 0), unknownCalls: cost.unknownCalls + (costUsd === null ? 1 : 0) },
			usage: usage ? addUsage(spent.usage, usage) : spent.usage,
		};
	}
	return spent;
}
