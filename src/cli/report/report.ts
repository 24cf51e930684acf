import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { exitCodes, LlmxError, UsageError } from "../../errors.ts";
import { decodeInput } from "../../prompts/decode.ts";
import { type InputFormat, inputFormats, openInput } from "../../prompts/input.ts";
import type { ReportSource } from "../../report/collect.ts";
import type { Timeline } from "../../report/format.ts";
import { isReport, reportName } from "../../report/mark.ts";
import { describeFileError, systemFiles } from "../../state/file-system.ts";
import { formatBytes, formatPlural } from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import { createPrompts } from "../batch/setup.ts";
import { checkWritable, failuresNameOf } from "../batch/target.ts";
import type { CommandContext } from "../command.ts";
import type { Io } from "../io.ts";

/** What commander collects for `report`. */
export interface ReportFlags {
	readonly output?: string;
	readonly title?: string;
	readonly summary?: string;
	readonly input?: string;
	readonly format?: InputFormat;
	/** False for `--no-header`. */
	readonly header: boolean;
	readonly column: string;
	readonly template?: string;
	readonly system?: string;
	/** False for `--no-id`. */
	readonly id?: string | false;
}

const examples = `
The report is one page for a browser that needs no server and loads nothing. Failures are taken from the errors file
beside each results file. With results of several models, or several results files, answers stand side by side.

Examples:
  llmx report prompts.results.jsonl
  llmx report prompts.results.jsonl --input prompts.jsonl -o report.html
  llmx report before.results.jsonl after.results.jsonl -o compared.html`;

/** Adds the options and the action of `report`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description("Write results as one HTML page: totals, distributions, failures, models side by side.")
		.argument("<results...>", "results files of llmx batch")
		.option("-o, --output <file>", "page to write (default: the first results file with .html)")
		.option("--title <text>", "title of the page")
		.option("--summary <file>", "summary JSON of the run, for its throughput over time")
		.option("--input <file>", "prompts file, to show the prompts beside the answers")
		.addOption(new Option("--format <format>", "format of the prompts").choices(inputFormats))
		.option("--no-header", "the first line of the CSV or TSV prompts is a row")
		.option("--column <name>", "field or column that holds the prompt", "prompt")
		.option("--template <text>", "template the prompts were filled into")
		.option("-s, --system <text>", "system prompt they were sent with")
		.option("--id <column>", "field or column of the prompts that holds the id")
		.option("--no-id", "the rows of the prompts were numbered")
		.addHelpText("after", examples)
		.action(async (results: string[], flags: ReportFlags) =>
			finish(await runReport(results, flags, context)),
		);
}

/** Runs `llmx report`. Returns the exit code. */
export async function runReport(
	results: readonly string[],
	flags: ReportFlags,
	{ io }: CommandContext,
): Promise<number> {
	const { writeReport } = await import("../../report/write.ts");
	const sources = results.flatMap((name) => reportSources(io, name));
	const target = reportTarget(io, flags.output ?? reportName(results[0] as string));
	checkReport(target);
	const prompts = flags.input === undefined ? undefined : await readPrompts(io, flags.input, flags);
	const { rows, bytes } = writeReport({
		files: systemFiles,
		sources,
		...target,
		title: flags.title ?? results.map((name) => basename(name)).join(", "),
		timeline: flags.summary === undefined ? undefined : readTimeline(io, flags.summary),
		promptOf: prompts && ((id) => prompts.get(id)),
		now: new Date(),
	});
	io.stderr.write(
		`${sanitizeLine(`${formatPlural(rows, "row")}, ${formatBytes(bytes)} → ${target.name}`)}\n`,
	);
	return exitCodes.ok;
}

/** A results file with the failures beside it; for a table or a compressed file, the journal that it was made from. */
export function reportSources(io: Io, name: string): ReportSource[] {
	const source = (file: string) => ({ name: file, path: resolve(io.cwd, file) });
	const journal = /\.(?:csv|tsv|json|gz)$/i.test(name) ? source(`${name}.jsonl`) : source(name);
	if (!existsSync(journal.path))
		throw new UsageError(`cannot read ${journal.name}: no such file`, {
			hint: journal.name === name ? "name the results file" : `${name} was made from it, and has less in it`,
		});
	const failures = source(failuresNameOf(journal.name));
	return existsSync(failures.path) ? [journal, failures] : [journal];
}

function reportTarget(io: Io, output: string): ReportSource {
	const path = resolve(io.cwd, output);
	const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
	const name = isFolder ? join(output, "report.html") : output;
	if (!/\.html?$/i.test(name))
		throw new UsageError(`a report is an HTML page, not ${basename(name)}`, {
			hint: "give -o a name that ends in .html",
		});
	return { name, path: resolve(io.cwd, name) };
}

/**
 * Makes sure that a report may be written to a path: nothing is there, or an earlier report.
 * @throws UsageError
 */
export function checkReport(target: ReportSource): void {
	checkWritable(target);
	if (systemFiles.factsOf(target.path)?.size && !isReport(target.path))
		throw new UsageError(`${target.name} exists and is not a report of llmx`, {
			hint: "choose another file with -o",
		});
}

async function readPrompts(
	io: Io,
	path: string,
	flags: ReportFlags,
): Promise<ReadonlyMap<string, string> | undefined> {
	const input = await decodeInput(systemFiles, openInput(systemFiles, resolve(io.cwd, path), path, flags));
	try {
		const { promptTexts } = await import("../../report/prompt-texts.ts");
		const prompts = await createPrompts(io, {
			input,
			flags: {
				...flags,
				outFormat: "llmx",
				answers: 1,
				cache: true,
				promptCache: true,
				escapeFormulas: true,
				match: "equals",
			},
			models: ["any"],
			parameters: {},
			preset: undefined,
			// The run itself has said it.
			onWarning: () => {},
		});
		return promptTexts(prompts);
	} finally {
		systemFiles.close(input.file);
	}
}

function readTimeline(io: Io, path: string): Timeline | undefined {
	let summary: unknown;
	try {
		summary = JSON.parse(readFileSync(resolve(io.cwd, path), "utf8"));
	} catch (error) {
		const reason = error instanceof SyntaxError ? "it is not JSON" : describeFileError(error);
		throw new LlmxError(`cannot read ${path}: ${reason}`, { cause: error });
	}
	return (summary as { timeline?: Timeline } | null)?.timeline;
}
