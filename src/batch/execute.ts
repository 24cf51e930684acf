import { type ExitCode, exitCodes, LlmxError } from "../errors.ts";
import type { BatchRow } from "../prompts/row-builder.ts";
import type { RenderedOutput } from "../results/finish.ts";
import { FlightLog, flightLogPath } from "../results/flight-log.ts";
import type { OutputFiles } from "../results/output-files.ts";
import { createRevision } from "../results/revision.ts";
import { FileSink, StreamSink } from "../results/sinks.ts";
import type { Files } from "../state/file-system.ts";
import { judgeEarlierRows } from "./judge-earlier.ts";
import { type BatchRunOptions, sendRows } from "./run.ts";
import { RunStats } from "./run-stats.ts";

/** Where results go. */
export type RunOutput =
	| { readonly files: OutputFiles; readonly rendered: RenderedOutput | undefined }
	| {
			readonly stream: { write(text: string): boolean; flush(): Promise<void> };
			readonly onFailure: (record: string) => void;
	  };

export interface ExecuteOptions extends Omit<BatchRunOptions, "sink" | "flight"> {
	readonly files: Files;
	readonly output: RunOutput;
	/** Tells whether this process still has the files for itself: another one may take it for dead after a sleep. */
	readonly claim?: { isHeld(): boolean } | undefined;
	/** The least share of answers that must be as expected, 0 to 1. */
	readonly failUnder?: number | undefined;
	/** Called when the outputs are open and nothing is sent yet; what it throws ends the run. */
	readonly onOpened?: (() => Promise<void> | undefined) | undefined;
	/** There is something to do also when no row is missing. */
	readonly hasMore?: boolean | undefined;
	/** In place of sending every row by itself. */
	readonly send?: ((options: BatchRunOptions) => Promise<void>) | undefined;
}

/** How a run ended. */
export interface RunOutcome {
	/** Over all models. */
	readonly stats: RunStats;
	/** Rows that have neither an answer nor a failure. */
	readonly missing: number;
	/** Of those the ones whose answers came and are in another file than the results, which could not be written. */
	readonly overflowed: number;
	/** Rows without an answer because they failed, in this run or before. */
	readonly failed: number;
	/** Why it ended before its last row; undefined when it did not. */
	readonly stopped: string | undefined;
	/** The next step, when an error stopped it. */
	readonly hint: string | undefined;
	/** What happened to the files, and where answers are that are not in the results file. */
	readonly notes: readonly string[];
	readonly exitCode: ExitCode;
}

/**
 * Runs a checked batch: sends what is missing, then puts the files in order. What the run was stopped by is part of
 * the outcome, whether it was a signal, a limit or an error.
 * @throws LlmxError when an output cannot be opened, before anything is sent
 */
export async function executeRun(options: ExecuteOptions): Promise<RunOutcome> {
	const { files, output, checked, prompts, modelRuns, halt, format, send = sendRows } = options;
	const sink =
		"files" in output
			? new FileSink({
					files,
					output: output.files,
					checked,
					format,
					isHeld: () => options.claim?.isHeld() !== false,
					onTrouble: ({ message, hint, exitCode }) => halt.soon({ text: message, hint, exitCode }),
					alsoSync: async () => {
						await Promise.all(modelRuns.map(({ llm }) => llm.syncLedger?.()));
					},
				})
			: new StreamSink(output.stream, output.onFailure);
	let flight: FlightLog | undefined;
	try {
		await options.onOpened?.();
		const errors: unknown[] = [];
		const note = (error: unknown) => void errors.push(error);
		if (checked.missing > 0 || options.hasMore) {
			if ("files" in output) flight = new FlightLog(files, flightLogPath(output.files.results));
			await send({ ...options, sink, flight }).catch(note);
		}
		await sink.close().catch(note);
		flight?.remove();
		const stats = RunStats.sum(modelRuns.map(({ stats }) => stats));
		const missing = checked.missing - stats.finished;
		let notes: string[] = [];
		if (sink instanceof FileSink && "files" in output) {
			try {
				const isComplete = missing === 0 && errors.length === 0;
				const isHurried = halt.abortSignal.aborted;
				const { expectation, stringify } = options;
				if (expectation !== undefined && !isHurried && checked.done + checked.failed > 0)
					judgeEarlierRows({ prompts, checked, format, expectation, resultAt: sink.resultsAt() }, stats);
				const judge =
					expectation &&
					(({ expected }: BatchRow, answers: readonly string[]) => expectation.judge(expected, answers));
				const revise = checked.done > 0 ? createRevision({ format, judge, stringify }) : undefined;
				notes = sink.finish({ rendered: output.rendered, prompts, isComplete, isHurried, revise });
			} catch (error) {
				note(error);
			}
		}
		const [error] = errors;
		if (error !== undefined && !(error instanceof LlmxError)) throw error;
		const failed = checked.failed + stats.failed;
		const { reason } = halt;
		return {
			stats,
			missing,
			overflowed: sink instanceof FileSink ? sink.overflowed : 0,
			failed,
			stopped: reason?.text ?? error?.message,
			hint: reason === undefined ? error?.hint : reason.hint,
			notes,
			exitCode:
				reason?.exitCode ??
				error?.exitCode ??
				(failed + missing > 0 || isBelow(stats, options.failUnder) ? exitCodes.failed : exitCodes.ok),
		};
	} finally {
		flight?.remove();
		if (sink instanceof FileSink) sink.dispose();
	}
}

/** True when too few answers are as expected; where nothing is expected, a check checks nothing. */
function isBelow({ expecting, passed }: RunStats, failUnder: number | undefined): boolean {
	return failUnder !== undefined && (expecting === 0 || passed < expecting * failUnder);
}
