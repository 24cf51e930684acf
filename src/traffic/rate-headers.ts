/** One limit as a provider's headers state it. */
export interface RateLevel {
	/** Units allowed per period. */
	readonly limit: number | undefined;
	/** Units left when the response was made; a provider may state more than `limit`. */
	readonly remaining: number;
	/** Ms until the limit is full again, or until its window ends. */
	readonly resetMs: number | undefined;
}

/** What one response said about its account's limits. Periods are a minute, but for `requestsPerDay`. */
export interface RateSnapshot {
	readonly requests?: RateLevel | undefined;
	readonly tokens?: RateLevel | undefined;
	readonly inputTokens?: RateLevel | undefined;
	readonly outputTokens?: RateLevel | undefined;
	readonly requestsPerDay?: RateLevel | undefined;
}
