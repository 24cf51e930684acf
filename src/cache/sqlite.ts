import { rmSync } from "node:fs";
import KeyvSqlite from "@keyv/sqlite";
import Keyv from "keyv";
import type { CachedAnswer, CacheStatistics } from "./answer.ts";
import { readStoredRow, type StoredAnswer, type StoredRow, toStoredRow } from "./stored-row.ts";

/** The database under the response cache. Every method rejects with SQLite's `errcode`. */
export interface CacheStore {
	/** The answers under several keys, in their order. */
	getMany(keys: readonly string[]): Promise<(StoredAnswer | undefined)[]>;
	setMany(entries: readonly (readonly [string, CachedAnswer])[], createdAt: number): Promise<void>;
	statistics(): Promise<CacheStatistics>;
	/** Reads the whole database; null when it is sound. */
	findDamage(): Promise<string | null>;
	/** Removes what was stored before a time (all without one) and returns how many there were. */
	clear(before: number | undefined): Promise<number>;
	close(): Promise<void>;
}

const responsesTable = "responses";
/** SQLITE_CORRUPT. */
const corrupt = 11;
/** node:sqlite is synchronous: a longer wait for a lock would stop the whole event loop. */
const busyTimeoutMs = 100;

/** Opens, or creates, a database. The file exists already and is private; SQLite gives its -wal and -shm the same mode. */
export async function openStore(path: string): Promise<CacheStore> {
	loadSqliteQuietly();
	const sqlite = new KeyvSqlite({
		uri: `sqlite://${path}`,
		driver: "node:sqlite",
		table: responsesTable,
		wal: true,
		busyTimeout: busyTimeoutMs,
		keySize: 64,
		iterationLimit: 500,
	});
	await sqlite.ready;
	// In WAL mode NORMAL keeps the database whole through a power cut; only the last answers may have to be asked again.
	await sqlite.query("PRAGMA synchronous=NORMAL");
	// Without an error listener Keyv rejects; with one it would call every failure a miss, which is then paid for again.
	const keyv = new Keyv<StoredRow>({ store: sqlite, serialization: JSON });

	async function getMany(keys: readonly string[]): Promise<(StoredAnswer | undefined)[]> {
		try {
			const rows = await keyv.getMany<unknown>([...keys]);
			return rows.map(readStoredRow);
		} catch (error) {
			const { errcode } = error as { errcode?: number };
			// A row that Keyv cannot read, or that is on a damaged page, is one answer to ask for again, not a broken cache.
			if (errcode !== undefined && (errcode & 0xff) !== corrupt) throw error;
			if (keys.length === 1 && errcode !== undefined) throw error;
			if (keys.length === 1) return [undefined];
			const singly = await Promise.allSettled(keys.map((key) => getMany([key])));
			if (singly.every(({ status }) => status === "rejected")) throw error;
			return singly.map((found) => (found.status === "fulfilled" ? found.value[0] : undefined));
		}
	}

	return {
		getMany,
		async setMany(entries, createdAt) {
			await keyv.setMany(entries.map(([key, answer]) => ({ key, value: toStoredRow(answer, createdAt) })));
		},
		async statistics() {
			const [counted] = (await sqlite.query(`SELECT COUNT(*) AS entries FROM ${responsesTable}`)) as {
				entries: number;
			}[];
			const [size] = (await sqlite.query(
				"SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()",
			)) as { bytes: number }[];
			return { entries: counted?.entries ?? 0, bytes: size?.bytes ?? 0 };
		},
		async findDamage() {
			const [found] = (await sqlite.query("PRAGMA quick_check(1)")) as { quick_check: string }[];
			return found === undefined || found.quick_check === "ok" ? null : found.quick_check;
		},
		async clear(before) {
			const old = "json_valid(value) AND json_extract(value, '$.value.created_at') >= ?";
			const removed =
				before === undefined
					? await sqlite.query(`DELETE FROM ${responsesTable} RETURNING key`)
					: await sqlite.query(`DELETE FROM ${responsesTable} WHERE NOT (${old}) RETURNING key`, before);
			await sqlite.query("VACUUM");
			await sqlite.query("PRAGMA wal_checkpoint(TRUNCATE)");
			return removed.length;
		},
		async close() {
			await sqlite.disconnect();
		},
	};
}

/** Deletes a damaged database with its side files. */
export function deleteDatabase(path: string): void {
	for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
}

/** Loads node:sqlite without the ExperimentalWarning that Node 22 prints; other warnings pass. */
function loadSqliteQuietly(): void {
	const emitWarning = process.emitWarning;
	process.emitWarning = ((warning: string | Error, ...rest: never[]) => {
		if (!String(warning).includes("SQLite")) emitWarning.call(process, warning, ...rest);
	}) as typeof process.emitWarning;
	try {
		process.getBuiltinModule("node:sqlite");
	} finally {
		process.emitWarning = emitWarning;
	}
}
