import { collectAnswers } from "./ask/answer-lists.ts";
import { type AskContext, AskRun } from "./ask/ask.ts";
import { oneByOne, runMany } from "./ask/generate.ts";
import { PacedRoute } from "./ask/paced-route.ts";
import type { Pace, Pacing } from "./ask/pacing.ts";
import { assemble, type LLMParts } from "./ask/parts.ts";
import { type Question, questionMaker, toQuestion } from "./ask/question.ts";
import type { RowOutcome, RunControl } from "./ask/run-control.ts";
import type { LLMRuntime } from "./ask/runtime.ts";
import { LlmxError } from "./errors.ts";
import type { Batches } from "./jobs/batches.ts";
import type { OpenJobs, OpenJobsOptions } from "./jobs/open.ts";
import { type ModelPricing, noticeModel, pricingOf } from "./models/model-pricing.ts";
import { requireKeys } from "./models/router.ts";
import type {
	AskOptions,
	BatchOptions,
	BatchStatus,
	CallOptions,
	ChatInput,
	GenerateOptions,
	GenerateRow,
	LLMOptions,
} from "./options.ts";
import type { Cost, Result, StreamPart, Usage } from "./types.ts";

/**
 * One model of one provider: ask it, stream from it, run many prompts through it. Nothing is loaded or connected
 * before the first call.
 */
export class LLM {
	readonly model: string;
	readonly #options: LLMOptions;
	readonly #parts: LLMParts;
	readonly #paced: PacedRoute;
	#closed = false;

	/**
	 * @throws NoRouteError when no provider serves the model; ConfigError for a config file, base URL or key that
	 * cannot be used
	 */
	constructor(model: string, options: LLMOptions = {}, runtime: LLMRuntime = {}) {
		this.model = model;
		this.#options = options;
		this.#parts = assemble(model, options, runtime);
		this.#paced = new PacedRoute(this.#parts, options);
	}

	/** Id of the provider that answers. */
	get provider(): string {
		return this.#parts.route.provider.id;
	}

	/** The provider's own name of the model. */
	get modelId(): string {
		return this.#parts.route.modelId;
	}

	/** What an estimate of its costs has to know. */
	get pricing(): ModelPricing {
		return pricingOf(this.#parts.route, this.#options.promptCache !== false);
	}

	/** The provider fetches an image from a URL by itself. */
	get fetchesImages(): boolean {
		return this.#parts.route.provider.fetchesImages;
	}

	/** Tokens of all calls so far. */
	get usage(): Usage {
		return this.#parts.accounting.usage;
	}

	/** USD of all calls so far, and how many calls are missing from it because their cost is unknown. */
	get cost(): Cost {
		return this.#parts.accounting.cost;
	}

	/** USD that the provider's own cache of prompts saved, less what writing it cost, as far as that is known. */
	get promptCacheSavedUsd(): number {
		return this.#parts.accounting.promptCacheSavedUsd;
	}

	get savedUsd(): number {
		return this.#parts.accounting.savedUsd;
	}

	/** Limiters as `generate` uses them, fresh and on a clock of the caller's: for rehearsals. Needs no key. */
	startPacing(now: () => number): Pacing {
		return this.#paced.start(now);
	}

	/** How `generate` is held back at this moment; undefined before its first request. */
	get pace(): Pace | undefined {
		return this.#paced.pace;
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
	async ask(messages: ChatInput, options: AskOptions = {}): Promise<Result> {
		const run = this.#run(toQuestion(messages, options), options);
		return options.streamed && (options.n ?? 1) === 1 ? run.collect(options) : run.answer();
	}

	/**
	 * Streams one answer. A failure before the first part is retried like in `chat`; after it the error is thrown and
	 * the text so far is in its `partialText`. Leaving the loop closes the connection.
	 * @throws what `chat` throws
	 */
	stream(messages: ChatInput, options: CallOptions = {}): AsyncGenerator<StreamPart, void> {
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
	 * Runs any number of prompts concurrently in flat memory and yields what became of each. Cached answers cost nothing,
	 * and identical prompts in flight are sent once unless `cache` is false. `control` has a say in every sending.
	 * @throws MissingKeyError; and what ends the whole run: AbortedError, or the error of the last usable key
	 */
	generateEach<Row extends string | GenerateRow>(
		rows: Iterable<Row> | AsyncIterable<Row>,
		options: GenerateOptions = {},
		control: RunControl<Row> = {},
	): AsyncGenerator<RowOutcome<Row>, void> {
		return oneByOne(this.generateTogether(rows, options, control));
	}

	/**
	 * Like `generateEach`, with what is known at one time together, for the command line.
	 * @internal
	 */
	generateTogether<Row extends string | GenerateRow>(
		rows: Iterable<Row> | AsyncIterable<Row>,
		options: GenerateOptions,
		control: RunControl<Row>,
	): AsyncGenerator<readonly RowOutcome<Row>[], void> {
		this.#assertOpen();
		const context = this.#context(options);
		if (context.cache !== "only") this.assertReady();
		const toQuestion = questionMaker(options);
		return runMany(rows, {
			...context,
			control,
			toQuestion: (row) => toQuestion(typeof row === "string" ? { prompt: row } : row),
			pacing: this.#paced.pacing,
		});
	}

	/**
	 * The batch jobs of this model at its provider, for the command line. Dispose of what it returns.
	 * @internal
	 * @throws NoJobsError when the provider has no batch API that llmx speaks; MissingKeyError
	 */
	async openJobs(options: OpenJobsOptions = {}): Promise<OpenJobs> {
		this.#assertOpen();
		if (!options.isRehearsal) requireKeys(this.#parts.route);
		const { openJobs } = await import("./jobs/open.ts");
		return openJobs(this.model, this.#parts, options);
	}

	/**
	 * Like `generate`, as batch jobs of the provider: cheaper, and done within hours. Aborting leaves the jobs running;
	 * their answers can be retrieved by the id that `onStatus` is called with.
	 * @throws what `batchSubmit` and `batchRetrieve` throw
	 */
	async batch(prompts: readonly string[], options: BatchOptions = {}): Promise<string[][]> {
		return this.#withBatches(options, (batches) => batches.run(prompts));
	}

	/**
	 * Submits prompts as batch jobs. Returns an id such as `openai:120:batch_abc`, by which they are found from any
	 * process or machine that has the key.
	 * @throws NoJobsError, QueueFullError, RequestError; UnknownOutcomeError when a job may or may not have been created
	 */
	async batchSubmit(prompts: readonly string[], options: BatchOptions = {}): Promise<string> {
		return this.#withBatches(options, (batches) => batches.submit(prompts));
	}

	/** How the jobs of an id stand. @throws RequestError; UsageError when it is not an id of this provider */
	async batchStatus(id: string): Promise<BatchStatus> {
		return this.#withBatches({}, (batches) => batches.status(id));
	}

	/**
	 * The answers of ended jobs, one list per prompt, in order; what they cost is noted once.
	 * @throws PartialFailureError with `results` (null where an answer is missing) and `errors`; LlmxError when a job has
	 *   not ended
	 */
	async batchRetrieve(id: string): Promise<string[][]> {
		return this.#withBatches({}, (batches) => batches.retrieve(id));
	}

	/** Whether the cache holds an answer to each of some rows. Nothing is sent and nothing noted in the ledger. */
	async areCached(rows: readonly GenerateRow[], options: GenerateOptions = {}): Promise<boolean[]> {
		return this.#parts.cached.areFound(rows.map(questionMaker(options)));
	}

	/** Notes a row in the ledger that an earlier process had on its way when it was killed: it may have been billed. */
	noteLostRequest(row: GenerateRow, options: GenerateOptions = {}): void {
		this.#parts.accounting.noteLostRequest(questionMaker(options)(row));
	}

	/** Finds out before anything is sent what the provider or model does not take. @throws UnsupportedError */
	async assertTakes(row: GenerateRow, options: GenerateOptions = {}): Promise<void> {
		await this.#parts.caller.assertTakes(questionMaker(options)(row));
	}

	/**
	 * Finds out before anything is sent, or anybody is asked, what would end a run at once.
	 * @throws MissingKeyError; ConfigError when LLM_GLOBAL_CONCURRENCY is not a positive integer
	 */
	assertReady(): void {
		this.#assertOpen();
		requireKeys(this.#parts.route);
		this.#paced.assertUsable();
	}

	/** Brings the ledger's rows to the disk, without holding up anything; never rejects. */
	async syncLedger(): Promise<void> {
		await this.#parts.ledger?.sync();
	}

	/** Writes what is pending and closes connections; calls that still run are aborted. Calls after it fail. */
	async close(): Promise<void> {
		this.#closed = true;
		const synced = this.#parts.ledger?.sync();
		await Promise.all([synced, this.#parts.cache?.close(), this.#parts.http.close(), this.#paced.close()]);
		await this.#parts.ledger?.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #withBatches<T>(options: BatchOptions, action: (batches: Batches) => Promise<T>): Promise<T> {
		const { Batches } = await import("./jobs/batches.ts");
		await using open = await this.openJobs(options);
		return await action(new Batches(open, { options, clock: this.#parts.clock, random: this.#parts.random }));
	}

	#assertOpen(): void {
		if (this.#closed) throw new LlmxError(`this LLM (${this.model}) is closed`, { hint: "make a new one" });
		noticeModel(this.#parts.route, this.#options.onWarning);
	}

	#context(options: CallOptions): AskContext {
		const { cache, maxRetries = 5, onRetry } = this.#options;
		const { caller, cached, accounting, clock, random, ledger } = this.#parts;
		ledger?.open();
		return {
			model: this.model,
			...{ caller, cached, accounting, clock, random },
			cache: cache === false ? false : (options.cache ?? cache ?? true),
			maxRetries,
			streamed: options.streamed ?? false,
			promptCacheMinimum: this.pricing.promptCacheMinimum,
			signal: options.signal,
			onRetry: options.onRetry ?? onRetry,
			flushLedger: () => ledger?.flush() ?? Promise.resolve(),
		};
	}

	#run(question: Question, options: CallOptions): AskRun {
		this.#assertOpen();
		return new AskRun(question, {
			...this.#context(options),
			// Nobody waits for the disk, except the end of the process.
			flushLedger: async () => void this.#parts.ledger?.sync(),
			continues: options.continues ?? false,
			servers: () => requireKeys(this.#parts.route) && this.#paced.servers,
			takeSlot: (signal) => this.#paced.takeSlot(signal),
		});
	}
}
