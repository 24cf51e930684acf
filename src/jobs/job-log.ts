import { readFileSync } from "node:fs";
import type { JobState } from "../options.ts";
import { LineAppender } from "../state/files.ts";
import { jsonLine } from "../state/json-line.ts";

/** One line of jobs.jsonl: what happened to a job, in the spelling of files. */
export type JobEvent =
	| {
			readonly event: "submitting";
			readonly job: string;
			readonly at: string;
			/** The results file that the rows are for; null for the library. */
			readonly run: string | null;
			readonly provider: string;
			/** As the user gave it. */
			readonly model: string;
			readonly model_id: string;
			readonly base_url: string;
			/** Fingerprint of the key: a job is seen only by keys of its own project. */
			readonly key: string;
			readonly rows: number;
			readonly bytes: number;
			/** What it may cost at most, in USD; null when unknown. */
			readonly estimate_usd: number | null;
	  }
	/** Its input is at the provider. */
	| { readonly event: "uploaded"; readonly job: string; readonly file_id: string }
	/** The create call is about to be sent: from here on the job may exist. */
	| { readonly event: "creating"; readonly job: string; readonly at: string }
	| { readonly event: "created"; readonly job: string; readonly raw_id: string; readonly adopted: boolean }
	/** Its results file is another one now: the first was moved. */
	| { readonly event: "moved"; readonly job: string; readonly run: string }
	/** It is certain that no such job exists, or nobody wants to know of it any more. */
	| { readonly event: "forgotten"; readonly job: string; readonly why: string }
	| { readonly event: "ended"; readonly job: string; readonly state: JobState; readonly at: string }
	/** Its results are being written to the ledger and to where they were asked for. */
	| { readonly event: "fetching"; readonly job: string }
	| { readonly event: "fetched"; readonly job: string; readonly at: string }
	/** The provider said how many tokens may be queued for a model. */
	| { readonly event: "room"; readonly provider: string; readonly model_id: string; readonly tokens: number };

/** A job as its events add up. */
export interface JobRecord {
	/** Our own name of it, which the provider knows too where it has room for one. */
	readonly tag: string;
	readonly run: string | null;
	readonly provider: string;
	readonly model: string;
	readonly modelId: string;
	readonly baseUrl: string;
	readonly key: string;
	readonly rows: number;
	readonly bytes: number;
	readonly estimateUsd: number | null;
	/** Ms since 1970. */
	readonly submittedAt: number;
	readonly fileId: string | undefined;
	/** When the create call was about to be sent; undefined: it never was. */
	readonly creatingAt: number | undefined;
	/** The provider's id; undefined as long as nobody knows it. */
	readonly rawId: string | undefined;
	/** Found in the provider's list, where only time and size spoke for it. */
	readonly adopted: boolean;
	/** How it ended; undefined until that was seen. */
	readonly ended: JobState | undefined;
	readonly fetching: boolean;
	readonly fetchedAt: number | undefined;
	readonly forgotten: boolean;
}

/** The self-contained id of a job: `openai:120:batch_abc`; undefined while the provider's id is not known. */
export function jobId({ provider, rows, rawId }: JobRecord): string | undefined {
	return rawId === undefined ? undefined : `${provider}:${rows}:${rawId}`;
}

/** A job that another machine created: what its id and its model say. */
export function foreignRecord(
	facts: Pick<JobRecord, "provider" | "model" | "modelId" | "baseUrl" | "key" | "rows"> & {
		readonly rawId: string;
	},
): JobRecord {
	const { hash } = process.getBuiltinModule("node:crypto");
	return {
		...facts,
		tag: `foreign-${hash("sha256", facts.rawId).slice(0, 16)}`,
		run: null,
		bytes: 0,
		estimateUsd: null,
		submittedAt: 0,
		fileId: undefined,
		creatingAt: undefined,
		adopted: false,
		ended: undefined,
		// Another run may have fetched it before: the ledger says which rows are booked.
		fetching: true,
		fetchedAt: undefined,
		forgotten: false,
	};
}

/** The parts of a self-contained id; undefined when it is none. */
export function parseJobId(id: string): { provider: string; rows: number; rawId: string } | undefined {
	const match = /^([a-z0-9_.-]+):(\d+):(.+)$/i.exec(id);
	if (match === null) return undefined;
	return { provider: match[1] as string, rows: Number(match[2]), rawId: match[3] as string };
}

/** Takes what happens to jobs. */
export interface JobEvents {
	/** Throws the file system's error. */
	append(event: JobEvent): void;
}

/**
 * What became of every job, as JSON lines that are only appended to. What decides whether something is sent again is
 * on the disk before the call that it speaks of.
 */
export class JobLog {
	readonly #file: LineAppender;
	readonly #copy: JobEvents | undefined;

	/** `copy` takes every event as well. */
	constructor(path: string, copy?: JobEvents) {
		this.#file = new LineAppender(path);
		this.#copy = copy;
	}

	/** Appends an event and brings it onto the disk. Throws the file system's error. */
	append(event: JobEvent): void {
		this.#copy?.append(event);
		this.#file.append([jsonLine(event)]);
		this.#file.sync();
	}

	/** Every job that was not forgotten, oldest first. Lines that are none of ours are passed over. */
	jobs(): readonly JobRecord[] {
		const jobs = new Map<string, JobRecord>();
		for (const event of this.events()) {
			if (event.event === "submitting") jobs.set(event.job, begun(event));
			else if (event.event !== "room") {
				const job = jobs.get(event.job);
				if (job !== undefined) jobs.set(event.job, { ...job, ...changes(event) });
			}
		}
		return [...jobs.values()].filter(({ forgotten }) => !forgotten);
	}

	/** Every job that it has ever heard of, also those that were forgotten. */
	tags(): ReadonlySet<string> {
		const events = [...this.events()].filter((event) => event.event === "submitting");
		return new Set(events.map(({ job }) => job));
	}

	/**
	 * USD that jobs may cost which are not in the ledger yet: those whose results were not fetched. Jobs of unknown price
	 * are left out.
	 */
	openUsd(): number {
		const open = this.jobs().filter(({ fetchedAt }) => fetchedAt === undefined);
		return open.reduce((sum, { estimateUsd }) => sum + (estimateUsd ?? 0), 0);
	}

	/** Tokens that may be queued at once for a model, as the provider last said; undefined when it has not. */
	room(provider: string, modelId: string): number | undefined {
		let tokens: number | undefined;
		for (const event of this.events())
			if (event.event === "room" && event.provider === provider && event.model_id === modelId)
				tokens = event.tokens;
		return tokens;
	}

	close(): void {
		this.#file.close();
	}

	/** All lines that are events. */
	*events(): Generator<JobEvent, void> {
		let text: string;
		try {
			text = readFileSync(this.#file.path, "utf8");
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
			throw error;
		}
		for (const line of text.split("\n")) {
			const event = parseEvent(line);
			if (event !== undefined) yield event;
		}
	}
}

function parseEvent(line: string): JobEvent | undefined {
	try {
		const value = JSON.parse(line) as Partial<JobEvent> | null;
		return typeof value?.event === "string" ? (value as JobEvent) : undefined;
	} catch {
		return undefined;
	}
}

function begun(event: Extract<JobEvent, { event: "submitting" }>): JobRecord {
	return {
		tag: event.job,
		run: event.run,
		provider: event.provider,
		model: event.model,
		modelId: event.model_id,
		baseUrl: event.base_url,
		key: event.key,
		rows: event.rows,
		bytes: event.bytes,
		estimateUsd: event.estimate_usd,
		submittedAt: Date.parse(event.at),
		fileId: undefined,
		creatingAt: undefined,
		rawId: undefined,
		adopted: false,
		ended: undefined,
		fetching: false,
		fetchedAt: undefined,
		forgotten: false,
	};
}

function changes(event: Exclude<JobEvent, { event: "submitting" | "room" }>): Partial<JobRecord> {
	switch (event.event) {
		case "uploaded":
			return { fileId: event.file_id };
		case "creating":
			return { creatingAt: Date.parse(event.at) };
		case "created":
			return { rawId: event.raw_id, adopted: event.adopted };
		case "moved":
			return { run: event.run };
		case "forgotten":
			return { forgotten: true };
		case "ended":
			return { ended: event.state };
		case "fetching":
			return { fetching: true };
		case "fetched":
			return { fetchedAt: Date.parse(event.at) };
		default:
			return {};
	}
}
