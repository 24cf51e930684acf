import { type Caller, PendingAnswer, type Question } from "./call.ts";
import { AbortedError, CacheMissError, LlmxError } from "./errors.ts";
import type { CacheMode } from "./llm.ts";
import { estimateInputTokens } from "./tokens.ts";
import type { Clock } from "./traffic/clock.ts";
import type { Route as Lanes } from "./traffic/route.ts";
import { type Outcome as Sent, schedule } from "./traffic/scheduler.ts";
import type { Result, RetryNotice } from "./types.ts";

/** What became of one of many prompts; `index` counts from 0 in the order of the input. */
export type Outcome<Row> =
	| { readonly ok: true; readonly index: number; readonly row: Row; readonly result: Result }
	| {
			readonly ok: false;
			readonly index: number;
			readonly row: Row;
			readonly error: LlmxError;
			/** Requests sent for it. */
			readonly attempts: number;
	  };

export interface RunOptions<Row> {
	readonly caller: Caller;
	readonly toQuestion: (row: Row) => Question;
	readonly cache: CacheMode;
	readonly lanes: Lanes;
	readonly maxRetries: number;
	readonly signal: AbortSignal | undefined;
	readonly onRetry: ((notice: RetryNotice) => void) | undefined;
	readonly clock: Clock;
	/** Numbers in [0, 1). */
	readonly random: () => number;
	/** Resolves when all ledger rows so far are written. */
	readonly flushLedger: () => Promise<void>;
}

interface Job<Row> {
	readonly index: number;
	readonly row: Row;
	readonly pending: PendingAnswer;
	/** The cache key; undefined when every row is a sample of its own. */
	readonly key: string | undefined;
}

/** Outcomes that wait for a slow consumer, and rows that wait for a twin in flight, at the most. */
const MAX_READY = 1_024;
const MAX_TWINS = 4_096;

/**
 * Asks every row and yields the outcomes as they complete. Cached answers cost no request, and identical rows in
 * flight are sent once. A ledger row is written before its outcome is handed on. Memory is flat for any iterable.
 * @throws what ends the whole run: an AbortedError, or the error of the last usable key
 */
export function runMany<Row>(
	rows: Iterable<Row> | AsyncIterable<Row>,
	options: RunOptions<Row>,
): AsyncGenerator<Outcome<Row>, void> {
	return new ManyRun(rows, options).outcomes();
}

class ManyRun<Row> {
	readonly #rows: Iterable<Row> | AsyncIterable<Row>;
	readonly #options: RunOptions<Row>;
	#ready: Outcome<Row>[] = [];
	/** Rows that wait for the answer of an identical one in flight, by cache key. */
	readonly #twins = new Map<string, Job<Row>[]>();
	#twinCount = 0;
	#wakeReader: (() => void) | undefined;
	#wakeWriters: (() => void)[] = [];

	constructor(rows: Iterable<Row> | AsyncIterable<Row>, options: RunOptions<Row>) {
		this.#rows = rows;
		this.#options = options;
	}

	async *outcomes(): AsyncGenerator<Outcome<Row>, void> {
		const { caller, lanes, maxRetries, signal, onRetry, clock, random, flushLedger } = this.#options;
		const sending = schedule(this.#misses(), {
			route: lanes,
			maxRetries,
			signal,
			clock,
			random,
			cost: ({ pending: { question } }: Job<Row>) => ({
				inputTokens: estimateInputTokens(question.messages),
				maxOutputTokens: question.parameters.maxTokens,
			}),
			attempt: async ({ pending }, attempt) => {
				await caller.attempt(pending, attempt);
			},
			onRetry: onRetry && ((_job, notice) => onRetry(notice)),
		});
		let ended = false;
		let failure: unknown;
		const pump = (async () => {
			for await (const sent of sending) {
				this.#settle(sent);
				if (this.#ready.length >= MAX_READY) await this.#room();
			}
		})()
			.catch((error) => {
				failure = error;
			})
			.finally(() => {
				ended = true;
				this.#wakeReader?.();
			});
		try {
			while (!ended || this.#ready.length > 0) {
				if (this.#ready.length === 0) {
					await new Promise<void>((resolve) => {
						this.#wakeReader = resolve;
					});
					continue;
				}
				const batch = this.#ready;
				this.#ready = [];
				this.#release();
				await flushLedger();
				yield* batch;
			}
			if (failure) throw failure;
		} finally {
			sending.abort();
			this.#release();
			await pump;
		}
	}

	/** Takes rows, answers from the cache what it can, and gives the scheduler the rest. */
	async *#misses(): AsyncGenerator<Job<Row>, void> {
		const { caller, toQuestion, cache } = this.#options;
		let index = -1;
		for await (const row of this.#rows) {
			index += 1;
			const pending = new PendingAnswer(toQuestion(row));
			if (cache === false) {
				yield { index, row, pending, key: undefined };
				continue;
			}
			const job: Job<Row> = { index, row, pending, key: caller.cacheKey(pending.question) };
			const twins = this.#twins.get(job.key as string);
			if (twins) {
				twins.push(job);
				this.#twinCount += 1;
				while (this.#twinCount >= MAX_TWINS) await this.#room();
				continue;
			}
			const result = cache === "refresh" ? undefined : await caller.lookUp(job.key as string);
			if (result) this.#push({ ok: true, index, row, result });
			else if (cache === "only") this.#push({ ok: false, index, row, error: cacheMiss(), attempts: 0 });
			else {
				this.#twins.set(job.key as string, []);
				yield job;
			}
			while (this.#ready.length >= MAX_READY) await this.#room();
		}
	}

	#settle(sent: Sent<Job<Row>, void>): void {
		const { caller } = this.#options;
		const { index, row, pending, key } = sent.item;
		const twins = (key !== undefined && this.#twins.get(key)) || [];
		if (key !== undefined) this.#twins.delete(key);
		this.#twinCount -= twins.length;
		if (sent.ok) {
			const { answer } = pending;
			if (key !== undefined) void caller.store(key, answer);
			this.#push({ ok: true, index, row, result: pending.result(caller.options.model) });
			for (const twin of twins) {
				this.#push({ ok: true, index: twin.index, row: twin.row, result: caller.reuse(answer) });
			}
			return;
		}
		const error = asLlmxError(sent.error);
		caller.recordFailedCall(error);
		this.#push({ ok: false, index, row, error, attempts: sent.attempts });
		for (const twin of twins) this.#push({ ok: false, index: twin.index, row: twin.row, error, attempts: 0 });
	}

	#push(outcome: Outcome<Row>): void {
		this.#ready.push(outcome);
		this.#wakeReader?.();
		this.#wakeReader = undefined;
	}

	/** Resolves when the consumer has taken what was ready. */
	#room(): Promise<void> {
		return new Promise((resolve) => this.#wakeWriters.push(resolve));
	}

	#release(): void {
		const writers = this.#wakeWriters;
		this.#wakeWriters = [];
		for (const wake of writers) wake();
	}
}

/** What `cache: "only"` says when it finds nothing. */
export function cacheMiss(): CacheMissError {
	return new CacheMissError("the answer is not in the cache", {
		hint: "leave --cache-only away to ask the model",
	});
}

/** Errors of a caller's own iterable pass through an outcome too. */
function asLlmxError(error: unknown): LlmxError {
	if (error instanceof LlmxError) return error;
	const message = error instanceof Error ? error.message : String(error);
	return new LlmxError(message, { cause: error });
}

/** The error for rows that were not reached because the run ended. */
export function notSent(cause: unknown): LlmxError {
	return cause instanceof LlmxError ? cause : new AbortedError("not sent: the run was stopped", { cause });
}
