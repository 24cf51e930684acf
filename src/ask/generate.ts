import type { CachedAnswer } from "../cache/answer.ts";
import { cacheMiss } from "../cache/response-cache.ts";
import { LlmxError } from "../errors.ts";
import { estimateInputTokens } from "../models/tokens.ts";
import type { ItemOutcome, SendContext } from "../schedule/schedule-options.ts";
import { Schedule } from "../schedule/scheduler.ts";
import type { Result } from "../types.ts";
import { noCost } from "../types.ts";
import type { AskContext } from "./ask.ts";
import { RequestCoalescer } from "./coalesce.ts";
import { OutcomeQueue } from "./outcome-queue.ts";
import type { Pacing } from "./pacing.ts";
import { prefixOf } from "./prefix.ts";
import type { Question } from "./question.ts";
import { questionsOf, type RefusedRow, type RowQuestion } from "./rows.ts";
import type { RowOutcome, RunControl } from "./run-control.ts";
import { SharedPrompts } from "./shared-prompts.ts";

export interface GenerateRunOptions<Row> extends AskContext {
	readonly control: RunControl<Row>;
	readonly toQuestion: (row: Row) => Question;
	readonly pacing: Pacing;
}

/** What holds of a row for which nothing was sent. */
const unsent = { attempts: 0, partial: null, spent: noCost } as const;

/**
 * Asks every row and yields the outcomes as they complete, those that are known at one time together. Cached answers cost no request, and identical rows in
 * flight are sent once. A ledger row is written before its outcome is passed on. Memory stays constant for any iterable.
 * @throws what ends the whole run: an AbortedError, or the error of the last usable key
 */
export function runMany<Row>(
	rows: Iterable<Row> | AsyncIterable<Row>,
	options: GenerateRunOptions<Row>,
): AsyncGenerator<readonly RowOutcome<Row>[], void> {
	return new ManyRun(rows, options).outcomes();
}

/** The outcomes of `runMany` one by one. */
export async function* oneByOne<Row>(
	groups: AsyncGenerator<readonly RowOutcome<Row>[], void>,
): AsyncGenerator<RowOutcome<Row>, void> {
	// `yield*` would wait for each of them twice.
	for await (const outcomes of groups) for (const outcome of outcomes) yield outcome;
}

class ManyRun<Row> {
	readonly #rows: Iterable<Row> | AsyncIterable<Row>;
	readonly #options: GenerateRunOptions<Row>;
	readonly #queue = new OutcomeQueue<RowOutcome<Row>>(() => this.#schedule.resume());
	readonly #schedule: Schedule<RowQuestion<Row>, void>;
	/** Rows that wait for the answer of an identical one in flight. */
	readonly #coalescer = new RequestCoalescer<RowQuestion<Row>>();
	readonly #sharedPrompts: SharedPrompts;
	/** Answers that came since the last look into the cache. */
	readonly #answered = new Map<string, CachedAnswer>();

	constructor(rows: Iterable<Row> | AsyncIterable<Row>, options: GenerateRunOptions<Row>) {
		this.#rows = rows;
		this.#options = options;
		this.#sharedPrompts = new SharedPrompts(options.promptCacheMinimum);
		this.#schedule = this.#newSchedule();
	}

	#newSchedule(): Schedule<RowQuestion<Row>, void> {
		const { pacing, maxRetries, signal, onRetry, clock, random, control } = this.#options;
		const { admit, onPause, onServer } = control;
		return new Schedule(this.#misses(), {
			route: pacing.route,
			maxInFlight: () => pacing.maxInFlight,
			acquireSlot: pacing.acquireSlot,
			...{ onPause, onServer },
			onCrowded: (others, error) => pacing.crowded(others, error),
			prefix: pacing.route.servers.areSeveral
				? ({ pending: { question } }: RowQuestion<Row>) => prefixOf(question.messages)
				: undefined,
			maxRetries,
			signal,
			clock,
			random,
			cost: ({ pending: { question } }: RowQuestion<Row>) => ({
				inputTokens: estimateInputTokens(question.messages),
				maxOutputTokens: question.parameters.maxTokens,
			}),
			attempt: (question, attempt) => this.#attempt(question, attempt),
			onOutcome: (sent) => {
				try {
					this.#settle(sent);
				} catch (error) {
					this.#schedule.abort(error);
				}
			},
			isFull: () => this.#queue.isFull,
			admit: admit && (({ row }) => admit(row)),
			onRetry: onRetry && ((_question, notice) => onRetry(notice)),
		});
	}

	async *outcomes(): AsyncGenerator<readonly RowOutcome<Row>[], void> {
		const { cached, flushLedger, control } = this.#options;
		const onStop = () => {
			this.#schedule.stop();
			this.#sharedPrompts.end();
		};
		if (control.stop?.aborted) onStop();
		else control.stop?.addEventListener("abort", onStop, { once: true });
		const sending = this.#schedule.run().then(
			() => this.#queue.end(),
			(error) => this.#queue.end(error),
		);
		try {
			for await (const outcomes of this.#queue.batches()) {
				await flushLedger();
				yield outcomes;
			}
		} finally {
			control.stop?.removeEventListener("abort", onStop);
			this.#schedule.abort();
			this.#queue.leave();
			this.#sharedPrompts.end();
			await sending;
			await cached.flush();
		}
	}

	async #attempt({ index, row, pending, shared }: RowQuestion<Row>, attempt: SendContext): Promise<void> {
		const { caller, control, pacing } = this.#options;
		const before = pending.spent;
		const fills = shared?.isFilledBy(index) === true;
		let error: unknown;
		try {
			await caller.attempt(pending, {
				key: attempt.key,
				server: attempt.server,
				signal: attempt.signal,
				resend: attempt.resend,
				inTurn: pacing.acquireSlot !== undefined,
				onLeave: control.onLeave,
				promptCache: shared && "system",
				// What is kept is there as soon as the answer begins.
				streamed: this.#options.streamed || fills,
				onBegun: fills ? () => shared.fill() : undefined,
				onExchange: ({ headers }) => {
					attempt.snapshot = headers && pacing.readHeaders(headers);
				},
			});
			attempt.inputTokens = pending.answer.usage?.inputTokens;
			attempt.outputTokens = pending.answer.usage?.outputTokens;
		} catch (failure) {
			error = failure;
			throw failure;
		} finally {
			const { usd, unknownCalls } = pending.spent;
			const cost = { usd: usd - before.usd, unknownCalls: unknownCalls - before.unknownCalls };
			control.onSent?.(row, { usage: pending.answer.usage, cost, error });
		}
	}

	/** Takes rows, answers from the cache what it can, and gives the scheduler the rest. */
	async *#misses(): AsyncGenerator<readonly RowQuestion<Row>[], void> {
		const { cached, cache } = this.#options;
		const refuse = ({ index, row, error }: RefusedRow<Row>) =>
			this.#queue.push({ ok: false, index, row, error: asLlmxError(error), ...unsent });
		for await (const questions of questionsOf(this.#rows, this.#options, refuse)) {
			while (this.#queue.isFull) await this.#queue.room();
			// Rows that need no request would go on forever after the end of the run: nobody takes the next one.
			if (this.#queue.ended) return;
			this.#answered.clear();
			const keys = cache === "refresh" ? [] : questions.flatMap(({ key }) => key ?? []);
			const stored = keys.length === 0 ? [] : await cached.find(keys);
			const { areWatched } = this.#sharedPrompts;
			if (areWatched) this.#sharedPrompts.expect(questions.filter((_, at) => stored[at] === undefined));
			const misses = questions.filter((question, at) => this.#isMiss(question, stored[at]));
			if (!areWatched) yield misses;
			else for (const question of misses) yield [await this.#sharedPrompts.join(question)];
			while (this.#coalescer.areTooMany && !this.#queue.left) await this.#queue.room();
		}
	}

	/** Whether a question is to be sent; else it has its outcome, or waits for that of an identical one. */
	#isMiss(question: RowQuestion<Row>, stored: CachedAnswer | undefined): boolean {
		const { index, row, key } = question;
		if (key === undefined) return true;
		if (this.#coalescer.follow(key, question)) return false;
		const answer = stored ?? this.#answered.get(key);
		const result = answer && this.#reuse(row, answer);
		if (result !== undefined) {
			this.#queue.push({ ok: true, index, row, result });
			return false;
		}
		if (this.#options.cache === "only") {
			this.#queue.push({ ok: false, index, row, error: cacheMiss(), ...unsent });
			return false;
		}
		this.#coalescer.lead(key);
		return true;
	}

	#settle(sent: ItemOutcome<RowQuestion<Row>, void>): void {
		const { model, accounting, cached, cache } = this.#options;
		const { index, row, pending, key, shared } = sent.item;
		if (shared?.isFilledBy(index)) shared.fill();
		const followers = key === undefined ? [] : this.#coalescer.takeFollowers(key);
		if (!sent.ok) {
			const error = asLlmxError(sent.error);
			accounting.noteFailedCall(error);
			this.#fail(sent, error, followers);
			return;
		}
		let result: Result;
		try {
			result = this.#judge(row, pending.result(model));
		} catch (refusal) {
			this.#fail(sent, asLlmxError(refusal), followers);
			return;
		}
		if (key !== undefined) {
			void cached.store(key, pending.answer);
			if (cache !== "refresh") this.#answered.set(key, pending.answer);
		}
		this.#queue.push({ ok: true, index, row, result });
		for (const follower of followers) this.#share(pending.answer, follower);
	}

	#share(answer: CachedAnswer, { index, row }: RowQuestion<Row>): void {
		try {
			const result = this.#options.cached.reuse(answer, (shared) => this.#judge(row, shared));
			this.#queue.push({ ok: true, index, row, result });
		} catch (refusal) {
			this.#queue.push({ ok: false, index, row, error: asLlmxError(refusal), ...unsent });
		}
	}

	/** A row without an answer, and those that waited for the same one. */
	#fail(
		sent: ItemOutcome<RowQuestion<Row>, void>,
		error: LlmxError,
		followers: readonly RowQuestion<Row>[],
	): void {
		const { index, row, pending } = sent.item;
		const partial = !sent.ok && pending.choices.length > 0 ? pending.result(this.#options.model) : null;
		const { spent } = pending;
		this.#queue.push({ ok: false, index, row, error, attempts: sent.attempts, partial, spent });
		for (const follower of followers)
			this.#queue.push({ ok: false, index: follower.index, row: follower.row, error, ...unsent });
	}

	#judge(row: Row, result: Result): Result {
		return this.#options.control.judge?.(row, result) ?? result;
	}

	/** A stored answer as a result; undefined when it is judged to be none. */
	#reuse(row: Row, answer: CachedAnswer): Result | undefined {
		try {
			return this.#options.cached.reuse(answer, (result) => this.#judge(row, result));
		} catch {
			return undefined;
		}
	}
}

/** Errors of a caller's own iterable pass through an outcome too. */
function asLlmxError(error: unknown): LlmxError {
	if (error instanceof LlmxError) return error;
	const message = error instanceof Error ? error.message : String(error);
	return new LlmxError(message, { cause: error });
}
