import type { CachedAnswer } from "../cache/answer.ts";
import { type CacheConfig, cacheKey } from "../cache/key.ts";
import type { ResponseCache } from "../cache/response-cache.ts";
import { AbortedError, RequestError } from "../errors.ts";
import type { Exchange, Http } from "../http/contract.ts";
import { findPrice, nearestModels } from "../models/pricing.ts";
import type { ModelRoute } from "../models/router.ts";
import type { Adapter } from "../providers/adapter.ts";
import { loadAdapter } from "../providers/adapters.ts";
import { simulatedBaseUrl } from "../providers/simulated.ts";
import type { Ledger } from "../state/ledger.ts";
import type { Result, StreamPart } from "../types.ts";
import type { Accounting } from "./accounting.ts";
import { type PendingAnswer, toResult } from "./answer.ts";
import type { Question } from "./question.ts";

export interface CallerOptions {
	readonly model: string;
	readonly route: ModelRoute;
	readonly http: Http;
	readonly cache: ResponseCache | undefined;
	readonly ledger: Ledger | undefined;
	readonly accounting: Accounting;
	readonly onNote: ((note: string) => void) | undefined;
}

export interface AttemptOptions {
	readonly key: string | undefined;
	readonly signal: AbortSignal | undefined;
	/** An earlier sending may have been billed: nothing below may send this one twice. */
	readonly resend?: boolean | undefined;
	/** Several requests for one answer go out one after another, because they have one slot between them. */
	readonly inTurn?: boolean | undefined;
	/** Sees the exchange when it is over, for the limiter. */
	readonly onExchange?: ((exchange: Exchange) => void) | undefined;
}

export interface StreamOptions extends AttemptOptions {
	/** Requests sent for this answer, this one included. */
	readonly attempts: number;
	/** Keep the complete answer in the cache. */
	readonly keep: boolean;
}

/**
 * One call at a time: cache, adapter, price, ledger. It knows how to ask once; when to ask again is the business of
 * whoever holds it.
 */
export class Caller {
	readonly options: CallerOptions;
	#adapter: Promise<Adapter> | undefined;

	constructor(options: CallerOptions) {
		this.options = options;
	}

	/** The cache key of a question: SHA-256 over everything that shapes the answer. */
	cacheKey({ messages, prompt, parameters, n }: Question): string {
		const { model, route } = this.options;
		const config: CacheConfig = { provider: route.provider.id, baseUrl: route.baseUrl, n, ...parameters };
		if (prompt) return cacheKey({ model, prompt: prompt.text, system: prompt.system ?? null, config });
		return cacheKey({ model, messages, config });
	}

	/**
	 * Makes a result of a stored or shared answer, and notes in the ledger what it saved. When `judge` throws, so does
	 * this, and nothing is noted.
	 */
	reuse({ choices, usage, costUsd }: CachedAnswer, judge = (result: Result): Result => result): Result {
		const facts = { choices, usage, costUsd: 0, cached: true, attempts: 0, latencyMs: 0 };
		const result = judge(toResult(this.options.model, facts));
		this.options.accounting.noteReuse(usage, costUsd);
		return result;
	}

	/** Stored answers in the order of the keys; undefined where there is none. */
	async find(keys: readonly string[]): Promise<readonly (CachedAnswer | undefined)[]> {
		return this.options.cache?.getMany(keys) ?? [];
	}

	/** Looks an answer up; undefined when it has to be asked for. */
	async lookUp(key: string): Promise<Result | undefined> {
		const [stored] = await this.find([key]);
		return stored && this.reuse(stored);
	}

	/** Keeps a complete answer; resolves when that was tried. */
	async store(key: string, answer: CachedAnswer): Promise<void> {
		await this.options.cache?.set(key, answer);
	}

	/** Resolves when every answer handed to `store` so far was tried to be kept. */
	async flushStores(): Promise<void> {
		await this.options.cache?.flush();
	}

	/**
	 * Sends what is still missing of an answer, once. More answers than one request may ask for go out side by side, or
	 * in turn; those that come are kept even when another fails.
	 * @throws RequestError | AbortedError
	 */
	async attempt(pending: PendingAnswer, options: AttemptOptions): Promise<void> {
		const adapter = await this.#loadAdapter();
		pending.attempts += 1;
		pending.latencyMs = 0;
		while (pending.missing > 0) {
			const before = pending.missing;
			const perCall = adapter.choicesPerCall;
			const calls: Promise<void>[] = [];
			for (let left = options.inTurn ? Math.min(before, perCall) : before; left > 0; left -= perCall)
				calls.push(this.#complete(adapter, pending, Math.min(perCall, left), options));
			if (calls.length === 1) await calls[0];
			else await allOrFirstError(calls);
			// A server that ignores `n` answers once per request; one that gives nothing would loop for ever.
			if (pending.missing === before) break;
		}
	}

	async #complete(
		adapter: Adapter,
		pending: PendingAnswer,
		n: number,
		options: AttemptOptions,
	): Promise<void> {
		const { question } = pending;
		const { accounting } = this.options;
		const exchange = this.#begin(options);
		try {
			const answer = await adapter.complete(this.#callOf(question, n, options, exchange));
			const costUsd = accounting.price(answer.usage, answer.reportedCostUsd);
			const latencyMs = elapsedMs(exchange);
			pending.add(answer.choices, answer.usage, costUsd);
			pending.latencyMs = Math.max(pending.latencyMs, latencyMs);
			accounting.noteAnswer(answer.usage, costUsd, latencyMs);
		} catch (error) {
			pending.addFailedCost(this.#noteFailure(question, error, exchange, ""));
			throw error;
		} finally {
			exchange.close();
			options.onExchange?.(exchange);
		}
	}

	/**
	 * Opens a stream and waits for its first part, so that a failure before it can be retried. The ledger row is
	 * written when the stream ends, however it ends.
	 * @throws RequestError | AbortedError
	 */
	async open(question: Question, options: StreamOptions): Promise<AsyncIterable<StreamPart>> {
		const adapter = await this.#loadAdapter();
		const parts = this.#parts(adapter, question, options);
		const first = await parts.next();
		return startingWith(first, parts);
	}

	async *#parts(
		adapter: Adapter,
		question: Question,
		options: StreamOptions,
	): AsyncGenerator<StreamPart, void> {
		const { accounting, ledger } = this.options;
		const exchange = this.#begin(options);
		let text = "";
		let reasoning = "";
		let finished = false;
		let failed = false;
		try {
			for await (const part of adapter.stream(this.#callOf(question, 1, options, exchange))) {
				if (part.type === "text-delta") text += part.text;
				else if (part.type === "reasoning-delta") reasoning += part.text;
				if (part.type !== "finish") {
					yield part;
					continue;
				}
				finished = true;
				const { finishReason, usage } = part;
				const costUsd = accounting.price(usage, part.reportedCostUsd);
				const latencyMs = Math.round(elapsedMs(exchange));
				accounting.noteAnswer(usage, costUsd, latencyMs, options.attempts);
				const choice = { text, reasoning: reasoning === "" ? null : reasoning, finishReason };
				// Whoever acts on the finish may rely on the row.
				await ledger?.flush();
				if (options.keep) await this.store(this.cacheKey(question), { choices: [choice], usage, costUsd });
				yield {
					type: "finish",
					finishReason,
					usage,
					costUsd,
					cached: false,
					attempts: options.attempts,
					latencyMs,
				};
			}
		} catch (error) {
			failed = true;
			if (!finished) this.#noteFailure(question, error, exchange, text + reasoning);
			throw error;
		} finally {
			if (!finished && !failed) {
				const left = new AbortedError("the stream was left before its end");
				this.#noteFailure(question, left, exchange, text + reasoning);
			}
			exchange.close();
			options.onExchange?.(exchange);
		}
	}

	#loadAdapter(): Promise<Adapter> {
		this.#adapter ??= (async () => {
			const { route, http } = this.options;
			const baseUrl = route.baseUrl === "" ? await simulatedBaseUrl() : route.baseUrl;
			return loadAdapter({ ...route, baseUrl }, http.fetch);
		})();
		return this.#adapter;
	}

	#begin({ signal, resend }: AttemptOptions): Exchange {
		return this.options.http.begin({ signal, ownConnection: resend });
	}

	#callOf({ messages, parameters }: Question, n: number, { key }: AttemptOptions, exchange: Exchange) {
		const { route, onNote } = this.options;
		return { modelId: route.modelId, messages, parameters, n, key, exchange, onNote };
	}

	/** A model that the provider does not know is most often a typing error. */
	#suggestModel(error: unknown): void {
		if (!(error instanceof RequestError) || error.errorClass !== "not_found") return;
		const { provider, modelId } = this.options.route;
		if (findPrice(provider.id, modelId) !== null) return;
		const near = nearestModels(provider.id, modelId);
		if (near.length > 0) error.hint = [`did you mean ${near.join(" or ")}?`, error.hint].join("\n");
	}

	/** Returns USD: 0 when nothing was billed, null when nobody knows. */
	#noteFailure(question: Question, error: unknown, exchange: Exchange, received: string): number | null {
		this.#suggestModel(error);
		const { sent } = exchange;
		const latencyMs = elapsedMs(exchange);
		return this.options.accounting.noteFailure({ question, error, sent, received, latencyMs });
	}
}

/** The parts with the one that was already taken in front; leaving it closes the stream. */
async function* startingWith(
	first: IteratorResult<StreamPart, void>,
	rest: AsyncGenerator<StreamPart, void>,
): AsyncGenerator<StreamPart, void> {
	try {
		if (first.done) return;
		yield first.value;
		yield* rest;
	} finally {
		await rest.return();
	}
}

/** Waits for all, so that no answer is lost, and then throws the first failure. */
async function allOrFirstError(calls: readonly Promise<void>[]): Promise<void> {
	for (const outcome of await Promise.allSettled(calls)) {
		if (outcome.status === "rejected") throw outcome.reason;
	}
}

/** Ms since the request went out; 0 when it did not. */
function elapsedMs({ sentAt }: Exchange): number {
	return sentAt === undefined ? 0 : performance.now() - sentAt;
}
