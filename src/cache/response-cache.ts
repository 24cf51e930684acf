import { CacheMissError } from "../errors.ts";
import { parseRedisUrl } from "../share/address.ts";
import { ensurePrivateFile } from "../state/files.ts";
import type { CachedAnswer, CacheStatistics } from "./answer.ts";
import type { CacheStore } from "./sqlite.ts";
import type { StoredAnswer } from "./stored-row.ts";

export interface ResponseCacheOptions {
	/** Called once when the cache cannot be used. */
	readonly onWarning?: ((message: string) => void) | undefined;
	/** Older answers are not found; undefined: they never get old. */
	readonly maxAgeMs?: number | undefined;
	/** Of a Redis that holds the answers in place of the file, and that machines share. */
	readonly url?: string | undefined;
	/** Wall clock in ms since 1970. */
	readonly now?: (() => number) | undefined;
	readonly random?: (() => number) | undefined;
	/** Between two tries on a locked database; resolves after `ms`. */
	readonly sleep?: ((ms: number) => Promise<void>) | undefined;
}

/**
 * How long a locked database is waited for, in ms, before this process goes on without it: llmx itself keeps it locked
 * for milliseconds, and somebody may be looking on.
 */
const patienceMs = 3_000;
/** Writes do not follow each other faster: a transaction costs more than the answers in it. */
const writeEveryMs = 10;

/**
 * Answers by key in a private SQLite database that processes share, or in a Redis. Nothing is opened before the first call. No
 * method that serves a request ever rejects: a cache that is broken or stays locked warns once and finds nothing.
 */
export class ResponseCache {
	/** Of the database; for a Redis, its host and port. */
	readonly path: string;
	readonly #options: ResponseCacheOptions;
	#opening: Promise<CacheStore> | undefined;
	#pending = new Map<string, CachedAnswer>();
	#written: Promise<void> | undefined;
	/** Writes that have begun and not ended. */
	readonly #writing = new Set<Promise<unknown>>();
	/** Monotonic ms. */
	#lastWriteAt = Number.NEGATIVE_INFINITY;
	#patienceMs = patienceMs;
	#broken = false;
	#warned = false;

	/**
	 * `path` is the database's file; it and its folder are made, private, when the first answer is stored or sought.
	 * @throws UsageError when `url` is none of a Redis
	 */
	constructor(path: string, options: ResponseCacheOptions = {}) {
		this.path = options.url === undefined ? path : parseRedisUrl(options.url, "cache.url").shown;
		this.#options = options;
	}

	/** The answer stored under a key; undefined when there is none, or when the cache cannot be used. */
	async get(key: string): Promise<CachedAnswer | undefined> {
		const [answer] = await this.getMany([key]);
		return answer;
	}

	/** As `get` for several keys in one query, which costs a third of one query each; the answers in their order. */
	async getMany(keys: readonly string[]): Promise<(CachedAnswer | undefined)[]> {
		const missing = keys.filter((key) => !this.#pending.has(key));
		const rows = missing.length === 0 ? [] : await this.#attempt((store) => store.getMany(missing));
		const found = new Map(missing.map((key, index) => [key, this.#ifFresh(rows?.[index])]));
		return keys.map((key) => found.get(key) ?? this.#pending.get(key));
	}

	#ifFresh(stored: StoredAnswer | undefined): CachedAnswer | undefined {
		if (stored === undefined) return undefined;
		const { maxAgeMs } = this.#options;
		const isOld = maxAgeMs !== undefined && this.#now() - stored.createdAt > maxAgeMs;
		return isOld ? undefined : stored.answer;
	}

	/**
	 * Stores an answer together with the others of this turn of the event loop, or under load of the next 10 ms, which
	 * halves the time that each takes. Resolves when that was tried; until then `get` finds it in memory.
	 */
	set(key: string, answer: CachedAnswer): Promise<void> {
		this.#pending.set(key, answer);
		this.#written ??= new Promise((resolve) => {
			const write = () => {
				const entries = [...this.#pending];
				this.#written = undefined;
				this.#lastWriteAt = performance.now();
				const createdAt = this.#now();
				const writing = this.#attempt((store) => store.setMany(entries, createdAt)).then(() => {
					for (const [written, value] of entries)
						if (this.#pending.get(written) === value) this.#pending.delete(written);
					this.#writing.delete(writing);
					resolve();
				});
				this.#writing.add(writing);
			};
			const waitMs = this.#lastWriteAt + writeEveryMs - performance.now();
			if (waitMs > 0) setTimeout(write, waitMs);
			else setImmediate(write);
		});
		return this.#written;
	}

	/** Resolves when every answer set so far was tried to be stored. */
	async flush(): Promise<void> {
		while (this.#written !== undefined) await this.#written;
		await Promise.all(this.#writing);
	}

	/** @throws Error when the database cannot be read */
	async statistics(): Promise<CacheStatistics> {
		return this.#retry((store) => store.statistics());
	}

	/** What is wrong with the database, read whole; null when it is sound. @throws Error when it cannot be opened */
	async findDamage(): Promise<string | null> {
		return this.#retry((store) => store.findDamage());
	}

	/**
	 * Removes answers older than `olderThanMs`, or all, and gives the space back.
	 * @returns how many were removed; null when the database was damaged and has been deleted
	 * @throws Error when it is locked or cannot be written
	 */
	async clear(olderThanMs?: number): Promise<number | null> {
		const before = olderThanMs === undefined ? undefined : this.#now() - olderThanMs;
		try {
			return await this.#retry((store) => store.clear(before));
		} catch (error) {
			if (!isDamage(error)) throw error;
			await this.#forget();
			const { deleteDatabase } = await import("./sqlite.ts");
			deleteDatabase(this.path);
			this.#broken = false;
			return null;
		}
	}

	/** Waits for pending writes and closes the database; a later call opens it again. */
	async close(): Promise<void> {
		await this.flush();
		await this.#forget();
	}

	#now(): number {
		return (this.#options.now ?? Date.now)();
	}

	async #forget(): Promise<void> {
		const opening = this.#opening;
		this.#opening = undefined;
		await opening?.then((store) => store.close()).catch(() => {});
	}

	/** Runs an operation for a request: a failure is a warning and no result. */
	async #attempt<T>(operation: (store: CacheStore) => Promise<T>): Promise<T | undefined> {
		if (this.#broken) return undefined;
		try {
			return await this.#retry(operation);
		} catch (error) {
			// A lock may go away again, but it is not worth a second long wait. One page that cannot be read is no reason to
			// do without the others; a database that cannot be opened is.
			if (isLock(error)) this.#patienceMs = 0;
			else if (this.#opening === undefined) this.#broken = true;
			this.#warn(error);
			return undefined;
		}
	}

	/** Runs an operation, again while the database is locked by another process. */
	async #retry<T>(operation: (store: CacheStore) => Promise<T>): Promise<T> {
		const sleep = this.#options.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
		const beganAt = performance.now();
		let slept = 0;
		for (let attempt = 0; ; attempt += 1) {
			try {
				return await operation(await this.#open());
			} catch (error) {
				// Each try waits a little by itself.
				const waited = Math.max(slept, performance.now() - beganAt);
				if (!isLock(error) || waited >= this.#patienceMs) throw error;
				const delay = (0.5 + (this.#options.random ?? Math.random)() / 2) * Math.min(500, 10 * 2 ** attempt);
				slept += delay;
				await sleep(delay);
			}
		}
	}

	#open(): Promise<CacheStore> {
		this.#opening ??= this.#openStore();
		const opening = this.#opening;
		opening.catch(() => {
			if (this.#opening === opening) this.#opening = undefined;
		});
		return opening;
	}

	async #openStore(): Promise<CacheStore> {
		const { url, maxAgeMs } = this.#options;
		if (url !== undefined) return (await import("./redis.ts")).openRedisStore(url, maxAgeMs);
		const { openStore } = await import("./sqlite.ts");
		ensurePrivateFile(this.path);
		return openStore(this.path);
	}

	#warn(error: unknown): void {
		if (this.#warned) return;
		this.#warned = true;
		const reason = error instanceof Error ? error.message : String(error);
		const then = isLock(error)
			? "another process keeps it locked"
			: isDamage(error)
				? `it is damaged (${reason}); "llmx cache clear" makes a new one`
				: reason;
		this.#options.onWarning?.(`continuing without the response cache ${this.path}: ${then}`);
	}
}

/** What is said when an answer may come from the cache only, and is not there. */
export function cacheMiss(): CacheMissError {
	return new CacheMissError("the answer is not in the cache", {
		hint: "omit --cache-only to ask the model",
	});
}

/** SQLite's primary result code is the low byte of the extended one. */
function sqliteCode(error: unknown): number | undefined {
	const { errcode } = error as { errcode?: unknown };
	return typeof errcode === "number" ? errcode & 0xff : undefined;
}

/** SQLITE_BUSY or SQLITE_LOCKED. */
function isLock(error: unknown): boolean {
	const code = sqliteCode(error);
	return code === 5 || code === 6;
}

/** SQLITE_CORRUPT or SQLITE_NOTADB. */
function isDamage(error: unknown): boolean {
	const code = sqliteCode(error);
	return code === 11 || code === 26;
}
