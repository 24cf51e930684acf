import type { JobDialectName } from "../providers/provider-row.ts";
import type { JobDialect } from "./contract.ts";
import { jobDialects } from "./dialects/table.ts";

const dayMs = 86_400_000;

/** What a batch API says of how long it keeps results; null when it says nothing. */
export function retentionOf(dialect: JobDialectName): JobDialect["retention"] {
	return jobDialects[dialect].retention;
}

/**
 * Until when results are kept at least, in ms since 1970; null when the provider does not say, or the job's age is not
 * known. Where days count from the end of a job it is not known when that was, so they are counted from its creation.
 */
export function keptUntil(createdAt: number, retention: JobDialect["retention"]): number | null {
	return retention === null || createdAt === 0 ? null : createdAt + retention.days * dayMs;
}

/** Half of the time is over for which results are kept. */
export function isVanishing(createdAt: number, retention: JobDialect["retention"], now: number): boolean {
	const until = keptUntil(createdAt, retention);
	return until !== null && now - createdAt > (until - createdAt) / 2;
}
