import { parseRedisUrl } from "../share/address.ts";
import { RedisConnection } from "../share/connection.ts";
import type { CachedAnswer, CacheStatistics } from "./answer.ts";
import type { CacheStore } from "./sqlite.ts";
import { readStoredRow, type StoredAnswer, toStoredRow } from "./stored-row.ts";

const prefix = "llmx:cache:";
/** A run does not wait for a server that is not there: an answer can be asked for again. */
const patienceMs = 1_000;
/** After a command without a reply nothing is asked of the server for so long, so that it is not waited for again and again. */
const firstRestMs = 1_000;
const longestRestMs = 60_000;
/** Keys that one look at the whole cache takes at a time. */
const batchSize = 500;

/**
 * Opens a Redis as the store of a cache that machines share. Commands that fail reject, and those after them too, for a
 * while that doubles.
 * @param maxAgeMs after which Redis may forget an answer; undefined: never
 * @throws LlmxError when it cannot be reached, or is too old
 */
export async function openRedisStore(url: string, maxAgeMs: number | undefined): Promise<CacheStore> {
	const connection = await RedisConnection.open(parseRedisUrl(url, "cache.url"), { patienceMs });
	let restMs = firstRestMs;
	let restsUntil = Number.NEGATIVE_INFINITY;
	let failure: unknown;

	async function attempt<T>(action: () => Promise<T>): Promise<T> {
		if (performance.now() < restsUntil) throw failure;
		try {
			const result = await action();
			restMs = firstRestMs;
			return result;
		} catch (error) {
			failure = error;
			restsUntil = performance.now() + restMs;
			restMs = Math.min(longestRestMs, 2 * restMs);
			throw error;
		}
	}

	const command = (name: string, ...args: readonly (string | number)[]) =>
		attempt(() => connection.command(name, ...args));

	/** All keys of the cache, in batches. */
	async function* keys(): AsyncGenerator<readonly string[], void> {
		let cursor = "0";
		do {
			const reply = await command("SCAN", cursor, "MATCH", `${prefix}*`, "COUNT", batchSize);
			const [next, found] = reply as readonly [string, readonly string[]];
			if (found.length > 0) yield found;
			cursor = String(next);
		} while (cursor !== "0");
	}

	return {
		async getMany(wanted) {
			const texts = (await command("MGET", ...wanted.map((key) => prefix + key))) as readonly unknown[];
			return texts.map(readAnswer);
		},
		async setMany(entries, createdAt) {
			const expiry = maxAgeMs === undefined ? [] : ["PX", Math.max(1, Math.ceil(maxAgeMs))];
			const set = ([key, answer]: readonly [string, CachedAnswer]) =>
				command("SET", prefix + key, JSON.stringify(toStoredRow(answer, createdAt)), ...expiry);
			await Promise.all(entries.map(set));
		},
		async statistics(): Promise<CacheStatistics> {
			const seen = new Set<string>();
			let bytes = 0;
			for await (const found of keys()) {
				const fresh = found.filter((key) => !seen.has(key));
				for (const key of fresh) seen.add(key);
				const sizes = await Promise.all(fresh.map((key) => command("STRLEN", key)));
				bytes += sizes.reduce<number>((sum, size) => sum + Number(size), 0);
			}
			return { entries: seen.size, bytes };
		},
		async findDamage() {
			await command("PING");
			return null;
		},
		async clear(before) {
			let removed = 0;
			for await (const found of keys()) {
				const texts = before === undefined ? [] : ((await command("MGET", ...found)) as readonly unknown[]);
				const old = found.filter((_, at) => before === undefined || isOlder(readAnswer(texts[at]), before));
				if (old.length > 0) removed += Number(await command("UNLINK", ...old));
			}
			return removed;
		},
		async close() {
			connection.close();
		},
	};
}

/** The answer in a stored text; undefined when there is none, or what is there is no answer. */
function readAnswer(text: unknown): StoredAnswer | undefined {
	if (typeof text !== "string") return undefined;
	try {
		return readStoredRow(JSON.parse(text));
	} catch {
		return undefined;
	}
}

/** What is damaged is of no age, and no use. */
function isOlder(stored: StoredAnswer | undefined, before: number): boolean {
	return stored === undefined || !(stored.createdAt >= before);
}
