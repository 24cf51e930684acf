import type { WireName } from "../request.ts";
import type { JobFault } from "./faults.ts";
import { type JobRowInput, SimulatedJob } from "./job.ts";

export interface SimulatedJobsOptions {
	/** How long a job takes, in ms; 2 s by default. */
	readonly lifeMs?: number | undefined;
	/** What goes wrong: the first with the first job that is created, and so on. */
	readonly faults?: readonly string[] | undefined;
	/** Tokens that may be queued at once, by bytes of input / 4; without limit by default. */
	readonly queuedTokens?: number | undefined;
}

/** Files and jobs of one dialect; keys do not matter. */
export class JobStore {
	readonly jobs: SimulatedJob[] = [];
	readonly files = new Map<string, Buffer>();
	readonly #options: SimulatedJobsOptions;
	readonly #faults: (JobFault | "none")[];
	readonly #now: () => number;
	/** Looks that did not find a file. */
	readonly #fileMisses = new Map<string, number>();
	#count = 0;

	constructor(options: SimulatedJobsOptions, faults: (JobFault | "none")[], now: () => number) {
		this.#options = options;
		this.#faults = faults;
		this.#now = now;
	}

	get now(): number {
		return this.#now();
	}

	/** A new id, unlike any that another store gives. */
	id(prefix: string): string {
		this.#count += 1;
		return `${prefix}${this.#count.toString().padStart(4, "0")}${Math.random().toString(36).slice(2, 8)}`;
	}

	addFile(bytes: Buffer, id = this.id("file-")): string {
		this.files.set(id, bytes);
		return id;
	}

	/** The fault that the next create meets; it is used up. */
	nextFault(): JobFault | undefined {
		const fault = this.#faults.shift();
		return fault === "none" ? undefined : fault;
	}

	/** Whether an upload is to be answered without the name of a file. */
	losesUpload(): boolean {
		if (this.#faults[0] !== "no-file") return false;
		this.#faults.shift();
		return true;
	}

	/** How many bytes an uploaded file is said to have; undefined while nobody finds it. */
	sizeOf(id: string): number | undefined {
		const bytes = this.files.get(id)?.length;
		const [fault] = this.#faults;
		const misses = this.#fileMisses.get(id) ?? 0;
		if (fault === "late-file" && misses < 2) {
			this.#fileMisses.set(id, misses + 1);
			return undefined;
		}
		if (fault !== "short-file" || bytes === undefined) return bytes;
		this.#faults.shift();
		return bytes - 1;
	}

	/** Whether so many bytes of input find room in the queue beside what runs. */
	hasRoom(bytes: number): boolean {
		const { queuedTokens } = this.#options;
		if (queuedTokens === undefined) return true;
		let queued = bytes / 4;
		for (const job of this.jobs)
			if (["validating", "in_progress", "finalizing"].includes(job.state(this.now)))
				queued += JSON.stringify(job.rows).length / 4;
		return queued <= queuedTokens;
	}

	get queueMessage(): string {
		const limit = (this.#options.queuedTokens ?? 90_000).toLocaleString("en-US");
		return `Enqueued token limit reached for simulated-model in organization org-sim. Limit: ${limit} enqueued tokens. Please try again once some in_progress batches have been completed.`;
	}

	create(options: {
		readonly id: string;
		readonly wire: WireName;
		readonly model: string;
		readonly rows: readonly JobRowInput[];
		readonly fault: JobFault | undefined;
		readonly marks: Readonly<Record<string, unknown>>;
	}): SimulatedJob {
		const lifeMs = this.#options.lifeMs ?? 2_000;
		const job = new SimulatedJob({ ...options, now: this.now, lifeMs });
		this.jobs.push(job);
		return job;
	}

	/** A job as long as it can be found. */
	find(id: string): SimulatedJob | undefined {
		const job = this.jobs.find((candidate) => candidate.id === id);
		if (job === undefined || job.hiddenFor === 0) return job;
		job.hiddenFor -= 1;
		return undefined;
	}

	/** What a list shows, newest first. */
	listed(): readonly SimulatedJob[] {
		return this.jobs
			.filter((job) => {
				if (job.hiddenFor === 0) return true;
				job.hiddenFor -= 1;
				return false;
			})
			.toReversed();
	}
}

/** Parses lines of JSON; throws an Error that names the line. */
export function parseLines(bytes: Buffer): Readonly<Record<string, unknown>>[] {
	return bytes
		.toString("utf8")
		.split("\n")
		.filter((line) => line !== "")
		.map((line, index) => {
			try {
				return JSON.parse(line) as Readonly<Record<string, unknown>>;
			} catch {
				throw new Error(`line ${index + 1} is not valid JSON`);
			}
		});
}

/** The file of a multipart form; undefined when it has none. */
export function fileOf(body: Buffer, contentType: string): { name: string; bytes: Buffer } | undefined {
	const boundary = /boundary=([^;]+)/.exec(contentType)?.[1];
	if (boundary === undefined) return undefined;
	const marker = Buffer.from(`filename="`);
	const at = body.indexOf(marker);
	if (at < 0) return undefined;
	const name = body.subarray(at + marker.length, body.indexOf('"', at + marker.length)).toString();
	const start = body.indexOf("\r\n\r\n", at) + 4;
	const end = body.indexOf(`\r\n--${boundary}`, start);
	return { name, bytes: body.subarray(start, end < 0 ? body.length : end) };
}
