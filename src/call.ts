import { type CacheConfig, type CachedAnswer, cacheKey, type ResponseCache } from "./cache.ts";
import { AbortedError, RequestError } from "./errors.ts";
import { costOfCall, findPrice, nearestModels } from "./pricing.ts";
import type { Adapter, Choice } from "./providers/adapter.ts";
import { loadAdapter } from "./providers/adapters.ts";
import { simulatedBaseUrl } from "./providers/simulated.ts";
import type { Route } from "./router.ts";
import type { Ledger, LedgerStatus } from "./state/ledger.ts";
import { estimateInputTokens, estimateTextTokens } from "./tokens.ts";
import type { Exchange, Http, Timeouts } from "./traffic/http.ts";
import type { Cost, Message, Parameters, Result, StreamPart, Usage } from "./types.ts";
import { addUsage, noUsage } from "./usage.ts";

/** What to ask: a history, or a prompt with a system text, which the cache keeps apart. */
export interface Question {
	readonly messages: readonly Message[];
	/** Set when the question is one prompt of `generate`: its cache key has a shape of its own. */
	readonly prompt?: { readonly text: string; readonly system: string | undefined } | undefined;
	readonly parameters: Parameters;
	/** How many answers. */
	readonly n: number;
}

/** A question on its way. What came survives a failed attempt, so that nothing paid for is asked for again. */
export class PendingAnswer {
	readonly question: Question;
	readonly choices: Choice[] = [];
	attempts = 0;
	latencyMs = 0;
	#usage: Usage | null = noUsage;
	#costUsd: number | null = 0;

	constructor(question: Question) {
		this.question = question;
	}

	get missing(): number {
		return this.question.n - this.choices.length;
	}

	add(choices: readonly Choice[], usage: Usage | null, costUsd: number | null): void {
		this.choices.push(...choices.slice(0, this.missing));
		this.#usage = usage && this.#usage && addUsage(this.#usage, usage);
		this.#costUsd = costUsd === null || this.#costUsd === null ? null : this.#costUsd + costUsd;
	}

	/** What came, in the form in which it is kept and shared. */
	get answer(): CachedAnswer {
		return { choices: this.choices, usage: this.#usage, costUsd: this.#costUsd };
	}

	/** The result of what came. */
	result(model: string): Result {
		const { attempts, latencyMs } = this;
		return toResult(model, { ...this.answer, cached: false, attempts, latencyMs });
	}
}

interface ResultFacts extends CachedAnswer {
	readonly cached: boolean;
	readonly attempts: number;
	readonly latencyMs: number;
}

function toResult(model: string, { choices, latencyMs, ...facts }: ResultFacts): Result {
	const [first] = choices as readonly [Choice];
	return {
		model,
		text: first.text,
		texts: choices.map(({ text }) => text),
		reasoning: first.reasoning,
		finishReason: first.finishReason,
		...facts,
		latencyMs: Math.round(latencyMs),
	};
}

export interface CallerOptions {
	readonly model: string;
	readonly route: Route;
	readonly http: Http;
	readonly cache: ResponseCache | undefined;
	readonly ledger: Ledger | undefined;
	readonly timeouts: Partial<Timeouts>;
	/** Marks of the ledger rows. */
	readonly command: string;
	readonly session: string | undefined;
	readonly label: string | undefined;
	readonly onNote: ((note: string) => void) | undefined;
	/** Monotonic ms. */
	readonly now: () => number;
}

export interface AttemptOptions {
	readonly key: string | undefined;
	readonly signal: AbortSignal | undefined;
	readonly timeouts?: Partial<Timeouts> | undefined;
	/** An earlier sending may have been billed: nothing below may send this one twice. */
	readonly resend?: boolean | undefined;
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
	#usage: Usage = noUsage;
	#usd = 0;
	#unknownCalls = 0;
	#adapter: Promise<Adapter> | undefined;
	/** Failures that have their ledger row. */
	readonly #recorded = new WeakSet<Error>();

	constructor(options: CallerOptions) {
		this.options = options;
	}

	/** Tokens of all calls so far; calls without a usage are missing from it. */
	get usage(): Usage {
		return this.#usage;
	}

	get cost(): Cost {
		return { usd: this.#usd, unknownCalls: this.#unknownCalls };
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
		this.#record({ usage, costUsd: 0, cached: true, savedUsd: costUsd, attempts: 0 });
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

	/** Notes a call that failed for good and left no row yet; it cost nothing. */
	recordFailedCall(error: unknown): void {
		if (!(error instanceof RequestError) || this.#recorded.has(error)) return;
		this.#record({ usage: noUsage, costUsd: 0, status: "failed", attempts: error.attempts });
	}

	/**
	 * Sends what is still missing of an answer, once. More answers than one request may ask for go out side by side;
	 * those that come are kept even when another fails.
	 * @throws RequestError | AbortedError
	 */
	async attempt(pending: PendingAnswer, options: AttemptOptions): Promise<void> {
		const adapter = await this.#loadAdapter();
		const startedAt = this.options.now();
		pending.attempts += 1;
		while (pending.missing > 0) {
			const before = pending.missing;
			const perCall = Math.min(before, adapter.choicesPerCall);
			const calls = Array.from({ length: Math.ceil(before / perCall) }, (_, index) =>
				this.#complete(adapter, pending, Math.min(perCall, before - index * perCall), options),
			);
			if (calls.length === 1) await calls[0];
			else await allOrFirstError(calls);
			// A server that ignores `n` answers once per request; one that gives nothing would loop for ever.
			if (pending.missing === before) break;
		}
		pending.latencyMs = this.options.now() - startedAt;
	}

	async #complete(
		adapter: Adapter,
		pending: PendingAnswer,
		n: number,
		options: AttemptOptions,
	): Promise<void> {
		const { question } = pending;
		const startedAt = this.options.now();
		const exchange = this.#begin(options);
		try {
			const answer = await adapter.complete(this.#callOf(question, n, options, exchange));
			const costUsd = this.#price(answer.usage, answer.reportedCostUsd);
			pending.add(answer.choices, answer.usage, costUsd);
			this.#record({ usage: answer.usage, costUsd, latencyMs: this.options.now() - startedAt });
		} catch (error) {
			this.#recordFailure(question, error, exchange, "", startedAt);
			this.#suggestModel(error);
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
		const startedAt = this.options.now();
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
				const costUsd = this.#price(usage, part.reportedCostUsd);
				const latencyMs = Math.round(this.options.now() - startedAt);
				this.#record({ usage, costUsd, latencyMs, attempts: options.attempts });
				const choice = { text, reasoning: reasoning === "" ? null : reasoning, finishReason };
				// Whoever acts on the finish may rely on the row.
				await this.options.ledger?.flush();
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
			if (!finished) this.#recordFailure(question, error, exchange, text + reasoning, startedAt);
			this.#suggestModel(error);
			throw error;
		} finally {
			if (!finished && !failed) {
				const left = new AbortedError("the stream was left before its end");
				this.#recordFailure(question, left, exchange, text + reasoning, startedAt);
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

	#begin({ signal, timeouts, resend }: AttemptOptions): Exchange {
		const limits = { ...this.options.timeouts, ...timeouts };
		return this.options.http.begin({ signal, timeouts: limits, ownConnection: resend });
	}

	#callOf({ messages, parameters }: Question, n: number, { key }: AttemptOptions, exchange: Exchange) {
		const { route, onNote } = this.options;
		return { modelId: route.modelId, messages, parameters, n, key, exchange, onNote };
	}

	#price(usage: Usage | null, reportedCostUsd: number | null): number | null {
		const { provider, modelId } = this.options.route;
		return costOfCall({ provider, modelId, usage, reportedCostUsd });
	}

	/** A model that the provider does not know is most often a typing error. */
	#suggestModel(error: unknown): void {
		if (!(error instanceof RequestError) || error.errorClass !== "not_found") return;
		const { provider, modelId } = this.options.route;
		if (findPrice(provider.id, modelId) !== null) return;
		const near = nearestModels(provider.id, modelId);
		if (near.length > 0) error.hint = [`did you mean ${near.join(" or ")}?`, error.hint].join("\n");
	}

	/** A failure that was or may have been billed leaves a row: as reported, or with estimated tokens and no cost. */
	#recordFailure(
		question: Question,
		error: unknown,
		exchange: Exchange,
		received: string,
		startedAt: number,
	): void {
		const latencyMs = this.options.now() - startedAt;
		if (error instanceof RequestError && error.usage) {
			this.#recorded.add(error);
			const costUsd = this.#price(error.usage, null);
			this.#record({ usage: error.usage, costUsd, latencyMs, status: "failed" });
			return;
		}
		const maybeBilled = error instanceof RequestError ? error.maybeBilled : exchange.sent;
		if (!maybeBilled) return;
		if (error instanceof Error) this.#recorded.add(error);
		const usage: Usage = {
			...noUsage,
			inputTokens: estimateInputTokens(question.messages),
			outputTokens: estimateTextTokens(received),
		};
		this.#record({ usage, costUsd: null, latencyMs, status: "maybe_billed" });
	}

	#record(entry: {
		usage: Usage | null;
		costUsd: number | null;
		cached?: boolean;
		savedUsd?: number | null;
		latencyMs?: number;
		attempts?: number;
		status?: LedgerStatus;
	}): void {
		const { model, route, command, session, label, ledger } = this.options;
		if (entry.costUsd === null) this.#unknownCalls += 1;
		else this.#usd += entry.costUsd;
		// The tokens of a row that may have been billed are a guess, and totals hold none.
		if (entry.usage && !entry.cached && entry.status !== "maybe_billed")
			this.#usage = addUsage(this.#usage, entry.usage);
		ledger?.append({
			command,
			session,
			label,
			model,
			provider: route.provider.id,
			modelId: route.modelId,
			usage: entry.usage,
			costUsd: entry.costUsd,
			cached: entry.cached ?? false,
			savedUsd: entry.savedUsd,
			status: entry.status ?? "ok",
			attempts: entry.attempts ?? 1,
			latencyMs: Math.round(entry.latencyMs ?? 0),
		});
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
