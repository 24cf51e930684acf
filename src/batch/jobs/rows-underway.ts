import { existsSync } from "node:fs";
import type { JobLog, JobRecord } from "../../jobs/job-log.ts";
import { readIds } from "../../jobs/part-file.ts";
import type { BatchRow } from "../../prompts/row-builder.ts";
import { wireIdOf } from "./job-models.ts";

/** Where the job of a row belongs: to this run, or to one with another results file. */
export type Whose = "own" | "other";

/** The rows that are in batch jobs whose results were not fetched yet: whoever sends them now pays for them twice. */
export class RowsUnderway {
	/** Jobs of this run by what each row is called on the wire. */
	readonly #own = new Map<string, JobRecord>();
	readonly #others = new Map<string, JobRecord>();
	/** Jobs that were met, with how many rows of this run. */
	readonly #met = new Map<JobRecord, number>();
	readonly #jobs: readonly JobRecord[];
	/** The results file of this run. */
	readonly run: string;

	private constructor(jobs: readonly JobRecord[], run: string) {
		this.#jobs = jobs;
		this.run = run;
	}

	/**
	 * Reads what this computer knows of jobs; undefined when none is open. `folder` holds the files of jobs, `run` is the
	 * results file of this run. A job whose own results file was moved or deleted belongs to whoever has its rows.
	 */
	static async read(log: JobLog, folder: string, run: string): Promise<RowsUnderway | undefined> {
		const open = log
			.jobs()
			.filter((job) => job.run !== null && job.fetchedAt === undefined)
			.filter(({ rawId, creatingAt }) => rawId !== undefined || creatingAt !== undefined);
		if (open.length === 0) return undefined;
		const rows = new RowsUnderway(open, run);
		for (const job of open) {
			const isOwn = job.run === run || !existsSync(job.run as string);
			for await (const id of readIds(folder, job.tag)) (isOwn ? rows.#own : rows.#others).set(id, job);
		}
		return rows;
	}

	/** Whose job a row is in; undefined when it is in none. */
	find(row: BatchRow, model: string): Whose | undefined {
		const id = wireIdOf(row, model);
		const own = this.#own.get(id);
		const job = own ?? this.#others.get(id);
		if (job === undefined || job.model !== model) return undefined;
		this.#met.set(job, (this.#met.get(job) ?? 0) + 1);
		return own === undefined ? "other" : "own";
	}

	/** The same, for a row that was met before. */
	isOwn(row: BatchRow, model: string): boolean {
		return this.#own.get(wireIdOf(row, model))?.model === model;
	}

	/** Jobs that hold rows of this run, and how many in all. */
	met(whose: Whose): { readonly jobs: readonly JobRecord[]; readonly rows: number } {
		const met = [...this.#met].filter(([job]) => (whose === "own") === this.#isOwn(job));
		return { jobs: met.map(([job]) => job), rows: met.reduce((sum, [, rows]) => sum + rows, 0) };
	}

	/** Jobs that were submitted for this run's results file. */
	get ofRun(): readonly JobRecord[] {
		return this.#jobs.filter(({ run }) => run === this.run);
	}

	#isOwn({ run }: JobRecord): boolean {
		return run === this.run || !existsSync(run as string);
	}
}
