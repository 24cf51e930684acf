import { constants } from "node:os";
import { allowanceOf, CostGuard } from "../../batch/cost-guard.ts";
import { type Estimate, loadTokenCounter } from "../../batch/estimate.ts";
import { executeRun, type RunOutput } from "../../batch/execute.ts";
import type { Expectation } from "../../batch/expectation.ts";
import { Halt, type HaltReason } from "../../batch/halt.ts";
import type { ModelRun } from "../../batch/run.ts";
import { RunTimeline } from "../../batch/timeline.ts";
import { type ExitCode, exitCodes } from "../../errors.ts";
import type { CacheMode } from "../../index.ts";
import { plainDialect } from "../../prompts/csv-line.ts";
import type { PromptsFile } from "../../prompts/prompts-file.ts";
import type { SchemaSet } from "../../prompts/schemas.ts";
import type { Checked } from "../../results/checked.ts";
import type { RenderedOutput } from "../../results/finish.ts";
import { recordFormats } from "../../results/records.ts";
import { systemClock } from "../../schedule/clock.ts";
import { systemFiles } from "../../state/file-system.ts";
import { formatDuration, formatUsd } from "../../terminal/formats.ts";
import { escapeJson, sanitizeLine } from "../../terminal/sanitize.ts";
import { colorsFor } from "../ask/answer-writer.ts";
import type { RunBudget } from "../budget.ts";
import type { CommandContext } from "../command.ts";
import { writeBatchReport } from "../report/batch-report.ts";
import { commandsAgain } from "./again.ts";
import type { OutputClaim } from "./claim.ts";
import type { BatchFlags } from "./flags.ts";
import { writeJsonFile } from "./json-file.ts";
import { BatchProgress } from "./progress.ts";
import type { LimitParts } from "./share/limit-parts.ts";
import type { RunShare } from "./share/run-share.ts";
import { type SummaryView, summaryJson, summaryLines, summaryWrap } from "./summary.ts";
import type { Target } from "./target.ts";

/** How long requests in flight have to finish after the first Ctrl-C, in ms. */
const graceMs = 1_500;

export interface BatchRun {
	readonly context: CommandContext;
	readonly flags: BatchFlags;
	readonly source: string;
	readonly target: Target;
	/** Undefined when nothing is written. */
	readonly claim: OutputClaim | undefined;
	readonly prompts: PromptsFile;
	readonly checked: Checked;
	readonly modelRuns: readonly ModelRun[];
	readonly schemas: SchemaSet;
	/** What answers are compared with; undefined without --expect. */
	readonly expectation: Expectation | undefined;
	/** What the run was thought to cost. */
	readonly estimate: Estimate;
	/** The part of the user's budget that the run has; null without one. */
	readonly budget: RunBudget | null;
	/** The limits that shards divide among them. */
	readonly limitParts: LimitParts;
	/** Called with where messages go while progress is shown. */
	readonly onLog: (log: (text: string) => void) => void;
}

/** Sends what is missing, with progress, signals and a summary. Returns the exit code. */
export async function sendBatch(run: BatchRun): Promise<number> {
	const { context, flags, target, checked, modelRuns, estimate, budget } = run;
	const { io } = context;
	const halt = new Halt(() => run.claim?.showLife());
	const cap = capOf(run);
	const colors = colorsFor(io, "stderr");
	const progress = new BatchProgress({
		io,
		colors,
		source: run.source,
		target: target.name,
		modelRuns,
		total: checked.missing,
		capUsd: cap?.usd,
		pace: () => busiest(modelRuns)?.llm.pace,
		now: systemClock.now,
		shown: !flags.quiet && checked.missing > 0,
	});
	const log = (text: string) => progress.log(`llmx: ${sanitizeLine(text)}`);
	run.onLog(log);
	const share = await openShare(run, halt, log);
	const allowanceUsd = cap === undefined ? 0 : allowanceFor(run, cap.usd, share);
	const guard = cap && new CostGuard({ capUsd: cap.usd, allowanceUsd, lease: share?.lease });
	share?.watch(guard);
	if (cap !== undefined && allowanceUsd > 0 && checked.missing > 0)
		log(
			`answers have no bound, so ${share === undefined ? "the run" : "this shard"} may pass ${cap.name} by up to ${formatUsd(allowanceUsd)}; --max-tokens makes it a hard cap`,
		);
	if (guard !== undefined && cap?.isBudget) budget?.watch(guard);
	const stopListening = listen(run, halt, progress, log, share);
	run.claim?.whenLost((text) => halt.soon({ text, exitCode: exitCodes.failed }));
	const startedAt = systemClock.now();
	const timeline = new RunTimeline(systemClock.now);
	let ending = "failed";
	try {
		progress.start();
		const outcome = await executeRun({
			...run,
			files: systemFiles,
			output: outputOf(run, log),
			format: recordFormats[flags.outFormat],
			onOpened: () => run.claim?.cover(),
			halt,
			haltPolicy: flags.halt,
			guard,
			capName: cap?.name ?? "",
			timeline,
			requests: share?.requests,
			failUnder: flags.failUnder,
			countTokens: guard && (await loadTokenCounter()),
			cache: cacheMode(flags),
			streamed: flags.stream,
			stringify: (record) => escapeJson(JSON.stringify(record)),
			onServer: (model, { name, error }) =>
				log(
					error === undefined
						? `${name} answers again`
						: `${name} is out of order, and ${model} is asked elsewhere: ${error.message}`,
				),
			onPause: (model, pauseMs, { message }) => {
				progress.pause(pauseMs, message);
				log(`most requests to ${model} fail; pausing for ${formatDuration(pauseMs)}: ${message}`);
			},
		});
		progress.stop();
		ending = outcome.stopped ?? (outcome.missing > 0 ? "incomplete" : "done");
		if (outcome.exitCode === exitCodes.quota) await share?.stopAll(ending, outcome.exitCode);
		const view: SummaryView = {
			outcome,
			modelRuns,
			total: checked.done + checked.failed + checked.missing,
			doneBefore: checked.done,
			elapsedMs: systemClock.now() - startedAt,
			failuresName: target.files?.failuresName,
			superseded:
				checked.staleResults > 0 && target.files !== undefined
					? { count: checked.staleResults, name: target.files.supersededName }
					: undefined,
			overshootUsd: guard?.overshootUsd ?? 0,
			capName: cap?.name ?? "",
			estimate,
			again: commandsAgain(context.argv),
			timeline: timeline.toJson(),
		};
		if (!flags.quiet || outcome.stopped !== undefined || outcome.notes.length > 0)
			io.stderr.write(`${summaryLines(view, colors, await summaryWrap(io.stderr.columns)).join("\n")}\n`);
		if (run.claim?.isHeld() === false) return outcome.exitCode;
		writeJsonFile(target.summary, summaryJson(view));
		if (target.report !== undefined) await writeBatchReport(run, target.report, timeline.toJson());
		return outcome.exitCode;
	} finally {
		progress.stop();
		stopListening();
		await share?.close(ending);
	}
}

/** Joins the other shards; undefined for a run that shares nothing, or has nothing to send. */
async function openShare(
	run: BatchRun,
	halt: Halt,
	log: (text: string) => void,
): Promise<RunShare | undefined> {
	const { context, flags, checked, budget, target } = run;
	if (checked.missing === 0 || !(flags.share ?? context.io.env.LLMX_SHARE_URL)) return undefined;
	const { RunShare } = await import("./share/run-share.ts");
	return RunShare.open({
		...run,
		results: target.files?.results,
		rows: {
			total: checked.done + checked.failed + checked.missing,
			doneBefore: checked.done + checked.failed,
		},
		capUsd: flags.maxCost,
		budget: budget === null ? {} : context.settings.config.budget,
		halt,
		log,
		now: systemClock.now,
	});
}

/** USD above the cap that answers without a bound may come to; what all shards may have in all is the same as for one run. */
function allowanceFor({ flags, estimate }: BatchRun, capUsd: number, share: RunShare | undefined): number {
	const shards = share === undefined ? 1 : (flags.shard?.count ?? 1);
	const { worstRowUsd, worstUsd } = estimate;
	return allowanceOf(capUsd, { worstRowUsd, worstUsd: worstUsd * shards }) / shards;
}

/** What holds the run's cost down: `--max-cost`, or the budget when less of that is left. */
export function capOf({
	flags: { maxCost },
	budget,
}: Pick<BatchRun, "flags" | "budget">): { usd: number; name: string; isBudget: boolean } | undefined {
	if (budget !== null && budget.grantedUsd < (maxCost ?? Number.POSITIVE_INFINITY))
		return { usd: budget.grantedUsd, name: budget.name, isBudget: true };
	return maxCost === undefined ? undefined : { usd: maxCost, name: "--max-cost", isBudget: false };
}

function busiest(modelRuns: readonly ModelRun[]): ModelRun | undefined {
	return modelRuns.reduce<ModelRun | undefined>(
		(best, run) => (best === undefined || run.stats.inFlight > best.stats.inFlight ? run : best),
		undefined,
	);
}

/** Ends the run on signals, when stdout was closed, and after `--max-duration`. */
function listen(
	{ context: { io }, flags }: BatchRun,
	halt: Halt,
	progress: BatchProgress,
	log: (text: string) => void,
	share: RunShare | undefined,
): () => void {
	const timers: NodeJS.Timeout[] = [];
	const later = (ms: number, action: () => void) => {
		const timer = setTimeout(action, ms);
		timer.unref();
		timers.push(timer);
	};
	const endWithin = (ms: number, reason: HaltReason) => {
		halt.soon(reason);
		later(ms, () => halt.now(reason));
	};
	let signals = 0;
	const stopSignals = io.onSignal((signal) => {
		const exitCode = (128 + constants.signals[signal]) as ExitCode;
		signals += 1;
		if (signals > 1) {
			progress.stop();
			io.exit(exitCode);
			return;
		}
		log(`stopping (${signal}): waiting ${graceMs / 1000} s for requests in flight; repeat to quit now`);
		endWithin(graceMs, { text: `by ${signal}`, exitCode });
		if (flags.stopAll) void share?.stopAll(`by ${signal}`, exitCode);
	});
	const onGone = () => endWithin(graceMs, { text: "stdout was closed", exitCode: exitCodes.failed });
	if (io.stdout.gone.aborted) onGone();
	else io.stdout.gone.addEventListener("abort", onGone, { once: true });
	const { maxDuration } = flags;
	if (maxDuration !== undefined) {
		const text = `--max-duration of ${formatDuration(maxDuration * 1000)} reached`;
		later(maxDuration * 1000, () => halt.soon({ text, exitCode: exitCodes.durationCap }));
	}
	return () => {
		stopSignals();
		io.stdout.gone.removeEventListener("abort", onGone);
		for (const timer of timers) clearTimeout(timer);
	};
}

export function outputOf(run: BatchRun, log: (text: string) => void): RunOutput {
	const { target, context } = run;
	const { io } = context;
	if (target.files !== undefined) return { files: target.files, rendered: renderedOf(run) };
	return {
		stream: io.stdout,
		onFailure: (record) => {
			const { id, error } = JSON.parse(record) as { id: string; error: { message: string } };
			log(`row ${id} failed: ${error.message}`);
		},
	};
}

function renderedOf({ target, flags, prompts, modelRuns }: BatchRun): RenderedOutput | undefined {
	if (target.rendered === undefined) return undefined;
	const { kind, path, name } = target.rendered;
	if (kind === "json" || kind === "gzip") return { path, name, kind };
	// As the input was written, for the program that wrote it. A name that says how cells are parted wins.
	const own = prompts.table?.dialect ?? plainDialect;
	const delimiter = kind === "tsv" ? "\t" : prompts.format === "tsv" ? "," : own.delimiter;
	const style = {
		dialect: { ...own, delimiter },
		severalModels: modelRuns.length > 1,
		hasPass: flags.expect !== undefined,
		escapesFormulas: flags.escapeFormulas,
	};
	return { path, name, kind: "table", style };
}

function cacheMode({ cache, refresh, cacheOnly }: BatchFlags): CacheMode {
	if (!cache) return false;
	if (cacheOnly) return "only";
	return refresh ? "refresh" : true;
}
