import { type Command, InvalidArgumentError, Option } from "commander";
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
} from "../parameter-options.ts";
import { runBatch } from "./command.ts";
import type { BatchFlags } from "./flags.ts";
import { type MergeFlags, runMerge } from "./merge.ts";

const examples = `
Prompts come as JSONL (texts, objects with "prompt" or "messages", OpenAI Batch lines), CSV or TSV with a header, or
text with one prompt a line. Results go to PROMPTS.results.jsonl, failures to PROMPTS.results.errors.jsonl. The same
command again sends only what is missing.

Examples:
  llmx batch examples/prompts.jsonl -m sim/echo
  llmx batch prompts.jsonl -m gpt-4.1-mini --dry-run
  llmx batch prompts.jsonl -m gpt-4.1-mini --rehearse --rpm 500 --tpm 200000
  llmx batch reviews.csv -m sambanova/Meta-Llama-3.3-70B-Instruct --template "Translate: {{text}}" -o reviews.out.csv
  llmx batch prompts.jsonl -m gpt-4.1-mini --max-cost 5
  llmx batch prompts.jsonl -m gpt-4.1-mini --retry-failed
  llmx batch prompts.jsonl -m gpt-4.1-mini --shard 1/4
  head -100 prompts.txt | llmx batch - --format text -m gpt-4.1-mini
  llmx batch merge part1.jsonl part2.jsonl -o all.jsonl`;

/** Adds the options and the action of `batch`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description("Run many prompts through a model. Nothing answered is lost, and nothing is paid for twice.")
		.argument("[file]", "prompts; - for stdin")
		.option("-m, --model <model>", "model (repeat to send every row to several)", collect)
		.option(
			"-o, --output <file>",
			"results as .jsonl, .jsonl.gz, .json, .csv or .tsv, or a folder for them; - for stdout",
		)
		.addOption(new Option("--format <format>", "format of the prompts").choices(inputFormats))
		.addOption(
			new Option("--out-format <format>", "shape of the results").choices(outputFormats).default("llmx"),
		)
		.option("-s, --system <text>", "system prompt for rows without one")
		.option("--template <text>", 'prompt with fields of the row: "Translate: {{text}}"')
		.option("--column <name>", "field or column that holds the prompt", "prompt")
		.option("--id <column>", "field or column that holds the id (default: id, else the row's number)")
		.option("--no-id", "number the rows, whatever ids they have")
		.option("--params-from-columns", "let columns such as temperature or model set parameters")
		.option("--preset <name>", "named prompt of the config; {{input}} is the row's prompt")
		.option("--var <name=value>", "a variable of the preset (repeatable)", collectText)
		.option("-n, --answers <count>", "answers to each prompt", parsePositive, 1);
	addParameterOptions(command)
		.option("--limit <count>", "take only the first rows", parsePositive)
		.option("--shard <i/n>", "take only the i-th of n parts, chosen by the rows' ids", parseShard)
		.option("--allow-files <folder>", "rows may attach files from this folder")
		.option(
			"--concurrency <count>",
			"requests in flight at the most; found by itself unless given",
			parsePositive,
		)
		.option("--rpm <count>", "requests a minute at the most", parsePositive)
		.option("--tpm <count>", "tokens a minute at the most", parsePositive)
		.option("--max-retries <count>", "send a failed request again at the most this often", parseCount)
		.option("--timeout <seconds>", "give up a request after this long", parseAmount)
		.option("--max-cost <usd>", "stop before more than this is spent", parseAmount)
		.option("--max-duration <seconds>", "stop after this long", parseAmount)
		.option("--halt <policy>", "stop when too much fails: now,fail=1 or soon,fail=10%", parseHalt)
		.option("--dry-run", "check, count and estimate; send nothing")
		.option(
			"--rehearse",
			"predict time and cost by running everything but the requests, on a clock that does not wait",
		)
		.option(
			"--answer-seconds <seconds>",
			"how long an answer takes in a rehearsal, in the middle",
			parseAmount,
		)
		.option("--retry-failed", "send what is missing and what failed")
		.option("--overwrite", "begin anew: throw earlier results away")
		.option("-y, --yes", "do not ask what the run may cost")
		.option("--over-budget", "go on although a budget of the config is spent")
		.option("--no-cache", "neither read nor write the response cache; every row is a sample of its own")
		.addOption(new Option("--refresh", "ask afresh, and keep the answers").conflicts("cacheOnly"))
		.option("--cache-only", "never send anything: answer from the cache or fail")
		.option("--no-escape-formulas", "write answers into tables as they are, also such as =1+1")
		.option("--report", "write a page to look at the results with, beside them (see llmx report)")
		.option("--summary-json <file>", "write the summary as JSON")
		.option("-q, --quiet", "no progress and no summary")
		.enablePositionalOptions()
		.addHelpText("after", examples)
		.action(async (file: string | undefined, flags: BatchFlags) =>
			finish(await runBatch(file, flags, context)),
		);
	command
		.command("merge")
		.description(
			"Put results of several runs, such as shards, into one file; none may be missing or there twice.",
		)
		.argument("<results...>", "results files")
		.requiredOption("-o, --output <file>", "the file to write")
		.option("--input <file>", "the prompts, for their order and to see what is missing")
		.option("--id <column>", "field or column of the prompts that holds the id")
		.option("--no-id", "the rows of the prompts were numbered")
		.addOption(new Option("--format <format>", "format of the prompts").choices(inputFormats))
		.addOption(
			new Option("--out-format <format>", "shape of the results").choices(outputFormats).default("llmx"),
		)
		.option("--allow-missing", "merge what there is")
		.option("--overwrite", "replace the file to write when it exists")
		.action((results: string[], flags: MergeFlags) => runMerge(results, flags, context));
}

function parseShard(value: string): { index: number; count: number } {
	const [, index, count] = /^(\d+)\/(\d+)$/.exec(value)?.map(Number) ?? [];
	if (index === undefined || count === undefined || index < 1 || index > count) {
		throw new InvalidArgumentError("It must be i/n with i from 1 to n, such as 2/4.");
	}
	return { index, count };
}

function parseHalt(value: string): HaltPolicy {
	try {
		return parseHaltPolicy(value);
	} catch (error) {
		throw new InvalidArgumentError((error as Error & { hint: string }).hint);
	}
}
