import { RowsUnderway } from "../../batch/jobs/rows-underway.ts";
import { UsageError } from "../../errors.ts";
import { restoreJobs } from "../../jobs/beside.ts";
import { JobLog, type JobRecord, jobId } from "../../jobs/job-log.ts";
import type { Paths } from "../../state/paths.ts";
import { formatPlural } from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { BatchFlags } from "../batch/flags.ts";
import type { Target } from "../batch/target.ts";

/** The rows of a batch that are in jobs already; undefined when this computer knows of no open job. */
export async function readUnderway(
	{ jobs, jobFiles }: Paths,
	{ files }: Target,
): Promise<RowsUnderway | undefined> {
	if (files === undefined) return undefined;
	const log = new JobLog(jobs);
	restoreJobs(files.results, log, jobFiles);
	log.close();
	return RowsUnderway.read(log, jobFiles, files.results);
}

/**
 * Sees to it that no row is sent which is in a job already, once all rows have been looked for. Jobs whose results file
 * was moved become those of this run. Returns what there is to say of jobs whose results this run does not fetch.
 * @throws UsageError when rows would be paid for twice
 */
export function heedJobs(
	underway: RowsUnderway,
	flags: BatchFlags,
	paths: Paths,
	models: readonly string[],
): string[] {
	if (!flags.cacheOnly) refuseTwice(underway, flags, paths);
	return leftAlone(underway, flags, models);
}

function refuseTwice(underway: RowsUnderway, { viaJobs, cache, refresh }: BatchFlags, { jobs }: Paths): void {
	const own = underway.met("own");
	const [first] = own.jobs;
	if (!viaJobs && first !== undefined)
		throw new UsageError(
			`${formatPlural(own.rows, "row")} ${isOrAre(own.rows)} in ${formatPlural(own.jobs.length, "batch job")} whose results were not fetched yet; sending ${itOrThem(own.rows)} now would pay for ${itOrThem(own.rows)} twice`,
			{
				hint: `fetch the results with --via-jobs (and --finish-live, to send now what jobs leave undone); or give them up: llmx jobs rm ${nameOf(first)}`,
			},
		);
	const log = new JobLog(jobs);
	const { run } = underway;
	for (const job of own.jobs) if (job.run !== run) log.append({ event: "moved", job: job.tag, run });
	log.close();
	const other = underway.met("other");
	// Without the cache every row is a sample of its own.
	if (other.rows === 0 || !cache || refresh) return;
	throw new UsageError(
		`${formatPlural(other.rows, "row")} ${isOrAre(other.rows)} in ${formatPlural(other.jobs.length, "batch job")} for ${sanitizeLine(other.jobs[0]?.run ?? "")}; sending ${itOrThem(other.rows)} here would pay for ${itOrThem(other.rows)} twice`,
		{
			hint: "fetch those results first: then they come from the cache. To have answers of their own: --no-cache",
		},
	);
}

function leftAlone(underway: RowsUnderway, { viaJobs }: BatchFlags, models: readonly string[]): string[] {
	return underway.ofRun
		.filter(({ model }) => !viaJobs || !models.includes(model))
		.map(
			(job) =>
				`the results of ${sanitizeLine(nameOf(job))} (${formatPlural(job.rows, "row")} of ${sanitizeLine(job.model)}) were not fetched yet: do that with -m ${sanitizeLine(job.model)} --via-jobs`,
		);
}

function nameOf(job: JobRecord): string {
	return jobId(job) ?? job.tag;
}

function isOrAre(count: number): string {
	return count === 1 ? "is" : "are";
}

function itOrThem(count: number): string {
	return count === 1 ? "it" : "them";
}
