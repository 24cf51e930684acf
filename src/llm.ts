import { ResponseCache } from "./cache.ts";
import { Caller, PendingAnswer } from "./call.ts";
import { LlmxError, PartialFailureError } from "./errors.ts";
import { cacheMiss, notSent, type Outcome, type RunControl, runMany } from "./generate.ts";
import { type Pace, Pacing } from "./pacing.ts";
import { questionMaker, toQuestion } from "./question.ts";
import { configuredRows, type Route, requireKeys, route } from "./router.ts";
import { loadConfig } from "./state/config.ts";
import { readStoredKeys } from "./state/keys.ts";
import { Ledger } from "./state/ledger.ts";
import { resolvePaths } from "./state/paths.ts";
import { type Clock, systemClock } from "./traffic/clock.ts";
import { createHttp, type Http, type Timeouts } from "./traffic/http.ts";
import { KeyPool } from "./traffic/key-pool.ts";
import { type Attempt, retry } from "./traffic/retry.ts";
import type { Cost, Parameters, Result, RetryNotice, StreamPart, Usage } from "./types.ts";

/** The text of a single user message, or a history; parts in the shape of other APIs are understood too. */
export type ChatInput = string | readonly { readonly role: string; readonly content: unknown }[];

/** `false` neither reads nor writes; `refresh` asks afresh and stores the answer; `only` never sends anything. */
export type CacheMode = boolean | "refresh" | "only";

export interface LLMOptions {
	/**
	 * Requests of `generate` in flight at the most. By default the controller finds how many the provider bears, from
	 * a slow start up to 512; a number given here is used from the start, and is the ceiling.
	 */
	readonly maxConcurrent?: number | undefined;
	/** Ceilings of `generate` in requests and in tokens per minute, over all keys. */
	readonly rpm?: number | undefined;
	readonly tpm?: number | undefined;
	/** How often a failed call is sent again. Default 5. */
	readonly maxRetries?: number | undefined;
	/** Whether complete answers are kept and reused. Default true. */
	readonly cache?: CacheMode | undefined;
	/** Kept answers older than this, in ms, are asked for again. Default: they never get old. */
	readonly cacheMaxAgeMs?: number | undefined;
	/** Instead of the keys of the environment and the key file. */
	readonly keys?: readonly string[] | undefined;
	readonly baseUrl?: string | undefined;
	/** Instead of process.env. */
	readonly env?: Readonly<Record<string, string | undefined>> | undefined;
	/** Whether every call is written down in the user's ledger. Default true. */
	readonly ledger?: boolean | undefined;
	/** Bound of a whole request in ms; by default only the silences within one are bounded. */
	readonly timeoutMs?: number | undefined;
	/** Marks of the ledger rows: what called (default `library`), in which session, and a word of the caller's own. */
	readonly command?: string | undefined;
	readonly session?: string | undefined;
	readonly label?: string | undefined;
	/** Hears of every wait before a call is sent again. */
	readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
	/** Hears what is wrong but stops no call: a broken cache, a ledger that cannot be written. */
	readonly onWarning?: ((message: string) => void) | undefined;
	/** Hears what was changed about a request, such as a parameter left out that the model does not take. */
	readonly onNote?: ((note: string) => void) | undefined;
}

/** What a test puts in the place of time, chance and the network's patience. */
export interface LLMRuntime {
	/** Measures and waits between two sendings. */
	readonly clock?: Clock | undefined;
	/** Numbers in [0, 1). */
	readonly random?: (() => number) | undefined;
	/** Silences that a request may have. */
	readonly timeouts?: Partial<Timeouts> | undefined;
}

export interface CallOptions extends Parameters {
	readonly cache?: CacheMode | undefined;
	readonly signal?: AbortSignal | undefined;
	/** How many answers to the same question. Default 1. */
	readonly n?: number | undefined;
	readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
}

export interface AskOptions extends CallOptions {
	/** Stream on the wire, so that a long answer never looks like a dead connection. Ignored for `n` above 1. */
	readonly streamed?: boolean | undefined;
	/** Hears the parts of a streamed answer as they come. */
	readonly onPart?: ((part: StreamPart) => void) | undefined;
}

export interface GenerateOptions extends CallOptions {
	readonly systemPrompt?: string | undefined;
}

/** One of many prompts with settings of its own; they win over those of the run. */
export interface GenerateRow {
	readonly prompt?: string | undefined;
	/** Instead of `prompt`. */
	readonly messages?: Exclude<ChatInput, string> | undefined;
	readonly system?: string | undefined;
	readonly n?: number | undefined;
	readonly parameters?: Parameters | undefined;
}

const DEFAULT_MAX_RETRIES = 5;

/**
 * One model of one provider: ask it, stream from it, run many prompts through it. Nothing is loaded or connected
 * before the first call.
 */
export class LLM {
	readonly model: string;
	readonly #options: LLMOptions;
	readonly #clock: Clock;
	readonly #random: () => number;
	readonly #route: Route;
	readonly #http: Http;
	readonly #cache: ResponseCache | undefined;
	readonly #ledger: Ledger | undefined;
	readonly #caller: Caller;
	#pool: KeyPool | undefined;
	#pacing: Pacing | undefined;
	#closed = false;

	/**
	 * @throws NoRouteError when no provider serves the model; ConfigError for a config file, base URL or key that
	 * cannot be used
	 */
	constructor(model: string, options: LLMOptions = {}, runtime: LLMRuntime = {}) {
		const env = options.env ?? process.env;
		const paths = resolvePaths(env);
		const { onWarning } = options;
		this.model = model;
		this.#options = options;
		this.#clock = runtime.clock ?? systemClock;
		this.#random = runtime.random ?? Math.random;
		this.#route = findRoute(model, options);
		const { provider } = this.#route;
		this.#http = createHttp({ http2: provider.http2 });
		this.#cache =
			options.cache === false
				? undefined
				: new ResponseCache(paths.cache, { onWarning, maxAgeMs: options.cacheMaxAgeMs });
		this.#ledger = options.ledger === false ? undefined : new Ledger(paths.ledger, { onWarning });
		this.#caller = new Caller({
			model,
			route: this.#route,
			http: this.#http,
			cache: this.#cache,
			ledger: this.#ledger,
			timeouts: {
				...runtime.timeouts,
				...(options.timeoutMs === undefined ? {} : { totalMs: options.timeoutMs }),
			},
			command: options.command ?? "library",
			session: options.session,
			label: options.label,
			onNote: options.onNote,
			now: () => this.#clock.now(),
		});
	}

	/** Id of the provider that answers. */
	get provider(): string {
		return this.#route.provider.id;
	}

	/** The provider's own name of the model. */
	get modelId(): string {
		return this.#route.modelId;
	}

	/** Servers of the user's own and the simulator charge nothing. */
	get isFree(): boolean {
		return this.#route.provider.local;
	}

	/** The provider fetches an image from a URL by itself. */
	get fetchesImages(): boolean {
		return this.#route.provider.fetchesImages;
	}

	/** Tokens of all calls so far. */
	get usage(): Usage {
		return this.#caller.usage;
	}

	/** USD of all calls so far, and how many calls are missing from it because their cost is unknown. */
	get cost(): Cost {
		return this.#caller.cost;
	}

	/** Limiters as `generate` uses them, fresh and on a clock of the caller's: for rehearsals. Needs no key. */
	startPacing(now: () => number): Pacing {
		const { maxConcurrent, rpm, tpm, env = process.env } = this.#options;
		return new Pacing({
			provider: this.#route.provider,
			keys: this.#route.keys.map(({ value }) => value),
			maxConcurrent,
			rpm,
			tpm,
			globalConcurrency: env.LLM_GLOBAL_CONCURRENCY,
			slotsFolder: resolvePaths(env).slots,
			now,
		});
	}

	/** How `generate` is held back at this moment; undefined before its first request. */
	get pace(): Pace | undefined {
		return this.#pacing?.pace;
	}

	/**
	 * Asks once and returns the text of the answer. Not streamed on the wire, and not paced: a 429 is waited out and
	 * the next key tried; other failures are retried only where that cannot be paid twice.
	 * @throws UsageError | MissingKeyError | RequestError | AbortedError | CacheMissError
	 */
	async chat(messages: ChatInput, options: CallOptions = {}): Promise<string> {
		return (await this.ask(messages, options)).text;
	}

	/** Like `chat`, with usage, cost and all `n` answers; optionally streamed on the wire. */
	async ask(messages: ChatInput, { streamed, onPart, ...options }: AskOptions = {}): Promise<Result> {
		if (streamed && (options.n ?? 1) === 1) return this.#collect(messages, options, onPart);
		this.#assertOpen();
		const question = toQuestion(messages, options);
		const caller = this.#caller;
		const mode = this.#cacheMode(options);
		const key = caller.cacheKey(question);
		const found = await this.#lookUp(key, mode);
		if (found) return found;
		const pending = new PendingAnswer(question);
		await this.#withRetries(options, ({ key: apiKey, resend }) =>
			caller.attempt(pending, { key: apiKey, signal: options.signal, resend }),
		);
		if (mode !== false) await caller.store(key, pending.answer);
		await this.#ledger?.flush();
		return pending.result(this.model);
	}

	async #collect(
		messages: ChatInput,
		options: CallOptions,
		onPart: ((part: StreamPart) => void) | undefined,
	): Promise<Result> {
		let text = "";
		let reasoning = "";
		for await (const part of this.stream(messages, options)) {
			onPart?.(part);
			if (part.type === "text-delta") text += part.text;
			else if (part.type === "reasoning-delta") reasoning += part.text;
			else {
				const { type: _, ...finish } = part;
				return { model: this.model, text, texts: [text], reasoning: reasoning || null, ...finish };
			}
		}
		throw new LlmxError(`${this.model}: the stream ended without a finish`);
	}

	/**
	 * Streams one answer. A failure before the first part is retried like in `chat`; after it the error is thrown and
	 * what came is in its `partialText`. Leaving the loop closes the connection.
	 * @throws what `chat` throws
	 */
	async *stream(messages: ChatInput, options: CallOptions = {}): AsyncGenerator<StreamPart, void> {
		this.#assertOpen();
		const question = toQuestion(messages, { ...options, n: 1 });
		const caller = this.#caller;
		const mode = this.#cacheMode(options);
		const found = await this.#lookUp(caller.cacheKey(question), mode);
		if (found) {
			if (found.reasoning) yield { type: "reasoning-delta", text: found.reasoning };
			yield { type: "text-delta", text: found.text };
			yield { type: "finish", ...found };
			return;
		}
		let attempts = 0;
		const parts = await this.#withRetries(options, ({ key: apiKey, resend }) => {
			attempts += 1;
			const keep = mode !== false;
			return caller.open(question, { key: apiKey, signal: options.signal, resend, attempts, keep });
		});
		try {
			yield* parts;
		} finally {
			await this.#ledger?.flush();
		}
	}

	/**
	 * Runs prompts concurrently and returns one list of answers per prompt, in order. All are finished first.
	 * @throws PartialFailureError with `results` (null where an answer is missing) and `errors` when any failed
	 */
	async generate(prompts: readonly string[], options: GenerateOptions = {}): Promise<string[][]> {
		const results: (string[] | null)[] = prompts.map(() => null);
		const errors: (LlmxError | null)[] = prompts.map(() => null);
		let failures = 0;
		let stopped: LlmxError | undefined;
		try {
			for await (const outcome of this.generateEach(prompts, options)) {
				if (outcome.ok) results[outcome.index] = [...outcome.result.texts];
				else errors[outcome.index] = outcome.error;
			}
		} catch (error) {
			if (!(error instanceof LlmxError)) throw error;
			stopped = error;
		}
		let first: LlmxError | undefined;
		for (const [index, result] of results.entries()) {
			if (result) continue;
			const error = errors[index] ?? notSent(stopped);
			errors[index] = error;
			first ??= error;
			failures += 1;
		}
		if (first) {
			throw new PartialFailureError(`${failures} of ${prompts.length} prompts failed: ${first.message}`, {
				results,
				errors,
				hint: first.hint,
				exitCode: first.exitCode,
				cause: first,
			});
		}
		return results as string[][];
	}

	/**
	 * Runs any number of prompts concurrently in flat memory and yields what became of each, as it completes. Cached
	 * answers cost nothing, and identical prompts in flight are sent once unless `cache` is false.
	 * @throws what ends the whole run: AbortedError, or the error of the last usable key
	 */
	generateEach<Row extends string | GenerateRow>(
		rows: Iterable<Row> | AsyncIterable<Row>,
		options: GenerateOptions = {},
		control: RunControl<Row> = {},
	): AsyncGenerator<Outcome<Row>, void> {
		this.#assertOpen();
		const toQuestion = questionMaker(options);
		return runMany(rows, {
			control,
			caller: this.#caller,
			toQuestion: (row) => toQuestion(typeof row === "string" ? { prompt: row } : row),
			cache: this.#cacheMode(options),
			pacing: this.#ownPacing(),
			maxRetries: this.#options.maxRetries ?? DEFAULT_MAX_RETRIES,
			signal: options.signal,
			onRetry: options.onRetry ?? this.#options.onRetry,
			clock: this.#clock,
			random: this.#random,
			flushLedger: () => this.#ledger?.flush() ?? Promise.resolve(),
		});
	}

	/** Whether the cache holds an answer to a row. Nothing is sent and nothing noted in the ledger. */
	async isCached(row: GenerateRow, options: GenerateOptions = {}): Promise<boolean> {
		const [found] = await this.#caller.find([this.#caller.cacheKey(questionMaker(options)(row))]);
		return found !== undefined;
	}

	/** @throws MissingKeyError when the provider needs a key and there is none */
	assertKeys(): void {
		this.#keys();
	}

	/** Writes what is pending and closes connections; calls that still run are aborted. Calls after it fail. */
	async close(): Promise<void> {
		this.#closed = true;
		this.#ledger?.flushSync();
		await Promise.all([this.#cache?.close(), this.#http.close(), this.#pacing?.close()]);
		this.#ledger?.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	#assertOpen(): void {
		if (this.#closed) throw new LlmxError(`this LLM (${this.model}) is closed`, { hint: "make a new one" });
	}

	#cacheMode({ cache }: CallOptions): CacheMode {
		if (this.#options.cache === false) return false;
		return cache ?? this.#options.cache ?? true;
	}

	async #lookUp(key: string, mode: CacheMode): Promise<Result | undefined> {
		if (mode === false || mode === "refresh") return undefined;
		const found = await this.#caller.lookUp(key);
		if (!found && mode === "only") throw cacheMiss();
		if (found) await this.#ledger?.flush();
		return found;
	}

	async #withRetries<T>(options: CallOptions, call: (attempt: Attempt) => Promise<T>): Promise<T> {
		this.#pool ??= new KeyPool(this.#route.provider.label, this.#keys(), this.#clock);
		try {
			return await retry(call, {
				pool: this.#pool,
				clock: this.#clock,
				random: this.#random,
				maxRetries: this.#options.maxRetries ?? DEFAULT_MAX_RETRIES,
				signal: options.signal,
				onRetry: options.onRetry ?? this.#options.onRetry,
			});
		} catch (error) {
			this.#caller.recordFailedCall(error);
			await this.#ledger?.flush();
			throw error;
		}
	}

	#ownPacing(): Pacing {
		this.assertKeys();
		this.#pacing ??= this.startPacing(() => this.#clock.now());
		return this.#pacing;
	}

	#keys(): readonly string[] {
		return requireKeys(this.#route).map(({ value }) => value);
	}
}

function findRoute(model: string, options: LLMOptions): Route {
	const env = options.env ?? process.env;
	const paths = resolvePaths(env);
	const { providers } = loadConfig(paths.config);
	return route(model, {
		env,
		providers: configuredRows(providers),
		storedKeys: options.keys ? undefined : readStoredKeys(paths.keys),
		baseUrl: options.baseUrl,
		keys: options.keys,
	});
}
