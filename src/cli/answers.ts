import { AbortedError, LlmxError } from "../errors.ts";
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

/** One model to ask. */
export interface AnswerJob {
	readonly llm: LLM;
	readonly messages: readonly Message[];
	readonly options: AskOptions;
	/** Hears the answer, or what came of it before it failed; nothing when nothing came. */
	readonly onEnd?: ((answer: Result | { model: string; partial: string }) => void) | undefined;
}

/** A column narrower than this is no pleasure to read. */
const MIN_COLUMN = 48;

/**
 * Asks one model or several at once and prints the answers in the order of the models.
 * @returns the exit code: that of the first failure, else 0
 * @throws the failure when there is only one model
 */
export async function printAnswers(io: Io, flags: AnswerFlags, jobs: readonly AnswerJob[]): Promise<number> {
	const [only] = jobs;
	if (only && jobs.length === 1) {
		await new Turn(io, flags, only).print();
		return 0;
	}
	const fits = io.stdout.isTTY && (io.stdout.columns ?? 80) >= jobs.length * MIN_COLUMN;
	return fits && !flags.json ? printSideBySide(io, jobs) : printInTurn(io, flags, jobs);
}

/** All are asked at once; the first streams to the screen, and the others wait in memory for their turn. */
async function printInTurn(io: Io, flags: AnswerFlags, jobs: readonly AnswerJob[]): Promise<number> {
	const colors = colorsFor(io, "stdout");
	let exitCode = 0;
	const turns = jobs.map((job) => new Turn(io, flags, job));
	for (const [index, turn] of turns.entries()) {
		const title = sanitizeLine(turn.model);
		if (!flags.json) io.stdout.write(`${index > 0 ? "\n" : ""}${colors.bold(`── ${title} ──`)}\n`);
		try {
			await turn.print();
		} catch (error) {
			exitCode ||= sayFailure(io, title, error);
		}
	}
	return exitCode;
}

/** One model's answer, begun at once and printed when its turn comes. */
class Turn {
	readonly #io: Io;
	readonly #flags: AnswerFlags;
	readonly #job: AnswerJob;
	readonly #asking: Promise<Result>;
	#early = "";
	#writer: AnswerWriter | undefined;

	constructor(io: Io, flags: AnswerFlags, job: AnswerJob) {
		this.#io = io;
		this.#flags = flags;
		this.#job = job;
		this.#asking = ask(job, (text) => {
			if (this.#writer) this.#writer.push(text);
			else this.#early += text;
		});
		// Whoever prints it awaits it again; until then a failure is not unhandled.
		this.#asking.catch(() => {});
	}

	get model(): string {
		return this.#job.llm.model;
	}

	async print(): Promise<void> {
		const { options } = this.#job;
		if (this.#flags.json) {
			const result = await this.#asking;
			this.#io.stdout.write(`${escapeJson(JSON.stringify(toResultRow(result, options.n)))}\n`);
			this.#printUsage(result);
			return;
		}
		const writer = await createAnswerWriter(this.#io, this.#flags.raw === true);
		writer.push(this.#early);
		this.#writer = writer;
		try {
			const result = await this.#asking;
			if (!isStreamed(options)) await this.#printTexts(result, writer);
			writer.end();
			this.#printUsage(result);
		} catch (error) {
			writer.end();
			throw error;
		}
	}

	/** Several answers are numbered on a terminal and separated by a line of dashes elsewhere. */
	async #printTexts({ texts }: Result, writer: AnswerWriter): Promise<void> {
		const { stdout } = this.#io;
		const colors = colorsFor(this.#io, "stdout");
		let current = writer;
		for (const [index, text] of texts.entries()) {
			if (index > 0) {
				current.end();
				stdout.write(stdout.isTTY ? `\n${colors.dim(`── ${index + 1} ──`)}\n` : "---\n");
				current = await createAnswerWriter(this.#io, this.#flags.raw === true);
			}
			current.push(text);
		}
		if (current !== writer) current.end();
	}

	/** Tokens, cost and time go to stderr: on a terminal unless `--quiet`, elsewhere only with `--usage`. */
	#printUsage(result: Result): void {
		const { stderr } = this.#io;
		const { usage, quiet, json } = this.#flags;
		if (result.finishReason === "length" && !quiet) {
			stderr.write("llmx: the answer stops at the token limit (raise it with --max-tokens)\n");
		}
		if (usage || (stderr.isTTY && !quiet && !json)) {
			stderr.write(`${colorsFor(this.#io, "stderr").dim(usageLine(result))}\n`);
		}
	}
}

async function ask(
	{ llm, messages, options, onEnd }: AnswerJob,
	onText: (text: string) => void,
): Promise<Result> {
	let received = "";
	try {
		const result = await (options.responseFormat?.type === "json-schema"
			? askForJson(llm, messages, options)
			: llm.ask(messages, {
					...options,
					onPart: (part) => {
						if (part.type !== "text-delta") return;
						received += part.text;
						onText(part.text);
					},
				}));
		onEnd?.(result);
		return result;
	} catch (error) {
		if (received !== "") onEnd?.({ model: llm.model, partial: received });
		throw error;
	}
}

/** Whether `ask` hands the text on as it comes: not before it is known to be valid, and not for several answers. */
function isStreamed({ responseFormat, streamed, n = 1 }: AskOptions): boolean {
	return streamed === true && n === 1 && responseFormat?.type !== "json-schema";
}

/** Columns cannot stream without moving the cursor about, so they are printed when all answers are there. */
async function printSideBySide(io: Io, jobs: readonly AnswerJob[]): Promise<number> {
	const { renderColumns } = await import("../terminal/columns.ts");
	const settled = await Promise.allSettled(jobs.map((job) => ask(job, () => {})));
	const columns = settled.map((outcome, index) => ({
		title: sanitizeLine(jobs[index]?.llm.model ?? ""),
		text: outcome.status === "fulfilled" ? outcome.value.texts.join("\n\n---\n\n") : "",
		footer: outcome.status === "fulfilled" ? usageLine(outcome.value) : "failed",
	}));
	io.stdout.write(
		renderColumns(columns, { width: io.stdout.columns ?? 80, colors: colorsFor(io, "stdout") }),
	);
	let exitCode = 0;
	for (const [index, outcome] of settled.entries()) {
		if (outcome.status === "rejected")
			exitCode ||= sayFailure(io, columns[index]?.title ?? "", outcome.reason);
	}
	return exitCode;
}

/** Tells of one of several models that failed, and returns the exit code of that. */
function sayFailure(io: Io, model: string, error: unknown): number {
	if (!(error instanceof LlmxError) || error instanceof AbortedError || io.stdout.gone.aborted) throw error;
	const hint = error.hint ? `\n  ${sanitizeLine(error.hint)}` : "";
	io.stderr.write(`llmx: ${model}: ${sanitizeLine(error.message)}${hint}\n`);
	return error.exitCode;
}
