import { AbortedError, LlmxError } from "../../errors.ts";
import { type Result, type StreamPart, toResultRow } from "../../index.ts";
import { usageLine } from "../../terminal/formats.ts";
import { escapeJson, sanitize, sanitizeLine } from "../../terminal/sanitize.ts";
import type { Io } from "../io.ts";
import {
	type AnswerForm,
	type AnswerWriter,
	colorsFor,
	createAnswerWriter,
	widthOf,
} from "./answer-writer.ts";
import { type Answered, type AnswerJob, askOnce, hasSchema, isStreamed } from "./asking.ts";
import { type FailedAnswer, isBilled, knownCost, spentLine, toFailedRow } from "./failed-answer.ts";
import { printSideBySide, sayFailure } from "./side-by-side.ts";
import { SignOfLife } from "./sign-of-life.ts";

export type { AnswerJob } from "./asking.ts";

/** How answers are printed. */
export interface AnswerFlags {
	readonly json?: boolean;
	readonly raw?: boolean;
	readonly usage?: boolean;
	readonly quiet?: boolean;
	/** Print only this block of code of the answer. */
	readonly extract?: "first" | "last" | undefined;
}

/** A column narrower than this is hard to read. */
const minColumn = 48;

/**
 * Asks one model or several at once and prints the answers in the order of the models.
 * @returns the exit code: that of the first failure, else 0
 * @throws the failure when there is only one model
 */
export async function printAnswers(io: Io, flags: AnswerFlags, jobs: readonly AnswerJob[]): Promise<number> {
	const [only] = jobs;
	if (only && jobs.length === 1) {
		const sign = new SignOfLife(io, [""], !flags.quiet);
		try {
			await new AskTurn(io, flags, only, sign, 0).print();
		} finally {
			sign.stop();
		}
		return 0;
	}
	const fits = io.stdout.isTTY && widthOf(io.stdout) >= jobs.length * minColumn;
	return fits && !flags.json && flags.extract === undefined
		? printSideBySide(io, jobs)
		: printInTurn(io, flags, jobs);
}

/** All are asked at once; the first streams to the screen, and the others wait in memory for their turn. */
async function printInTurn(io: Io, flags: AnswerFlags, jobs: readonly AnswerJob[]): Promise<number> {
	const colors = colorsFor(io, "stdout");
	let exitCode = 0;
	let interruption: AbortedError | undefined;
	const sign = new SignOfLife(
		io,
		jobs.map(({ llm }) => sanitizeLine(llm.model)),
		!flags.quiet,
	);
	const turns = jobs.map((job, index) => new AskTurn(io, flags, job, sign, index));
	for (const [index, turn] of turns.entries()) {
		// What the others had brought by then was paid for.
		if (interruption !== undefined && !(await turn.hasText)) continue;
		const title = sanitizeLine(turn.model);
		// The lines of those that are waited for go on until this one has something to say.
		await turn.begun;
		sign.stop();
		if (!flags.json) io.stdout.write(`${index > 0 ? "\n" : ""}${colors.bold(`── ${title} ──`)}\n`);
		try {
			await turn.print();
		} catch (error) {
			if (error instanceof AbortedError && !io.stdout.gone.aborted) interruption ??= error;
			else {
				// Every failure is told, the exit code is that of the first.
				const failed = await sayFailure(io, title, error);
				exitCode ||= failed;
			}
		}
	}
	sign.stop();
	if (interruption !== undefined) throw interruption;
	return exitCode;
}

/** One model's answer, requested at once and printed when its turn comes. */
class AskTurn {
	readonly #io: Io;
	readonly #flags: AnswerFlags;
	readonly #job: AnswerJob;
	readonly #sign: SignOfLife;
	readonly #asking: Promise<Answered>;
	readonly #begun = Promise.withResolvers<void>();
	/** The text is printed as it comes. */
	readonly #isShown: boolean;
	#early = "";
	#writer: AnswerWriter | undefined;

	constructor(io: Io, flags: AnswerFlags, job: AnswerJob, sign: SignOfLife, index: number) {
		this.#io = io;
		this.#flags = flags;
		this.#job = job;
		this.#sign = sign;
		const onPart = (part: StreamPart) => {
			sign.note(index, part);
			if (part.type !== "text-delta") return;
			this.#begun.resolve();
			if (this.#writer) this.#writer.push(part.text);
			else this.#early += part.text;
		};
		const isShown = isStreamed(job.options) && !flags.json && flags.extract === undefined;
		this.#isShown = isShown;
		this.#asking = askOnce(job, isShown ? { onPart } : undefined).then((answered) => {
			sign.end(index, answered.ok);
			this.#begun.resolve();
			return answered;
		});
	}

	get #form(): AnswerForm {
		if (this.#flags.raw) return "raw";
		return hasSchema(this.#job.options) ? "json" : "markdown";
	}

	/** Resolves when there is something to print, or will be nothing. */
	get begun(): Promise<void> {
		return this.#begun.promise;
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
		await this.#begun.promise;
		this.#sign.stop();
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
		const writer = await createAnswerWriter(this.#io, this.#form);
		writer.push(this.#early);
		this.#writer = writer;
		const answered = await this.#asking;
		if (answered.ok) {
			if (this.#flags.extract !== undefined) return this.#printBlock(answered.result, this.#flags.extract);
			if (!this.#isShown) await this.#printTexts(answered.result, writer);
			await writer.end();
			this.#printUsage(answered.result);
			return answered;
		}
		const { partialText } = answered;
		if (hasSchema(options) || this.#flags.extract !== undefined) this.#printInvalid(partialText);
		else if (!this.#isShown) writer.push(partialText);
		await writer.end();
		this.#printSpent(answered.error);
		return answered;
	}

	/** Only a block of code goes to stdout, so that it can be run; what is around it stays readable on stderr. */
	async #printBlock(result: Result, which: "first" | "last"): Promise<Answered> {
		const { codeBlocks } = await import("../../chat/code-blocks.ts");
		const blocks = codeBlocks(result.text);
		const block = which === "first" ? blocks[0] : blocks.at(-1);
		if (block === undefined) {
			this.#io.stderr.write(`${sanitize(result.text).trimEnd()}\n`);
			this.#printUsage(result);
			this.#job.onEnd?.(result);
			const error = new LlmxError("the answer has no code block", { hint: "omit -x to print all of it" });
			return { ok: false, error, partialText: "" };
		}
		const { stdout } = this.#io;
		stdout.write(this.#flags.raw ? block.code : sanitize(block.code, stdout.isTTY ? "terminal" : "pipe"));
		stdout.write("\n");
		this.#printUsage(result);
		return { ok: true, result };
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
		// On one screen the figures must not stick to the answer.
		const gap = stderr.isTTY && this.#io.stdout.isTTY && !usage ? "\n" : "";
		stderr.write(`${gap}${colorsFor(this.#io, "stderr").dim(line)}\n`);
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
			if (stdout.isTTY && texts.length > 1) {
				await current.end();
				stdout.write(`${index > 0 ? "\n" : ""}${colors.dim(`── ${index + 1} of ${texts.length} ──`)}\n`);
			} else if (index > 0) {
				await current.end();
				stdout.write("---\n");
			}
			if (index > 0) current = await createAnswerWriter(this.#io, this.#form);
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
		const mark = quiet ? undefined : markOfResult(result);
		if (mark !== undefined) stderr.write(`llmx: ${mark}\n`);
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

/** What a reader must know of an answer that has no proper end; undefined for one that has. */
function markOfResult({ finishReason, text }: Result): string | undefined {
	if (finishReason === "length")
		return "the answer was cut off at the token limit (raise it with --max-tokens)";
	if (finishReason !== "content-filter") return undefined;
	return text === "" ? "blocked by the provider's content filter" : "ended by the provider's content filter";
}
