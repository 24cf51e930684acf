import type { ExitCode } from "../errors.ts";
import type { RedisConnection } from "./connection.ts";
import type { SharedCounts } from "./found-limit.ts";
import { type LeaseClaim, type LeaseState, nano } from "./lease.ts";
import { syncScript } from "./scripts.ts";
import { runKeys, type ShardView } from "./view.ts";

/** Nothing is granted for so many ms by a Redis that was restarted: who lives has said how it stands by then. */
const calmMs = 2_000;
/** What Redis keeps of a run after its last sign of life, in s. */
export const keptSeconds = 7 * 86_400;

/** Why all shards are to stop. */
export interface SharedStop {
	/** For people, as the end of "stopped: …". */
	readonly text: string;
	readonly exitCode: ExitCode;
	/** Which shard. */
	readonly by: string;
}

/** One cap over all shards. */
export interface SharedCap {
	/** Of the purse in Redis that counts what is spent of it. */
	readonly key: string;
	/** USD; undefined when nothing caps it and it is only counted. */
	readonly usd: number | undefined;
}

/** How many shards there are, and which of them this one is, counted from 0. */
export interface ShardPart {
	readonly living: number;
	readonly rank: number;
	/** Requests per minute that all shards together were found to be allowed; undefined while no limit has shown. */
	readonly foundPerMinute?: number | undefined;
}

export interface SyncReply {
	readonly state: LeaseState | "taken";
	readonly granted: number;
	readonly part: ShardPart;
	/** Somebody is short of money. */
	readonly isScarce: boolean;
	readonly stop: string;
	/** Of all shards; of use in replies to a view. */
	readonly counts: SharedCounts;
	/** Requests per second that all shards together may send; undefined while no limit has shown. */
	readonly found: number | undefined;
	readonly committed: readonly number[];
	/** The view of whoever has the label, as JSON. */
	readonly holder: string;
}

/** What a shard tells Redis. */
export interface SyncMessage {
	/** Names the run and the process in it, and the dead process that it takes the place of. */
	readonly name: string;
	readonly member: string;
	readonly heir: string;
	/** There may be one shard of this name at a time; empty: any number. */
	readonly label: string;
	/** Rises with each message. */
	readonly seq: number;
	readonly claim: LeaseClaim;
	/** The caps, and what was last seen committed of each, in nanodollars. */
	readonly caps: readonly SharedCap[];
	readonly committed: readonly number[];
	/** What there is to tell of the shard; undefined in messages that only ask for money. */
	readonly view: ShardView | undefined;
	/** Of this shard, since it joined. */
	readonly counts: SharedCounts;
	/** What this shard has found for all of them; undefined when it is not the one to do so. */
	readonly found: { readonly perSecond: number | undefined } | undefined;
	/** So many ms it counts as living. */
	readonly livesMs: number;
}

/**
 * Says how a shard stands, and hears how the others do.
 * @throws RedisFailure
 */
export async function sync(connection: RedisConnection, message: SyncMessage): Promise<SyncReply> {
	const { name, member, heir, label, seq, claim, caps, committed, counts, found, view, livesMs } = message;
	const { run, members, views } = runKeys(name);
	const { spent, granted, returned, need, want } = claim;
	const purses = caps.flatMap(({ usd }, index) => [
		usd === undefined ? -1 : Math.floor(usd * nano + 0.1),
		committed[index] ?? 0,
	]);
	const reply = await connection.run(
		syncScript,
		[run, members, views, ...caps.map(({ key }) => key)],
		({ runId }) => [
			...[runId, member, label, heir, seq, spent, granted, returned, need, want],
			...[livesMs, calmMs, keptSeconds, counts.sent, counts.refused],
			found === undefined ? "-" : String(found.perSecond ?? ""),
			view === undefined ? "" : JSON.stringify(view),
			...purses,
		],
	);
	return readReply(reply);
}

function readReply(reply: unknown): SyncReply {
	const [state, granted, living, rank, short, stop, sent, refused, found, ...rest] = reply as readonly [
		SyncReply["state"],
		...unknown[],
	];
	const isTaken = state === "taken";
	return {
		state,
		granted: Number(granted),
		part: { living: Math.max(1, Number(living)), rank: Number(rank) },
		isScarce: Number(short) === 1,
		stop: String(stop),
		counts: { sent: Number(sent), refused: Number(refused) },
		found: found === "" ? undefined : Number(found),
		committed: isTaken ? [] : rest.map(Number),
		holder: isTaken ? String(rest[0]) : "",
	};
}

/** `on HOST (process PID)`. */
export function holderText(view: string): string {
	try {
		const { host, pid } = JSON.parse(view) as ShardView;
		return `on ${host} (process ${pid})`;
	} catch {
		return "elsewhere";
	}
}
