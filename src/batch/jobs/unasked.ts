import { LlmxError } from "../../errors.ts";
import { type JobRecord, jobId } from "../../jobs/job-log.ts";
import type { ModelJobs } from "../../jobs/model-jobs.ts";
import type { RowName } from "../../jobs/part-file.ts";
import type { ResultsFile } from "../../jobs/results-file.ts";
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

/**
 * Ends a run one of whose jobs brought results of other rows alone. A job that was adopted is forgotten, since it was
 * another one; with one of our own nobody can tell what was paid for, so its rows are not sent again by themselves.
 * @throws LlmxError
 */
export async function refuseStrangers(
	record: JobRecord,
	results: ResultsFile,
	{ creation }: ModelJobs,
	path: string,
): Promise<never> {
	const id = jobId(record) ?? record.tag;
	if (record.adopted) {
		creation.forget(record.tag, "its results are of other rows");
		throw new LlmxError(`${id} turned out to be another job: its results are of other rows`, {
			hint: "run the same command again to look for the right one",
		});
	}
	await results.writeStrangers(path, []);
	throw new LlmxError(`none of the results of ${id} is for one of its rows; they are kept in ${path}`, {
		hint: `they may have been paid for; to send its rows, and pay for them, again: llmx jobs rm ${id}`,
	});
}
