/** The chat without a screen: a line in, an answer out, so that it can be scripted and used on any terminal. */

import { UsageError } from "../errors.ts";
import { formatDuration, usageLine } from "../terminal/formats.ts";
import { createSanitizer, type Sanitizer, sanitize } from "../terminal/sanitize.ts";
import type { Chat } from "./chat.ts";
import { submit } from "./commands/table.ts";
import { describeFailure } from "./failure.ts";
import { markOf, noteOf } from "./marks.ts";
import { MessageReader } from "./messages-in.ts";
import type { Picker } from "./picker.ts";
import { savedAs } from "./switching.ts";
import type { AnswerEnd, ChatView, ComparedAnswer, FailureNotice, ShownTurn } from "./view.ts";

/** How much of a list is shown. */
const listedItems = 40;
/** How many turns of a session that is gone on with are shown. */
const resumedTurns = 5;

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
	readonly takesKeys = false;
	readonly #output: LineOutput;
	#sanitizer: Sanitizer;
	#aside = false;
	#lastCharacter = "\n";
	/** The cursor stands behind a prompt. */
	#isPrompting = false;
	readonly #left = new AbortController();

	constructor(output: LineOutput) {
		this.#output = output;
		this.#sanitizer = createSanitizer();
	}

	/** A person is typing. */
	get isConversation(): boolean {
		return this.#output.isConversation;
	}

	/** Fires when the chat is to end. */
	get left(): AbortSignal {
		return this.#left.signal;
	}

	/** Asks a person for a line; `isOpen`: for the next one of a message. */
	prompt(isOpen = false): void {
		if (!this.isConversation) return;
		this.#output.note(isOpen ? "… " : "› ");
		this.#isPrompting = true;
	}

	/** A line was typed behind the prompt. */
	endPrompt(): void {
		this.#isPrompting = false;
	}

	/** Nothing will be typed behind the prompt any more. */
	leavePrompt(): void {
		if (this.#isPrompting) this.#output.note("\n");
		this.#isPrompting = false;
	}

	/** Leaves the line to whoever is next, and tells a person what is kept. */
	end({ session }: Chat): void {
		this.leavePrompt();
		if (this.isConversation && session.session.all.length > 0) this.notice(savedAs(session.session));
	}

	answering(_model: string, aside: boolean): void {
		this.#aside = aside;
		this.#sanitizer = createSanitizer(this.#output.isTerminal ? "terminal" : "pipe");
		this.#lastCharacter = "\n";
	}

	text(delta: string): void {
		if (!this.#aside) this.#write(this.#sanitizer.push(delta));
	}

	answered({ finish, interrupted, isFiltered, hasText, failure }: AnswerEnd): void {
		if (!this.#aside) this.#write(this.#sanitizer.end());
		if (this.#lastCharacter !== "\n") this.#write("\n");
		if (failure !== null) this.failed(failure);
		const isCut = failure !== null;
		const finishReason = isFiltered ? "content-filter" : finish?.finishReason;
		const mark = markOf({ interrupted, isCut, hasText, finishReason });
		if (mark !== undefined) this.notice(`llmx: ${mark}`);
		if (finish !== null && this.#output.isConversation && !this.#aside) this.notice(usageLine(finish));
	}

	pick({ title, items, summary }: Picker): void {
		if (summary !== undefined) {
			this.notice(summary);
			return;
		}
		const shown = items.slice(-listedItems);
		const first = items.length - shown.length;
		const lines = shown.map(
			({ label, facts }, index) => `${first + index + 1}  ${[label, ...facts].filter(Boolean).join(" · ")}`,
		);
		this.notice([`${title}:`, ...lines].join("\n"));
	}

	resumed(turns: readonly ShownTurn[]): void {
		if (!this.#output.isConversation) return;
		for (const { question, answer, end } of turns.slice(-resumedTurns)) {
			if (question !== "") this.notice(`› ${question}`);
			const safe = sanitize(answer, this.#output.isTerminal ? "terminal" : "pipe").trimEnd();
			this.#output.out(`${safe}\n`);
			const note = noteOf({ ...end, hasText: answer !== "" }, end.cached);
			if (note !== "") this.notice(`(${note})`);
		}
	}

	compared(answers: readonly ComparedAnswer[]): void {
		for (const [index, { model, text, finish }] of answers.entries()) {
			const figures = finish === null ? "interrupted" : usageLine(finish);
			this.notice(`${index + 1} · ${model} · ${figures}`);
			const safe = sanitize(text, this.#output.isTerminal ? "terminal" : "pipe");
			this.#output.out(safe.endsWith("\n") ? safe : `${safe}\n`);
		}
		this.notice("keep which one? 1 or 2 (anything else keeps 1; /retry asks 2 again)");
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
		this.notice(`llmx: ${reason.replace(/\.$/, "")}; trying again in ${formatDuration(delayMs)}`);
	}

	leave(): void {
		this.#left.abort();
	}

	asked(): void {}
	reasoning(): void {}
	suggest(): void {}
	clear(): void {}
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
}

/** Runs until the input ends or the chat is left. Lines that come while an answer streams wait for its end. */
export async function runLineMode({ chat, view, input }: LineModeOptions): Promise<void> {
	const reader = new MessageReader();
	view.prompt();
	for await (const typed of linesOf(input, view.left)) {
		view.endPrompt();
		// A terminal in its own line mode echoes arrow keys and passes them on.
		const line = view.isConversation
			? typed.replace(/\x1b(?:\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|O.|.)?/g, "")
			: typed;
		const message = reader.push(line);
		if (message !== undefined) await take(chat, message);
		if (view.left.aborted) return;
		view.prompt(reader.isOpen);
	}
	const rest = reader.end();
	view.leavePrompt();
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
	// A prompt with characters that nobody wrote would be paid for.
	const decoder = new TextDecoder("utf-8", { fatal: true });
	const pieces = input[Symbol.asyncIterator]();
	const isLeft = new Promise<{ done: true; value: undefined }>((resolve) => {
		left.addEventListener("abort", () => resolve({ done: true, value: undefined }), { once: true });
	});
	let partial = "";
	for (;;) {
		const { done, value } = await Promise.race([pieces.next(), isLeft]);
		if (done) break;
		const lines = (partial + decode(decoder, value)).split("\n");
		partial = lines.pop() ?? "";
		for (const line of lines) yield line.replace(/\r$/, "");
	}
	if (partial !== "" && !left.aborted) yield partial;
}

function decode(decoder: InstanceType<typeof TextDecoder>, piece: string | Uint8Array): string {
	if (typeof piece === "string") return piece;
	try {
		return decoder.decode(piece, { stream: true });
	} catch (error) {
		throw new UsageError("stdin is not UTF-8 text", { cause: error });
	}
}
