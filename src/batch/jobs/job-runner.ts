import { AbortedError, LlmxError } from "../../errors.ts";
import { isFinal, type JobStatus } from "../../jobs/contract.ts";
import { otherKey, QueueFullError, rowsText } from "../../jobs/errors.ts";
import { type JobRecord, jobId } from "../../jobs/job-log.ts";
import type { ModelJobs } from "../../jobs/model-jobs.ts";
import { idsAtLines, readIds, readRowNames } from "../../jobs/part-file.ts";
import { PartSplitter, type WaitingPart } from "../../jobs/part-splitter.ts";
import { isQueueProblem, limitIn } from "../../jobs/queue.ts";
import { waitForEnd } from "../../jobs/wait.ts";
import { type ModelRun, sendRows } from "../run.ts";
import { mostUsdOf } from "./job-costs.ts";
import { CollectingModel, GatheringModel } from "./job-models.ts";
import { jobNotes } from "./job-notes.ts";
import { type JobRunOptions, JobViews } from "./job-view.ts";
import { keepUnasked, refuseStrangers } from "./unasked.ts";

/** Failures decide nothing here: whatever a job brought was paid for, and is kept. */
export const keepAll = { when: "soon", count: Number.POSITIVE_INFINITY, share: undefined } as const;

/** The jobs of one model in one run. */
export class JobRunner {
	readonly #options: JobRunOptions;
	readonly #modelRun: ModelRun;
	readonly #jobs: ModelJobs;
	readonly #open = new Map<string, JobRecord>();
	readonly #views = new JobViews();
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
		const ends = new Map<string, Promise<{ tag: string; status: JobStatus }>>();
		try {
			await this.#begin();
			if (!this.#options.detach) await this.#waitForAll(ends);
		} catch (error) {
			// The halt says what happened; the jobs go on.
			if (!(error instanceof AbortedError && this.#options.halt.stopSignal.aborted)) throw error;
		} finally {
			for (const end of ends.values()) end.catch(() => {});
			this.#discardWaiting();
		}
	}

	async #begin(): Promise<void> {
		await this.#recover();
		if (this.#options.detach) await this.#collectEnded();
		await this.#gather();
		await this.#submitWaiting();
	}

	/** Brings jobs home as they end, and submits what had to wait for room. */
	async #waitForAll(ends: Map<string, Promise<{ tag: string; status: JobStatus }>>): Promise<void> {
		const { halt, pollMs } = this.#options;
		const isDone = () => this.#open.size === 0 && this.#waiting.length === 0 && !this.#isIncomplete;
		while (!isDone() && !halt.stopSignal.aborted) {
			for (const record of this.#open.values())
				if (!ends.has(record.tag)) ends.set(record.tag, this.#end(record));
			if (ends.size === 0) {
				// Jobs that are not ours fill the queue: room comes when one of them ends.
				await this.#sleep(pollMs);
			} else {
				const { tag, status } = await Promise.race(ends.values());
				ends.delete(tag);
				await this.#collect(this.#open.get(tag) as JobRecord, status);
			}
			if (this.#isIncomplete) await this.#gather();
			await this.#submitWaiting();
		}
	}

	/** Jobs of earlier runs into the same results file. */
	async #recover(): Promise<void> {
		const { run, onNote } = this.#options;
		for (const record of this.#jobs.log.jobs()) {
			const isOurs =
				record.run === run && record.model === this.#jobs.model && record.fetchedAt === undefined;
			if (!isOurs) continue;
			if (!this.#jobs.canSee(record)) throw otherKey(record, this.#jobs.model);
			if (record.rawId === undefined && record.creatingAt !== undefined)
				onNote(
					`looking for a job of ${rowsText(record.rows)} whose creation was cut off; takes up to a minute`,
				);
			const found = await this.#jobs.creation.recover(record);
			if (found === undefined) continue;
			this.#open.set(found.tag, found);
			this.#show(found);
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
			mostUsd: (row) => mostUsdOf(row, this.#modelRun),
			add: (wireId, line, facts) => parts.add(wireId, line, facts),
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
		const { run, halt, onSubmitted } = this.#options;
		while (!halt.stopSignal.aborted) {
			const next = this.#waiting[0];
			if (next === undefined) return;
			const queued = [...this.#tokens.values()].reduce((sum, tokens) => sum + tokens, 0);
			if (this.#open.size > 0 && queued + next.inputTokens > this.#jobs.room(this.#modelRun.modelId)) return;
			try {
				const estimateUsd = next.usd;
				const record = await this.#jobs.creation.submit(next.tag, next.part, { run, estimateUsd });
				onSubmitted(estimateUsd ?? 0);
				this.#waiting.shift();
				this.#open.set(record.tag, record);
				this.#tokens.set(record.tag, next.inputTokens);
				this.#show(record);
			} catch (error) {
				if (!(error instanceof QueueFullError)) throw error;
				if (!(await this.#makeRoom(next, error))) return;
			}
		}
	}

	/**
	 * After a part found no room in the queue: its rows are gathered again, into parts that fit what was learnt. True when
	 * they may be submitted at once, in smaller jobs.
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
		const { bookedRows, flushLedger, onNote, onTotals, foreignPath, superseded } = this.#options;
		const { folder, log } = this.#jobs;
		const id = jobId(record) as string;
		log.append({ event: "ended", job: record.tag, state: status.state, at: new Date().toISOString() });
		const refused = status.state === "failed" ? status.problems : [];
		const booked = record.fetching ? await bookedRows(record) : new Set<string>();
		const culprits = await idsAtLines(folder, record.tag, refused);
		const results = await this.#jobs.results(record, status);
		try {
			if (results.size === 0 && results.foreign > 0)
				await refuseStrangers(record, results, this.#jobs, foreignPath(record.tag));
			log.append({ event: "fetching", job: record.tag });
			const flush = () => flushLedger(this.#modelRun);
			const llm = new CollectingModel({ jobs: this.#jobs, record, results, booked, flush });
			await this.#send(llm);
			const names = readRowNames(folder, record.tag);
			const { answers, unnamed } = await keepUnasked(llm, names, this.#options, this.#modelRun);
			const strangers = results.foreign + unnamed.length;
			const foreign = strangers > 0 ? { count: strangers, path: foreignPath(record.tag) } : undefined;
			if (foreign !== undefined) await results.writeStrangers(foreign.path, unnamed);
			this.#close(record);
			const kept = { foreign, superseded: { count: answers, path: superseded.path } };
			jobNotes(id, record, results, { status, ...kept }).forEach(onNote);
			onTotals(id, status.totals, llm.totals);
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
		this.#views.delete(record);
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

	#show(record: JobRecord, status?: JobStatus, nextInMs = 0, trouble?: string): void {
		if (status === undefined || !isFinal(status.state) || this.#open.has(record.tag))
			this.#views.set({ record, status, nextInMs, trouble });
		this.#options.onJobs(this.#views.all, this.#waiting.length);
	}
}
