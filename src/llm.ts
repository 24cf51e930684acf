import { Accounting } from "./accounting.ts";
import { ResponseCache } from "./cache.ts";
import { Caller } from "./call.ts";
import { LlmxError, PartialFailureError } from "./errors.ts";
import { cacheMiss, notSent, type Outcome, type RunControl, runMany } from "./generate.ts";
import type {
	AskOptions,
	CacheMode,
	CallOptions,
	ChatInput,
	GenerateOptions,
	GenerateRow,
	LLMOptions,
	LLMRuntime,
} from "./options.ts";
import { type Pace, Pacing } from "./pacing.ts";
import { withPartialText } from "./partial-text.ts";
import { PendingAnswer, type Question } from "./pending-answer.ts";
import { questionMaker, toQuestion } from "./question.ts";
import { configuredRows, type Route, requireKeys, route } from "./router.ts";
import { loadConfig } from "./state/config.ts";
import { readStoredKeys } from "./state/keys.ts";
import { Ledger } from "./state/ledger.ts";
import { resolvePaths } from "./state/paths.ts";
import { type Clock, systemClock } from "./traffic/clock.ts";
import { createHttp, type Http } from "./traffic/http.ts";
import { KeyPool } from "./traffic/key-pool.ts";
import { type Attempt, retry } from "./traffic/retry.ts";
import type { ReleaseSlot } from "./traffic/slots.ts";
import type { Cost, Result, StreamPart, Usage } from "./types.ts";

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
	readonly #accounting: Accounting;
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
		this.#http = createHttp({
			http2: provider.http2,
			timeouts: {
				...runtime.timeouts,
				...(options.timeoutMs === undefined ? {} : { totalMs: options.timeoutMs }),
			},
		});
		this.#cache =
			options.cache === false
				? undefined
				: new ResponseCache(paths.cache, { onWarning, maxAgeMs: options.cacheMaxAgeMs });
		this.#ledger = options.ledger === false ? undefined : new Ledger(paths.ledger, { onWarning });
		this.#accounting = new Accounting({
			model,
			route: this.#route,
			ledger: this.#ledger,
			command: options.command ?? "library",
			session: options.session,
			label: options.label,
		});
		this.#caller = new Caller({
			model,
			route: this.#route,
			http: this.#http,
			cache: this.#cache,
			ledger: this.#ledger,
			accounting: this.#accounting,
			onNote: options.onNote,
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
		return this.#accounting.usage;
	}

	/** USD of all calls so far, and how many calls are missing from it because their cost is unknown. */
	get cost(): Cost {
		return this.#accounting.cost;
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
		const found = await this.#lookUp(question, mode);
		if (found) return found;
		const pending = new PendingAnswer(question);
		try {
			await this.#withRetries(options, async ({ key: apiKey, resend }) => {
				const leaveSlot = await this.#takeSlot(options.signal);
				try {
					const inTurn = leaveSlot !== undefined;
					await caller.attempt(pending, { key: apiKey, signal: options.signal, resend, inTurn });
				} finally {
					leaveSlot?.();
				}
			});
		} catch (error) {
			const { choices, usage } = pending.answer;
			throw withPartialText(error, choices.map(({ text }) => text).join("\n---\n"), usage);
		}
		if (mode !== false) await caller.store(caller.cacheKey(question), pending.answer);
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
		const found = await this.#lookUp(question, mode);
		if (found) {
			if (found.reasoning) yield { type: "reasoning-delta", text: found.reasoning };
			yield { type: "text-delta", text: found.text };
			yield { type: "finish", ...found };
			return;
		}
		let attempts = 0;
		let leaveSlot: ReleaseSlot | undefined;
		try {
			const parts = await this.#withRetries(options, async ({ key: apiKey, resend }) => {
				attempts += 1;
				leaveSlot = await this.#takeSlot(options.signal);
				try {
					const keep = mode !== false;
					return await caller.open(question, { key: apiKey, signal: options.signal, resend, attempts, keep });
				} catch (error) {
					leaveSlot?.();
					throw error;
				}
			});
			yield* parts;
		} finally {
			leaveSlot?.();
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
		const cache = this.#cacheMode(options);
		if (cache !== "only") this.assertKeys();
		return runMany(rows, {
			control,
			caller: this.#caller,
			toQuestion: (row) => toQuestion(typeof row === "string" ? { prompt: row } : row),
			cache,
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

	async #lookUp(question: Question, mode: CacheMode): Promise<Result | undefined> {
		if (mode === false || mode === "refresh") return undefined;
		const found = await this.#caller.lookUp(this.#caller.cacheKey(question));
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
			this.#accounting.noteFailedCall(error);
			await this.#ledger?.flush();
			throw error;
		}
	}

	/** One of the slots that all processes of the user share, held while a request is in flight; undefined without such a cap. */
	async #takeSlot(signal: AbortSignal | undefined): Promise<ReleaseSlot | undefined> {
		const { env = process.env } = this.#options;
		return env.LLM_GLOBAL_CONCURRENCY ? this.#ownPacing().acquireSlot?.(signal) : undefined;
	}

	#ownPacing(): Pacing {
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
