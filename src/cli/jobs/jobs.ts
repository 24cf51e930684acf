import type { Command } from "commander";
import type { CommandContext } from "../command.ts";
import { parseAmount } from "../parameter-options.ts";
import { cancelJob, fetchJob, removeJob, showJob, waitForJob } from "./actions.ts";
import type { JobsFlags } from "./open.ts";
import { listJobs } from "./view.ts";

const examples = `
A job is named by its id, such as openai:120:batch_abc, or by the beginning of it that no other job has.

Examples:
  llmx batch prompts.jsonl -m gpt-4.1-mini --via-jobs --detach
  llmx jobs
  llmx jobs wait openai:120:batch_abc
  llmx jobs fetch openai:120:batch_abc -o results.jsonl
  llmx jobs cancel openai:120:batch_abc`;

/** Adds the subcommands of `jobs`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description(
			"Batch jobs at providers: submitted by llmx batch --via-jobs, half the price at most of them.",
		)
		.enablePositionalOptions()
		.addHelpText("after", examples);
	command
		.command("list", { isDefault: true })
		.description("list jobs submitted from this computer, newest first")
		.option("-a, --all", "include jobs whose results were fetched")
		.option("--json", "print one JSON object per line")
		.action(async (flags: JobsFlags) => finish(await listJobs(flags, context)));
	command
		.command("status")
		.description("ask the provider for a job's status")
		.argument("<job>", "id of the job")
		.option("-m, --model <model>", "model, for a job submitted from another computer")
		.option("--json", "print one JSON object")
		.action(async (job: string, flags: JobsFlags) => finish(await showJob(job, flags, context)));
	command
		.command("wait")
		.description("wait until a job ends; exit 0 if it completed")
		.argument("<job>", "id of the job")
		.option("-m, --model <model>", "model, for a job submitted from another computer")
		.option("--poll <seconds>", "time between status checks (default: 60, longer for old jobs)", parseAmount)
		.option("--notify <command>", "shell command to run when the job has ended")
		.option("--json", "print one JSON object at the end")
		.action(async (job: string, flags: JobsFlags) => finish(await waitForJob(job, flags, context)));
	command
		.command("fetch")
		.description("write the results of a finished job; the rows of a batch go where its command puts them")
		.argument("<job>", "id of the job")
		.requiredOption("-o, --output <file>", "file to write; - for stdout")
		.option("-m, --model <model>", "model, for a job submitted from another computer")
		.option("--json", "print one JSON object with the counts")
		.action(async (job: string, flags: JobsFlags) => finish(await fetchJob(job, flags, context)));
	command
		.command("cancel")
		.description("cancel a job; rows already done are kept and billed")
		.argument("<job>", "id of the job")
		.option("-m, --model <model>", "model, for a job submitted from another computer")
		.option("--json", "print one JSON object")
		.action(async (job: string, flags: JobsFlags) => finish(await cancelJob(job, flags, context)));
	command
		.command("rm")
		.description(
			"forget a job, so that its rows can be sent again; a finished one is also deleted at the provider",
		)
		.argument("<job>", "id of the job")
		.option("--keep", "keep its files at the provider")
		.option("-y, --yes", "do not ask")
		.action(async (job: string, flags: JobsFlags) => finish(await removeJob(job, flags, context)));
}
