/** The chat without a screen: a line in, an answer out, so that it can be scripted and used on any terminal. */

import { formatDuration, usageLine } from "../terminal/formats.ts";
import { createSanitizer, type Sanitizer, sanitize } from "../terminal/sanitize.ts";
import type { Chat } from "./chat.ts";
import { submit } from "./commands/table.ts";
import { describeFailure } from "./failure.ts";
import { MessageReader } from "./messages-in.ts";
import type { AnswerEnd, ChatView, ComparedAnswer, FailureNotice } from "./view.ts";

/** Where line mode writes: answers to `out`, everything else to `note`. */
export interface LineOutput {
	out(text: string): void;
	note(text: string): void;
	/** Answers go to a terminal, which would obey what is in them. */
	readonly isTerminal: boolean;
	/** A person is typing: show prompts, figures and what was resumed. */
	readonly isConversation: boolean;
}

/** A view that only ever appends. */
export class LineView implements ChatView {
	readonly #output: LineOutput;
	#sanitizer: Sanitizer;
	#aside = false;
	#lastCharacter = "\n";
	readonly #left = new AbortController();

	constructor(output: LineOutput) {
		this.#output = output;
		this.#sanitizer = createSanitizer();
	}

	/** Fires when the chat is to end. */
	get left(): AbortSignal {
		return this.#left.signal;
	}

	answering(_model: string, aside: boolean): void {
		this.#aside = aside;
		this.#sanitizer = createSanitizer(this.#output.isTerminal ? "terminal" : "pipe");
		this.#lastCharacter = "\n";
	}

	text(delta: string): void {
		if (!this.#aside) this.#write(this.#sanitizer.push(delta));
	}

	answered({ finish, interrupted, hasText, failure }: AnswerEnd): void {
		if (!this.#aside) this.#write(this.#sanitizer.end());
		if (this.#lastCharacter !== "\n") this.#write("\n");
		if (failure !== null) this.failed(failure);
		else if (interrupted) this.notice(hasText ? "stopped; what came is kept" : "stopped; /retry asks again");
		else if (finish !== null && this.#output.isConversation && !this.#aside) this.notice(usageLine(finish));
	}

	compared(answers: readonly ComparedAnswer[]): void {
		for (const [index, { model, text, finish }] of answers.entries()) {
			const figures = finish === null ? "interrupted" : usageLine(finish);
			this.notice(`${index + 1} · ${model} · ${figures}`);
			const safe = sanitize(text, this.#output.isTerminal ? "terminal" : "pipe");
			this.#output.out(safe.endsWith("\n") ? safe : `${safe}\n`);
		}
		this.notice("keep which? 1 or 2 (anything else keeps 1 and goes on)");
	}

	notice(text: string): void {
		this.#output.note(`${sanitize(text)}\n`);
	}

	failed({ message, hint }: FailureNotice): void {
		const lines = [
			`llmx: ${message}`,
			...(hint === undefined ? [] : hint.split("\n").map((line) => `  ${line}`)),
		];
		this.notice(lines.join("\n"));
	}

	waiting(reason: string, delayMs: number): void {
		this.notice(`llmx: ${reason}; trying again in ${formatDuration(delayMs)}`);
	}

	leave(): void {
		this.#left.abort();
	}

	asked(): void {}
	reasoning(): void {}
	suggest(): void {}
	clear(): void {}
	resumed(): void {}
	changed(): void {}

	#write(text: string): void {
		if (text === "") return;
		this.#lastCharacter = text.slice(-1);
		this.#output.out(text);
	}
}

export interface LineModeOptions {
	readonly chat: Chat;
	readonly view: LineView;
	/** Pieces of input as they come. */
	readonly input: AsyncIterable<string | Uint8Array>;
	readonly prompt: (isOpen: boolean) => void;
}

/** Runs until the input ends or the chat is left. Lines that come while an answer streams wait for its end. */
export async function runLineMode({ chat, view, input, prompt }: LineModeOptions): Promise<void> {
	const reader = new MessageReader();
	prompt(false);
	for await (const line of linesOf(input, view.left)) {
		const message = reader.push(line);
		if (message !== undefined) await take(chat, message);
		if (view.left.aborted) return;
		prompt(reader.isOpen);
	}
	const rest = reader.end();
	if (rest !== undefined && !view.left.aborted) await take(chat, rest);
}

async function take(chat: Chat, message: string): Promise<void> {
	try {
		await submit(chat, message);
	} catch (error) {
		const failure = describeFailure(error);
		chat.failedWith ??= failure.exitCode;
		chat.view.failed(failure);
	}
}

/** Lines without their ends (`\n` or `\r\n`); stops early when `left` fires. */
async function* linesOf(
	input: AsyncIterable<string | Uint8Array>,
	left: AbortSignal,
): AsyncGenerator<string> {
	const decoder = new TextDecoder();
	const pieces = input[Symbol.asyncIterator]();
	const isLeft = new Promise<{ done: true; value: undefined }>((resolve) => {
		left.addEventListener("abort", () => resolve({ done: true, value: undefined }), { once: true });
	});
	let partial = "";
	for (;;) {
		const { done, value } = await Promise.race([pieces.next(), isLeft]);
		if (done) break;
		const lines = (
			partial + (typeof value === "string" ? value : decoder.decode(value, { stream: true }))
		).split("\n");
		partial = lines.pop() ?? "";
		for (const line of lines) yield line.replace(/\r$/, "");
	}
	if (partial !== "" && !left.aborted) yield partial;
}
