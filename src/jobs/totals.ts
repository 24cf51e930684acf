/** What the rows of a job add up to. */
export interface RowTotals {
	/** USD of the rows whose cost is known. */
	usd: number;
	/** Rows whose cost is unknown. */
	unknownCosts: number;
	inputTokens: number;
	outputTokens: number;
	/** Rows that do not say how many tokens they took. */
	unknownUsages: number;
}

export const noRows: RowTotals = {
	usd: 0,
	unknownCosts: 0,
	inputTokens: 0,
	outputTokens: 0,
	unknownUsages: 0,
};
