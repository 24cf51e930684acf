import { rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { CachedAnswer, CacheStatistics } from "./answer.ts";
import { readStoredRow, type StoredAnswer, toStoredRow } from "./stored-row.ts";

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

/** As @keyv/sqlite makes it, which wrote the caches of earlier versions: theirs are read, and they read ours. */
const schema = `
	CREATE TABLE IF NOT EXISTS "responses"(
		key VARCHAR(64) NOT NULL, value TEXT, namespace VARCHAR(255) NOT NULL DEFAULT '', expires BIGINT DEFAULT NULL,
		UNIQUE(key, namespace)
	);
	CREATE INDEX IF NOT EXISTS "responses_expires_idx" ON "responses" (expires) WHERE expires IS NOT NULL;
`;
/** SQLITE_CORRUPT. */
const corrupt = 11;
/** node:sqlite is synchronous: a longer wait for a lock would stop the whole event loop. */
const busyTimeoutMs = 100;

/** Opens, or creates, a database. The file exists already and is private; SQLite gives its -wal and -shm the same mode. */
export async function openStore(path: string): Promise<CacheStore> {
	const { DatabaseSync } = loadSqliteQuietly();
	const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
	try {
		// In WAL mode NORMAL keeps the database whole through a power cut; only the last answers may have to be asked again.
		database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
		if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'responses'").get() === undefined)
			database.exec(schema);
		return storeIn(database);
	} catch (error) {
		database.close();
		throw error;
	}
}

function storeIn(database: DatabaseSync): CacheStore {
	const select = database.prepare("SELECT value FROM responses WHERE key = ? AND namespace = ''");
	return {
		async getMany(keys) {
			let failure: unknown;
			let failures = 0;
			const found = keys.map((key) => {
				try {
					return readValue(select.get(key)?.value);
				} catch (error) {
					// What is on a damaged page is one answer to ask for again, not a broken cache.
					const { errcode } = error as { errcode?: number };
					if (errcode === undefined || (errcode & 0xff) !== corrupt) throw error;
					failure = error;
					failures += 1;
					return undefined;
				}
			});
			if (failures > 0 && failures === keys.length) throw failure;
			return found;
		},
		async setMany(entries, createdAt) {
			const insert = database.prepare(
				"INSERT INTO responses (key, value) VALUES (?, ?) ON CONFLICT(key, namespace) DO UPDATE SET value = excluded.value, expires = excluded.expires",
			);
			const values = entries.map(([key, answer]) => [
				key,
				JSON.stringify({ value: toStoredRow(answer, createdAt) }),
			]);
			inTransaction(database, () => {
				for (const [key = "", value = ""] of values) insert.run(key, value);
			});
		},
		async statistics() {
			const counted = database.prepare("SELECT COUNT(*) AS entries FROM responses").get();
			const size = database
				.prepare("SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()")
				.get();
			return { entries: Number(counted?.entries ?? 0), bytes: Number(size?.bytes ?? 0) };
		},
		async findDamage() {
			const said = database.prepare("PRAGMA quick_check(1)").get()?.quick_check;
			return said === undefined || said === "ok" ? null : String(said);
		},
		async clear(before) {
			const old = "json_valid(value) AND json_extract(value, '$.value.created_at') >= ?";
			const { changes } =
				before === undefined
					? database.prepare("DELETE FROM responses").run()
					: database.prepare(`DELETE FROM responses WHERE NOT (${old})`).run(before);
			database.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
			return Number(changes);
		},
		async close() {
			database.close();
		},
	};
}

/** All of it or nothing. @throws SQLite's error */
function inTransaction(database: DatabaseSync, action: () => void): void {
	database.exec("BEGIN IMMEDIATE");
	try {
		action();
		database.exec("COMMIT");
	} catch (error) {
		// SQLite has ended it itself after some errors.
		if (database.isTransaction) database.exec("ROLLBACK");
		throw error;
	}
}

/** The answer in a stored text; undefined for what is none. */
function readValue(text: unknown): StoredAnswer | undefined {
	if (typeof text !== "string") return undefined;
	try {
		return readStoredRow((JSON.parse(text) as { value?: unknown } | null)?.value);
	} catch {
		return undefined;
	}
}

/** Deletes a damaged database with its side files. */
export function deleteDatabase(path: string): void {
	for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
}

/** Loads node:sqlite without the ExperimentalWarning that Node 22 prints; other warnings pass. */
function loadSqliteQuietly(): typeof import("node:sqlite") {
	const emitWarning = process.emitWarning;
	process.emitWarning = ((warning: string | Error, ...rest: never[]) => {
		if (!String(warning).includes("SQLite")) emitWarning.call(process, warning, ...rest);
	}) as typeof process.emitWarning;
	try {
		return process.getBuiltinModule("node:sqlite");
	} finally {
		process.emitWarning = emitWarning;
	}
}
