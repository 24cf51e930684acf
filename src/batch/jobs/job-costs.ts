import type { BatchRow } from "../../prompts/row-builder.ts";
import { rowBounds } from "../row-bounds.ts";
import type { ModelRun } from "../run.ts";

/** USD that a row may cost at most as a row of a job; null when unknown. */
export function mostUsdOf(row: BatchRow, modelRun: ModelRun): number | null {
	const { isBounded, usdOf, worstOutput, usd } = rowBounds(row, modelRun, undefined);
	// Nothing caps a job that runs: a bound that the row sets is taken to be used up.
	return isBounded ? usdOf(worstOutput) : (usd?.high ?? null);
}

/** What the rows of each model may cost at most as batch jobs. */
export class JobCosts {
	readonly #usd = new Map<string, number | null>();

	/** Adds a row. A model's sum is unknown as soon as one row's cost is. */
	add(row: BatchRow, modelRun: ModelRun): void {
		const { model } = modelRun;
		const highest = mostUsdOf(row, modelRun);
		const before = this.#usd.get(model);
		this.#usd.set(model, highest === null || before === null ? null : (before ?? 0) + highest);
	}

	/** USD; null when unknown, 0 without rows. */
	of(model: string): number | null {
		return this.#usd.has(model) ? (this.#usd.get(model) ?? null) : 0;
	}
}
