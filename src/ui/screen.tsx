/** Runs a chat on the terminal: keys in, frames out, and every way out leaves the terminal as it was. */

import { constants } from "node:os";
import { PassThrough } from "node:stream";
import { render } from "ink";
import type { Chat } from "../chat/chat.ts";
import { submit } from "../chat/commands/table.ts";
import { complete } from "../chat/completion.ts";
import { describeFailure } from "../chat/failure.ts";
import { openHistory } from "../chat/history.ts";
import { shownTurns } from "../chat/record.ts";
import type { ChatView } from "../chat/view.ts";
import { type Colors, createColors, wantsColor } from "../terminal/colors.ts";
import { ChatApp } from "./chat-app.tsx";
import { editExternally, stopProcess } from "./external.ts";
import { type Frame, inputWidth, rowsAboveCursor } from "./frame.ts";
import { InkOutput } from "./ink-output.ts";
import { Input } from "./input.ts";
import { readStatus } from "./read-status.ts";
import { initialState, ScreenStore } from "./state.ts";
import { type Terminal, TerminalControl } from "./terminal-control.ts";
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
/** Resizing comes in bursts; the frame is drawn again once it has been quiet for so long, in ms. */
const resizeQuiet = 60;
/** How long a stopped answer may take to end, so that what came of it is kept, in ms. */
const stopTime = 1500;

/** Returns the exit code. Throws what opening the chat throws, with the terminal untouched. */
export async function runChatScreen(options: ScreenOptions): Promise<number> {
	const colors = createColors(wantsColor(options.env, true));
	const screen = new Screen(options, colors);
	return screen.run();
}

class Screen {
	readonly #options: ScreenOptions;
	readonly #colors: Colors;
	readonly #store: ScreenStore;
	readonly #transcript: Transcript;
	readonly #output: InkOutput;
	readonly #control: TerminalControl;
	readonly #leaving = Promise.withResolvers<number>();
	#chat: Chat | undefined;
	#input: Input | undefined;
	#ink: ReturnType<typeof render> | undefined;
	#ticker: NodeJS.Timeout | undefined;
	#hintTimer: NodeJS.Timeout | undefined;
	#resizeTimer: NodeJS.Timeout | undefined;
	/** What the live region looks like on the terminal. */
	#frame: Frame | undefined;
	#isGone = false;

	constructor(options: ScreenOptions, colors: Colors) {
		const { stdout } = options.terminal;
		this.#options = options;
		this.#colors = colors;
		this.#output = new InkOutput(stdout);
		this.#store = new ScreenStore(initialState(this.#output.columns, this.#output.rows));
		this.#transcript = new Transcript({
			store: this.#store,
			colors,
			now: Date.now,
			onChange: () => this.#showStatus(),
			onSuggest: (text) => this.#input?.suggest(text),
			onClear: () => this.#clearScreen(),
			onLeave: () => this.#leave(0),
		});
		this.#control = new TerminalControl(
			options.terminal,
			(event) => this.#input?.take(event),
			() => this.#vanish(),
		);
	}

	async run(): Promise<number> {
		const { stdout } = this.#options.terminal;
		const { chat, resumed } = await this.#options.open(this.#transcript, (text) =>
			this.#transcript.notice(text),
		);
		this.#chat = chat;
		this.#input = this.#createInput(chat);
		const stopSignals = this.#options.onSignal((signal) => this.#onSignal(signal));
		process.on("SIGCONT", this.#onContinue);
		stdout.on("resize", this.#onResize);
		try {
			this.#begin(chat, resumed);
			return await this.#leaving.promise;
		} finally {
			stdout.off("resize", this.#onResize);
			process.off("SIGCONT", this.#onContinue);
			await this.#end(chat);
			stopSignals();
		}
	}

	#begin(chat: Chat, resumed: string | null): void {
		this.#showStatus();
		this.#showInput();
		this.#control.take();
		this.#store.print(this.#colors.dim(`  ${chat.model} · /help lists commands and keys · Ctrl-D leaves`));
		if (resumed !== null) {
			if (chat.turns.length > 0) this.#transcript.resumed(shownTurns(chat.turns));
			this.#transcript.notice(resumed);
		}
		const onFrame = (frame: Frame, items: number) => {
			this.#frame = frame;
			this.#store.markPrinted(items);
		};
		this.#ink = render(<ChatApp store={this.#store} colors={this.#colors} onFrame={onFrame} />, {
			stdout: this.#output as unknown as NodeJS.WriteStream,
			// Keys are read by TerminalControl: Ink gets an input that says nothing.
			stdin: new PassThrough() as unknown as NodeJS.ReadStream,
			exitOnCtrlC: false,
			patchConsole: false,
			interactive: true,
			// Streams are drawn 30 times a second by the transcript; a key must not wait for that.
			maxFps: 500,
		});
		this.#ink.waitUntilExit().catch((error: unknown) => this.#leaving.reject(error));
	}

	async #end(chat: Chat): Promise<void> {
		clearInterval(this.#ticker);
		clearTimeout(this.#hintTimer);
		clearTimeout(this.#resizeTimer);
		chat.stop();
		const deadline = performance.now() + stopTime;
		while (chat.busy && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
		if (!this.#isGone) {
			this.#store.resume();
			this.#output.resume();
			this.#transcript.settle();
			if (chat.turns.length > 0) {
				this.#transcript.notice(`saved as ${chat.record.session.name} · llmx chat -c goes on with it`);
			}
			await this.#ink?.waitUntilRenderFlush();
			this.#eraseFrame(false);
		}
		this.#output.vanish();
		this.#ink?.unmount();
		await this.#control.release();
		await chat.close();
	}

	#createInput(chat: Chat): Input {
		const history = openHistory(chat.host.paths.history, (text) => this.#transcript.notice(text));
		return new Input(history, {
			submit: (message) => this.#submit(chat, message),
			stop: () => chat.stop(),
			leave: () => this.#leave(0),
			hint: (text) => this.#hint(text),
			cancelEditing: () => {
				chat.editing = false;
				this.#showInput();
			},
			clearScreen: () => this.#clearScreen(),
			openEditor: (text) => void this.#openEditor(text),
			suspend: () => void this.#lend(stopProcess),
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
		submit(chat, message).catch((error: unknown) => {
			this.#transcript.failed(describeFailure(error));
			this.#input?.suggest(message);
		});
		return true;
	}

	#showInput(): void {
		const input = this.#input;
		const chat = this.#chat;
		if (input === undefined || chat === undefined) return;
		const { text, cursor, chipLabel } = input.editor;
		const placeholder = chat.choosing
			? "1 or 2 keeps that answer"
			: chat.editing
				? "the changed question; Esc leaves it as it was"
				: "";
		this.#store.update({
			input: { text, cursor, label: chipLabel, placeholder },
			search: input.search,
			menu: input.menu,
		});
	}

	#showStatus(): void {
		const chat = this.#chat;
		if (chat === undefined) return;
		const now = Date.now();
		this.#store.update({
			status: readStatus(chat),
			retry: chat.answering.retryWait,
			attachments: chat.attachments.map(({ label }) => label),
			now,
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

	#vanish(): void {
		this.#isGone = true;
		this.#output.vanish();
		this.#leave(0);
	}

	#onSignal(signal: NodeJS.Signals): void {
		// Ctrl-C is a key here; a SIGINT was sent by somebody who means it.
		this.#leave(128 + constants.signals[signal]);
	}

	/** Erases the live region where it is now, and makes Ink believe that there is none. */
	#eraseFrame(reflows: boolean): void {
		const columns = this.#options.terminal.stdout.columns || this.#output.columns;
		const up = this.#frame === undefined ? 0 : rowsAboveCursor(this.#frame, columns, reflows);
		this.#output.write(`\r${up > 0 ? `\x1b[${up}A` : ""}\x1b[J`);
		this.#forgetFrame();
	}

	#forgetFrame(): void {
		this.#output.muted(() => this.#ink?.clear());
	}

	readonly #onResize = () => {
		// Nothing is drawn until the size has settled: the frame's lines are where the terminal has put them.
		this.#store.pause();
		clearTimeout(this.#resizeTimer);
		this.#resizeTimer = setTimeout(() => {
			this.#eraseFrame(reflowsLines(this.#options.env));
			const { columns, rows } = this.#options.terminal.stdout;
			this.#output.resize(columns, rows);
			this.#store.update({ columns, rows });
			this.#transcript.resize();
			this.#store.resume();
			void this.#redraw();
		}, resizeQuiet);
	};

	#clearScreen(): void {
		this.#output.write("\x1b[H\x1b[2J");
		this.#forgetFrame();
		void this.#redraw();
	}

	/** Draws the frame anew, with all that changed in it. */
	async #redraw(): Promise<void> {
		await this.#ink?.waitUntilRenderFlush();
		this.#output.redraw();
	}

	/** The shell has brought this process back. */
	readonly #onContinue = () => {
		this.#control.retake();
		this.#forgetFrame();
		void this.#redraw();
	};

	/** Gives the terminal to something else until that is done. */
	async #lend(action: () => Promise<void>): Promise<void> {
		await this.#ink?.waitUntilRenderFlush();
		this.#store.pause();
		this.#eraseFrame(false);
		this.#output.pause();
		process.off("SIGCONT", this.#onContinue);
		await this.#control.release();
		try {
			await action();
		} finally {
			this.#control.take();
			process.on("SIGCONT", this.#onContinue);
			this.#forgetFrame();
			this.#output.resume();
			this.#store.resume();
			await this.#redraw();
		}
	}

	async #openEditor(text: string): Promise<void> {
		try {
			await this.#lend(async () => {
				const edited = await editExternally(text, this.#options.env);
				this.#input?.replace(edited);
			});
		} catch (error) {
			this.#transcript.failed(describeFailure(error));
		}
	}
}

/** Most terminals break long lines anew when they get narrower; the oldest cut them off. */
function reflowsLines(env: ScreenOptions["env"]): boolean {
	if (env.TMUX) return true;
	return !(env.XTERM_VERSION || env.STY || env.TERM === "linux" || env.TERM?.startsWith("rxvt"));
}
