import type { JobStatus, JobTotals } from "../../jobs/contract.ts";
import type { JobRecord } from "../../jobs/job-log.ts";
import type { ModelJobs } from "../../jobs/model-jobs.ts";
import type { RowTotals } from "../../jobs/totals.ts";
import type { Clock } from "../../schedule/clock.ts";
import type { LineAppender } from "../../state/files.ts";
import type { BatchRunOptions, ModelRun } from "../run.ts";

/** A job of this run as its progress shows it. */
export interface JobView {
	readonly record: JobRecord;
	/** As last seen; undefined before the first look. */
	readonly status: JobStatus | undefined;
	/** Ms until it is looked at again. */
	readonly nextInMs: number;
	readonly trouble: string | undefined;
}

/** The jobs of a run that have not been brought home. */
export class JobViews {
	readonly #views = new Map<string, JobView>();

	get all(): readonly JobView[] {
		return [...this.#views.values()];
	}

	/** Takes a look at a job; one that saw nothing leaves the status as it was last seen. */
	set(view: JobView): void {
		const { tag } = view.record;
		this.#views.set(tag, { ...view, status: view.status ?? this.#views.get(tag)?.status });
	}

	delete({ tag }: JobRecord): void {
		this.#views.delete(tag);
	}
}

export interface JobRunOptions extends BatchRunOptions {
	/** The results file, by which later runs find their jobs again. */
	readonly run: string;
	/** Where results of rows that are none of a job's are kept, by the tag of the job. */
	readonly foreignPath: (tag: string) => string;
	readonly jobsOf: (modelRun: ModelRun) => ModelJobs;
	/** Rows of one job, where that is less than what the provider takes. */
	readonly mostRows: number | undefined;
	/** Only submit. */
	readonly detach: boolean;
	readonly pollMs: number;
	readonly clock: Clock;
	/** 0 <= x < 1. */
	readonly random: () => number;
	/** Where answers go that the input no longer asks for. */
	readonly superseded: LineAppender;
	/** Called with what a job may cost at most, in USD, once it is submitted. */
	readonly onSubmitted: (usd: number) => void;
	/** Rows of a job that are in the ledger already. */
	readonly bookedRows: (record: JobRecord) => Promise<ReadonlySet<string>>;
	/** Brings the ledger onto the disk. */
	readonly flushLedger: (modelRun: ModelRun) => Promise<void>;
	readonly onJobs: (jobs: readonly JobView[], waitingParts: number) => void;
	readonly onNote: (text: string) => void;
	/** Called with what a provider says that a whole job came to, and what its rows add up to. */
	readonly onTotals: (id: string, said: JobTotals, rows: RowTotals) => void;
}
