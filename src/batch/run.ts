import type { Pace } from "../ask/pacing.ts";
import type { RequestOutcome, RowOutcome, RunControl } from "../ask/run-control.ts";
import { AbortedError, LlmxError, RequestError, UsageError } from "../errors.ts";
import type { CacheMode, CallOptions, GenerateRow } from "../options.ts";
import type { Parameters } from "../parameters/table.ts";
import type { PromptsFile } from "../prompts/prompts-file.ts";
import type { BatchRow } from "../prompts/row-builder.ts";
import type { SchemaSet } from "../prompts/schemas.ts";
import type { Checked } from "../results/checked.ts";
import type { FlightLog } from "../results/flight-log.ts";
import { type RecordFormat, type RecordRow, toFailure } from "../results/records.ts";
import type { AnswerRecord, Sink } from "../results/sinks.ts";
import type { ServerChange } from "../schedule/schedule-options.ts";
import type { CostGuard } from "./cost-guard.ts";
import type { Expectation } from "./expectation.ts";
import {
	failureReason,
	type Halt,
	type HaltPolicy,
	hopelessFailures,
	hopelessModel,
	isTooManyFailures,
	SameFailures,
} from "./halt.ts";
import type { TokenCounter } from "./input-tokens.ts";
import type { PricedModel } from "./priced-model.ts";
import { requestHash } from "./request-hash.ts";
import { RowGuard } from "./row-guard.ts";
import { type RequestWatch, RunStats } from "./run-stats.ts";
import type { RunTimeline } from "./timeline.ts";

/** A row on its way, in the form in which a model takes it. */
export interface SentRow extends GenerateRow {
	/** Its place in the index. */
	readonly position: number;
	readonly row: BatchRow;
	readonly parameters: Parameters;
}

/** What a run needs of a model; an LLM has it. */
export interface BatchModel {
	/** How it is held back at this moment; undefined before its first request. */
	readonly pace?: Pace | undefined;
	/** USD that the cache saved so far. */
	readonly savedUsd?: number | undefined;
	/** USD that the provider's own cache of prompts saved so far, less what writing it cost. */
	readonly promptCacheSavedUsd?: number | undefined;
	/** Brings what the ledger has of it to the disk; never rejects. */
	syncLedger?(): Promise<void>;
	/** What became of each row; what is known at one time comes together. */
	generateTogether(
		rows: Iterable<SentRow> | AsyncIterable<SentRow>,
		options: Parameters & Pick<CallOptions, "signal" | "cache" | "streamed">,
		control: RunControl<SentRow>,
	): AsyncIterable<readonly RowOutcome<SentRow>[]>;
}

/** One model of a run with all its rows. */
export interface ModelRun extends PricedModel {
	/** As rows and `-m` name it. */
	readonly model: string;
	readonly llm: BatchModel;
	/** For rows that do not set them. */
	readonly defaults: Parameters;
	readonly stats: RunStats;
}

export interface BatchRunOptions {
	readonly prompts: PromptsFile;
	readonly checked: Checked;
	readonly modelRuns: readonly ModelRun[];
	readonly sink: Sink;
	/** Hears of every request that leaves and ends. */
	readonly flight?: FlightLog | undefined;
	readonly format: RecordFormat;
	readonly schemas: SchemaSet;
	readonly halt: Halt;
	readonly haltPolicy: HaltPolicy | undefined;
	readonly guard: CostGuard | undefined;
	/** What the guard keeps, in words: `--max-cost`, `the daily budget of $5`. */
	readonly capName: string;
	/** Hears of requests that leave, and of those that are refused for rate. */
	readonly requests?: RequestWatch | undefined;
	/** Keeps when things happened, for a report. */
	readonly timeline?: RunTimeline | undefined;
	/** Counts what the guard sets aside; needed with one. */
	readonly countTokens: TokenCounter | undefined;
	readonly cache: CacheMode;
	/** Compares answers with what rows expect of them. */
	readonly expectation?: Expectation | undefined;
	/** Answers are streamed on the wire. */
	readonly streamed?: boolean | undefined;
	/** JSON of a record, safe to print. */
	readonly stringify: (record: unknown) => string;
	/** Hears that a provider seems out of order and is left alone for a while. */
	readonly onPause: (model: string, pauseMs: number, error: RequestError) => void;
	/** Hears that one of a model's servers is out of order, or answers again. */
	readonly onServer: (model: string, change: ServerChange) => void;
}

/**
 * Sends the missing rows of every model, and keeps each answer before it counts. Returns when all have ended or the
 * halt has taken effect. The end of one model, such as a refused key, does not end the others.
 * @throws the first error that ended a model, when nothing else had halted the run
 */
export async function sendRows(options: BatchRunOptions): Promise<void> {
	const endings = await Promise.allSettled(
		options.modelRuns.map((modelRun) => new ModelRunner(options, modelRun).run()),
	);
	const failed = endings.find((ending) => ending.status === "rejected");
	if (failed !== undefined && options.halt.reason === undefined) throw failed.reason;
}

/** A row whose outcome is known, and the record of its answer. */
interface RowToKeep {
	readonly outcome: RowOutcome<SentRow>;
	readonly position: number;
	readonly key: RecordRow;
	readonly record: string | undefined;
}

class ModelRunner {
	readonly #options: BatchRunOptions;
	readonly #modelRun: ModelRun;
	/** Ends this model alone. */
	readonly #stop = new AbortController();
	readonly #guard: RowGuard | undefined;
	#failures = 0;
	readonly #same = new SameFailures();
	#hopeless: LlmxError | undefined;

	constructor(options: BatchRunOptions, modelRun: ModelRun) {
		this.#options = options;
		this.#modelRun = modelRun;
		const { guard } = options;
		this.#guard = guard && new RowGuard(guard, options, modelRun);
	}

	async run(): Promise<void> {
		const { halt, cache, sink, streamed } = this.#options;
		const { llm, defaults } = this.#modelRun;
		const options = { ...defaults, signal: halt.abortSignal, cache, streamed };
		const groups = llm.generateTogether(this.#rows(), options, this.#control());
		try {
			for await (const outcomes of groups) {
				this.#keepAll(outcomes);
				// A sink that is out of order ends the run; what is in flight still gets to the cache.
				await sink.room()?.catch((error) => this.#haltOn(error));
			}
		} catch (error) {
			// Whatever was broken off has had its outcome by now.
			if (!(error instanceof AbortedError && halt.abortSignal.aborted)) throw error;
		}
		if (this.#hopeless !== undefined) throw this.#hopeless;
	}

	/** The rows of this model that are still missing. Positions are counted as the check has counted them. */
	*#rows(): Generator<SentRow, void> {
		const { prompts, checked, halt } = this.#options;
		const { model } = this.#modelRun;
		let position = 0;
		const refuse = (problem: { line: number; text: string }) => {
			throw this.#changed(problem.line);
		};
		for (const { row } of prompts.rows(refuse)) {
			for (const candidate of prompts.modelsOf(row)) {
				const here = position;
				position += 1;
				if (candidate !== model || checked.index.state(here) !== "missing") continue;
				if (!checked.index.matches(here, row.id, model)) throw this.#changed(row.line);
				if (halt.stopSignal.aborted) return;
				const { parameters, n, prompt, messages } = row;
				const question = prompt === undefined ? { messages } : { prompt: prompt.text, system: prompt.system };
				yield { ...question, parameters, n, position: here, row };
			}
		}
		if (position !== checked.index.size) throw this.#changed(undefined);
	}

	#changed(line: number | undefined): UsageError {
		const { name } = this.#options.prompts;
		return new UsageError(`${line === undefined ? name : `${name}:${line}`} changed during the run`, {
			hint: "answers so far are kept; run the same command again",
		});
	}

	#control(): RunControl<SentRow> {
		const { schemas, halt, flight } = this.#options;
		const { stats, provider, defaults, model } = this.#modelRun;
		return {
			stop: AbortSignal.any([halt.stopSignal, this.#stop.signal]),
			onPause: (pauseMs, error) => this.#options.onPause(model, pauseMs, error),
			onServer: (change) => this.#options.onServer(model, change),
			judge: ({ parameters }, result) => schemas.judge({ ...defaults, ...parameters }, result, provider),
			admit: (sent) => {
				if (halt.isDue) return "stop";
				const verdict = this.#guard?.admit(sent) ?? "go";
				if (verdict !== "go") return verdict;
				stats.inFlight += 1;
				this.#options.requests?.sent(sent);
				flight?.started(sent.row.id, model);
				return verdict;
			},
			onLeave: flight && (() => flight.note()),
			onSent: (sent, sending) => this.#noteSending(sent, sending),
		};
	}

	#noteSending(sent: SentRow, { usage, cost, error }: RequestOutcome): void {
		const { stats } = this.#modelRun;
		stats.inFlight -= 1;
		this.#options.flight?.ended(sent.row.id, this.#modelRun.model);
		if (error instanceof RequestError && error.errorClass === "rate_limit") {
			stats.refusals += 1;
			this.#options.requests?.refused(sent);
			this.#options.timeline?.note("refused");
		}
		stats.noteSending(sent.position, error);
		stats.usd += cost.usd;
		stats.unknownCosts += cost.unknownCalls;
		this.#guard?.settle(sent, { usage, cost, error });
	}

	/** Writes the records of rows whose outcomes are known at one time. */
	#keepAll(outcomes: readonly RowOutcome<SentRow>[]): void {
		const rows = outcomes.map((outcome) => this.#toKeep(outcome));
		const answers: AnswerRecord[] = [];
		for (const { position, record } of rows) if (record !== undefined) answers.push({ position, record });
		const areKept = answers.length > 1 && this.#options.sink.results(answers);
		for (const row of rows) this.#keep(row, areKept);
	}

	#toKeep(outcome: RowOutcome<SentRow>): RowToKeep {
		const { format, stringify, expectation } = this.#options;
		const { position, row } = outcome.row;
		const pass = outcome.ok ? expectation?.judge(row.expected, outcome.result.texts) : undefined;
		const { model } = this.#modelRun;
		const key = { id: row.id, model, n: row.n, hash: requestHash(row), pass, metadata: row.metadata };
		const record = outcome.ok ? stringify(format.result(key, outcome.result)) : undefined;
		return { outcome, position, key, record };
	}

	/** Writes a row's record, unless that is done; only then does the row count. */
	#keep({ outcome, position, key, record }: RowToKeep, isKept: boolean): void {
		const { sink, format, stringify, expectation } = this.#options;
		const { stats } = this.#modelRun;
		stats.turnedAway.delete(position);
		try {
			if (outcome.ok) {
				if (!isKept) sink.result(position, record as string);
				this.#options.timeline?.note("answered");
				stats.notePass(key.pass);
				stats.noteAnswer(outcome.result);
				stats.savedUsd = this.#modelRun.llm.savedUsd ?? 0;
				stats.promptCacheSavedUsd = this.#modelRun.llm.promptCacheSavedUsd ?? 0;
				if (!outcome.result.cached) this.#same.answered();
				return;
			}
			const failure = toFailure(outcome);
			const interrupted = failure.errorClass === "interrupted";
			// A row that was never sent is simply missing.
			if (interrupted && failure.attempts === 0) return;
			sink.failure(position, stringify(format.failure(key, failure)), interrupted);
			if (interrupted) stats.interrupted += 1;
			else {
				stats.noteFailure(failure.errorClass, failure.usage);
				this.#options.timeline?.note("failed");
				// What has no answer has not the expected one.
				stats.notePass(expectation?.judge(outcome.row.row.expected, []));
				this.#heedFailure(outcome.error);
			}
		} catch (error) {
			this.#haltOn(error);
		}
	}

	#haltOn(error: unknown): void {
		if (!(error instanceof LlmxError)) throw error;
		this.#options.halt.soon({ text: error.message, exitCode: error.exitCode });
	}

	/** Ends the run when more rows have failed than `--halt` allows, and without it this model when nothing else comes. */
	#heedFailure(error: LlmxError): void {
		const { halt, haltPolicy, modelRuns } = this.#options;
		const { stats, model } = this.#modelRun;
		this.#failures += 1;
		if (haltPolicy !== undefined) {
			const { failed, finished } = RunStats.sum(modelRuns.map(({ stats }) => stats));
			if (isTooManyFailures(haltPolicy, failed, finished))
				halt[haltPolicy.when](failureReason(haltPolicy, failed));
			return;
		}
		const allAlike = this.#same.failed(error);
		const none = stats.answered === 0 && this.#failures === hopelessFailures;
		if (this.#hopeless !== undefined || !(allAlike || none)) return;
		this.#hopeless = hopelessModel(model, error, none);
		this.#stop.abort();
	}
}
