import type { JobRecord } from "../../jobs/job-log.ts";
import { sendRows } from "../run.ts";
import { JobRunner, keepAll } from "./job-runner.ts";
import type { JobRunOptions } from "./job-view.ts";

/** How the jobs of a run stand when it ends. */
export interface JobRunOutcome {
	/** Jobs that still run at their provider. */
	readonly open: readonly JobRecord[];
	/** Rows in them. */
	readonly openRows: number;
	/** What ended a model before its jobs were done; undefined when nothing did. */
	readonly error: unknown;
	/** Takes note that all that was brought home is safe; call it once the results are on the disk. */
	finish(): void;
}

/**
 * Sends what is missing as batch jobs: answers from the cache first, then jobs of earlier runs are found again, then
 * the rest is submitted, waited for and brought home. Ends with what is still open when it is only to submit, or when
 * the halt fires: jobs go on without us.
 */
export async function sendByJobs(options: JobRunOptions): Promise<JobRunOutcome> {
	if (options.cache !== false)
		await sendRows({ ...options, cache: "only", haltPolicy: keepAll, guard: undefined, flight: undefined });
	const runners = options.modelRuns.map((modelRun) => new JobRunner(options, modelRun));
	const endings = await Promise.allSettled(runners.map((runner) => runner.run()));
	const failed = endings.find((ending) => ending.status === "rejected");
	const open = runners.flatMap((runner) => runner.open);
	return {
		open,
		openRows: open.reduce((sum, { rows }) => sum + rows, 0),
		error: options.halt.reason === undefined ? failed?.reason : undefined,
		finish: () => {
			for (const runner of runners) runner.finish();
		},
	};
}
