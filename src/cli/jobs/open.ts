import { exitCodes, LlmxError, UsageError } from "../../errors.ts";
import { JobLog, type JobRecord, jobId, parseJobId } from "../../jobs/job-log.ts";
import type { OpenJobs } from "../../jobs/open.ts";
import { resolvePaths } from "../../state/paths.ts";
import type { CommandContext } from "../command.ts";
import { createInterrupt } from "../interrupt.ts";
import { createLLM } from "../llms.ts";

export interface JobsFlags {
	readonly all?: boolean;
	readonly json?: boolean;
	readonly model?: string;
	readonly output?: string;
	readonly poll?: number;
	readonly notify?: string;
	readonly keep?: boolean;
	readonly yes?: boolean;
}

/** What this computer knows of jobs. */
export function logOf({ io }: CommandContext): JobLog {
	return new JobLog(resolvePaths(io.env).jobs);
}

/** A job that this computer knows, or what is known of one that another submitted. */
export type NamedJob =
	| { readonly record: JobRecord }
	| { readonly model: string; readonly rawId: string; readonly rows: number };

/** The job that a name means: its id or tag, or the beginning of one. */
export function findJob(name: string, { model }: JobsFlags, context: CommandContext): NamedJob {
	const jobs = logOf(context).jobs();
	const named = jobs.filter((job) => jobId(job) === name || job.tag === name);
	const found = named.length > 0 ? named : jobs.filter((job) => (jobId(job) ?? job.tag).startsWith(name));
	const [record, ...others] = found;
	if (others.length > 0)
		throw new UsageError(`several jobs start with "${name}"`, { hint: "see llmx jobs list" });
	if (record !== undefined) return { record };
	const parsed = parseJobId(name);
	if (parsed === undefined || model === undefined)
		throw new UsageError(`no such job on this computer: "${name}"`, {
			hint: "see llmx jobs list; a job submitted from another computer needs its full id and -m MODEL",
		});
	return { model, rawId: parsed.rawId, rows: parsed.rows };
}

/** Opens the jobs of the model that a job is of. */
export async function withJob(
	name: string,
	flags: JobsFlags,
	context: CommandContext,
	action: (record: JobRecord, open: OpenJobs, signal: AbortSignal) => Promise<number>,
): Promise<number> {
	const named = findJob(name, flags, context);
	const known = "record" in named ? named.record : undefined;
	if (known !== undefined && known.rawId === undefined)
		throw new LlmxError(`it is not known whether the job ${known.tag} exists`, {
			hint: `run the batch command again to find out, or forget it: llmx jobs rm ${known.tag}`,
		});
	const interrupt = createInterrupt(context.io);
	const model = "record" in named ? named.record.model : named.model;
	const llm = createLLM(context, model, { command: "jobs" });
	try {
		const pollMs = flags.poll === undefined ? undefined : flags.poll * 1000;
		await using open = await llm.openJobs({ signal: interrupt.signal, pollMs });
		if (known !== undefined && !open.jobs.canSee(known))
			throw new LlmxError(`${name} was created with another key, or at another server`, {
				exitCode: exitCodes.auth,
				hint: "use the key it was created with: providers show a job only to keys of the same project",
			});
		const record = "record" in named ? named.record : open.jobs.foreignRecord(named.rawId, named.rows);
		return await action(record, open, interrupt.signal);
	} finally {
		interrupt.dispose();
		await llm.close();
	}
}
