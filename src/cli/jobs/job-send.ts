import { constants } from "node:os";
import { executeRun } from "../../batch/execute.ts";
import { Halt } from "../../batch/halt.ts";
import { type JobRunOutcome, sendByJobs } from "../../batch/jobs/job-run.ts";
import { type BatchRunOptions, type ModelRun, sendRows } from "../../batch/run.ts";
import { RunTimeline } from "../../batch/timeline.ts";
import { type ExitCode, exitCodes, UsageError } from "../../errors.ts";
import type { LLM } from "../../index.ts";
import { JobsBeside } from "../../jobs/beside.ts";
import { type JobRecord, jobId } from "../../jobs/job-log.ts";
import type { OpenJobs } from "../../jobs/open.ts";
import { recordFormats } from "../../results/records.ts";
import { systemClock } from "../../schedule/clock.ts";
import { systemFiles } from "../../state/file-system.ts";
import { LineAppender } from "../../state/files.ts";
import { formatPlural } from "../../terminal/formats.ts";
import { escapeJson, sanitizeLine } from "../../terminal/sanitize.ts";
import { colorsFor } from "../ask/answer-writer.ts";
import { commandsAgain } from "../batch/again.ts";
import { writeJsonFile } from "../batch/json-file.ts";
import { type BatchRun, capOf, outputOf } from "../batch/run.ts";
import { type SummaryView, summaryJson, summaryLines, summaryWrap } from "../batch/summary.ts";
import type { CommandContext } from "../command.ts";
import { writeBatchReport } from "../report/batch-report.ts";
import { requireRoom } from "./job-checks.ts";
import { JobProgress } from "./job-progress.ts";
import { disagreements } from "./job-totals.ts";
import { notify } from "./notify.ts";
import { keptOf } from "./retention.ts";

export interface JobBatchRun extends BatchRun {
	readonly modelRuns: readonly (ModelRun & { readonly llm: LLM })[];
	/** What the rows of each model may cost as jobs, in USD; null when unknown. */
	readonly estimateUsd: (model: string) => number | null;
	/** Rows that are in jobs of earlier runs. */
	readonly rowsUnderway: number;
	/** Jobs of this results file that were not fetched yet. */
	readonly jobsBefore: readonly JobRecord[];
}

/**
 * Sends what is missing as batch jobs and, unless it is only to submit, waits for them. Ctrl-C leaves them running.
 * Returns the exit code.
 * @throws UsageError when the results have no file: jobs outlive the process, so there must be a place for them
 */
export async function sendBatchByJobs(run: JobBatchRun): Promise<number> {
	const { context, flags, target, checked, modelRuns, estimate } = run;
	const { io } = context;
	const { files } = target;
	if (files === undefined)
		throw new UsageError("--via-jobs needs a results file", { hint: "give one with -o" });
	const { rowsUnderway, jobsBefore } = run;
	if (checked.missing > rowsUnderway) requireRoom(run, capOf(run));
	const halt = new Halt();
	const hasMore = jobsBefore.some(({ model }) => checked.models.includes(model));
	const progress = new JobProgress(io, !flags.quiet && (checked.missing > 0 || hasMore));
	const superseded = new LineAppender(files.superseded);
	const beside = new JobsBeside(files.results, context.settings.paths.jobFiles);
	const log = (text: string) => progress.log(`llmx: ${sanitizeLine(text)}`);
	run.onLog(log);
	const colors = colorsFor(io, "stderr");
	const stopListening = listen(run, halt, log);
	run.claim?.whenLost((text) => halt.soon({ text, exitCode: exitCodes.failed }));
	const pollMs = flags.poll === undefined ? undefined : flags.poll * 1000;
	const opened = new Map<ModelRun, OpenJobs>();
	const startedAt = systemClock.now();
	const timeline = new RunTimeline(systemClock.now);
	let jobs: JobRunOutcome | undefined;
	try {
		for (const modelRun of modelRuns)
			opened.set(modelRun, await modelRun.llm.openJobs({ signal: halt.stopSignal, pollMs, beside }));
		const openOf = (modelRun: ModelRun) => opened.get(modelRun) as OpenJobs;
		const [first] = opened.values();
		const send = async (options: BatchRunOptions) => {
			jobs = await sendByJobs({
				...options,
				run: files.results,
				foreignPath: (tag) => `${files.results.replace(/\.jsonl$/, "")}.foreign-${tag.slice(0, 8)}.jsonl`,
				jobsOf: (modelRun) => openOf(modelRun).jobs,
				mostRows: flags.jobRows,
				detach: flags.detach ?? false,
				pollMs: first?.pollMs ?? 0,
				clock: systemClock,
				random: Math.random,
				superseded,
				onSubmitted: (usd) => run.budget?.handOver(usd),
				bookedRows: (record) => openOf(modelRuns[0] as ModelRun).bookedRows(record),
				flushLedger: (modelRun) => openOf(modelRun).flushLedger(),
				onJobs: (views, waiting) => progress.show(views, waiting),
				onNote: log,
				onTotals: (id, said, rows) => disagreements(id, said, rows).forEach(log),
			});
			if (jobs.error !== undefined) throw jobs.error;
			const isOver = jobs.open.length === 0 && !halt.stopSignal.aborted;
			if (flags.finishLive && isOver) await sendRows({ ...options, modelRuns: run.modelRuns });
		};
		const outcome = await executeRun({
			...run,
			hasMore,
			files: systemFiles,
			output: outputOf(run, log),
			format: recordFormats[flags.outFormat],
			timeline,
			onOpened: () => run.claim?.cover(),
			halt,
			haltPolicy: flags.halt,
			guard: undefined,
			capName: "",
			countTokens: undefined,
			cache: flags.cache ? (flags.refresh ? "refresh" : true) : false,
			stringify: (record) => escapeJson(JSON.stringify(record)),
			onPause: () => {},
			onServer: () => {},
			send,
		});
		// Where the results file was lost on the way, the next run fetches the jobs again.
		const isKept = halt.reason === undefined || halt.abortSignal.aborted;
		if (isKept) jobs?.finish();
		progress.stop();
		const view: SummaryView = {
			outcome,
			modelRuns,
			total: checked.done + checked.failed + checked.missing,
			doneBefore: checked.done,
			elapsedMs: systemClock.now() - startedAt,
			failuresName: files.failuresName,
			overshootUsd: 0,
			capName: "",
			timeline: timeline.toJson(),
			viaJobs: true,
			superseded:
				checked.staleResults > 0 ? { count: checked.staleResults, name: files.supersededName } : undefined,
			estimate,
			again: commandsAgain(context.argv),
		};
		const open = jobs?.open ?? [];
		if (!flags.quiet || outcome.stopped !== undefined || outcome.notes.length > 0) {
			// Rows in jobs that go on are neither sent in vain nor to be sent again.
			const missing = Math.max(0, outcome.missing - (jobs?.openRows ?? 0));
			const wrap = await summaryWrap(context.io.stderr.columns);
			const lines = summaryLines({ ...view, outcome: { ...outcome, missing } }, colors, wrap);
			io.stderr.write(`${[...lines, ...openLines(jobs, view.again.missing, context)].join("\n")}\n`);
		}
		const openJobs = open.map((record) => jobId(record));
		writeJsonFile(target.summary, { ...summaryJson(view), open_jobs: openJobs });
		if (target.report !== undefined) await writeBatchReport(run, target.report, timeline.toJson());
		if (open.length === 0 && flags.notify !== undefined) await notify(flags.notify, outcome.exitCode, log);
		// What is submitted is under way: nothing failed as long as only jobs are waited for.
		const isUnderway = open.length > 0 && outcome.failed === 0 && outcome.missing <= (jobs?.openRows ?? 0);
		return isUnderway && outcome.stopped === undefined ? exitCodes.ok : outcome.exitCode;
	} finally {
		progress.stop();
		superseded.close();
		beside.close();
		stopListening();
		await Promise.all([...opened.values()].map((open) => open[Symbol.asyncDispose]()));
	}
}

function openLines(jobs: JobRunOutcome | undefined, again: string, context: CommandContext): string[] {
	if (jobs === undefined || jobs.open.length === 0) return [];
	const ids = jobs.open.map((record) => jobId(record) ?? record.tag);
	const kept = new Set(jobs.open.map((record) => keptOf(record, context, Date.now()).text));
	return [
		`jobs      ${formatPlural(jobs.openRows, "row")} in ${formatPlural(ids.length, "job")}, which go on at the provider`,
		...ids.map((id) => `          ${sanitizeLine(id)}`),
		`          fetch the answers later: ${sanitizeLine(again)}`,
		"          or check on them: llmx jobs list",
		...[...kept].map((text) => `results   kept ${text}`),
	];
}

function listen({ context: { io } }: JobBatchRun, halt: Halt, log: (text: string) => void): () => void {
	let signals = 0;
	return io.onSignal((signal) => {
		const exitCode = (128 + constants.signals[signal]) as ExitCode;
		signals += 1;
		if (signals > 1) io.exit(exitCode);
		log(`leaving (${signal}): submitted jobs go on at the provider`);
		halt.now({ text: `by ${signal}`, exitCode });
	});
}
