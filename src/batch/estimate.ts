import type { Range } from "../models/media-tokens.ts";
import type { BatchRow } from "../prompts/row-builder.ts";
import { add, type TokenCounter, times } from "./input-tokens.ts";
import type { PricedModel } from "./priced-model.ts";
import { type RowBounds, rowBounds } from "./row-bounds.ts";

/** Loads the real tokenizer, which takes about 0.1 s. */
export async function loadTokenCounter(): Promise<TokenCounter> {
	return (await import("./tokenizer.ts")).countTextTokens;
}

/** The sum over rows that are yet to be sent. */
export class Estimate {
	rows = 0;
	inputTokens: Range = { low: 0, high: 0 };
	outputTokens: Range = { low: 0, high: 0 };
	usd: Range = { low: 0, high: 0 };
	/** Rows of models without a price; they are not part of `usd`. */
	unpricedRows = 0;
	/** Rows of which only the most that they may cost is known; their lower end in `usd` is 0. */
	ceilingRows = 0;
	/** The same of the way that is not taken: as batch jobs, or now where the rows go as jobs. */
	readonly otherWay = { usd: { low: 0, high: 0 } as Range, unpricedRows: 0, impossibleRows: 0 };
	/** Rows without a bound of their own on the answer. */
	unboundedRows = 0;
	/** Of these those whose length was taken from the user's ledger. */
	seenRows = 0;
	/** The least and most tokens that an answer of an unbounded row was taken to have. */
	assumed: Range = { low: Infinity, high: 0 };
	/** USD of all rows if every answer is as long as the model can make it. */
	worstUsd = 0;
	/** USD of the dearest single row of those without a bound, at its longest. */
	worstRowUsd = 0;
	readonly #count: TokenCounter | undefined;

	constructor(count: TokenCounter | undefined) {
		this.#count = count;
	}

	add(row: BatchRow, model: PricedModel): void {
		const bounds = rowBounds(row, model, this.#count);
		const { usd, isBounded, outputTokens } = bounds;
		this.rows += 1;
		this.inputTokens = add(this.inputTokens, bounds.inputTokens);
		this.outputTokens = add(this.outputTokens, times(outputTokens, row.n));
		if (usd === null) this.unpricedRows += 1;
		else this.usd = add(this.usd, usd);
		if (bounds.isCeiling) this.ceilingRows += 1;
		this.#addOtherWay(model, bounds);
		const worst = bounds.usdOf(bounds.worstOutput) ?? 0;
		this.worstUsd += worst;
		if (isBounded) return;
		this.unboundedRows += 1;
		if (model.seen !== undefined) this.seenRows += 1;
		this.worstRowUsd = Math.max(this.worstRowUsd, worst);
		this.assumed = {
			low: Math.min(this.assumed.low, outputTokens.low),
			high: Math.max(this.assumed.high, outputTokens.high),
		};
	}

	#addOtherWay({ hasJobs }: PricedModel, { otherUsd }: RowBounds): void {
		const { otherWay } = this;
		if (!hasJobs) {
			otherWay.impossibleRows += 1;
			return;
		}
		const usd = otherUsd();
		if (usd === null) otherWay.unpricedRows += 1;
		else otherWay.usd = add(otherWay.usd, usd);
	}
}
