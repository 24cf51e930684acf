import type { RowName } from "../../jobs/part-file.ts";
import type { ModelRun } from "../run.ts";
import type { CollectingModel, Unasked } from "./job-models.ts";
import type { JobRunOptions } from "./job-view.ts";

/**
 * Keeps a job's answers to rows that this run does not have: they were changed, removed or left out since. They go to
 * the results of earlier prompts, from where they come back when the input asks for them, and count as paid for.
 */
export async function keepUnasked(
	llm: CollectingModel,
	names: AsyncIterable<{ readonly wireId: string; readonly name: RowName | undefined }>,
	{ format, stringify, superseded, checked }: JobRunOptions,
	{ model, stats }: ModelRun,
): Promise<Unasked> {
	const unasked = await llm.unasked(names, ({ id, hash, n }, result) => {
		const key = { id, model, hash };
		// A run that was killed here has kept it already.
		if (checked.superseded.has(key)) return;
		superseded.append([`${stringify(format.result({ ...key, n, metadata: undefined }, result))}\n`]);
	});
	superseded.sync();
	const { requests, usd, unknownCalls } = unasked.bill;
	stats.requests += requests;
	stats.usd += usd;
	stats.unknownCosts += unknownCalls;
	return unasked;
}
