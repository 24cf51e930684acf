import { copyFileSync, existsSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ensurePrivateFolder, LineAppender } from "../state/files.ts";
import { jsonLine } from "../state/json-line.ts";
import { type JobEvent, type JobEvents, JobLog, type JobRecord } from "./job-log.ts";
import { idsPath } from "./part-file.ts";

/** Where what is known of a results file's jobs is kept beside it: `out.jsonl` -> `.out.jsonl.jobs`. */
export function besidePath(results: string): string {
	return join(dirname(results), `.${basename(results).slice(0, 200)}.jobs`);
}

/**
 * What is known of the open jobs of one results file, kept in a folder beside it as well: whoever has the results file
 * finds its jobs, from another computer or after the user's own folder is gone.
 */
export class JobsBeside implements JobEvents {
	readonly #folder: string;
	readonly #jobFiles: string;
	#log: LineAppender | undefined;

	/** `jobFiles` is where the files of jobs are that the ids of rows are copied from. */
	constructor(results: string, jobFiles: string) {
		this.#folder = besidePath(results);
		this.#jobFiles = jobFiles;
	}

	/** There is such a folder. */
	get exists(): boolean {
		return existsSync(this.#folder);
	}

	/** Takes an event, and with the first of a job the ids of its rows. Throws the file system's error. */
	append(event: JobEvent): void {
		if (event.event === "room") return;
		ensurePrivateFolder(this.#folder);
		if (event.event === "submitting")
			copyFileSync(idsPath(this.#jobFiles, event.job), idsPath(this.#folder, event.job));
		this.#log ??= new LineAppender(logPath(this.#folder));
		this.#log.append([jsonLine(event)]);
		this.#log.sync();
	}

	/** Removes the folder once no job in it is open. */
	close(): void {
		this.#log?.close();
		const isOpen = ({ fetchedAt }: JobRecord) => fetchedAt === undefined;
		if (!new JobLog(logPath(this.#folder)).jobs().some(isOpen))
			rmSync(this.#folder, { recursive: true, force: true });
	}
}

/**
 * Takes jobs into a log that are known only beside their results file, `results`, with the ids of their rows. Returns
 * how many those were.
 */
export function restoreJobs(results: string, log: JobLog, jobFiles: string): number {
	const folder = besidePath(results);
	const beside = new JobLog(logPath(folder));
	const known = log.tags();
	const isLost = ({ tag, fetchedAt }: JobRecord) => fetchedAt === undefined && !known.has(tag);
	const lost = new Set(
		beside
			.jobs()
			.filter(isLost)
			.map(({ tag }) => tag),
	);
	for (const tag of lost) {
		if (!existsSync(idsPath(folder, tag))) continue;
		ensurePrivateFolder(jobFiles);
		copyFileSync(idsPath(folder, tag), idsPath(jobFiles, tag));
	}
	for (const event of beside.events())
		if (event.event !== "room" && lost.has(event.job))
			// The file may have been moved since, or be seen under another path here.
			log.append(event.event === "submitting" ? { ...event, run: results } : event);
	return lost.size;
}

function logPath(folder: string): string {
	return join(folder, "jobs.jsonl");
}
