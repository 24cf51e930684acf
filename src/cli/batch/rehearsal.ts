import { loadTokenCounter } from "../../batch/estimate.ts";
import { type JobRehearsal, rehearseJobs } from "../../batch/jobs/job-rehearsal.ts";
import { type Rehearsal, rehearse, usualAnswers } from "../../batch/rehearse.ts";
import { UsageError } from "../../errors.ts";
import type { PromptsFile } from "../../prompts/prompts-file.ts";
import type { Checked } from "../../results/checked.ts";
import { decimal } from "../../state/decimal.ts";
import {
	formatCount,
	formatDuration,
	formatPlural,
	formatTokens,
	formatUsd,
} from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import { costText, type EstimatedModel } from "./cost.ts";
import type { BatchFlags } from "./flags.ts";
import { writeJsonFile } from "./json-file.ts";
import type { ClientRun } from "./model-runs.ts";
import type { NamedPath } from "./target.ts";

export interface BatchRehearsal {
	readonly flags: BatchFlags;
	readonly prompts: PromptsFile;
	readonly checked: Checked;
	readonly models: readonly (ClientRun & EstimatedModel)[];
	readonly summary: NamedPath | undefined;
}

/**
 * Simulates a run that sends one request a row, and writes its summary. Returns what to print.
 * @throws UsageError when the limits are not given
 */
export async function rehearseBatch(options: BatchRehearsal): Promise<string[]> {
	const { flags, prompts, checked, models, summary } = options;
	const { cache, refresh, answerSeconds = usualAnswers.medianMs / 1000 } = flags;
	requireLimits(flags, models);
	const rehearsals = await rehearse({
		prompts,
		checked,
		models: models.map((model) => ({
			...model,
			startPacing: (now: () => number) => model.llm.startPacing(now),
		})),
		profile: { ...usualAnswers, medianMs: answerSeconds * 1000 },
		countTokens: await loadTokenCounter(),
		usesCache: cache && !refresh,
		random: Math.random,
	});
	writeJsonFile(summary, rehearsalJson(rehearsals));
	return rehearsalLines(rehearsals, answerSeconds);
}

/** Makes the batch jobs of a run without submitting them, and writes its summary. Returns what to print. */
export async function rehearseBatchJobs(options: BatchRehearsal): Promise<string[]> {
	const { flags, prompts, checked, models, summary } = options;
	const rehearsals: JobRehearsal[] = [];
	for (const model of models) {
		await using open = await model.llm.openJobs({ isRehearsal: true });
		const jobOptions = {
			prompts,
			checked,
			usesCache: flags.cache && !flags.refresh,
			mostRows: flags.jobRows,
			countTokens: await loadTokenCounter(),
		};
		rehearsals.push(await rehearseJobs({ ...model, jobs: open.jobs }, jobOptions));
	}
	writeJsonFile(summary, { models: rehearsals.map(jobsJson) });
	return [
		...rehearsals.flatMap((rehearsal) => [
			...(rehearsals.length > 1 ? [`${sanitizeLine(rehearsal.model)}:`] : []),
			...jobLines(rehearsal).map(([label, text]) => `${label.padEnd(9)} ${text}`),
		]),
		`${"assumed".padEnd(9)} answers as long as a dry run takes them to be; nothing was submitted`,
	];
}

function jobLines(rehearsal: JobRehearsal): [string, string][] {
	const { jobs, rows, bytes, cached, refused, inputTokens, usd, rounds, promisedHours } = rehearsal;
	const size =
		bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
	const besides = [
		...(cached > 0 ? [`${formatCount(cached)} in the cache: free`] : []),
		...(refused > 0 ? [`${formatCount(refused)} that the provider cannot take`] : []),
	];
	const cost = usd === null ? "unknown" : costText({ usd, unpricedRows: 0, rows });
	const waits =
		rounds > 1 ? `; the queue takes them in ${formatCount(rounds)} rounds, one after the other` : "";
	const latest =
		promisedHours === null
			? "the provider does not say by when at the latest"
			: `at the latest ${formatDuration(promisedHours * rounds * 3_600_000, { coarse: true })} after they are submitted`;
	return [
		["jobs", `${formatPlural(jobs, "job")} · ${formatPlural(rows, "row")} · ${size}${waits}`],
		...besides.map((text): [string, string] => ["", text]),
		["input", `${formatTokens(inputTokens.low)} to ${formatTokens(inputTokens.high)} tokens`],
		["cost", `${cost} as batch jobs`],
		["back", `most jobs end within an hour; ${latest}`],
	];
}

function jobsJson(rehearsal: JobRehearsal): Readonly<Record<string, unknown>> {
	const { model, jobs, rows, cached, refused, bytes, inputTokens, usd, rounds, promisedHours } = rehearsal;
	return {
		model,
		jobs,
		rows,
		cached,
		refused,
		bytes,
		input_tokens: inputTokens,
		cost_usd: usd,
		rounds,
		promised_hours: promisedHours,
	};
}

/**
 * A rehearsal is worth what its limits are.
 * @throws UsageError when they are not given for a provider that has some
 */
function requireLimits(flags: BatchFlags, models: readonly { model: string; isFree: boolean }[]): void {
	if (flags.rpm !== undefined || flags.tpm !== undefined) return;
	const limited = models.find(({ isFree }) => !isFree);
	if (limited === undefined) return;
	throw new UsageError(`the rate limits of ${limited.model} are unknown`, {
		hint: "pass your account's limits with --rpm or --tpm to use --rehearse",
	});
}

/** What `--rehearse` prints. */
export function rehearsalLines(rehearsals: readonly Rehearsal[], answerSeconds: number): string[] {
	return [
		...rehearsals.flatMap((rehearsal) => [
			...(rehearsals.length > 1 ? [`${sanitizeLine(rehearsal.model)}:`] : []),
			...modelLines(rehearsal).map(([label, text]) => `${label.padEnd(9)} ${text}`),
		]),
		`${"assumed".padEnd(9)} answers in ${answerSeconds} s (--answer-seconds), about 200 tokens each; nothing was sent`,
	];
}

function modelLines(rehearsal: Rehearsal): [string, string][] {
	const { requests, cached, durationMs, inputTokens, outputTokens, usd, heldBy } = rehearsal;
	const minutes = Math.max(durationMs, 1) / 60_000;
	const share = Math.round(heldBy.share * 100);
	return [
		["time", formatDuration(durationMs)],
		[
			"requests",
			`${formatCount(requests)}${cached > 0 ? `, and ${formatPlural(cached, "row")} cached` : ""}`,
		],
		[
			"pace",
			`${formatCount(Math.round(requests / minutes))} requests/min · ${formatTokens((inputTokens + outputTokens) / minutes)} tokens/min`,
		],
		["tokens", `${formatTokens(inputTokens)} in · ${formatTokens(outputTokens)} out`],
		["cost", usd === null ? "unknown" : formatUsd(usd)],
		...(requests === 0 ? [] : [["mostly", `${heldBy.reason} (${share} % of the time)`] as [string, string]]),
	];
}

/** The same for machines, in the spelling of files. */
export function rehearsalJson(rehearsals: readonly Rehearsal[]): Readonly<Record<string, unknown>> {
	return {
		seconds: Math.max(0, ...rehearsals.map(({ durationMs }) => durationMs)) / 1000,
		models: rehearsals.map((rehearsal) => ({
			model: rehearsal.model,
			seconds: rehearsal.durationMs / 1000,
			requests: rehearsal.requests,
			cached: rehearsal.cached,
			input_tokens: rehearsal.inputTokens,
			output_tokens: rehearsal.outputTokens,
			cost_usd: decimal(rehearsal.usd),
			held_by: rehearsal.heldBy.reason,
		})),
	};
}
