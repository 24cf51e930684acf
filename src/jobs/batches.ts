import { type Question, questionMaker, unknownQuestion } from "../ask/question.ts";
import { LlmxError, PartialFailureError, UsageError } from "../errors.ts";
import type { BatchOptions, BatchStatus } from "../options.ts";
import type { Clock } from "../schedule/clock.ts";
import type { JobStatus } from "./contract.ts";
import { isFinal } from "./contract.ts";
import { type JobRecord, parseJobId } from "./job-log.ts";
import type { OpenJobs } from "./open.ts";
import { PartSplitter } from "./part-splitter.ts";
import { waitForEnd } from "./wait.ts";

/** What separates the provider's ids of several jobs in one self-contained id. */
const separator = ",";

/** Of a row nobody has reckoned what it takes. */
const unknownFacts = { inputTokens: 0, usd: null };

/** Where a prompt stood among the others: the answer finds its place by it on any machine. */
function wireIdAt(index: number): string {
	return `p${index}`;
}

function indexOf(wireId: string): number | undefined {
	const match = /^p(\d+)$/.exec(wireId);
	return match === null ? undefined : Number(match[1]);
}

/**
 * Makes batch jobs of questions, as few as the provider's limits allow. Returns their self-contained id, such as
 * `openai:120:batch_abc`, by which they are found from any process or machine that has the key.
 * @throws RequestError, QueueFullError, UnknownOutcomeError, UnsupportedError
 */
async function submitQuestions({ jobs }: OpenJobs, questions: readonly Question[]): Promise<string> {
	if (questions.length === 0) throw new UsageError("a batch needs at least one prompt");
	const { rows, bytes } = jobs.dialect.limits;
	const splitter = new PartSplitter(jobs, { rows, bytes, inputTokens: Number.POSITIVE_INFINITY });
	try {
		for (const [index, question] of questions.entries())
			splitter.add(wireIdAt(index), await jobs.line(wireIdAt(index), question), unknownFacts);
	} catch (error) {
		splitter.discard();
		throw error;
	}
	const parts = splitter.end();
	const rawIds: string[] = [];
	let provider = "";
	for (const { tag, part } of parts) {
		const record = await jobs.creation.submit(tag, part, { run: null, estimateUsd: null });
		rawIds.push(record.rawId as string);
		provider = record.provider;
	}
	return `${provider}:${questions.length}:${rawIds.join(separator)}`;
}

/** The jobs of an id as records: those of this machine, or as much as the id itself says of them. */
function recordsOf({ jobs }: OpenJobs, id: string): readonly JobRecord[] {
	const parsed = parseJobId(id);
	if (parsed === undefined) throw new UsageError(`"${id}" is not the id of a batch`);
	if (parsed.provider !== jobs.provider)
		throw new UsageError(`the batch ${id} is one of ${parsed.provider}, not of ${jobs.provider}`);
	const known = jobs.log.jobs();
	return parsed.rawId
		.split(separator)
		.map(
			(rawId) =>
				known.find((job) => job.provider === parsed.provider && job.rawId === rawId) ??
				jobs.foreignRecord(rawId, parsed.rows),
		);
}

/** How the jobs of an id stand together. */
async function statusOf(open: OpenJobs, id: string): Promise<BatchStatus> {
	const statuses: JobStatus[] = [];
	for (const record of recordsOf(open, id)) statuses.push(await open.jobs.status(record));
	const sum = (pick: (status: JobStatus) => number | null) =>
		statuses.reduce<number | null>((total, status) => {
			const count = pick(status);
			return total === null || count === null ? null : total + count;
		}, 0);
	const unfinished = statuses.find(({ state }) => !isFinal(state));
	const failed = statuses.find(({ state }) => state !== "completed");
	const shown = unfinished ?? failed ?? (statuses[0] as JobStatus);
	return {
		state: shown.state,
		isFinal: unfinished === undefined,
		total: sum(({ counts }) => counts.total),
		succeeded: sum(({ counts }) => counts.succeeded),
		failed: sum(({ counts }) => counts.failed),
		expiresAt: shown.expiresAt,
		problems: statuses.flatMap(({ problems }) => problems.map(({ message }) => message)),
	};
}

/**
 * The answers of ended jobs, one list per prompt, in the order of the prompts.
 * @throws LlmxError when a job has not ended; PartialFailureError with `results` (null where an answer is missing) and
 *   `errors` when any prompt has no answer
 */
async function retrieve(open: OpenJobs, id: string): Promise<string[][]> {
	const { jobs } = open;
	const count = parseJobId(id)?.rows ?? 0;
	const results: (string[] | null)[] = new Array(count).fill(null);
	const errors: (LlmxError | null)[] = new Array(count).fill(null);
	for (const record of recordsOf(open, id)) {
		const status = await jobs.status(record);
		if (!isFinal(status.state))
			throw new LlmxError(`the batch ${id} has not ended: ${status.word}`, {
				hint: "wait until it has ended",
			});
		const file = await jobs.results(record, status);
		try {
			const booked =
				record.fetchedAt !== undefined || record.fetching ? await open.bookedRows(record) : new Set();
			if (record.submittedAt > 0) jobs.log.append({ event: "fetching", job: record.tag });
			for (const wireId of file.ids()) {
				const index = indexOf(wireId);
				const result = file.result(wireId);
				if (index === undefined || index >= count || result === undefined) continue;
				try {
					const taken = jobs.take(record, result, unknownQuestion(1), booked.has(wireId));
					results[index] = [...taken.result.texts];
				} catch (error) {
					if (!(error instanceof LlmxError)) throw error;
					errors[index] = error;
				}
			}
			await open.flushLedger();
			if (record.submittedAt > 0) jobs.fetched(record);
			else jobs.discard(record.tag);
		} finally {
			file.close();
		}
	}
	if (results.every((texts) => texts !== null)) return results as string[][];
	for (const [index, texts] of results.entries())
		if (texts === null) errors[index] ??= new LlmxError("the batch returned no result for this prompt");
	const missing = results.filter((texts) => texts === null).length;
	throw new PartialFailureError(`${missing} of ${count} prompts have no answer`, { results, errors });
}

export interface BatchesOptions {
	readonly options: BatchOptions;
	readonly clock: Clock;
	/** 0 <= x < 1. */
	readonly random: () => number;
}

/** The batches of an LLM, as the library offers them. */
export class Batches {
	readonly #open: OpenJobs;
	readonly #settings: BatchesOptions;

	constructor(open: OpenJobs, settings: BatchesOptions) {
		this.#open = open;
		this.#settings = settings;
	}

	async submit(prompts: readonly string[]): Promise<string> {
		const toQuestion = questionMaker(this.#settings.options);
		return submitQuestions(
			this.#open,
			prompts.map((prompt) => toQuestion({ prompt })),
		);
	}

	status(id: string): Promise<BatchStatus> {
		return statusOf(this.#open, id);
	}

	retrieve(id: string): Promise<string[][]> {
		return retrieve(this.#open, id);
	}

	/** Submits, waits and retrieves. Aborting leaves the jobs running. */
	async run(prompts: readonly string[]): Promise<string[][]> {
		const { clock, random, options } = this.#settings;
		const id = await this.submit(prompts);
		const submittedAt = Date.now();
		for (const record of recordsOf(this.#open, id))
			await waitForEnd({
				look: () => this.#open.jobs.status(record),
				pollMs: this.#open.pollMs,
				submittedAt,
				now: Date.now,
				sleep: (ms) => clock.sleep(ms, options.signal),
				random,
				onStatus: () => options.onStatus?.(id),
			});
		return this.retrieve(id);
	}
}
