import { AnswerText } from "../answer-text.ts";
import type { CachedAnswer } from "../cache/answer.ts";
import { cacheMiss } from "../cache/response-cache.ts";
import { LlmxError, partialTextOf, RequestError, withPartial } from "../errors.ts";
import { estimateInputTokens } from "../models/tokens.ts";
import type { AskOptions, CacheMode } from "../options.ts";
import type { PromptCache } from "../providers/adapter.ts";
import type { Clock } from "../schedule/clock.ts";
import { type RetryAttempt, retry } from "../schedule/retry.ts";
import type { Servers } from "../schedule/servers.ts";
import type { ReleaseSlot } from "../slots/slots.ts";
import type { Result, RetryNotice, StreamPart } from "../types.ts";
import type { Accounting } from "./accounting.ts";
import { joinAnswers, PendingAnswer } from "./answer.ts";
import { AnswerStream, type OpenedStream } from "./answer-stream.ts";
import type { CachedAnswers } from "./cached.ts";
import type { AttemptOptions, Caller } from "./call.ts";
import { prefixOf } from "./prefix.ts";
import type { Question } from "./question.ts";
import { asksForCache } from "./shared-prompts.ts";

/** What one question and a run of many are asked with alike. */
export interface AskContext {
	/** The user's model string. */
	readonly model: string;
	readonly caller: Caller;
	readonly cached: CachedAnswers;
	readonly accounting: Accounting;
	readonly cache: CacheMode;
	readonly maxRetries: number;
	/** Whole answers are streamed on the wire, too. */
	readonly streamed: boolean;
	/** The fewest tokens of a prompt that the provider keeps when it is asked to; undefined where it is not asked. */
	readonly promptCacheMinimum: number | undefined;
	readonly signal: AbortSignal | undefined;
	readonly onRetry: ((notice: RetryNotice) => void) | undefined;
	readonly clock: Clock;
	/** Numbers in [0, 1). */
	readonly random: () => number;
	/** Resolves when all ledger rows so far are written. */
	readonly flushLedger: () => Promise<void>;
}

export interface AskRunOptions extends AskContext {
	/** The next question will begin with the messages of this one. */
	readonly continues: boolean;
	/** Asked for only when something is sent. @throws MissingKeyError */
	readonly servers: () => Servers;
	/** Takes one of the slots that all processes of the user share; undefined without such a cap. */
	readonly takeSlot: (signal: AbortSignal | undefined) => Promise<ReleaseSlot | undefined>;
}

/** One question, from the cache to its last retry. It is not paced: its refusals are waited out. */
export class AskRun {
	readonly #question: Question;
	readonly #options: AskRunOptions;
	#storedAs: string | undefined;

	constructor(question: Question, options: AskRunOptions) {
		this.#question = question;
		this.#options = options;
	}

	get #promptCache(): PromptCache | undefined {
		const { continues, promptCacheMinimum = Infinity } = this.#options;
		const { messages, parameters } = this.#question;
		// What is asked once may be all that is ever asked, and keeping costs.
		const isHistory = continues && messages.some(({ role }) => role === "assistant");
		if (!isHistory || asksForCache(parameters)) return undefined;
		return estimateInputTokens(messages) >= promptCacheMinimum ? "history" : undefined;
	}

	get #key(): string {
		this.#storedAs ??= this.#options.cached.key(this.#question);
		return this.#storedAs;
	}

	/**
	 * Asks without a stream, for all of the answers.
	 * @throws MissingKeyError | RequestError | AbortedError | CacheMissError
	 */
	async answer(): Promise<Result> {
		const { model, caller } = this.#options;
		const pending = new PendingAnswer(this.#question);
		try {
			return await this.#run<Result>(same, async (attempt) => {
				await caller.attempt(pending, attempt);
				await this.#keep(pending.answer);
				return pending.result(model);
			});
		} catch (error) {
			const { choices, usage } = pending.answer;
			const texts = [...choices.map(({ text }) => text), partialTextOf(error)];
			throw withPartial(error, { text: joinAnswers(texts), usage });
		}
	}

	/**
	 * Streams the answer. What fails before the first part is retried, what fails after it is not; leaving the loop
	 * closes the connection.
	 * @throws what `answer` throws
	 */
	stream(): AsyncGenerator<StreamPart, void> {
		return new AnswerStream(() => this.#run(asStream, (attempt) => this.#open(attempt)));
	}

	/**
	 * Streams the answer, hands its parts on, and puts them together. Where nobody hears the parts, or whoever does can
	 * begin anew, nothing is lost by starting over: what fails in the middle is retried, too, and the error of the last
	 * try carries the text of the one that brought most.
	 * @throws what `answer` throws
	 */
	async collect({ onPart, onRestart }: Pick<AskOptions, "onPart" | "onRestart">): Promise<Result> {
		let isHeard = false;
		const hear = (part: StreamPart) => {
			isHeard = true;
			onPart?.(part);
		};
		let most: { readonly text: string; readonly cause?: unknown } = { text: "" };
		const read = async (parts: AsyncIterable<StreamPart>): Promise<Result> => {
			const received = new AnswerText();
			try {
				return await this.#read(parts, received, hear);
			} catch (error) {
				if (received.text.length > most.text.length) most = { text: received.text, cause: error };
				throw error;
			}
		};
		try {
			if (onPart !== undefined && onRestart === undefined) return await read(this.stream());
			return await this.#run<Result>(same, async (attempt) => {
				if (isHeard) onRestart?.();
				isHeard = false;
				const opened = await this.#open(attempt);
				return read(new AnswerStream(async () => opened));
			});
		} catch (error) {
			const { text, cause } = most;
			const isOther = cause !== error;
			const usage = isOther && cause instanceof RequestError ? cause.usage : null;
			throw withPartial(error, { text, usage, maybeBilled: isOther });
		}
	}

	/** Looks the answer up, else sends until a try succeeds, each with a slot of its own that ends with it. */
	async #run<T>(
		reuse: (found: Result) => T | Promise<T>,
		send: (attempt: AttemptOptions) => Promise<T>,
	): Promise<T> {
		const { accounting, servers: open, takeSlot, signal, flushLedger, ...options } = this.#options;
		const found = await this.#lookUp();
		const sendWithSlot = async ({ key, server, number, resend }: RetryAttempt) => {
			const releaseSlot = await takeSlot(signal);
			server.inFlight += 1;
			const onEnd = () => {
				server.inFlight -= 1;
				releaseSlot?.();
			};
			const inTurn = releaseSlot !== undefined;
			return send({
				promptCache: this.#promptCache,
				key,
				server: server.index,
				signal,
				resend,
				attempts: number,
				inTurn,
				onEnd,
			});
		};
		try {
			if (found !== undefined) return await reuse(found);
			const servers = open();
			const prefix = servers.areSeveral ? prefixOf(this.#question.messages) : undefined;
			return await retry(sendWithSlot, { ...options, signal, servers, prefix });
		} catch (error) {
			accounting.noteFailedCall(error);
			throw error;
		} finally {
			await flushLedger();
		}
	}

	async #lookUp(): Promise<Result | undefined> {
		const { cached, cache } = this.#options;
		if (cache === false || cache === "refresh") return undefined;
		const [stored] = await cached.find([this.#key]);
		if (stored === undefined && cache === "only") throw cacheMiss();
		return stored && cached.reuse(stored);
	}

	async #keep(answer: CachedAnswer): Promise<void> {
		const { cached, cache } = this.#options;
		if (cache !== false) await cached.store(this.#key, answer);
	}

	#open(attempt: AttemptOptions): Promise<OpenedStream> {
		return this.#options.caller.open(this.#question, { ...attempt, onWhole: (answer) => this.#keep(answer) });
	}

	/** Reads a stream to its finish. @throws what the stream throws; `received` is then what had come */
	async #read(
		parts: AsyncIterable<StreamPart>,
		received: AnswerText,
		onPart?: (part: StreamPart) => void,
	): Promise<Result> {
		const { model } = this.#options;
		for await (const part of parts) {
			onPart?.(part);
			received.add(part);
			if (part.type !== "finish") continue;
			const { type: _, ...finish } = part;
			const { text, reasoning } = received;
			return { model, text, texts: [text], reasoning: reasoning || null, ...finish };
		}
		throw new LlmxError(`${model}: the stream ended without a finish reason`);
	}
}

const same = (found: Result): Result => found;

/** A stored answer as a stream. */
async function asStream(found: Result): Promise<OpenedStream> {
	const rest = partsOf(found);
	return { first: await rest.next(), rest };
}

async function* partsOf({
	model: _,
	text,
	texts: __,
	reasoning,
	...finish
}: Result): AsyncGenerator<StreamPart, void> {
	if (reasoning) yield { type: "reasoning-delta", text: reasoning };
	yield { type: "text-delta", text };
	yield { type: "finish", ...finish };
}
