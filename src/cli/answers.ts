import { LlmxError } from "../errors.ts";
import { type AskOptions, askForJson, type LLM, type Message, type Result, toResultRow } from "../index.ts";
import { usageLine } from "../terminal/formats.ts";
import { escapeJson, sanitizeLine } from "../terminal/sanitize.ts";
import { type AnswerWriter, colorsFor, createAnswerWriter } from "./answer-writer.ts";
import type { Io } from "./io.ts";

/** How answers are printed. */
export interface AnswerFlags {
	readonly json?: boolean;
	readonly raw?: boolean;
	readonly usage?: boolean;
	readonly quiet?: boolean;
}

export interface AnswerJob {
	readonly io: Io;
	readonly messages: readonly Message[];
	readonly options: AskOptions;
	readonly flags: AnswerFlags;
}

/** A column narrower than this is no pleasure to read. */
const MIN_COLUMN = 48;

/**
 * Asks one model or several at once and prints the answers in the order of the models.
 * @returns the exit code: that of the first failure, else 0
 * @throws the failure when there is only one model
 */
export async function printAnswers(llms: readonly LLM[], job: AnswerJob): Promise<number> {
	const [only] = llms;
	if (llms.length === 1 && only) {
		await printAnswer(only, job);
		return 0;
	}
	if (!job.flags.json && fitsSideBySide(job, llms.length)) return printSideBySide(llms, job);
	// All are asked at once; the first streams to the screen, and the others wait in memory for their turn.
	const { colors, say } = sayer(job.io);
	let exitCode = 0;
	const turns = llms.map((llm) => new Turn(llm, job));
	for (const [index, turn] of turns.entries()) {
		const title = sanitizeLine(turn.llm.model);
		if (!job.flags.json) job.io.stdout.write(`${index > 0 ? "\n" : ""}${colors.bold(`── ${title} ──`)}\n`);
		try {
			await turn.print();
		} catch (error) {
			exitCode ||= say(title, error);
		}
	}
	return exitCode;
}

/** One model's answer, begun at once and printed when its turn comes. */
class Turn {
	readonly llm: LLM;
	readonly #job: AnswerJob;
	readonly #asking: Promise<Result>;
	#early = "";
	#writer: AnswerWriter | undefined;

	constructor(llm: LLM, job: AnswerJob) {
		this.llm = llm;
		this.#job = job;
		this.#asking = ask(llm, job, (text) => {
			if (this.#writer) this.#writer.push(text);
			else this.#early += text;
		});
		// Whoever prints it awaits it again; until then a failure is not unhandled.
		this.#asking.catch(() => {});
	}

	async print(): Promise<void> {
		const { io, options, flags } = this.#job;
		if (flags.json) {
			const result = await this.#asking;
			io.stdout.write(`${escapeJson(JSON.stringify(toResultRow(result, options.n)))}\n`);
			printUsage(this.#job, result);
			return;
		}
		const writer = await createAnswerWriter(io, flags.raw === true);
		writer.push(this.#early);
		this.#writer = writer;
		try {
			const result = await this.#asking;
			if (!isStreamed(options)) await printTexts(result, writer, this.#job);
			writer.end();
			printUsage(this.#job, result);
		} catch (error) {
			writer.end();
			throw error;
		}
	}
}

async function printAnswer(llm: LLM, job: AnswerJob): Promise<void> {
	await new Turn(llm, job).print();
}

function ask(llm: LLM, { messages, options }: AnswerJob, onText: (text: string) => void): Promise<Result> {
	if (options.responseFormat?.type === "json-schema") return askForJson(llm, messages, options);
	return llm.ask(messages, {
		...options,
		onPart: (part) => {
			if (part.type === "text-delta") onText(part.text);
		},
	});
}

/** Whether `ask` hands the text on as it comes: not before it is known to be valid, and not for several answers. */
function isStreamed({ responseFormat, streamed, n = 1 }: AskOptions): boolean {
	return streamed === true && n === 1 && responseFormat?.type !== "json-schema";
}

/** Several answers are numbered on a terminal and separated by a line of dashes elsewhere. */
async function printTexts({ texts }: Result, writer: AnswerWriter, { io, flags }: AnswerJob): Promise<void> {
	const colors = colorsFor(io, "stdout");
	let current = writer;
	for (const [index, text] of texts.entries()) {
		if (index > 0) {
			current.end();
			io.stdout.write(io.stdout.isTTY ? `\n${colors.dim(`── ${index + 1} ──`)}\n` : "---\n");
			current = await createAnswerWriter(io, flags.raw === true);
		}
		current.push(text);
	}
	if (current !== writer) current.end();
}

function fitsSideBySide({ io }: AnswerJob, models: number): boolean {
	return io.stdout.isTTY && (io.stdout.columns ?? 80) >= models * MIN_COLUMN;
}

/** Columns cannot stream without moving the cursor about, so they are printed when all answers are there. */
async function printSideBySide(llms: readonly LLM[], job: AnswerJob): Promise<number> {
	const { renderColumns } = await import("../terminal/columns.ts");
	const { io } = job;
	const { colors, say } = sayer(io);
	const settled = await Promise.allSettled(llms.map((llm) => ask(llm, job, () => {})));
	const columns = settled.map((outcome, index) => ({
		title: sanitizeLine(llms[index]?.model ?? ""),
		text: outcome.status === "fulfilled" ? outcome.value.texts.join("\n\n---\n\n") : "",
		footer: outcome.status === "fulfilled" ? usageLine(outcome.value) : "failed",
	}));
	io.stdout.write(renderColumns(columns, { width: io.stdout.columns ?? 80, colors }));
	let exitCode = 0;
	for (const [index, outcome] of settled.entries()) {
		if (outcome.status === "rejected") exitCode ||= say(columns[index]?.title ?? "", outcome.reason);
	}
	return exitCode;
}

/** How the failure of one of several models is told; returns its exit code. What is no failure of a model is thrown. */
function sayer(io: Io) {
	return {
		colors: colorsFor(io, "stdout"),
		say: (model: string, error: unknown): number => {
			if (!(error instanceof LlmxError) || io.stdout.gone.aborted) throw error;
			const hint = error.hint ? `\n  ${sanitizeLine(error.hint)}` : "";
			io.stderr.write(`llmx: ${model}: ${sanitizeLine(error.message)}${hint}\n`);
			return error.exitCode;
		},
	};
}

/** Tokens, cost and time go to stderr: on a terminal unless `--quiet`, elsewhere only with `--usage`. */
function printUsage({ io, flags }: AnswerJob, result: Result): void {
	const colors = colorsFor(io, "stderr");
	if (result.finishReason === "length" && !flags.quiet) {
		io.stderr.write("llmx: the answer stops at the token limit (raise it with --max-tokens)\n");
	}
	if (flags.usage || (io.stderr.isTTY && !flags.quiet && !flags.json)) {
		io.stderr.write(`${colors.dim(usageLine(result))}\n`);
	}
}
