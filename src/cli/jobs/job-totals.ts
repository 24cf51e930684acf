import type { JobTotals } from "../../jobs/contract.ts";
import type { RowTotals } from "../../jobs/totals.ts";
import { formatCount, formatPlural, formatUsd } from "../../terminal/formats.ts";

/** Bills are rounded: less than this share of the cost is no difference. */
const roundingShare = 0.005;
const roundingUsd = 1e-6;

/** In which way a provider's own totals of a job are not those of its rows, in sentences for people. */
export function disagreements(id: string, said: JobTotals, rows: RowTotals): string[] {
	const found: string[] = [];
	const { inputTokens, outputTokens, costUsd } = said;
	const isCounted = rows.unknownUsages === 0 && inputTokens !== null && outputTokens !== null;
	if (isCounted && (inputTokens !== rows.inputTokens || outputTokens !== rows.outputTokens))
		found.push(
			`${id}: the provider counts ${tokens(inputTokens, outputTokens)}, and its rows add up to ${tokens(rows.inputTokens, rows.outputTokens)}`,
		);
	if (costUsd === null) return found;
	const difference = Math.abs(costUsd - rows.usd);
	if (rows.unknownCosts > 0)
		found.push(
			`${id} cost ${formatUsd(costUsd)}, the provider says; the cost of ${formatPlural(rows.unknownCosts, "row")} of it is unknown`,
		);
	else if (difference > roundingUsd && difference > roundingShare * Math.max(costUsd, rows.usd))
		found.push(
			`${id} cost ${formatUsd(costUsd)}, the provider says, and its rows add up to ${formatUsd(rows.usd)}`,
		);
	return found;
}

function tokens(input: number, output: number): string {
	return `${formatCount(input)} tokens in and ${formatCount(output)} out`;
}
