import { Accounting } from "./ask/accounting.ts";
import { collectAnswers } from "./ask/answer-lists.ts";
import { type AskContext, AskRun } from "./ask/ask.ts";
import { CachedAnswers } from "./ask/cached.ts";
import { Caller } from "./ask/call.ts";
import { type RowOutcome, type RunControl, runMany } from "./ask/generate.ts";
import { keysOf, type Pace, type Pacing, pacingOf } from "./ask/pacing.ts";
import { type Question, questionMaker, toQuestion } from "./ask/question.ts";
import type { LLMRuntime } from "./ask/runtime.ts";
import { ResponseCache } from "./cache/response-cache.ts";
import { LlmxError } from "./errors.ts";
import type { Http } from "./http/contract.ts";
import { createHttp } from "./http/http.ts";
import { findRoute } from "./models/find-route.ts";
import { type ModelPricing, noticeModel, pricingOf } from "./models/model-pricing.ts";
import { type ModelRoute, requireKeys } from "./models/router.ts";
import { loadSettings } from "./models/settings.ts";
import type {
	AskOptions,
	CallOptions,
	ChatInput,
	GenerateOptions,
	GenerateRow,
	LLMOptions,
} from "./options.ts";
import { type Clock, systemClock } from "./schedule/clock.ts";
import type { Keys } from "./schedule/keys.ts";
import type { ReleaseSlot } from "./slots/slots.ts";
import { Ledger } from "./state/ledger.ts";
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
	readonly #slotsFolder: string;
	readonly #route: ModelRoute;
	readonly #http: Http;
	readonly #cache: ResponseCache | undefined;
	readonly #ledger: Ledger | undefined;
	readonly #accounting: Accounting;
	readonly #cached: CachedAnswers;
	readonly #caller: Caller;
	#keys: Keys | undefined;
	#pacing: Pacing | undefined;
	#closed = false;

	/**
	 * @throws NoRouteError when no provider serves the model; ConfigError for a config file, base URL or key that
	 * cannot be used
	 */
	constructor(model: string, options: LLMOptions = {}, runtime: LLMRuntime = {}) {
		const settings = runtime.settings ?? loadSettings(options.env ?? process.env);
		const { paths } = settings;
		this.model = model;
		this.#options = options;
		this.#clock = runtime.clock ?? systemClock;
		this.#random = runtime.random ?? Math.random;
		this.#slotsFolder = paths.slots;
		this.#route = findRoute(model, options, settings);
		this.#http = createHttp({
			http2: this.#route.provider.http2,
			timeouts: {
				...runtime.timeouts,
				...(options.timeoutMs === undefined ? {} : { totalMs: options.timeoutMs }),
			},
		});
		this.#cache =
			options.cache === false
				? undefined
				: new ResponseCache(paths.cache, { onWarning: options.onWarning, maxAgeMs: options.cacheMaxAgeMs });
		this.#ledger =
			options.ledger === false
				? undefined
				: new Ledger(paths.ledger, { onWarning: options.onWarning, onLost: runtime.onLedgerLost });
		this.#accounting = new Accounting({
			model,
			route: this.#route,
			ledger: this.#ledger,
			command: options.command ?? "library",
			session: options.session,
			label: options.label,
		});
		const common = { model, route: this.#route, accounting: this.#accounting };
		this.#cached = new CachedAnswers({ ...common, cache: this.#cache });
		this.#caller = new Caller({
			...common,
			http: this.#http,
			ledger: this.#ledger,
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
		return this.pricing.isFree;
	}

	/** What an estimate of its costs has to know. */
	get pricing(): ModelPricing {
		return pricingOf(this.#route);
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

	get savedUsd(): number {
		return this.#accounting.savedUsd;
	}

	/** Limiters as `generate` uses them, fresh and on a clock of the caller's: for rehearsals. Needs no key. */
	startPacing(now: () => number, keys = keysOf(this.#route, now)): Pacing {
		return pacingOf(this.#route, keys, this.#options, this.#slotsFolder, now);
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

	/**
	 * Like `chat`, with usage, cost and all `n` answers; optionally streamed on the wire.
	 * @throws what `chat` throws; `partialText` of a RequestError or AbortedError holds the text so far: of several
	 * answers those that were there, of several tries the longest text
	 */
	async ask(messages: ChatInput, { streamed, onPart, ...options }: AskOptions = {}): Promise<Result> {
		this.#assertOpen();
		const run = this.#run(toQuestion(messages, options), options);
		return streamed && (options.n ?? 1) === 1 ? run.collect(onPart) : run.answer();
	}

	/**
	 * Streams one answer. A failure before the first part is retried like in `chat`; after it the error is thrown and
	 * the text so far is in its `partialText`. Leaving the loop closes the connection.
	 * @throws what `chat` throws
	 */
	stream(messages: ChatInput, options: CallOptions = {}): AsyncGenerator<StreamPart, void> {
		this.#assertOpen();
		return this.#run(toQuestion(messages, { ...options, n: 1 }), options).stream();
	}

	/**
	 * Runs prompts concurrently and returns one list of answers per prompt, in order. All are finished first.
	 * @throws PartialFailureError with `results` (null where an answer is missing) and `errors` when any failed
	 */
	async generate(prompts: readonly string[], options: GenerateOptions = {}): Promise<string[][]> {
		return collectAnswers(this.generateEach(prompts, options), prompts.length);
	}

	/**
	 * Runs any number of prompts concurrently in flat memory and yields what became of each, as it completes. Cached
	 * answers cost nothing, and identical prompts in flight are sent once unless `cache` is false.
	 * `control` has a say in every sending.
	 * @throws MissingKeyError; and what ends the whole run: AbortedError, or the error of the last usable key
	 */
	generateEach<Row extends string | GenerateRow>(
		rows: Iterable<Row> | AsyncIterable<Row>,
		options: GenerateOptions = {},
		control: RunControl<Row> = {},
	): AsyncGenerator<RowOutcome<Row>, void> {
		this.#assertOpen();
		const context = this.#context(options);
		if (context.cache !== "only") this.assertReady();
		const toQuestion = questionMaker(options);
		return runMany(rows, {
			...context,
			control,
			toQuestion: (row) => toQuestion(typeof row === "string" ? { prompt: row } : row),
			pacing: this.#ownPacing(),
		});
	}

	/** Whether the cache holds an answer to a row. Nothing is sent and nothing noted in the ledger. */
	async isCached(row: GenerateRow, options: GenerateOptions = {}): Promise<boolean> {
		const [found] = await this.#cached.find([this.#cached.key(questionMaker(options)(row))]);
		return found !== undefined;
	}

	/** Notes a row in the ledger that an earlier process had on its way when it was killed: it may have been billed. */
	noteLostRequest(row: GenerateRow, options: GenerateOptions = {}): void {
		this.#accounting.noteLostRequest(questionMaker(options)(row));
	}

	/**
	 * Finds out before anything is sent, or anybody is asked, what would end a run at once.
	 * @throws MissingKeyError when the provider needs a key and there is none; ConfigError when LLM_GLOBAL_CONCURRENCY
	 *   is not a positive integer
	 */
	assertReady(): void {
		this.#assertOpen();
		requireKeys(this.#route);
		this.#ownPacing();
	}

	/** Brings the ledger's rows to the disk, without holding up anything; never rejects. */
	async syncLedger(): Promise<void> {
		await this.#ledger?.sync();
	}

	/** Writes what is pending and closes connections; calls that still run are aborted. Calls after it fail. */
	async close(): Promise<void> {
		this.#closed = true;
		const synced = this.#ledger?.sync();
		await Promise.all([synced, this.#cache?.close(), this.#http.close(), this.#pacing?.close()]);
		await this.#ledger?.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	#assertOpen(): void {
		if (this.#closed) throw new LlmxError(`this LLM (${this.model}) is closed`, { hint: "make a new one" });
		noticeModel(this.#route, this.#options.onWarning);
	}

	#context(options: CallOptions): AskContext {
		this.#ledger?.open();
		const { cache, maxRetries = DEFAULT_MAX_RETRIES, onRetry } = this.#options;
		return {
			model: this.model,
			caller: this.#caller,
			cached: this.#cached,
			accounting: this.#accounting,
			cache: cache === false ? false : (options.cache ?? cache ?? true),
			maxRetries,
			signal: options.signal,
			onRetry: options.onRetry ?? onRetry,
			clock: this.#clock,
			random: this.#random,
			flushLedger: () => this.#ledger?.flush() ?? Promise.resolve(),
		};
	}

	#run(question: Question, options: CallOptions): AskRun {
		return new AskRun(question, {
			...this.#context(options),
			// Nobody waits for the disk, except the end of the process.
			flushLedger: async () => void this.#ledger?.sync(),
			keys: () => requireKeys(this.#route) && this.#ownKeys(),
			takeSlot: (signal) => this.#takeSlot(signal),
		});
	}

	/** One of the slots that all processes of the user share, held while a request is in flight; undefined without such a cap. */
	async #takeSlot(signal: AbortSignal | undefined): Promise<ReleaseSlot | undefined> {
		const { env = process.env } = this.#options;
		return env.LLM_GLOBAL_CONCURRENCY ? this.#ownPacing().acquireSlot?.(signal) : undefined;
	}

	#ownPacing(): Pacing {
		this.#pacing ??= this.startPacing(() => this.#clock.now(), this.#ownKeys());
		return this.#pacing;
	}

	/** What is known of the keys holds for single calls and for `generate` alike. */
	#ownKeys(): Keys {
		this.#keys ??= keysOf(this.#route, () => this.#clock.now());
		return this.#keys;
	}
}
