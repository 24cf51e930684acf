import { type Question, questionMaker, unknownQuestion } from "../../ask/question.ts";
import type { RowOutcome, RunControl } from "../../ask/run-control.ts";
import { LlmxError, RequestError } from "../../errors.ts";
import type { JobResult } from "../../jobs/contract.ts";
import type { JobRecord } from "../../jobs/job-log.ts";
import type { ModelJobs } from "../../jobs/model-jobs.ts";
import type { RowName } from "../../jobs/part-file.ts";
import type { RowFacts } from "../../jobs/part-splitter.ts";
import type { ResultsFile } from "../../jobs/results-file.ts";
import { noRows, type RowTotals } from "../../jobs/totals.ts";
import { estimateInputTokens } from "../../models/tokens.ts";
import type { Parameters } from "../../parameters/table.ts";
import type { BatchRow } from "../../prompts/row-builder.ts";
import { type Cost, noCost, type Result, type Usage } from "../../types.ts";
import { requestHash } from "../request-hash.ts";
import type { BatchModel, SentRow } from "../run.ts";

/**
 * The id of a row on the wire: short ASCII, as every provider takes it, and the same in every run as long as the row
 * asks the same. The user's own ids stay at home.
 */
export function wireIdOf(row: BatchRow, model: string): string {
	return wireIdFor({ id: row.id, hash: requestHash(row) }, model);
}

function wireIdFor({ id, hash }: Pick<RowName, "id" | "hash">, model: string): string {
	const crypto = process.getBuiltinModule("node:crypto");
	return `r${crypto.hash("sha256", `${id}\n${model}\n${hash}`).slice(0, 31)}`;
}

type RunOptions = Parameters & { readonly signal?: AbortSignal };

/** Answers of a row that brought none, before anything was sent for it. */
const unsent = { attempts: 0, partial: null, spent: noCost } as const;

export interface GatheringOptions {
	/** The row is in a job already. */
	readonly isUnderway: (wireId: string) => boolean;
	/** Why the provider refused the row in an earlier job of this run; undefined when it did not. */
	readonly refusal: (wireId: string) => LlmxError | undefined;
	/** USD that a row may cost at most; null when unknown. */
	readonly mostUsd: (row: BatchRow) => number | null;
	readonly add: (wireId: string, line: string, facts: RowFacts) => void;
}

/**
 * Takes the place of a model while rows are gathered for jobs: each goes to `add`, and only those that cannot be sent
 * as they are have an outcome.
 */
export class GatheringModel implements BatchModel {
	readonly #jobs: ModelJobs;
	readonly #options: GatheringOptions;

	constructor(jobs: ModelJobs, options: GatheringOptions) {
		this.#jobs = jobs;
		this.#options = options;
	}

	async *generateTogether(
		rows: Iterable<SentRow> | AsyncIterable<SentRow>,
		options: RunOptions,
	): AsyncGenerator<readonly RowOutcome<SentRow>[], void> {
		const toQuestion = questionMaker(options);
		const { isUnderway, refusal, add, mostUsd } = this.#options;
		let index = -1;
		for await (const row of rows) {
			index += 1;
			const name = { id: row.row.id, hash: requestHash(row.row), n: row.row.n };
			const wireId = wireIdFor(name, this.#jobs.model);
			if (isUnderway(wireId)) continue;
			try {
				const refused = refusal(wireId);
				if (refused !== undefined) throw refused;
				const question = toQuestion(row);
				const inputTokens = estimateInputTokens(question.messages);
				add(wireId, await this.#jobs.line(wireId, question), { inputTokens, usd: mostUsd(row.row), name });
			} catch (error) {
				if (!(error instanceof LlmxError)) throw error;
				yield [{ ok: false, index, row, error, ...unsent }];
			}
		}
	}
}

/** Failures that say nothing of a row: the account could not pay, so its rows are missing rather than failed. */
function isOfAccount(error: unknown): error is RequestError {
	return error instanceof RequestError && (error.errorClass === "quota" || error.errorClass === "auth");
}

/** The results of a job that no row of the input asked for. */
export interface Unasked {
	/** How many of them are answers to rows that have names. */
	readonly answers: number;
	/** Ids of answers whose rows have no names any more. */
	readonly unnamed: readonly string[];
	readonly bill: Cost & { readonly requests: number };
}

/** Rows whose ledger row is brought onto the disk together, before any of them counts as answered. */
const rowsPerFlush = 64;

/** Takes the place of a model while the results of a job are handed out to the rows that they answer. */
export class CollectingModel implements BatchModel {
	readonly #jobs: ModelJobs;
	readonly #record: JobRecord;
	readonly #results: ResultsFile;
	/** Rows of the job that are in the ledger already. */
	readonly #booked: ReadonlySet<string>;
	readonly #flush: () => Promise<void>;
	/** The account's failure, when one kept rows from being worked on. */
	accountFailure: RequestError | undefined;
	/** What all its results add up to. */
	readonly totals: RowTotals = { ...noRows };

	constructor(options: {
		readonly jobs: ModelJobs;
		readonly record: JobRecord;
		readonly results: ResultsFile;
		readonly booked: ReadonlySet<string>;
		readonly flush: () => Promise<void>;
	}) {
		this.#jobs = options.jobs;
		this.#record = options.record;
		this.#results = options.results;
		this.#booked = options.booked;
		this.#flush = options.flush;
	}

	async *generateTogether(
		rows: Iterable<SentRow> | AsyncIterable<SentRow>,
		options: RunOptions,
		control: RunControl<SentRow>,
	): AsyncGenerator<readonly RowOutcome<SentRow>[], void> {
		const toQuestion = questionMaker(options);
		let waiting: RowOutcome<SentRow>[] = [];
		let index = 0;
		for await (const row of rows) {
			const wireId = wireIdOf(row.row, this.#jobs.model);
			if (this.#results.has(wireId)) {
				const outcome = this.#outcome(row, index, wireId, toQuestion(row), control);
				if (outcome !== undefined) waiting.push(outcome);
			}
			index += 1;
			if (waiting.length >= rowsPerFlush) {
				await this.#flush();
				yield waiting;
				waiting = [];
			}
		}
		await this.#flush();
		yield waiting;
	}

	/**
	 * The results that no row of the input asked for: it has changed since, or leaves rows out. They were paid for like
	 * the others, so they are booked like them. To be called once rows have had theirs.
	 */
	async unasked(
		names: AsyncIterable<{ wireId: string; name: RowName | undefined }>,
		keep: (name: RowName, result: Result) => void,
	): Promise<Unasked> {
		const unnamed: string[] = [];
		let answers = 0;
		const bill = { requests: 0, usd: 0, unknownCalls: 0 };
		for await (const { wireId, name } of names) {
			if (!this.#results.isLeft(wireId)) continue;
			const found = this.#results.result(wireId);
			if (found === undefined || (!found.ok && found.reason !== "failed")) continue;
			const { result, cost } = this.#book(found, unknownQuestion(name?.n ?? 1));
			bill.requests += 1;
			bill.usd += cost.usd;
			bill.unknownCalls += cost.unknownCalls;
			if (result === undefined) continue;
			if (name === undefined) unnamed.push(wireId);
			else {
				answers += 1;
				keep(name, result);
			}
		}
		await this.#flush();
		return { answers, unnamed, bill };
	}

	/** Books a result, and counts it. */
	#book(
		found: JobResult,
		question: Question,
	): { result?: Result; error?: unknown; cost: Cost; usage: Usage | null } {
		let result: Result | undefined;
		let error: unknown;
		try {
			result = this.#jobs.take(this.#record, found, question, this.#booked.has(found.wireId)).result;
		} catch (caught) {
			error = caught;
		}
		const usage = result?.usage ?? (error instanceof RequestError ? error.usage : null);
		const costUsd = result === undefined ? this.#jobs.failureCost(error) : result.costUsd;
		const cost = costUsd === null ? { usd: 0, unknownCalls: 1 } : { usd: costUsd, unknownCalls: 0 };
		if (!isOfAccount(error)) this.#addUp(usage, cost);
		return { ...(result && { result }), error, cost, usage };
	}

	#addUp(usage: Usage | null, { usd, unknownCalls }: Cost): void {
		const { totals } = this;
		totals.usd += usd;
		totals.unknownCosts += unknownCalls;
		totals.inputTokens += usage?.inputTokens ?? 0;
		totals.outputTokens += usage?.outputTokens ?? 0;
		// A failure that nobody billed has no tokens to count.
		if (usage === null && unknownCalls > 0) totals.unknownUsages += 1;
	}

	#outcome(
		row: SentRow,
		index: number,
		wireId: string,
		question: Question,
		control: RunControl<SentRow>,
	): RowOutcome<SentRow> | undefined {
		const found = this.#results.take(wireId);
		if (found === undefined) return undefined;
		if (!found.ok && found.reason !== "failed") return undefined;
		const { result, cost, usage, error: failure } = this.#book(found, question);
		let error = failure;
		if (isOfAccount(error)) {
			this.accountFailure ??= error;
			return undefined;
		}
		control.admit?.(row);
		control.onSent?.(row, { usage, cost, error });
		try {
			if (result !== undefined)
				return { ok: true, index, row, result: control.judge?.(row, result) ?? result };
		} catch (refusal) {
			error = refusal;
		}
		if (!(error instanceof LlmxError)) throw error;
		return { ok: false, index, row, error, attempts: 1, partial: null, spent: cost };
	}
}
