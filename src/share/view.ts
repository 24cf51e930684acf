import type { RedisConnection } from "./connection.ts";
import { nano } from "./lease.ts";
import { statusScript } from "./scripts.ts";

/** What a shard tells of itself, in the spelling of files. */
export interface ShardView {
	/** `3/8` of a file, or the name of its results. */
	readonly shard: string;
	readonly source: string;
	readonly host: string;
	readonly pid: number;
	/** Ms since 1970. */
	readonly started: number;
	/** `running`, or how it ended. */
	readonly state: string;
	/** Rows in all and those that had ended before. */
	readonly rows: number;
	readonly done_before: number;
	readonly answered: number;
	readonly failed: number;
	readonly in_flight: number;
	readonly requests: number;
	readonly refusals_429: number;
	readonly requests_per_minute: number;
	readonly cost_usd: number;
	readonly unknown_cost_requests: number;
	/** What it was told to keep to; null without. */
	readonly max_cost: number | null;
}

/** A shard as Redis knows it. */
export interface SharedShard extends ShardView {
	/** It said so within its last beats. */
	readonly alive: boolean;
	/** USD that it has set aside and not spent. */
	readonly set_aside_usd: number;
}

/** A run as Redis knows it. */
export interface SharedRunView {
	readonly run: string;
	/** Ms since 1970. */
	readonly began: number;
	/** Why all were stopped; null while they are not. */
	readonly stopped: string | null;
	/** USD spent and set aside by all, also those that are gone. */
	readonly committed_usd: number;
	readonly shards: readonly SharedShard[];
}

/** The keys of a run. All stand in one hash slot, and none is kept for ever. */
export function runKeys(name: string): {
	readonly run: string;
	readonly members: string;
	readonly views: string;
	readonly purse: string;
} {
	const prefix = `llmx:{${name}}:`;
	return {
		run: `${prefix}run`,
		members: `${prefix}members`,
		views: `${prefix}views`,
		purse: `${prefix}purse`,
	};
}

/**
 * How a run stands; undefined when Redis knows of none of that name.
 * @throws RedisFailure
 */
export async function readSharedRun(
	connection: RedisConnection,
	name: string,
): Promise<SharedRunView | undefined> {
	const { run, members, views, purse } = runKeys(name);
	const reply = (await connection.run(
		statusScript,
		[run, members, views, purse],
		() => [],
	)) as readonly unknown[];
	const [began, stop, committed, ...rows] = reply;
	if (began === "") return undefined;
	const shards: SharedShard[] = [];
	for (let at = 0; at + shardFields <= rows.length; at += shardFields) {
		const [alive, granted, returned, spent, view] = rows.slice(at, at + shardFields);
		const told = readView(String(view));
		if (told === undefined) continue;
		const aside = Math.max(0, Number(granted) - Number(returned) - Number(spent));
		shards.push({ ...told, alive: Number(alive) === 1, set_aside_usd: aside / nano });
	}
	const place = ({ source, shard, started }: ShardView) => [source, shard, started] as const;
	return {
		run: name,
		began: Number(began),
		stopped: stop === "" ? null : stopText(String(stop)),
		committed_usd: Number(committed) / nano,
		shards: shards.toSorted((one, other) => comparePlaces(place(one), place(other))),
	};
}

const shardFields = 5;

/**
 * Names of the runs that Redis knows.
 * @throws RedisFailure
 */
export async function listSharedRuns(connection: RedisConnection): Promise<string[]> {
	const names = new Set<string>();
	let cursor = "0";
	do {
		const [next, keys] = (await connection.command(
			"SCAN",
			cursor,
			"MATCH",
			"llmx:{*}:run",
			"COUNT",
			1000,
		)) as readonly [string, readonly string[]];
		for (const key of keys) names.add(key.slice("llmx:{".length, -"}:run".length));
		cursor = String(next);
	} while (cursor !== "0");
	return [...names].sort();
}

/** Lets the shards of a run that was stopped start again. */
export async function liftStop(connection: RedisConnection, name: string): Promise<void> {
	await connection.command("HDEL", runKeys(name).run, "stop", "stop_until");
}

function readView(text: string): ShardView | undefined {
	try {
		const view = JSON.parse(text) as ShardView;
		return typeof view.shard === "string" && typeof view.source === "string" ? view : undefined;
	} catch {
		return undefined;
	}
}

function stopText(json: string): string {
	try {
		const { text, by } = JSON.parse(json) as { text: string; by: string };
		return `${text} (${by})`;
	} catch {
		return json;
	}
}

/** By source, then `2/8` before `10/8`, then by time. */
function comparePlaces(
	one: readonly [string, string, number],
	other: readonly [string, string, number],
): number {
	return (
		one[0].localeCompare(other[0]) ||
		one[1].localeCompare(other[1], "en", { numeric: true }) ||
		one[2] - other[2]
	);
}
