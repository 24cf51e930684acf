import type { Choice } from "../providers/adapter.ts";
import type { ResponseInfo, Usage } from "../types.ts";

/** A complete answer: the caller stores no other. */
export interface CachedAnswer {
	readonly choices: readonly Choice[];
	readonly usage: Usage | null;
	/** USD that the answer cost when it was asked for; null when unknown. */
	readonly costUsd: number | null;
	/** What the provider said of the response; of the first, where several were needed. */
	readonly response?: ResponseInfo | undefined;
}

/** How much the cache holds. */
export interface CacheStatistics {
	readonly entries: number;
	/** Size of the database in bytes. */
	readonly bytes: number;
}
