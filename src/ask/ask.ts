import { cacheMiss } from "../cache/response-cache.ts";
import { LlmxError, partialTextOf, RequestError } from "../errors.ts";
import type { KeyPool } from "../schedule/key-pool.ts";
import { type RetryAttempt, retry } from "../schedule/retry.ts";
import type { ReleaseSlot } from "../slots/slots.ts";
import type { Result, StreamPart } from "../types.ts";
import { PendingAnswer } from "./answer.ts";
import type { AskContext } from "./ask-context.ts";
import { joinAnswers, withPartialText } from "./partial-text.ts";
import type { Question } from "./question.ts";

export interface SingleQuestionOptions extends AskContext {
	/** Asked for only when something is sent. @throws MissingKeyError */
	readonly keyPool: () => KeyPool;
	/** Takes one of the slots that all processes of the user share; undefined without such a cap. */
	readonly takeSlot: (signal: AbortSignal | undefined) => Promise<ReleaseSlot | undefined>;
}

/** One question, from the cache to its last retry. It is not paced: its refusals are waited out. */
export class SingleQuestion {
	readonly #question: Question;
	readonly #options: SingleQuestionOptions;

	constructor(question: Question, options: SingleQuestionOptions) {
		this.#question = question;
		this.#options = options;
	}

	/**
	 * Asks without a stream, for all of the answers.
	 * @throws MissingKeyError | RequestError | AbortedError | CacheMissError
	 */
	async answer(): Promise<Result> {
		const { caller, cache, signal, takeSlot, flushLedger } = this.#options;
		const found = await this.#lookUp();
		if (found) return found;
		const pending = new PendingAnswer(this.#question);
		try {
			await this.#withRetries(async ({ key, resend }) => {
				const leaveSlot = await takeSlot(signal);
				try {
					await caller.attempt(pending, { key, signal, resend, inTurn: leaveSlot !== undefined });
				} finally {
					leaveSlot?.();
				}
			});
		} catch (error) {
			const { choices, usage } = pending.answer;
			const texts = [...choices.map(({ text }) => text), partialTextOf(error)];
			throw withPartialText(error, { text: joinAnswers(texts), usage });
		}
		if (cache !== false) await caller.store(caller.cacheKey(this.#question), pending.answer);
		await flushLedger();
		return pending.result(caller.options.model);
	}

	/**
	 * Streams the answer. What fails before the first part is retried, what fails after it is not; leaving the loop
	 * closes the connection.
	 * @throws what `answer` throws
	 */
	async *stream(): AsyncGenerator<StreamPart, void> {
		const { caller, cache, signal, takeSlot, flushLedger } = this.#options;
		const found = await this.#lookUp();
		if (found) {
			yield* partsOf(found);
			return;
		}
		let attempts = 0;
		let leaveSlot: ReleaseSlot | undefined;
		try {
			const parts = await this.#withRetries(async ({ key, resend }) => {
				attempts += 1;
				leaveSlot = await takeSlot(signal);
				try {
					return await caller.open(this.#question, { key, signal, resend, attempts, keep: cache !== false });
				} catch (error) {
					// Waiting for the next try takes nobody's place.
					leaveSlot?.();
					leaveSlot = undefined;
					throw error;
				}
			});
			yield* parts;
		} catch (error) {
			// What fails in the middle of a stream does not know of the tries before it.
			if (error instanceof RequestError) error.attempts = attempts;
			throw error;
		} finally {
			leaveSlot?.();
			await flushLedger();
		}
	}

	/**
	 * Streams the answer, hands its parts on, and puts them together. Where nobody hears the parts, nothing is lost by
	 * beginning anew: what fails in the middle is retried too.
	 * @throws what `answer` throws
	 */
	async collect(onPart: ((part: StreamPart) => void) | undefined): Promise<Result> {
		if (onPart === undefined) return this.#collectUnheard();
		const received = new ReceivedStream(this.#options.caller.options.model);
		try {
			return await received.read(this.stream(), onPart);
		} catch (error) {
			throw withPartialText(error, { text: received.text });
		}
	}

	/** The error of the last try carries the text of the one that brought most. */
	async #collectUnheard(): Promise<Result> {
		const { caller, cache, signal, takeSlot, flushLedger } = this.#options;
		const found = await this.#lookUp();
		if (found) return found;
		let most: { readonly text: string; readonly cause?: unknown } = { text: "" };
		try {
			return await this.#withRetries(async ({ key, number, resend }) => {
				const leaveSlot = await takeSlot(signal);
				const received = new ReceivedStream(caller.options.model);
				try {
					const parts = await caller.open(this.#question, {
						key,
						signal,
						resend,
						attempts: number,
						keep: cache !== false,
					});
					return await received.read(parts);
				} catch (error) {
					if (received.text.length > most.text.length) most = { text: received.text, cause: error };
					throw error;
				} finally {
					leaveSlot?.();
				}
			});
		} catch (error) {
			const { text, cause } = most;
			const usage = cause instanceof RequestError && cause !== error ? cause.usage : null;
			throw withPartialText(error, { text, usage, maybeBilled: true });
		} finally {
			await flushLedger();
		}
	}

	async #lookUp(): Promise<Result | undefined> {
		const { caller, cache, flushLedger } = this.#options;
		if (cache === false || cache === "refresh") return undefined;
		const found = await caller.lookUp(caller.cacheKey(this.#question));
		if (!found && cache === "only") throw cacheMiss();
		if (found) await flushLedger();
		return found;
	}

	async #withRetries<T>(call: (attempt: RetryAttempt) => Promise<T>): Promise<T> {
		const { caller, keyPool, clock, random, maxRetries, signal, onRetry, flushLedger } = this.#options;
		const pool = keyPool();
		try {
			return await retry(call, { pool, clock, random, maxRetries, signal, onRetry });
		} catch (error) {
			caller.options.accounting.noteFailedCall(error);
			await flushLedger();
			throw error;
		}
	}
}

/** A streamed answer as far as it has come. */
class ReceivedStream {
	readonly #model: string;
	text = "";
	#reasoning = "";

	constructor(model: string) {
		this.#model = model;
	}

	/** Reads to the finish and hands each part on. @throws what the stream throws; `text` is then what had come */
	async read(parts: AsyncIterable<StreamPart>, onPart?: (part: StreamPart) => void): Promise<Result> {
		for await (const part of parts) {
			onPart?.(part);
			if (part.type === "text-delta") this.text += part.text;
			else if (part.type === "reasoning-delta") this.#reasoning += part.text;
			else {
				const { type: _, ...finish } = part;
				const { text } = this;
				return { model: this.#model, text, texts: [text], reasoning: this.#reasoning || null, ...finish };
			}
		}
		throw new LlmxError(`${this.#model}: the stream ended without a finish`);
	}
}

/** A stored answer as a stream gives it. */
function* partsOf({ model: _, text, texts: __, reasoning, ...finish }: Result): Generator<StreamPart, void> {
	if (reasoning) yield { type: "reasoning-delta", text: reasoning };
	yield { type: "text-delta", text };
	yield { type: "finish", ...finish };
}
