import { closeSync, existsSync, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { unknownQuestion } from "../../ask/question.ts";
import { AbortedError, exitCodes, LlmxError, UsageError } from "../../errors.ts";
import { JobsBeside } from "../../jobs/beside.ts";
import { isFinal } from "../../jobs/contract.ts";
import { JobLog, type JobRecord, jobId } from "../../jobs/job-log.ts";
import type { OpenJobs } from "../../jobs/open.ts";
import { removeJobFiles } from "../../jobs/part-file.ts";
import { waitForEnd } from "../../jobs/wait.ts";
import { systemClock } from "../../schedule/clock.ts";
import { toUsageRow } from "../../state/usage-row.ts";
import { formatCount, formatPlural } from "../../terminal/formats.ts";
import { escapeJson, sanitizeLine } from "../../terminal/sanitize.ts";
import type { CommandContext } from "../command.ts";
import { confirm } from "../confirm.ts";
import { JobProgress } from "./job-progress.ts";

import { notify } from "./notify.ts";
import { findJob, type JobsFlags, withJob } from "./open.ts";
import { printJob } from "./view.ts";

/** Asks the provider how a job stands. */
export async function showJob(name: string, flags: JobsFlags, context: CommandContext): Promise<number> {
	return withJob(name, flags, context, async (record, { jobs }) => {
		const status = await jobs.status(record);
		printJob(record, status, flags, context);
		return exitCodes.ok;
	});
}

/** Waits for the end of a job, and runs the user's own command then. Returns 0 when it completed. */
export async function waitForJob(name: string, flags: JobsFlags, context: CommandContext): Promise<number> {
	const tell = async (exitCode: number) => {
		const log = (text: string) => void context.io.stderr.write(`llmx: ${sanitizeLine(text)}\n`);
		if (flags.notify !== undefined) await notify(flags.notify, exitCode, log);
	};
	try {
		const exitCode = await waitUntilEnd(name, flags, context);
		await tell(exitCode);
		return exitCode;
	} catch (error) {
		// Whoever waits elsewhere is to hear of it, too; whoever pressed Ctrl-C knows.
		if (error instanceof LlmxError && !(error instanceof AbortedError)) await tell(error.exitCode);
		throw error;
	}
}

async function waitUntilEnd(name: string, flags: JobsFlags, context: CommandContext): Promise<number> {
	const { io } = context;
	return withJob(name, flags, context, async (record, { jobs, pollMs }, signal) => {
		const progress = new JobProgress(io, true);
		try {
			const status = await waitForEnd({
				look: () => jobs.status(record),
				pollMs,
				submittedAt: record.submittedAt || Date.now(),
				now: Date.now,
				sleep: (ms) => systemClock.sleep(ms, signal),
				random: Math.random,
				onStatus: (seen, nextInMs, trouble) =>
					progress.show([{ record, status: seen, nextInMs, trouble: trouble?.message }], 0),
			});
			progress.stop();
			printJob(record, status, flags, context);
			return status.state === "completed" ? exitCodes.ok : exitCodes.failed;
		} finally {
			progress.stop();
		}
	});
}

/** Writes the results of an ended job as they came, one JSON object a row. */
export async function fetchJob(name: string, flags: JobsFlags, context: CommandContext): Promise<number> {
	const { io } = context;
	const output = flags.output as string;
	const path = output === "-" ? undefined : resolve(io.cwd, output);
	if (path !== undefined && existsSync(path))
		throw new UsageError(`${output} exists already`, { hint: "choose another file with -o" });
	return withJob(name, flags, context, async (record, open) => {
		if (record.run !== null && record.fetchedAt === undefined)
			io.stderr.write(
				`llmx: these rows belong to ${sanitizeLine(record.run)}: the batch command puts them there, and books them\n`,
			);
		const status = await open.jobs.status(record);
		if (!isFinal(status.state))
			throw new LlmxError(`${name} has not ended: ${sanitizeLine(status.word)}`, {
				hint: `wait for it: llmx jobs wait ${name}`,
			});
		const results = await open.jobs.results(record, status);
		const file = path === undefined ? undefined : openSync(path, "wx", 0o600);
		const counts = { succeeded: 0, failed: 0 };
		// What a batch command's rows cost is booked where their answers go: by that command.
		const books = record.run === null;
		const booked = books ? await open.bookedRows(record) : new Set<string>();
		try {
			for (const wireId of results.ids()) {
				const row = resultRow(record, wireId, !books || booked.has(wireId), open, results);
				counts["error" in row ? "failed" : "succeeded"] += 1;
				const line = `${escapeJson(JSON.stringify(row))}\n`;
				if (file === undefined) io.stdout.write(line);
				else writeSync(file, line);
			}
		} finally {
			results.close();
			if (file !== undefined) closeSync(file);
			await open.flushLedger();
		}
		if (books) {
			if (record.submittedAt > 0) open.jobs.fetched(record);
			else open.jobs.discard(record.tag);
		}
		const missing = Math.max(0, record.rows - counts.succeeded - counts.failed);
		if (flags.json && file !== undefined)
			io.stdout.write(`${JSON.stringify({ id: jobId(record), state: status.state, ...counts, missing })}\n`);
		else
			io.stderr.write(
				`llmx: ${formatPlural(counts.succeeded, "answer")}, ${formatCount(counts.failed)} failed, ${formatCount(missing)} missing\n`,
			);
		return counts.failed + missing > 0 ? exitCodes.failed : exitCodes.ok;
	});
}

/** One row of a fetched job: the id is the one on the wire, which is all that the provider knows. */
function resultRow(
	record: JobRecord,
	wireId: string,
	isBooked: boolean,
	{ jobs }: OpenJobs,
	results: { result(wireId: string): Parameters<OpenJobs["jobs"]["take"]>[1] | undefined },
): Readonly<Record<string, unknown>> {
	const found = results.result(wireId);
	try {
		if (found === undefined) throw new LlmxError("the result cannot be read");
		const { result } = jobs.take(record, found, unknownQuestion(1), isBooked);
		return {
			id: wireId,
			model: record.model,
			...(result.texts.length > 1 ? { texts: result.texts } : { text: result.text }),
			finish_reason: result.finishReason,
			usage: toUsageRow(result.usage),
			cost_usd: result.costUsd,
		};
	} catch (error) {
		if (!(error instanceof LlmxError)) throw error;
		return { id: wireId, model: record.model, error: { message: error.message } };
	}
}

/** Asks the provider to stop a job. */
export async function cancelJob(name: string, flags: JobsFlags, context: CommandContext): Promise<number> {
	return withJob(name, flags, context, async (record, { jobs }) => {
		if (!jobs.dialect.canCancel)
			throw new LlmxError(`jobs at ${record.provider} cannot be cancelled`, {
				hint: "it ends by itself; fetch its results then",
			});
		await jobs.cancel(record);
		const status = await jobs.status(record);
		printJob(record, status, flags, context);
		if (!isFinal(status.state))
			context.io.stderr.write("llmx: cancelling; rows done by then are kept and billed\n");
		return exitCodes.ok;
	});
}

/** Forgets a job. */
export async function removeJob(name: string, flags: JobsFlags, context: CommandContext): Promise<number> {
	const { io } = context;
	const named = findJob(name, flags, context);
	if (!("record" in named)) throw new UsageError(`no such job on this computer: "${name}"`);
	const { record } = named;
	if (record.fetchedAt === undefined && !flags.yes) {
		const question = `Its ${formatPlural(record.rows, "row")} may have been paid for, and will be sent again. Forget it?`;
		if (!io.stdin.isTTY || !io.stderr.isTTY)
			throw new UsageError(`the results of ${name} were not fetched`, {
				hint: "forget it anyway with --yes",
			});
		if (!(await confirm(io, question))) return exitCodes.ok;
	}
	if (record.rawId !== undefined && !flags.keep)
		await withJob(name, flags, context, async (found, { jobs }) => {
			await jobs.remove(found, await jobs.status(found));
			return exitCodes.ok;
		}).catch((error: Error) => {
			io.stderr.write(`llmx: the provider keeps its files: ${sanitizeLine(error.message)}\n`);
		});
	const { jobs, jobFiles } = context.settings.paths;
	const beside = record.run === null ? undefined : new JobsBeside(record.run, jobFiles);
	const log = new JobLog(jobs, beside?.exists ? beside : undefined);
	log.append({ event: "forgotten", job: record.tag, why: "by llmx jobs rm" });
	log.close();
	beside?.close();
	removeJobFiles(jobFiles, record.tag);
	io.stderr.write(`llmx: forgot ${sanitizeLine(jobId(record) ?? record.tag)}\n`);
	return exitCodes.ok;
}
