import type { PricedModel } from "../../batch/priced-model.ts";
import { exitCodes, LlmxError, UsageError } from "../../errors.ts";
import { NoJobsError } from "../../jobs/errors.ts";
import type { JobRecord } from "../../jobs/job-log.ts";
import { RowProblem } from "../../prompts/parameters.ts";
import type { BatchRow } from "../../prompts/row-builder.ts";
import { formatUsd } from "../../terminal/formats.ts";

/** @throws NoJobsError when the provider of a model has no batch API that llmx speaks */
export function requireJobs(models: readonly (PricedModel & { readonly model: string })[]): void {
	const without = models.find(({ hasJobs }) => !hasJobs);
	if (without === undefined) return;
	throw new NoJobsError(
		`there are no batch jobs for ${without.model}: its provider has no batch API that llmx speaks`,
		{
			hint: "omit --via-jobs to send the rows now",
		},
	);
}

/**
 * A job holds one request for each row, and nothing would ask for the other answers.
 * @throws RowProblem for more answers than one request may ask for
 */
export function requireOneRequest({ n }: BatchRow, { choicesPerCall = 1 }: PricedModel): void {
	if (n <= choicesPerCall) return;
	throw new RowProblem(
		`${n} answers to a row need several requests, and a row of a batch job is one request of ${choicesPerCall === 1 ? "one answer" : `at most ${choicesPerCall} answers`}`,
	);
}

/**
 * Nothing can be capped once a job runs, so the whole of what it may cost must fit before it is submitted, beside the
 * jobs of earlier runs that this run brings home.
 * @throws UsageError when that is unknown; LlmxError (exit 8) when it is more than the cap
 */
export function requireRoom(
	{
		modelRuns,
		estimateUsd,
		jobsBefore,
	}: {
		readonly modelRuns: readonly { readonly model: string }[];
		readonly estimateUsd: (model: string) => number | null;
		readonly jobsBefore: readonly JobRecord[];
	},
	cap: { readonly usd: number; readonly isBudget: boolean } | undefined,
): void {
	if (cap === undefined) return;
	const { usd: capUsd, isBudget } = cap;
	// What is left of a budget is without them already.
	let highest = isBudget ? 0 : jobsBefore.reduce((sum, { estimateUsd: usd }) => sum + (usd ?? 0), 0);
	for (const { model } of modelRuns) {
		const usd = estimateUsd(model);
		if (usd === null)
			throw new UsageError(`--max-cost cannot be kept: the price of jobs of ${model} is unknown`, {
				hint: "omit --max-cost and confirm with --yes, or send the rows without --via-jobs",
			});
		highest += usd;
	}
	if (highest <= capUsd) return;
	throw new LlmxError(
		`the jobs may cost up to ${formatUsd(highest)}, and ${formatUsd(capUsd)} may be spent; nothing was submitted`,
		{
			exitCode: exitCodes.costCap,
			hint: "bound the answers with --max-tokens, take fewer rows with --limit, or raise --max-cost",
		},
	);
}
