import { rmSync } from "node:fs";
import type { ModelRoute } from "../models/router.ts";
import type { JobClient } from "./client.ts";
import type { JobDialect, JobIntent } from "./contract.ts";
import { rowsText, UnknownOutcomeError } from "./errors.ts";
import type { JobLog, JobRecord } from "./job-log.ts";
import { type PartFile, removeJobFiles } from "./part-file.ts";
import { patiently } from "./patience.ts";
import { queueFull } from "./queue.ts";
import { settle } from "./settle.ts";

export interface JobCreationOptions {
	/** As the user gave it. */
	readonly model: string;
	readonly route: ModelRoute;
	readonly dialect: JobDialect;
	readonly log: JobLog;
	/** With the key that new jobs are created with. */
	readonly client: JobClient;
	/** With the key that a job was created with. */
	readonly clientOf: (record: JobRecord) => JobClient;
	/** Of the key and the server. */
	readonly fingerprint: string;
	readonly folder: string;
	/** Ms between two looks at a job. */
	readonly pollMs: number;
	readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
	readonly signal: AbortSignal | undefined;
}

/** A provider's list has every job that was created so long ago, in ms; how often one looks has nothing to do with it. */
const listedWithinMs = 60_000;

/** Creates the jobs of one model, each at most once whatever happens on the way. */
export class JobCreation {
	readonly #options: JobCreationOptions;

	constructor(options: JobCreationOptions) {
		this.#options = options;
	}

	/**
	 * Makes a job of a part. What was intended is on the disk before anything is sent, so that whatever happens a later
	 * run can find out whether the job exists.
	 * @throws QueueFullError when the provider has no room now; UnknownOutcomeError when nobody can tell whether the job
	 *   was created; RequestError when it certainly was not
	 */
	async submit(
		tag: string,
		part: PartFile,
		{ run, estimateUsd }: { run: string | null; estimateUsd: number | null },
	): Promise<JobRecord> {
		const { route, model, log, dialect, client, fingerprint, pollMs, sleep, signal } = this.#options;
		const at = new Date();
		log.append({
			event: "submitting",
			job: tag,
			at: at.toISOString(),
			run,
			provider: route.provider.id,
			model,
			model_id: route.modelId,
			base_url: route.baseUrl,
			key: fingerprint,
			rows: part.rows,
			bytes: part.bytes,
			estimate_usd: estimateUsd,
		});
		let intent: JobIntent = {
			tag,
			modelId: route.modelId,
			rows: part.rows,
			at: at.getTime(),
			fileId: undefined,
		};
		try {
			const again = { pollMs, sleep: (ms: number) => sleep(ms, signal) };
			const upload = () => dialect.upload?.(client, part, intent) ?? Promise.resolve(undefined);
			// Nothing is charged for a file, and one that no job names does nothing.
			const fileId = await patiently(upload, { ...again, alsoMalformed: true });
			if (fileId !== undefined) {
				intent = { ...intent, fileId };
				log.append({ event: "uploaded", job: tag, file_id: fileId });
				const check = () => dialect.checkUpload?.(client, part, fileId) ?? Promise.resolve();
				await patiently(check, again);
			}
			log.append({ event: "creating", job: tag, at: new Date().toISOString() });
			const rawId = await dialect.create(client, part, intent);
			this.#created(tag, rawId, false);
		} catch (error) {
			if (error instanceof UnknownOutcomeError) await this.#settle(intent, client, pollMs, error);
			else {
				this.forget(tag, "it was not created");
				throw this.#asQueueFull(error);
			}
		}
		rmSync(part.path, { force: true });
		return this.#record(tag);
	}

	/**
	 * Finds out what became of a job whose creation an earlier run did not see through. Undefined when it certainly was
	 * never created: its rows are free to be sent.
	 * @throws UnknownOutcomeError when nobody can tell
	 */
	async recover(record: JobRecord): Promise<JobRecord | undefined> {
		if (record.rawId !== undefined) return record;
		if (record.creatingAt === undefined) {
			this.forget(record.tag, "it was never sent");
			return undefined;
		}
		const intent: JobIntent = {
			tag: record.tag,
			modelId: record.modelId,
			rows: record.rows,
			at: record.submittedAt,
			fileId: record.fileId,
		};
		const ageMs = Math.max(0, Date.now() - record.creatingAt);
		const listedAfterMs = Math.max(0, listedWithinMs - ageMs);
		const found = await this.#settle(intent, this.#options.clientOf(record), listedAfterMs, undefined);
		return found ? this.#record(record.tag) : undefined;
	}

	/** Its rows are free to be sent again; its files go. */
	forget(tag: string, why: string): void {
		this.#options.log.append({ event: "forgotten", job: tag, why });
		removeJobFiles(this.#options.folder, tag);
	}

	#created(tag: string, rawId: string, adopted: boolean): void {
		this.#options.log.append({ event: "created", job: tag, raw_id: rawId, adopted });
	}

	#record(tag: string): JobRecord {
		return this.#options.log.jobs().find((job) => job.tag === tag) as JobRecord;
	}

	/** True when the job was found; false when it was never created. */
	async #settle(
		intent: JobIntent,
		client: JobClient,
		listedAfterMs: number,
		cause: UnknownOutcomeError | undefined,
	): Promise<boolean> {
		const { sleep, signal, route, log, dialect } = this.#options;
		const known = new Set(log.jobs().map(({ rawId }) => rawId));
		const verdict = await settle({
			listedAfterMs,
			sleep: (ms) => sleep(ms, signal),
			find: async () => (await dialect.find(client, intent)).filter(({ rawId }) => !known.has(rawId)),
		});
		if (verdict.kind === "found") {
			this.#created(intent.tag, verdict.rawId, !verdict.sure);
			return true;
		}
		if (verdict.kind === "none" && cause === undefined) {
			this.forget(intent.tag, "the provider's list does not have it");
			return false;
		}
		const why =
			verdict.kind === "several"
				? `${verdict.count} jobs at ${route.provider.label} match`
				: verdict.kind === "elsewhen"
					? `${verdict.count === 1 ? "a job" : `${verdict.count} jobs`} at ${route.provider.label} could be it but for the time of creation`
					: verdict.kind === "none"
						? `the list of ${route.provider.label} does not have it`
						: `${route.provider.label} could not be asked: ${verdict.reason}`;
		throw new UnknownOutcomeError(
			`it is not known whether a job of ${rowsText(intent.rows)} was created: ${why}`,
			{
				cause,
				hint: `run the same command again to look again; if you are sure there is no such job: llmx jobs rm ${intent.tag}`,
			},
		);
	}

	#asQueueFull(error: unknown): unknown {
		const full = queueFull(error);
		if (full?.limitTokens !== undefined) {
			const { log, route } = this.#options;
			const { provider, modelId } = route;
			log.append({ event: "room", provider: provider.id, model_id: modelId, tokens: full.limitTokens });
		}
		return full ?? error;
	}
}
