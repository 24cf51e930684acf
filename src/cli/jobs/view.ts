import { exitCodes } from "../../errors.ts";
import { isFinal, type JobStatus } from "../../jobs/contract.ts";
import { type JobRecord, jobId } from "../../jobs/job-log.ts";
import { formatCount, formatDuration } from "../../terminal/formats.ts";
import { escapeJson, sanitizeLine } from "../../terminal/sanitize.ts";
import { colorsFor } from "../ask/answer-writer.ts";
import type { CommandContext } from "../command.ts";
import { renderFacts, renderTextTable } from "../text-table.ts";

import { type JobsFlags, logOf } from "./open.ts";
import { keptOf } from "./retention.ts";

/** Prints the jobs of this computer. */
export async function listJobs(flags: JobsFlags, context: CommandContext): Promise<number> {
	const { io } = context;
	const jobs = logOf(context)
		.jobs()
		.filter(({ fetchedAt }) => flags.all || fetchedAt === undefined)
		.toReversed();
	if (flags.json) {
		for (const job of jobs)
			io.stdout.write(
				`${escapeJson(JSON.stringify(recordJson(job, keptOf(job, context, Date.now()).until)))}\n`,
			);
		return exitCodes.ok;
	}
	if (jobs.length === 0) {
		const others = flags.all ? "" : "; fetched ones: llmx jobs list --all";
		io.stderr.write(`llmx: no jobs are waiting to be fetched${others}\n`);
		return exitCodes.ok;
	}
	const now = Date.now();
	const kept = new Map(jobs.map((job) => [job, keptOf(job, context, now)]));
	const rows = jobs.map((job) => [
		sanitizeLine(jobId(job) ?? job.tag),
		sanitizeLine(job.model),
		formatCount(job.rows),
		wordOf(job),
		formatDuration(Math.max(0, now - job.submittedAt), { coarse: true }),
		sanitizeLine(job.run ?? "library"),
	]);
	const columns = [
		{ title: "job" },
		{ title: "model" },
		{ title: "rows", align: "right" as const },
		{ title: "state" },
		{ title: "age", align: "right" as const },
		{ title: "results", flexible: true },
	];
	const width = io.stdout.isTTY ? io.stdout.columns : undefined;
	io.stdout.write(renderTextTable(columns, rows, { width, colors: colorsFor(io, "stdout") }));
	for (const [job, { isVanishing, text }] of kept)
		if (isVanishing && job.fetchedAt === undefined) {
			const id = sanitizeLine(jobId(job) ?? job.tag);
			const next = job.run === null ? `llmx jobs fetch ${id} -o FILE` : "run its batch command again";
			io.stderr.write(`llmx: results of ${id} are kept ${text}: ${next}\n`);
		}
	return exitCodes.ok;
}

/** As far as this computer has seen. */
function wordOf({ rawId, ended, fetchedAt }: JobRecord): string {
	if (fetchedAt !== undefined) return "fetched";
	if (rawId === undefined) return "unknown outcome";
	return ended ?? "submitted";
}

function recordJson(job: JobRecord, keptUntil: number | null): Readonly<Record<string, unknown>> {
	return {
		id: jobId(job) ?? null,
		tag: job.tag,
		provider: job.provider,
		model: job.model,
		rows: job.rows,
		state: wordOf(job).replaceAll(" ", "_"),
		submitted_at: new Date(job.submittedAt).toISOString(),
		fetched_at: job.fetchedAt === undefined ? null : new Date(job.fetchedAt).toISOString(),
		results: job.run,
		kept_until: keptUntil === null ? null : new Date(keptUntil).toISOString(),
		estimate_usd: job.estimateUsd,
	};
}

/** Prints how a job stands. */
export function printJob(
	record: JobRecord,
	status: JobStatus,
	flags: JobsFlags,
	context: CommandContext,
): void {
	const { io } = context;
	const kept = keptOf(record, context, Date.now(), status.createdAt ?? record.submittedAt);
	const { counts, word, problems, expiresAt, createdAt } = status;
	if (flags.json) {
		const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
		io.stdout.write(
			`${escapeJson(
				JSON.stringify({
					id: jobId(record),
					model: record.model,
					state: status.state,
					provider_state: word,
					is_final: isFinal(status.state),
					rows: record.rows,
					succeeded: counts.succeeded,
					failed: counts.failed,
					created_at: time(createdAt),
					expires_at: time(expiresAt),
					kept_until: time(kept.until),
					cost_usd: status.totals.costUsd,
					problems,
				}),
			)}\n`,
		);
		return;
	}
	const count = (value: number | null) => (value === null ? "unknown" : formatCount(value));
	const lines: [string, string][] = [
		["job", sanitizeLine(jobId(record) ?? record.tag)],
		["model", sanitizeLine(record.model)],
		["state", stateText(status)],
		[
			"rows",
			`${formatCount(record.rows)}: ${count(counts.succeeded)} answered, ${count(counts.failed)} failed`,
		],
	];
	const now = Date.now();
	if (createdAt !== null) lines.push(["age", formatDuration(Math.max(0, now - createdAt), { coarse: true })]);
	if (expiresAt !== null && expiresAt > now && !isFinal(status.state))
		lines.push(["expires", `in ${formatDuration(expiresAt - now, { coarse: true })}`]);
	lines.push(["kept", kept.text]);
	for (const { message, line } of problems.slice(0, 5))
		lines.push(["problem", sanitizeLine(line === null ? message : `line ${line}: ${message}`)]);
	io.stdout.write(renderFacts(lines, io.stdout.isTTY ? io.stdout.columns : undefined));
}

/** The state in llmx's words, and the provider's own where it is another. */
function stateText({ state, word }: JobStatus): string {
	const own = sanitizeLine(word.toLowerCase());
	return state === "unknown" ? `unknown (${own})` : state;
}
