import { type Command, InvalidArgumentError, Option } from "commander";
import { matchKinds } from "../../batch/expectation.ts";
import { type HaltPolicy, parseHaltPolicy } from "../../batch/halt.ts";
import { inputFormats } from "../../prompts/input.ts";
import { outputFormats } from "../../results/records.ts";
import type { CommandContext } from "../command.ts";
import {
	addParameterOptions,
	collect,
	collectText,
	parseAmount,
	parseCount,
	parsePositive,
	schemaFormOption,
} from "../parameter-options.ts";
import { runBatch } from "./command.ts";
import type { BatchFlags, GivenFlags } from "./flags.ts";
import { type MergeFlags, runMerge } from "./shards/merge.ts";
import { parseShard, resolveShard } from "./shards/shard.ts";
import type { StatusFlags } from "./share/status.ts";

const examples = `
Prompts are JSONL (strings, objects with "prompt" or "messages", OpenAI Batch lines), CSV or TSV with a header, or
text with one prompt per line. Results go to PROMPTS.results.jsonl, failures to PROMPTS.results.errors.jsonl. Run the
same command again to send only what is missing.

Examples:
  llmx batch examples/prompts.jsonl -m sim/echo
  llmx batch prompts.jsonl -m gpt-4.1-mini --dry-run
  llmx batch prompts.jsonl -m gpt-4.1-mini --rehearse --rpm 500 --tpm 200000
  llmx batch reviews.csv -m sambanova/Meta-Llama-3.3-70B-Instruct --template "Translate: {{text}}" -o reviews.out.csv
  llmx batch prompts.jsonl -m gpt-4.1-mini --max-cost 5
  llmx batch prompts.jsonl -m gpt-4.1-mini --retry-failed
  llmx batch prompts.jsonl -m gpt-4.1-mini --shard 1/4
  head -100 prompts.txt | llmx batch - --format text -m gpt-4.1-mini
  llmx batch prompts.jsonl -m gpt-4.1-mini --shard auto
  llmx batch merge 'prompts.results.*-of-4.jsonl' -o all.jsonl --input prompts.jsonl`;

/** Adds the options and the action of `batch`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description("Run many prompts through a model. No answer is lost, and nothing is paid for twice.")
		.argument("[file]", "prompts file; - for stdin")
		.option("-m, --model <model>", "model (repeat to send every row to several models)", collect)
		.option(
			"-o, --output <file>",
			"results as .jsonl, .jsonl.gz, .json, .csv or .tsv, or a folder for them; - for stdout",
		)
		.addOption(new Option("--format <format>", "format of the prompts").choices(inputFormats))
		.option("--no-header", "the first line of a CSV or TSV is a row; columns are column_1, column_2, …")
		.addOption(
			new Option("--out-format <format>", "format of the results").choices(outputFormats).default("llmx"),
		)
		.option("-s, --system <text>", "system prompt for rows without one")
		.option("--template <text>", 'prompt with fields of the row, as in "Translate: {{text}}"')
		.option("--column <name>", "field or column that holds the prompt", "prompt")
		.option("--id <column>", "field or column that holds the id (default: id, else the row's number)")
		.option("--no-id", "number the rows, whatever ids they have")
		.option("--params-from-columns", "let columns such as temperature or model set parameters")
		.option("--preset <name>", "preset from the config; {{input}} is the row's prompt")
		.option("--var <name=value>", "set a variable of the template or preset (repeatable)", collectText)
		.option("-n, --answers <count>", "number of answers per prompt", parsePositive, 1);
	addParameterOptions(command, context.io.cwd)
		.addOption(schemaFormOption())
		.option("--expect <column>", "field or column with the expected answer; adds pass to the results")
		.addOption(new Option("--match <how>", "how to compare with it").choices(matchKinds).default("equals"))
		.option("--fail-under <share>", "exit 1 if fewer answers pass, as in 95%", parseShare)
		.option("--limit <count>", "take only the first rows of the file", parsePositive)
		.option(
			"--shard <i/n>",
			"take only part i of n, chosen by row id; auto for the task of a job array",
			parseShard,
		)
		.option(
			"--shards <n>",
			"with --shard auto: number of tasks, where the array does not say it",
			parsePositive,
		)
		.option("--share <url or file>", "share cost cap, rate limits and stop with other shards over Redis")
		.option("--share-as <name>", "name of the shared run (default: that of the prompts)")
		.option("--stop-all", "with --share: let Ctrl-C stop all shards")
		.option("--allow-files <folder>", "let rows attach files from this folder")
		.option(
			"--concurrency <count>",
			"maximum number of concurrent requests (default: automatic)",
			parsePositive,
		)
		.option("--rpm <count>", "maximum requests per minute", parsePositive)
		.option("--tpm <count>", "maximum tokens per minute", parsePositive)
		.option("--max-retries <count>", "maximum number of retries per request", parseCount)
		.option(
			"--timeout <seconds>",
			"abort a request after this many seconds, instead of 600 without content",
			parseAmount,
		)
		.option("--stream", "stream answers on the wire, for gateways that cut long silences")
		.option("--max-cost <usd>", "stop before spending more than this", parseAmount)
		.option("--max-duration <seconds>", "stop after this many seconds", parseAmount)
		.option("--halt <policy>", "stop when too many rows fail, as in now,fail=1 or soon,fail=10%", parseHalt)
		.option("--dry-run", "check the prompts and estimate the cost; send nothing")
		.option("--rehearse", "predict time and cost by simulating the run; send nothing")
		.option("--answer-seconds <seconds>", "median answer time assumed by --rehearse", parseAmount)
		.option("--retry-failed", "also send the rows that failed before")
		.option("--overwrite", "discard earlier results and start over")
		.option("-y, --yes", "do not ask before spending money")
		.option("--over-budget", "continue even if the budget is spent")
		.option("--no-cache", "do not read or write the response cache; every row is sampled separately")
		.option("--no-prompt-cache", "do not ask Anthropic to keep a long system prompt that rows share")
		.addOption(new Option("--refresh", "bypass the cache and store the new answers").conflicts("cacheOnly"))
		.option("--cache-only", "answer from the cache only; fail if an answer is missing")
		.addOption(
			new Option("--flex", "ask for the provider's cheaper tier, whose answers may take minutes").conflicts(
				"viaJobs",
			),
		)
		.option("--via-jobs", "send the rows as the provider's batch jobs: cheaper, and done within hours")
		.option("--detach", "with --via-jobs: submit and exit; run the same command later to go on")
		.option("--finish-live", "with --via-jobs: send at once what the jobs left undone")
		.option("--job-rows <count>", "with --via-jobs: maximum rows per job", parsePositive)
		.option("--poll <seconds>", "with --via-jobs: time between status checks (default: 60)", parseAmount)
		.option("--notify <command>", "with --via-jobs: shell command to run when all is done")
		.option("--no-escape-formulas", "write table cells as they are, even formulas such as =1+1")
		.option("--report", "also write the results as an HTML page (see llmx report)")
		.option("--summary-json <file>", "write the summary as JSON")
		.option("-q, --quiet", "print neither progress nor the summary")
		.enablePositionalOptions()
		.addHelpText("after", examples)
		.action(async (file: string | undefined, { shard, shards, ...flags }: GivenFlags) =>
			finish(await runBatch(file, { ...flags, ...shardOf(shard, shards, context) }, context)),
		);
	command
		.command("status")
		.description("Show the shards of a run that share a Redis, all together and live.")
		.option("--share <url or file>", "where they meet (default: LLMX_SHARE_URL)")
		.option("--share-as <name>", "name of the shared run, if Redis knows several")
		.option("--once", "show it once instead of until the end")
		.option("--json", "print one JSON object")
		.option("--lift-stop", "let shards start again after all were stopped")
		.action(async (flags: StatusFlags) => {
			const { showStatus } = await import("./share/status.ts");
			finish(await showStatus(flags, context));
		});
	command
		.command("merge")
		.description(
			"Merge the results of several runs, such as shards, into one file, and their failures beside it. Every shard must be there whole, and every row exactly once.",
		)
		.argument("<results...>", "results files, or a pattern in quotes, such as 'prompts.results.*.jsonl'")
		.requiredOption("-o, --output <file>", "the file to write")
		.option("--input <file>", "prompts file, for the order of rows and to find missing ones")
		.option("--id <column>", "field or column of the prompts that holds the id")
		.option("--no-id", "the rows of the prompts were numbered")
		.addOption(new Option("--format <format>", "format of the prompts").choices(inputFormats))
		.option("--no-header", "the first line of the CSV or TSV prompts is a row")
		.addOption(
			new Option("--out-format <format>", "format of the results").choices(outputFormats).default("llmx"),
		)
		.option("--allow-missing", "merge even if rows or shards are missing")
		.option("--summary-json <file>", "also merge the summaries that the shards were given this name for")
		.option("--report", "write a page to look at the results with, beside them")
		.option("--overwrite", "replace the output file if it exists")
		.action((results: string[], flags: MergeFlags) => runMerge(results, flags, context));
}

/** The shard that a run is, and a word about it when a job array said so. */
function shardOf(
	given: GivenFlags["shard"],
	count: number | undefined,
	{ io }: CommandContext,
): Pick<BatchFlags, "shard"> {
	const shard = resolveShard(given, count, io.env);
	if (shard?.source !== undefined)
		io.stderr.write(`llmx: shard ${shard.index} of ${shard.count} (${shard.source})\n`);
	return shard === undefined ? {} : { shard };
}

function parseShare(value: string): number {
	const [, number] = /^(\d+(?:\.\d+)?)\s*%?$/.exec(value) ?? [];
	if (number === undefined || Number(number) > 100)
		throw new InvalidArgumentError("It must be a percentage, such as 95%.");
	return Number(number) / 100;
}

function parseHalt(value: string): HaltPolicy {
	try {
		return parseHaltPolicy(value);
	} catch (error) {
		throw new InvalidArgumentError((error as Error & { hint: string }).hint);
	}
}
