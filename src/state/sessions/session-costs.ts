/** What sessions cost, as the ledger tells: also what was undone, asked for again, compared or failed. */

import { addUsage, type Cost, noUsage, type Usage } from "../../types.ts";
import { scanLedger } from "../ledger.ts";
import type { LedgerRow } from "../ledger-row.ts";
import type { Paths } from "../paths.ts";
import type { Session, SessionMessage } from "./session-lines.ts";

/** What calls took. */
export interface Spent {
	/** USD. */
	readonly cost: Cost;
	/** Tokens. */
	readonly usage: Usage;
}

export const nothingSpent: Spent = { cost: { usd: 0, unknownCalls: 0 }, usage: noUsage };

/** Returns the present name of the session that had a name at a time; undefined when none of those known had it. */
export type NameResolver = (name: string, at: string) => string | undefined;

interface Period {
	readonly from: string;
	readonly until: string;
	/** The present name of the session. */
	readonly name: string;
}

/** Later than any time. */
const never = "~";

/**
 * Follows sessions through their renames: the ledger has the name of the time. A name that a session has given up may
 * be another one's since, and one that was deleted another one's before.
 */
export function followNames(sessions: Iterable<Session>): NameResolver {
	const periods = new Map<string, Period[]>();
	for (const { name, createdAt, formerNames } of sessions) {
		let from = createdAt;
		for (const had of [...formerNames, { name, until: never }]) {
			const { until } = had;
			periods.set(had.name, [...(periods.get(had.name) ?? []), { from, until, name }]);
			from = until;
		}
	}
	return (name, at) => periods.get(name)?.find(({ from, until }) => from <= at && at <= until)?.name;
}

/**
 * Sums the ledger by session, for the sessions given, up to a time when one is given (ISO 8601). What a session was
 * answered before the ledger first has it, because that file is gone or another computer's, its own answers say.
 */
export async function readSessionCosts(
	paths: Paths,
	sessions: readonly Session[],
	before?: string,
): Promise<Map<string, Spent>> {
	const nameOf = followNames(sessions);
	// As they are now: a chat may go on meanwhile.
	const answers = sessions.map((session) => ({
		name: session.name,
		own: session.all.slice(session.inherited),
	}));
	const spent = new Map<string, Spent>();
	/** When the ledger first has a session. */
	const since = new Map<string, string>();
	await scanLedger(
		paths.ledger,
		(row) => {
			if (row.session === null || (before !== undefined && row.ts >= before)) return;
			const name = nameOf(row.session, row.ts);
			if (name === undefined) return;
			spent.set(name, addRow(spent.get(name) ?? nothingSpent, row));
			if (row.ts < (since.get(name) ?? never)) since.set(name, row.ts);
		},
		0,
		'"session":"',
	);
	for (const { name, own } of answers) {
		const earlier = spentOf(own, since.get(name) ?? never);
		spent.set(name, addSpent(spent.get(name) ?? nothingSpent, earlier));
	}
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

/** What answers took that were given before a time, as far as their session's file tells. */
function spentOf(messages: readonly SessionMessage[], before: string): Spent {
	return messages
		.filter(
			({ role, at, cached, copyOf }) =>
				role === "assistant" && at < before && !cached && copyOf === undefined,
		)
		.map(({ costUsd = null, usage }) => ({
			cost: { usd: costUsd ?? 0, unknownCalls: costUsd === null ? 1 : 0 },
			usage: usage ?? noUsage,
		}))
		.reduce(addSpent, nothingSpent);
}

export function addSpent(a: Spent, { cost, usage }: Spent): Spent {
	return {
		cost: { usd: a.cost.usd + cost.usd, unknownCalls: a.cost.unknownCalls + cost.unknownCalls },
		usage: addUsage(a.usage, usage),
	};
}
