import type { JobState } from "../options.ts";
import type { JobClient } from "./client.ts";
import type { PartFile } from "./part-file.ts";

const finalStates: ReadonlySet<JobState> = new Set(["completed", "failed", "expired", "cancelled"]);

/** Whether nothing more will happen to a job. Only these four are ends; a word that is not known never is. */
export function isFinal(state: JobState): boolean {
	return finalStates.has(state);
}

/** Rows of a job by what became of them; null where the provider does not count (yet). */
export interface JobCounts {
	readonly total: number | null;
	readonly succeeded: number | null;
	readonly failed: number | null;
}

/** Why a provider refused a whole job, or one of its lines. */
export interface JobProblem {
	readonly message: string;
	readonly code: string | null;
	/** Of the input file, counted from 1; null when it does not say. */
	readonly line: number | null;
}

/** Sums of a whole job; each null where the provider does not say (yet). */
export interface JobTotals {
	readonly costUsd: number | null;
	readonly inputTokens: number | null;
	readonly outputTokens: number | null;
}

/** What a provider says of a job. */
export interface JobStatus {
	readonly state: JobState;
	/** The provider's own word for it. */
	readonly word: string;
	readonly counts: JobCounts;
	/** Ms since 1970; null when the provider does not say. */
	readonly createdAt: number | null;
	readonly expiresAt: number | null;
	readonly problems: readonly JobProblem[];
	/** What the provider says that the whole job came to. */
	readonly totals: JobTotals;
	/** The answer as it came, where results or the names of their files stand in it. */
	readonly payload: Readonly<Record<string, unknown>>;
}

/** What became of one row of a job. */
export type JobResult =
	/** `body` is the answer as the provider's ordinary endpoint would have given it. */
	| { readonly wireId: string; readonly ok: true; readonly body: unknown }
	| {
			readonly wireId: string;
			readonly ok: false;
			/** `expired` and `cancelled` rows were not worked on: they are missing, not failed. */
			readonly reason: "failed" | "expired" | "cancelled";
			/** HTTP status of the row's own answer, when it has one. */
			readonly status: number | null;
			/** The error as the provider wrote it. */
			readonly error: unknown;
	  };

/** What a job is known by before it exists. */
export interface JobIntent {
	/** Unique to this job; goes into its metadata, name or id where the provider has room for one. */
	readonly tag: string;
	readonly modelId: string;
	readonly rows: number;
	/** Ms since 1970, by the clock of this computer. */
	readonly at: number;
	/** The uploaded input, where there is one. */
	readonly fileId: string | undefined;
}

/** A job that may be the one of an intent. */
export interface JobCandidate {
	readonly rawId: string;
	/** It carries the intent's tag or input file; else only its time and size fit. */
	readonly sure: boolean;
	/** It was created no earlier than the intent, as far as two clocks can tell. */
	readonly isNear: boolean;
}

/** How much one job takes. */
export interface JobLimits {
	readonly rows: number;
	/** Of its input file, or of the request that carries it. */
	readonly bytes: number;
}

/** Facts about one row of a job, from which its line is made. */
export interface JobLine {
	readonly wireId: string;
	readonly modelId: string;
	/** The request as the provider's ordinary endpoint takes it. */
	readonly body: Readonly<Record<string, unknown>>;
}

/**
 * How one provider's batch API speaks. Each method is one thing that the API does; none of them retries, waits or
 * remembers. Failures are RequestErrors; a create whose outcome is unknown raises UnknownOutcomeError.
 */
export interface JobDialect {
	readonly limits: JobLimits;
	/** Hours within which a job ends, one way or the other, by the provider's word; null when it does not say. */
	readonly promisedHours: number | null;
	/** Days that results are kept, and counted from what; null when the provider does not say. */
	readonly retention: { readonly days: number; readonly from: "creation" | "end" } | null;
	/** False where a job that runs can only be waited for. */
	readonly canCancel: boolean;
	/** One line of the part's file, without its line break. */
	line(line: JobLine): string;
	/** Uploads a part's file, where this API takes files. Returns its id; undefined where rows go with the job. */
	upload?(client: JobClient, part: PartFile, intent: JobIntent): Promise<string | undefined>;
	/** Makes sure that the uploaded file is there, whole. A file may not be found for a while. */
	checkUpload?(client: JobClient, part: PartFile, fileId: string): Promise<void>;
	/** Creates the job. Returns the provider's id of it. */
	create(client: JobClient, part: PartFile, intent: JobIntent): Promise<string>;
	/** Jobs that may be the one of an intent whose outcome nobody knows. */
	find(client: JobClient, intent: JobIntent): Promise<readonly JobCandidate[]>;
	status(client: JobClient, rawId: string): Promise<JobStatus>;
	/** Hands on every line of every result file there is, in any order, whatever the final state. */
	download(client: JobClient, rawId: string, status: JobStatus, write: WriteLines): Promise<void>;
	/** Reads a line that `download` wrote; undefined when it is not a result. */
	read(line: unknown): JobResult | undefined;
	cancel(client: JobClient, rawId: string): Promise<void>;
	/** Deletes what the provider keeps of an ended job, as far as it can be deleted. */
	remove(client: JobClient, rawId: string, status: JobStatus): Promise<void>;
}

/** Takes bytes of JSON lines. A piece may end anywhere; a source ends with a line break. */
export type WriteLines = (piece: Uint8Array | string) => Promise<void>;
