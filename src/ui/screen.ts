/** Runs a chat on the terminal: keys in, frames out, and every way out leaves the terminal as it was. */

import { constants } from "node:os";
import type { Chat } from "../chat/chat.ts";
import { copyBlock, pasteImage } from "../chat/commands/attachments.ts";
import { runsAtOnce, submit } from "../chat/commands/table.ts";
import { describeFailure } from "../chat/failure.ts";
import { complete } from "../chat/input/completion.ts";
import { openHistory } from "../chat/input/history.ts";
import { choose } from "../chat/pickers.ts";
import { shownTurns } from "../chat/record.ts";
import { savedAs } from "../chat/switching.ts";
import type { ChatView } from "../chat/view.ts";
import { createColors, wantsColor } from "../terminal/colors.ts";
import type { InputEvent } from "../terminal/keys.ts";
import { sanitizeLine } from "../terminal/sanitize.ts";
import { editExternally, stopProcess } from "./external.ts";
import { inputWidth } from "./frame.ts";
import { Hints } from "./hints.ts";
import { InputController } from "./input.ts";
import { wrapNotice } from "./notices.ts";
import { readNext, readStatus } from "./read-status.ts";
import { Stage } from "./stage.tsx";
import type { ScreenStore } from "./state.ts";
import type { Terminal } from "./terminal-control.ts";
import { Transcript } from "./transcript.ts";

export interface ScreenOptions {
	readonly terminal: Terminal;
	readonly env: Readonly<Record<string, string | undefined>>;
	/** Calls `listener` on SIGINT, SIGTERM and SIGHUP; returns how to stop listening. */
	onSignal(listener: (signal: NodeJS.Signals) => void): () => void;
	/** The user chooses the session to go on with first. */
	readonly picksSession?: boolean | undefined;
	/** Opens the chat that is to be shown. */
	open(
		view: ChatView,
		onWarning: (message: string) => void,
	): Promise<{ readonly chat: Chat; readonly resumed: string | null }>;
}

/** Who waits longer than this, in ms, may look elsewhere. */
const longAnswer = 20_000;
/** How long a stopped answer may take to end, so that what came of it is kept, in ms. */
const stopTime = 1500;

/** Returns the exit code. Throws what opening the chat throws, with the terminal untouched. */
export async function runChatScreen(options: ScreenOptions): Promise<number> {
	return new Screen(options).run();
}

class Screen {
	readonly #options: ScreenOptions;
	readonly #stage: Stage;
	readonly #store: ScreenStore;
	readonly #transcript: Transcript;
	readonly #hints: Hints;
	readonly #leaving = Promise.withResolvers<number>();
	readonly #colors;
	#chat: Chat | undefined;
	/** Messages that wait until the answer has ended. */
	#queued: readonly string[] = [];
	/** A message is being worked on. */
	#isRunning = false;
	/** Terminals that do not tell are taken to be looked at. */
	#isFocused = true;
	#wasBusy = false;
	#input: InputController | undefined;
	#ticker: NodeJS.Timeout | undefined;

	constructor(options: ScreenOptions) {
		const { terminal, env } = options;
		this.#options = options;
		this.#colors = createColors(wantsColor(env, true));
		this.#stage = new Stage({
			terminal,
			env,
			colors: this.#colors,
			onEvent: (event) => this.#take(event),
			onResize: () => this.#transcript.resize(),
			onGone: () => this.#leave(0),
			onError: (error) => this.#leaving.reject(error),
		});
		this.#store = this.#stage.store;
		this.#hints = new Hints(this.#store);
		this.#transcript = new Transcript({
			store: this.#store,
			colors: this.#colors,
			now: Date.now,
			isBehind: () => this.#stage.isBehind,
			onChange: () => this.#showStatus(),
			onSuggest: (text) => this.#input?.suggest(text),
			onPick: (picker) => this.#input?.openList(picker),
			onClear: () => this.#stage.clear(),
			onAnswered: (since) => this.#ring(since),
			onLeave: () => this.#leave(0),
		});
	}

	async run(): Promise<number> {
		const { chat, resumed } = await this.#options.open(this.#transcript, (text) =>
			this.#transcript.notice(text),
		);
		this.#chat = chat;
		this.#input = this.#createInput(chat);
		// Ctrl-C is a key here; a SIGINT was sent by somebody who means it.
		const stopSignals = this.#options.onSignal((signal) => this.#leave(128 + constants.signals[signal]));
		try {
			if (resumed !== null) await this.#transcript.load();
			this.#greet(chat, resumed);
			this.#stage.begin();
			this.#transcript.load().catch((error: unknown) => this.#leaving.reject(error));
			if (this.#options.picksSession) void this.#run(chat, "/load");
			return await this.#leaving.promise;
		} finally {
			await this.#end(chat);
			stopSignals();
		}
	}

	#greet(chat: Chat, resumed: string | null): void {
		this.#showStatus();
		const welcome = `${sanitizeLine(chat.model)} · /help lists commands and keys · Ctrl-D leaves`;
		this.#store.print(this.#colors.dim(wrapNotice(welcome, "  ", this.#store.snapshot().columns)));
		if (resumed === null) return;
		if (chat.session.turns.length > 0) this.#transcript.resumed(shownTurns(chat.session.turns));
		this.#transcript.notice(resumed);
	}

	async #end(chat: Chat): Promise<void> {
		clearInterval(this.#ticker);
		this.#hints.end();
		chat.stop();
		const deadline = performance.now() + stopTime;
		while (chat.busy && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
		this.#transcript.settle();
		if (chat.session.session.all.length > 0) this.#transcript.notice(savedAs(chat.session.session));
		await this.#stage.end();
		await chat.close();
	}

	#createInput(chat: Chat): InputController {
		const history = openHistory(chat.host.paths.history, (text) => this.#transcript.notice(text));
		return new InputController(history, {
			submit: (message) => this.#submit(chat, message),
			stop: () => this.#stop(chat),
			leave: () => this.#leave(0),
			hint: (text) => this.#hints.say(text),
			cancelEditing: () => {
				if (!chat.cancelEdit()) return false;
				this.#hints.say("editing cancelled");
				return true;
			},
			takeQueued: () => this.#takeQueued(),
			listQuestions: () => void this.#run(chat, "/history"),
			choose: (picker, index) => void choose(chat, picker, index),
			copyBlock: () => this.#attempt(() => copyBlock(chat)),
			pasteImage: () => this.#attempt(() => pasteImage(chat)),
			clearScreen: () => this.#stage.clear(),
			openEditor: (text) =>
				this.#lend(async () => this.#input?.replace(await editExternally(text, this.#options.env))),
			suspend: () => this.#lend(stopProcess),
			toggleReasoning: () => this.#hints.say(this.#transcript.toggleReasoning(chat.answering.lastReasoning)),
			complete: (text, cursor) => complete(text, cursor, chat),
			width: () => inputWidth(this.#store.snapshot()),
			now: () => performance.now(),
			changed: () => this.#showInput(),
		});
	}

	/** Takes a message at once or, while an answer streams, when that has ended. */
	#submit(chat: Chat, message: string): void {
		const mustWait = (chat.busy || this.#isRunning) && !runsAtOnce(message);
		if (!mustWait) void this.#run(chat, message);
		else if (message.trim() !== "") this.#queue([...this.#queued, message]);
	}

	async #run(chat: Chat, message: string): Promise<void> {
		const isShort = runsAtOnce(message);
		if (!isShort) this.#isRunning = true;
		try {
			await this.#transcript.load();
			const failedBefore = chat.failedWith;
			chat.failedWith = undefined;
			await submit(chat, message);
			// What was written for an answer that did not come is not sent.
			if (chat.failedWith !== undefined) this.#giveBackQueue();
			chat.failedWith ??= failedBefore;
		} catch (error) {
			this.#transcript.failed(describeFailure(error));
			this.#giveBackQueue();
			this.#input?.suggest(message);
		}
		if (isShort) return;
		this.#isRunning = false;
		this.#hints.endStopping();
		const [next, ...rest] = this.#queued;
		if (next === undefined) return;
		this.#queue(rest);
		void this.#run(chat, next);
	}

	#queue(messages: readonly string[]): void {
		this.#queued = messages;
		this.#store.update({ queued: messages });
	}

	#takeQueued(): string | undefined {
		const last = this.#queued.at(-1);
		if (last !== undefined) this.#queue(this.#queued.slice(0, -1));
		return last;
	}

	/** What waits to be sent goes back into the box. */
	#giveBackQueue(): void {
		if (this.#queued.length === 0) return;
		const text = this.#queued.join("\n");
		this.#queue([]);
		this.#input?.suggest(text);
	}

	#stop(chat: Chat): boolean {
		const isStopped = chat.stop();
		if (isStopped) {
			this.#giveBackQueue();
			this.#hints.sayStopping(() => this.#isRunning);
		}
		return isStopped;
	}

	/** Does something that needs no answer; what is wrong with it is a hint. */
	#attempt(action: () => Promise<void>): void {
		action().catch((error: unknown) => this.#hints.say(describeFailure(error).message));
	}

	#take(event: InputEvent): void {
		if (event.type === "focus") {
			this.#isFocused = event.isFocused;
			return;
		}
		// What a hint says was true before this key.
		this.#hints.clear();
		this.#input?.take(event);
	}

	/** Somebody who looks elsewhere hears that a long answer is there. */
	#ring(since: number): void {
		if (!this.#isFocused && Date.now() - since >= longAnswer) this.#stage.ring("the answer is ready");
	}

	#lend(action: () => Promise<void>): void {
		this.#stage.lend(action).catch((error: unknown) => this.#transcript.failed(describeFailure(error)));
	}

	#showInput(): void {
		const input = this.#input;
		const chat = this.#chat;
		if (input === undefined || chat === undefined) return;
		const { text, cursor, chipLabel, content } = input.editor;
		const placeholder = chat.comparison.isOpen ? "1 or 2 keeps that answer" : "";
		this.#store.update({
			list: input.list,
			next: readNext(chat, content),
			input: { text, cursor, label: chipLabel, placeholder },
			search: input.search,
			menu: input.menu,
		});
	}

	#showStatus(): void {
		const chat = this.#chat;
		if (chat === undefined) return;
		// A hint about an answer is not true any more when that has ended.
		if (this.#wasBusy !== chat.busy) this.#hints.clear();
		this.#wasBusy = chat.busy;
		this.#store.update({
			status: readStatus(chat),
			retry: chat.answering.retryWait,
			attachments: chat.attachments.map(({ label }) => label),
			now: Date.now(),
		});
		this.#showInput();
		if (chat.busy) this.#ticker ??= setInterval(() => this.#store.update({ now: Date.now() }), 1000);
		else {
			clearInterval(this.#ticker);
			this.#ticker = undefined;
		}
	}

	#leave(exitCode: number): void {
		this.#leaving.resolve(exitCode);
	}
}
