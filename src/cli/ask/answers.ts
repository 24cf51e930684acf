import { AbortedError, LlmxError, partialTextOf } from "../../errors.ts";
import {
	type AskOptions,
	askForJson,
	type LLM,
	type Message,
	type Result,
	type StreamPart,
	toResultRow,
} from "../../index.ts";
import { failureText } from "../../terminal/failure-text.ts";
import { usageLine } from "../../terminal/formats.ts";
import { escapeJson, sanitize, sanitizeLine } from "../../terminal/sanitize.ts";
import type { Io } from "../io.ts";
import { type AnswerWriter, colorsFor, createAnswerWriter, widthOf } from "./answer-writer.ts";
import { type FailedAnswer, isBilled, knownCost, spentLine, toFailedRow } from "./failed-answer.ts";
import type { InterruptedAnswer } from "./session.ts";

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
	/** Called with the answer, or with the partial answer of a failure; not called without either. */
	readonly onEnd?: ((answer: Result | InterruptedAnswer) => void) | undefined;
}

/** How a question ended. */
type Answered =
	| { readonly ok: true; readonly result: Result }
	/** With what had come; empty when nothing had. */
	| { readonly ok: false; readonly error: unknown; readonly partialText: string };

/** Narrower columns are hard to read. */
const MIN_COLUMN = 48;

/**
 * Asks one model or several at once and prints the answers in the order of the models.
 * @returns the exit code: that of the first failure, else 0
 * @throws the failure when there is only one model
 */
export async function printAnswers(io: Io, flags: AnswerFlags, jobs: readonly AnswerJob[]): Promise<number> {
	const [only] = jobs;
	if (only && jobs.length === 1) {
		await new AskTurn(io, flags, only).print();
		return 0;
	}
	const fits = io.stdout.isTTY && widthOf(io.stdout) >= jobs.length * MIN_COLUMN;
	return fits && !flags.json ? printSideBySide(io, jobs) : printInTurn(io, flags, jobs);
}

/** All are asked at once; the first streams to the screen, and the others wait in memory for their turn. */
async function printInTurn(io: Io, flags: AnswerFlags, jobs: readonly AnswerJob[]): Promise<number> {
	const colors = colorsFor(io, "stdout");
	let exitCode = 0;
	let interruption: AbortedError | undefined;
	const turns = jobs.map((job) => new AskTurn(io, flags, job));
	for (const [index, turn] of turns.entries()) {
		// What the others had brought by then was paid for.
		if (interruption !== undefined && !(await turn.hasText)) continue;
		const title = sanitizeLine(turn.model);
		if (!flags.json) io.stdout.write(`${index > 0 ? "\n" : ""}${colors.bold(`── ${title} ──`)}\n`);
		try {
			await turn.print();
		} catch (error) {
			if (error instanceof AbortedError && !io.stdout.gone.aborted) interruption ??= error;
			else exitCode ||= sayFailure(io, title, error);
		}
	}
	if (interruption !== undefined) throw interruption;
	return exitCode;
}

/** One model's answer, requested at once and printed when its turn comes. */
class AskTurn {
	readonly #io: Io;
	readonly #flags: AnswerFlags;
	readonly #job: AnswerJob;
	readonly #asking: Promise<Answered>;
	#early = "";
	#writer: AnswerWriter | undefined;

	constructor(io: Io, flags: AnswerFlags, job: AnswerJob) {
		this.#io = io;
		this.#flags = flags;
		this.#job = job;
		const show = (text: string) => {
			if (this.#writer) this.#writer.push(text);
			else this.#early += text;
		};
		this.#asking = ask(job, isStreamed(job.options) && !flags.json ? show : undefined);
	}

	get model(): string {
		return this.#job.llm.model;
	}

	/** Whether there was any text in the end. */
	get hasText(): Promise<boolean> {
		return this.#asking.then((answered) => answered.ok || answered.partialText !== "");
	}

	/** @throws the failure, after the partial answer has been printed and passed on */
	async print(): Promise<void> {
		const { llm, onEnd } = this.#job;
		const answered = await (this.#flags.json ? this.#printJson() : this.#printText());
		if (answered.ok) {
			onEnd?.(answered.result);
			return;
		}
		const { error, partialText } = answered;
		if (partialText !== "") onEnd?.({ model: llm.model, partial: partialText, costUsd: knownCost(llm) });
		throw error;
	}

	async #printText(): Promise<Answered> {
		const { options } = this.#job;
		const writer = await createAnswerWriter(this.#io, this.#flags.raw === true);
		writer.push(this.#early);
		this.#writer = writer;
		const answered = await this.#asking;
		if (answered.ok) {
			if (!isStreamed(options)) await this.#printTexts(answered.result, writer);
			await writer.end();
			this.#printUsage(answered.result);
			return answered;
		}
		const { partialText } = answered;
		if (hasSchema(options)) this.#printInvalid(partialText);
		else if (!isStreamed(options)) writer.push(partialText);
		await writer.end();
		this.#printSpent(answered.error);
		return answered;
	}

	async #printJson(): Promise<Answered> {
		const { llm, options } = this.#job;
		const answered = await this.#asking;
		if (answered.ok) {
			printObject(this.#io, toResultRow(answered.result, options.n));
			this.#printUsage(answered.result);
			return answered;
		}
		printFailedObject(this.#io, { llm, ...answered });
		this.#printSpent(answered.error);
		return answered;
	}

	/** What a failure took all the same; nothing when it took nothing. */
	#printSpent(error: unknown): void {
		const { llm } = this.#job;
		if (isBilled(llm)) this.#printUsageLine(spentLine(llm, error));
	}

	#printUsageLine(line: string): void {
		const { stderr } = this.#io;
		const { usage, quiet, json } = this.#flags;
		if (!usage && (!stderr.isTTY || quiet || json)) return;
		stderr.write(`${colorsFor(this.#io, "stderr").dim(line)}\n`);
	}

	/** Readers of stdout rely on the schema; the partial answer was paid for all the same. */
	#printInvalid(text: string): void {
		if (text !== "") this.#io.stderr.write(`llmx: partial answer:\n${sanitize(text).trimEnd()}\n`);
	}

	/** Several answers are numbered on a terminal and separated by a line of dashes elsewhere. */
	async #printTexts({ texts }: Result, writer: AnswerWriter): Promise<void> {
		const { stdout } = this.#io;
		const colors = colorsFor(this.#io, "stdout");
		let current = writer;
		for (const [index, text] of texts.entries()) {
			if (index > 0) {
				await current.end();
				stdout.write(stdout.isTTY ? `\n${colors.dim(`── ${index + 1} ──`)}\n` : "---\n");
				current = await createAnswerWriter(this.#io, this.#flags.raw === true);
			}
			current.push(text);
		}
		if (current !== writer) await current.end();
	}

	/** Tokens, cost and time go to stderr: on a terminal unless `--quiet`, elsewhere only with `--usage`. */
	#printUsage(result: Result): void {
		const { stderr } = this.#io;
		const { quiet, json } = this.#flags;
		const calls = result.details?.toolCalls ?? [];
		if (calls.length > 0 && !json && !quiet) {
			const names = calls.map(({ function: { name } }) => name).join(", ");
			stderr.write(
				`llmx: the model asks for ${sanitizeLine(names)}; llmx runs no tools (--json shows the calls)\n`,
			);
		}
		if (result.finishReason === "length" && !quiet) {
			stderr.write("llmx: the answer was cut off at the token limit (raise it with --max-tokens)\n");
		}
		this.#printUsageLine(usageLine(result));
	}
}

/** Where an object was printed. */
const told = new WeakSet<Io>();

/**
 * Prints the object of a question that failed, so that whoever reads `--json` gets one whatever happens. Who has
 * interrupted it before any text came waits for none.
 */
function printFailedObject(io: Io, failed: FailedAnswer): void {
	if (failed.error instanceof AbortedError && !failed.partialText) return;
	const row = toFailedRow(failed);
	if (row !== undefined) printObject(io, row);
}

/** The same for a failure outside of an answer, unless one has been told of already. */
export function printFailedAsk(io: Io, error: unknown): void {
	if (!told.has(io) && !io.stdout.gone.aborted) printFailedObject(io, { error });
}

function printObject(io: Io, row: object): void {
	told.add(io);
	io.stdout.write(`${escapeJson(JSON.stringify(row))}\n`);
}

/**
 * Never rejects: the error of a failed answer carries its partial text. An interrupted stream is requested again as long
 * as nothing of it was shown, so only what is shown at once is streamed part by part.
 */
async function ask({ llm, messages, options }: AnswerJob, show?: (text: string) => void): Promise<Answered> {
	const onPart =
		show &&
		((part: StreamPart) => {
			if (part.type === "text-delta") show(part.text);
		});
	const asked = { ...options, onPart };
	try {
		const result = hasSchema(options)
			? await askForJson(llm, messages, asked)
			: await llm.ask(messages, asked);
		return { ok: true, result };
	} catch (error) {
		return { ok: false, error, partialText: partialTextOf(error) };
	}
}

/** Whether `ask` prints the text as it arrives: not if it must be validated first, and not for several answers. */
function isStreamed({ streamed, n = 1, ...options }: AskOptions): boolean {
	return streamed === true && n === 1 && !hasSchema(options);
}

function hasSchema({ responseFormat }: AskOptions): boolean {
	return responseFormat?.type === "json-schema";
}

/** Columns cannot stream without moving the cursor about, so they are printed when all answers are there. */
async function printSideBySide(io: Io, jobs: readonly AnswerJob[]): Promise<number> {
	const { renderColumns } = await import("../../terminal/columns.ts");
	const answers = await Promise.all(jobs.map((job) => ask(job)));
	const columns = answers.map((answered, index) => ({
		title: sanitizeLine(jobs[index]?.llm.model ?? ""),
		text: answered.ok ? answered.result.texts.join("\n\n---\n\n") : answered.partialText,
		footer: answered.ok ? usageLine(answered.result) : "failed",
	}));
	io.stdout.write(renderColumns(columns, { width: widthOf(io.stdout), colors: colorsFor(io, "stdout") }));
	let exitCode = 0;
	for (const [index, answered] of answers.entries()) {
		if (!answered.ok) exitCode ||= sayFailure(io, columns[index]?.title ?? "", answered.error);
	}
	return exitCode;
}

/** Tells of one of several models that failed, and returns the exit code of that. */
function sayFailure(io: Io, model: string, error: unknown): number {
	if (!(error instanceof LlmxError) || error instanceof AbortedError || io.stdout.gone.aborted) throw error;
	const hint = error.hint ? `\n  ${sanitizeLine(error.hint)}` : "";
	io.stderr.write(`llmx: ${model}: ${sanitizeLine(failureText(error))}${hint}\n`);
	return error.exitCode;
}
