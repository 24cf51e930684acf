import type { Estimate } from "../../batch/estimate.ts";
import type { Config } from "../../state/config.ts";
import { formatPlural } from "../../terminal/formats.ts";
import { RunBudget } from "../budget.ts";
import type { CommandContext } from "../command.ts";
import type { BatchFlags } from "./flags.ts";

interface RunBudgetOptions {
	readonly budget: Config["budget"];
	/** What the run is thought to cost. */
	readonly estimate: Estimate;
	/** No model of the run charges anything. */
	readonly isFree: boolean;
	readonly log: (text: string) => void;
}

/**
 * Sets aside what a run will probably cost; null where no budget holds it. Rows without a price are outside of any
 * budget, and named.
 * @throws LlmxError (exit 8) when other runs have all that is left
 */
export async function openRunBudget(
	{ settings }: CommandContext,
	{ overBudget, maxCost, cacheOnly }: BatchFlags,
	{ budget, estimate, isFree, log }: RunBudgetOptions,
): Promise<RunBudget | null> {
	if (overBudget || cacheOnly || isFree || estimate.rows === 0) return null;
	const wanted = Math.min(estimate.usd.high, maxCost ?? Number.POSITIVE_INFINITY);
	const run = await RunBudget.open(settings.paths, budget, wanted);
	if (run !== null && estimate.unpricedRows > 0)
		log(`${formatPlural(estimate.unpricedRows, "row")} of unknown price cannot be held to ${run.name}`);
	return run;
}
