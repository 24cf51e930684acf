import { AbortedError, exitCodes, LlmxError } from "../../errors.ts";
import { isFinal, type JobStatus } from "../../jobs/contract.ts";
import { QueueFullError, rowsText } from "../../jobs/errors.ts";
import { type JobRecord, jobId } from "../../jobs/job-log.ts";
import type { ModelJobs } from "../../jobs/model-jobs.ts";
import { idsAtLines, readIds } from "../../jobs/part-file.ts";
import { PartSplitter, type WaitingPart } from "../../jobs/part-splitter.ts";
import { isQueueProblem, limitIn } from "../../jobs/queue.ts";
import { waitForEnd } from "../../jobs/wait.ts";
import { type ModelRun, sendRows } from "../run.ts";
import { CollectingModel, GatheringModel } from "./job-models.ts";
import { jobNotes } from "./job-notes.ts";
import type { JobRunOptions, JobView } from "./job-view.ts";

/** Failures decide nothing here: whatever a job brought was paid for, and is kept. */
export const keepAll = { when: "soon", count: Number.POSITIVE_INFINITY, share: undefined } as const;

/** The jobs of one model in one run. */
export class JobRunner {
	readonly #options: JobRunOptions;
	readonly #modelRun: ModelRun;
	readonly #jobs: ModelJobs;
	readonly #open = new Map<string, JobRecord>();
	readonly #views = new Map<string, JobView>();
	readonly #tokens = new Map<string, number>();
	/** Jobs whose rows have had their outcomes. */
	readonly #collected: JobRecord[] = [];
	#waiting: WaitingPart[] = [];
	/** Tokens of one job, after a larger one found no room. */
	#mostTokens = Number.POSITIVE_INFINITY;
	/** Rows were set free, by a queue without room or a job that was refused: they are to be gathered again. */
	#isIncomplete = false;
	/** Rows for whose sake a provider refused a whole job. Each such job is made again once, without the row. */
	readonly #refused = new Map<string, LlmxError>();

	constructor(options: JobRunOptions, modelRun: ModelRun) {
		this.#options = options;
		this.#modelRun = modelRun;
		this.#jobs = options.jobsOf(modelRun);
	}

	get open(): readonly JobRecord[] {
		return [...this.#open.values()];
	}

	async run(): Promise<void> {
		const { halt, detach } = this.#options;
		await this.#recover();
		if (detach) await this.#collectEnded();
		await this.#gather();
		await this.#submitWaiting();
		if (detach) {
			this.#discardWaiting();
			return;
		}
		const ends = new Map<string, Promise<{ tag: string; status: JobStatus }>>();
		const isDone = () => this.#open.size === 0 && this.#waiting.length === 0 && !this.#isIncomplete;
		while (!isDone() && !halt.stopSignal.aborted) {
			for (const record of this.#open.values())
				if (!ends.has(record.tag)) ends.set(record.tag, this.#end(record));
			try {
				if (ends.size === 0) {
					// Jobs that are not ours fill the queue: room comes when one of them ends.
					await this.#sleep(this.#options.pollMs);
				} else {
					const { tag, status } = await Promise.race(ends.values());
					ends.delete(tag);
					await this.#collect(this.#open.get(tag) as JobRecord, status);
				}
				if (this.#isIncomplete) await this.#gather();
				await this.#submitWaiting();
			} catch (error) {
				for (const end of ends.values()) end.catch(() => {});
				this.#discardWaiting();
				// The halt says what happened; the jobs go on.
				if (error instanceof AbortedError && halt.stopSignal.aborted) return;
				throw error;
			}
		}
		for (const end of ends.values()) end.catch(() => {});
		this.#discardWaiting();
	}

	/** Jobs of earlier runs into the same results file. */
	async #recover(): Promise<void> {
		const { run } = this.#options;
		const { model } = this.#modelRun;
		for (const record of this.#jobs.log.jobs()) {
			const isOurs =
				record.run === run && record.model === this.#jobs.model && record.fetchedAt === undefined;
			if (!isOurs) continue;
			if (record.key !== this.#jobs.fingerprint)
				throw new LlmxError(
					`${rowsText(record.rows)} of ${model} went into a job that was created with another key or at another server`,
					{
						exitCode: exitCodes.auth,
						hint: `use the key it was created with; or forget the job and pay for its rows again: llmx jobs rm ${jobId(record) ?? record.tag}`,
					},
				);
			const found = await this.#jobs.creation.recover(record);
			if (found === undefined) continue;
			this.#open.set(found.tag, found);
			this.#show(found, undefined, 0, undefined);
		}
	}

	/** Who does not wait for jobs gets home what ended meanwhile. */
	async #collectEnded(): Promise<void> {
		for (const record of this.#open.values()) {
			const status = await this.#jobs.status(record);
			if (isFinal(status.state)) await this.#collect(record, status);
		}
	}

	/** Writes the rows that are in no job into parts. */
	async #gather(): Promise<void> {
		this.#isIncomplete = false;
		const underway = new Set<string>();
		for (const record of this.#open.values())
			for await (const id of readIds(this.#jobs.folder, record.tag)) underway.add(id);
		const { rows, bytes } = this.#jobs.dialect.limits;
		const parts = new PartSplitter(this.#jobs, {
			rows: Math.min(rows, this.#options.mostRows ?? rows),
			bytes,
			inputTokens: Math.min(this.#jobs.room(this.#modelRun.modelId), this.#mostTokens),
		});
		const llm = new GatheringModel(this.#jobs, {
			isUnderway: (wireId) => underway.has(wireId),
			refusal: (wireId) => this.#refused.get(wireId),
			add: (wireId, line, inputTokens) => parts.add(wireId, line, inputTokens),
		});
		try {
			await this.#send(llm);
			this.#waiting.push(...parts.end());
		} catch (error) {
			parts.discard();
			throw error;
		}
	}

	async #submitWaiting(): Promise<void> {
		const { run, halt, estimateUsd } = this.#options;
		while (!halt.stopSignal.aborted) {
			const next = this.#waiting[0];
			if (next === undefined) return;
			const queued = [...this.#tokens.values()].reduce((sum, tokens) => sum + tokens, 0);
			if (this.#open.size > 0 && queued + next.inputTokens > this.#jobs.room(this.#modelRun.modelId)) return;
			try {
				const total = estimateUsd(this.#modelRun);
				const record = await this.#jobs.creation.submit(next.tag, next.part, { run, estimateUsd: total });
				this.#waiting.shift();
				this.#open.set(record.tag, record);
				this.#tokens.set(record.tag, next.inputTokens);
				this.#show(record, undefined, 0, undefined);
			} catch (error) {
				if (!(error instanceof QueueFullError)) throw error;
				if (!(await this.#makeRoom(next, error))) return;
			}
		}
	}

	/**
	 * After a part found no room in the queue: its files are gone, so its rows are gathered again, into parts that fit
	 * what was learnt. True when they may be submitted at once, in smaller jobs.
	 */
	async #makeRoom(next: WaitingPart, error: QueueFullError): Promise<boolean> {
		this.#waiting.shift();
		this.#discardWaiting();
		// With none of our jobs in the queue, waiting for one of them brings no room: a smaller one may find it.
		const canSplit = this.#open.size === 0 && next.part.rows > 1;
		this.#options.onNote(
			canSplit
				? `${error.message}; splitting the rows into smaller jobs`
				: `${error.message}; ${rowsText(next.part.rows)} must wait for room, and nothing was billed`,
		);
		if (!canSplit) {
			this.#isIncomplete = true;
			return false;
		}
		this.#mostTokens = Math.min(next.inputTokens / 2, this.#jobs.room(this.#modelRun.modelId));
		await this.#gather();
		return true;
	}

	/** Waits for the end of a job. */
	async #end(record: JobRecord): Promise<{ tag: string; status: JobStatus }> {
		const { pollMs, random } = this.#options;
		const status = await waitForEnd({
			look: () => this.#jobs.status(record),
			pollMs,
			submittedAt: record.submittedAt,
			now: Date.now,
			sleep: (ms) => this.#sleep(ms),
			random,
			onStatus: (seen, nextInMs, trouble) => this.#show(record, seen, nextInMs, trouble?.message),
		});
		return { tag: record.tag, status };
	}

	/** Keeps whatever an ended job brought, in whatever state it ended; what it left undone is missing again. */
	async #collect(record: JobRecord, status: JobStatus): Promise<void> {
		const { bookedRows, flushLedger, onNote, onTotals, foreignPath } = this.#options;
		const id = jobId(record) as string;
		const { log } = this.#jobs;
		log.append({ event: "ended", job: record.tag, state: status.state, at: new Date().toISOString() });
		const refused = status.state === "failed" ? status.problems : [];
		const booked = record.fetching ? await bookedRows(record) : new Set<string>();
		const culprits = await idsAtLines(this.#jobs.folder, record.tag, refused);
		const results = await this.#jobs.results(record, status);
		try {
			if (record.adopted && results.size === 0 && results.foreign > 0) {
				this.#jobs.creation.forget(record.tag, "its results are of other rows");
				throw new LlmxError(`${id} turned out to be another job: its results are of other rows`, {
					hint: "run the same command again to look for the right one",
				});
			}
			log.append({ event: "fetching", job: record.tag });
			const foreign = results.foreign > 0 ? foreignPath(record.tag) : undefined;
			if (foreign !== undefined) await results.writeForeign(foreign);
			const flush = () => flushLedger(this.#modelRun);
			const llm = new CollectingModel({ jobs: this.#jobs, record, results, booked, flush });
			await this.#send(llm);
			this.#close(record);
			for (const note of jobNotes(id, record, results, status, foreign)) onNote(note);
			// Where rows were changed or removed meanwhile, their part of the job has no row any more.
			if (llm.handedOut === results.size) onTotals(id, status.totals, llm.totals);
			if (llm.accountFailure !== undefined) throw llm.accountFailure;
		} finally {
			results.close();
		}
		if (refused.some(isQueueProblem)) {
			const tokens = refused.map(({ message }) => limitIn(message)).find((limit) => limit !== undefined);
			const { provider, modelId } = this.#modelRun;
			if (tokens !== undefined) log.append({ event: "room", provider, model_id: modelId, tokens });
			onNote(`${id} did not fit into the queue; nothing was billed, and its rows will be submitted again`);
			if (this.#open.size === 0) await this.#sleep(this.#options.pollMs);
			this.#isIncomplete = true;
			return;
		}
		if (status.state !== "failed" || results.size > 0) return;
		if (culprits.size === 0)
			throw new LlmxError(`${id} was refused: ${refused[0]?.message ?? `its state is ${status.word}`}`, {
				hint: "nothing was billed; its rows are missing, and can be sent without --via-jobs",
			});
		for (const [wireId, message] of culprits) this.#refused.set(wireId, this.#jobs.refusal(message));
		onNote(`${id} was refused for ${culprits.size} of its rows; the others will be submitted again`);
		this.#isIncomplete = true;
	}

	finish(): void {
		for (const record of this.#collected) this.#jobs.fetched(record);
	}

	#close(record: JobRecord): void {
		this.#collected.push(record);
		this.#open.delete(record.tag);
		this.#views.delete(record.tag);
		this.#tokens.delete(record.tag);
	}

	/** Sends rows through whatever stands for the model; every failure is kept as one of its row. */
	async #send(llm: ModelRun["llm"]): Promise<void> {
		const modelRun = { ...this.#modelRun, llm };
		await sendRows({
			...this.#options,
			modelRuns: [modelRun],
			cache: false,
			guard: undefined,
			flight: undefined,
			haltPolicy: keepAll,
		});
	}

	/** Parts that were not submitted are gathered again by the next run. */
	#discardWaiting(): void {
		for (const { tag } of this.#waiting) this.#jobs.discard(tag);
		this.#waiting = [];
	}

	#sleep(ms: number): Promise<void> {
		return this.#options.clock.sleep(ms, this.#options.halt.stopSignal);
	}

	#show(
		record: JobRecord,
		status: JobStatus | undefined,
		nextInMs: number,
		trouble: string | undefined,
	): void {
		const before = this.#views.get(record.tag)?.status;
		if (status === undefined || !isFinal(status.state) || this.#open.has(record.tag))
			this.#views.set(record.tag, { record, status: status ?? before, nextInMs, trouble });
		this.#options.onJobs([...this.#views.values()], this.#waiting.length);
	}
}
