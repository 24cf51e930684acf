/**
 * What the report's page is given, as JSON in script elements. Written by `write.ts`, read by `page/`; a column for
 * each figure, so that a hundred thousand rows are parsed at once, and texts apart, in chunks that are parsed when
 * they are looked at.
 */
export interface ReportIndex {
	/** Column heads of the comparison: models, with the file where one model comes from several. */
	readonly models: readonly string[];
	readonly finishReasons: readonly string[];
	readonly errorClasses: readonly string[];
	/** Rows in each chunk of texts but the last. */
	readonly chunkRows: number;
	readonly id: readonly string[];
	/** Index into `models`. */
	readonly model: readonly number[];
	/** Index into `finishReasons`; -1 for a row that failed. */
	readonly finishReason: readonly number[];
	/** Index into `errorClasses`; -1 for a row that was answered. */
	readonly errorClass: readonly number[];
	/** USD; null when unknown. */
	readonly cost: readonly (number | null)[];
	/** Ms; null for failures and answers of the cache. */
	readonly latency: readonly (number | null)[];
	readonly inputTokens: readonly (number | null)[];
	readonly outputTokens: readonly (number | null)[];
	/** Characters of the answers. */
	readonly length: readonly number[];
	/** What `--expect` came to; null without it. */
	readonly pass: readonly (0 | 1 | null)[];
	readonly cached: readonly (0 | 1)[];
	readonly timeline: Timeline | null;
}

/** How a run went over time, in intervals of one length. */
export interface Timeline {
	readonly interval_seconds: number;
	readonly answered: readonly number[];
	readonly failed: readonly number[];
	readonly refusals_429: readonly number[];
}

/** The texts of a row. */
export interface ReportText {
	/** The answers, or what came of one that failed. */
	readonly a: readonly string[];
	readonly reasoning?: string;
	readonly prompt?: string;
	readonly metadata?: unknown;
	readonly error?: string;
}
