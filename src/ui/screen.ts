/** Runs a chat on the terminal: keys in, frames out, and every way out leaves the terminal as it was. */

import { constants } from "node:os";
import type { Chat } from "../chat/chat.ts";
import { submit } from "../chat/commands/table.ts";
import { describeFailure } from "../chat/failure.ts";
import { complete } from "../chat/input/completion.ts";
import { openHistory } from "../chat/input/history.ts";
import { shownTurns } from "../chat/record.ts";
import type { ChatView } from "../chat/view.ts";
import { createColors, wantsColor } from "../terminal/colors.ts";
import { sanitizeLine } from "../terminal/sanitize.ts";
import { editExternally, stopProcess } from "./external.ts";
import { inputWidth } from "./frame.ts";
import { InputController } from "./input.ts";
import { readStatus } from "./read-status.ts";
import { Stage } from "./stage.tsx";
import type { ScreenStore } from "./state.ts";
import type { Terminal } from "./terminal-control.ts";
import { Transcript } from "./transcript.ts";

export interface ScreenOptions {
	readonly terminal: Terminal;
	readonly env: Readonly<Record<string, string | undefined>>;
	/** Calls `listener` on SIGINT, SIGTERM and SIGHUP; returns how to stop listening. */
	onSignal(listener: (signal: NodeJS.Signals) => void): () => void;
	/** Opens the chat that is to be shown. */
	open(
		view: ChatView,
		onWarning: (message: string) => void,
	): Promise<{ readonly chat: Chat; readonly resumed: string | null }>;
}

/** How long a word to the user stands in the status line, in ms. */
const hintTime = 3000;
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
	readonly #leaving = Promise.withResolvers<number>();
	readonly #colors;
	#chat: Chat | undefined;
	#input: InputController | undefined;
	#ticker: NodeJS.Timeout | undefined;
	#hintTimer: NodeJS.Timeout | undefined;

	constructor(options: ScreenOptions) {
		const { terminal, env } = options;
		this.#options = options;
		this.#colors = createColors(wantsColor(env, true));
		this.#stage = new Stage({
			terminal,
			env,
			colors: this.#colors,
			onEvent: (event) => this.#input?.take(event),
			onResize: () => this.#transcript.resize(),
			onGone: () => this.#leave(0),
			onError: (error) => this.#leaving.reject(error),
		});
		this.#store = this.#stage.store;
		this.#transcript = new Transcript({
			store: this.#store,
			colors: this.#colors,
			now: Date.now,
			onChange: () => this.#showStatus(),
			onSuggest: (text) => this.#input?.suggest(text),
			onClear: () => this.#stage.clear(),
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
			return await this.#leaving.promise;
		} finally {
			await this.#end(chat);
			stopSignals();
		}
	}

	#greet(chat: Chat, resumed: string | null): void {
		this.#showStatus();
		const welcome = `${sanitizeLine(chat.model)} · /help lists commands and keys · Ctrl-D leaves`;
		this.#store.print(this.#colors.dim(`  ${welcome}`));
		if (resumed === null) return;
		if (chat.turns.length > 0) this.#transcript.resumed(shownTurns(chat.turns));
		this.#transcript.notice(resumed);
	}

	async #end(chat: Chat): Promise<void> {
		clearInterval(this.#ticker);
		clearTimeout(this.#hintTimer);
		chat.stop();
		const deadline = performance.now() + stopTime;
		while (chat.busy && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
		this.#transcript.settle();
		if (chat.turns.length > 0) {
			this.#transcript.notice(`saved as ${chat.record.session.name} · llmx chat -c goes on with it`);
		}
		await this.#stage.end();
		await chat.close();
	}

	#createInput(chat: Chat): InputController {
		const history = openHistory(chat.host.paths.history, (text) => this.#transcript.notice(text));
		return new InputController(history, {
			submit: (message) => this.#submit(chat, message),
			stop: () => chat.stop(),
			leave: () => this.#leave(0),
			hint: (text) => this.#hint(text),
			cancelEditing: () => {
				if (!chat.editing) return;
				chat.editing = false;
				this.#hint("the last question stays as it was");
			},
			clearScreen: () => this.#stage.clear(),
			openEditor: (text) =>
				this.#lend(async () => this.#input?.replace(await editExternally(text, this.#options.env))),
			suspend: () => this.#lend(stopProcess),
			toggleReasoning: () => this.#transcript.toggleReasoning(chat.answering.lastReasoning),
			complete: (text, cursor) => complete(text, cursor, chat),
			width: () => inputWidth(this.#store.snapshot()),
			now: () => performance.now(),
			changed: () => this.#showInput(),
		});
	}

	#submit(chat: Chat, message: string): boolean {
		if (chat.busy) {
			this.#hint("still answering · Esc stops it");
			return false;
		}
		const submitting = this.#transcript.load().then(() => submit(chat, message));
		submitting.catch((error: unknown) => {
			this.#transcript.failed(describeFailure(error));
			this.#input?.suggest(message);
		});
		return true;
	}

	#lend(action: () => Promise<void>): void {
		this.#stage.lend(action).catch((error: unknown) => this.#transcript.failed(describeFailure(error)));
	}

	#showInput(): void {
		const input = this.#input;
		const chat = this.#chat;
		if (input === undefined || chat === undefined) return;
		const { text, cursor, chipLabel } = input.editor;
		const placeholder = chat.choosing ? "1 or 2 keeps that answer" : "";
		this.#store.update({
			input: { text, cursor, label: chipLabel, placeholder },
			search: input.search,
			menu: input.menu,
		});
	}

	#showStatus(): void {
		const chat = this.#chat;
		if (chat === undefined) return;
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

	#hint(hint: string): void {
		clearTimeout(this.#hintTimer);
		this.#store.update({ hint });
		this.#hintTimer = setTimeout(() => this.#store.update({ hint: undefined }), hintTime);
	}

	#leave(exitCode: number): void {
		this.#leaving.resolve(exitCode);
	}
}
