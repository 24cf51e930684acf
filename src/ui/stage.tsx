/** The terminal while the chat has it: Ink's frames, a changing size, a cleared screen, and other programs' turns. */

import { PassThrough } from "node:stream";
import { render } from "ink";
import type { Colors } from "../terminal/colors.ts";
import type { InputEvent } from "../terminal/keys.ts";
import { ChatApp } from "./chat-app.tsx";
import { type InkFrame, InkOutput } from "./ink-output.ts";
import { initialState, ScreenStore } from "./state.ts";
import { type Terminal, TerminalControl } from "./terminal-control.ts";
import { stepText, WritesUnderWay } from "./writes-under-way.ts";

export interface StageOptions {
	readonly terminal: Terminal;
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly colors: Colors;
	onEvent(event: InputEvent): void;
	/** The terminal has another size. */
	onResize(): void;
	/** The terminal has vanished. */
	onGone(): void;
	/** Drawing failed. */
	onError(error: unknown): void;
}

/** Resizing comes in bursts; the frame is drawn again once it has been quiet for so long, in ms. */
const resizeQuiet = 60;
/** What takes no row on the screen. */
const emptyFrame: InkFrame = { lines: [""], cursor: { x: 0, y: 0 } };
/** On the way out the frame is erased at most so often. */
const lastTries = 3;

export class Stage {
	readonly store: ScreenStore;
	readonly #options: StageOptions;
	readonly #output: InkOutput;
	readonly #control: TerminalControl;
	#ink: ReturnType<typeof render> | undefined;
	readonly #shown: WritesUnderWay;
	#resizeTimer: NodeJS.Timeout | undefined;
	/** What the system says the terminal's size is. It may learn of a new one after the terminal has it. */
	#systemSize = "";
	#isLent = false;
	#isEnding = false;
	#isGone = false;

	constructor(options: StageOptions) {
		this.#options = options;
		const { stdout } = options.terminal;
		this.#shown = new WritesUnderWay(() => performance.now(), reflowsLines(options.env));
		this.#output = new InkOutput(stdout, (frame) => this.#show(frame));
		this.store = new ScreenStore(initialState(this.#output.columns, stdout.rows || 24));
		this.#control = new TerminalControl(
			options.terminal,
			(event) => this.#take(event),
			() => this.#vanish(),
		);
	}

	/** The terminal has not taken yet what was drawn: the next frame had better wait. */
	get isBehind(): boolean {
		return this.#shown.isBehind;
	}

	/** Takes the terminal and draws what the store holds. */
	begin(): void {
		const { terminal, colors } = this.#options;
		process.on("SIGCONT", this.#onContinue);
		terminal.stdout.on("resize", this.#onResize);
		this.store.onDraw = this.#checkSize;
		this.#control.take();
		this.#systemSize = this.#askSystem().join();
		const app = <ChatApp store={this.store} colors={colors} onFrame={() => this.#prepare()} />;
		this.#ink = render(app, {
			stdout: this.#output as unknown as NodeJS.WriteStream,
			// Keys are read by TerminalControl: Ink gets an input that says nothing.
			stdin: new PassThrough() as unknown as NodeJS.ReadStream,
			exitOnCtrlC: false,
			patchConsole: false,
			interactive: true,
			// Streams are drawn 30 times a second by the transcript; a key must not wait for that.
			maxFps: 500,
		});
		this.#ink.waitUntilExit().catch((error: unknown) => this.#options.onError(error));
	}

	/** Prints what is still to be printed, takes the live region away and gives the terminal back. */
	async end(): Promise<void> {
		this.#options.terminal.stdout.off("resize", this.#onResize);
		process.off("SIGCONT", this.#onContinue);
		clearTimeout(this.#resizeTimer);
		this.store.onDraw = () => {};
		this.#isEnding = true;
		if (!this.#isGone) {
			// What is still to be printed is for the size that the terminal has now.
			if (this.#resizeTimer !== undefined) {
				await this.#caughtUp();
				this.#takeSize();
			}
			this.#output.resume();
			this.store.resume();
			await this.#ink?.waitUntilRenderFlush();
			await this.#erase();
		}
		this.#output.pause();
		this.#ink?.unmount();
		await this.#control.release();
	}

	/** Takes everything off the screen and draws the live region at its top. */
	clear(): void {
		this.#options.terminal.stdout.write("\x1b[H\x1b[2J");
		this.#shown.forget();
		void this.#redraw();
	}

	/** A change of size that no signal has told of yet: what is drawn now would be broken by it. */
	readonly #checkSize = () => {
		const [columns, rows] = this.#askSystem();
		if (this.#systemSize === `${columns},${rows}`) return;
		this.#systemSize = `${columns},${rows}`;
		this.#noteSize(columns, rows);
	};

	#askSystem(): readonly [columns: number, rows: number] {
		const { stdout } = this.#options.terminal;
		return stdout.getWindowSize?.() ?? [stdout.columns, stdout.rows];
	}

	#noteSize(columns: number, rows: number): void {
		const { stdout } = this.#options.terminal;
		if (columns === stdout.columns && rows === stdout.rows) return;
		Object.assign(stdout, { columns, rows });
		this.#onResize();
	}

	#take(event: InputEvent): void {
		if (event.type !== "size") {
			this.#options.onEvent(event);
			return;
		}
		const size = this.#shown.seen(event);
		// While the size is changing this may be an older one; the next frame asks again.
		if (this.#resizeTimer !== undefined || size === undefined) return;
		this.#noteSize(size.columns, size.rows);
		if (this.#resizeTimer === undefined && !this.#isLent && !this.#shown.isRight) void this.#redraw();
	}

	/** A frame is going to be drawn. Ink must draw it though it is as before: there are lines to be printed above it. */
	#prepare(): void {
		if (this.store.hasToPrint) this.#output.muted(() => this.#ink?.clear());
	}

	/** Writes a frame over the one that stands there, with what is printed above it. */
	#show({ lines, cursor }: InkFrame): void {
		if (this.#isGone) return;
		const { columns } = this.#output;
		const printed = this.store.takePrinted();
		const { rows } = this.store.snapshot();
		const step = this.#shown.show({ printed, frame: lines, cursor, columns, rows });
		this.#options.terminal.stdout.write(stepText(step));
	}

	/** Resolves once the terminal has taken what was drawn, or takes too long. */
	async #caughtUp(): Promise<void> {
		while (this.isBehind) await new Promise((resolve) => setTimeout(resolve, 5));
	}

	/** Rings the bell, and says why where the terminal shows such messages (OSC 9). */
	ring(message: string): void {
		this.#options.terminal.stdout.write(`\x07\x1b]9;llmx: ${message}\x07`);
	}

	/** Gives the terminal to something else until that is done. Throws what it throws. */
	async lend(action: () => Promise<void>): Promise<void> {
		await this.#ink?.waitUntilRenderFlush();
		this.#isLent = true;
		this.store.pause();
		await this.#erase();
		await this.#control.release();
		try {
			await action();
		} finally {
			this.#isLent = false;
			this.#control.take();
			this.#output.resume();
			this.#shown.forget();
			this.#takeSize();
			this.store.resume();
			await this.#redraw();
		}
	}

	#vanish(): void {
		this.#isGone = true;
		this.#options.onGone();
	}

	/** Takes the live region off the screen, and draws no more. */
	async #erase(): Promise<void> {
		this.#output.pause();
		for (let tries = 0; tries < lastTries; tries += 1) {
			await this.#caughtUp();
			if (tries > 0 && this.#shown.isRight) return;
			this.#output.columns = this.#options.terminal.stdout.columns || this.#output.columns;
			this.#show(emptyFrame);
		}
		await this.#caughtUp();
	}

	readonly #onResize = () => {
		if (this.#isLent || this.#isEnding) return;
		// Nothing is drawn until the size has settled: the frame's lines are where the terminal has put them.
		this.store.pause();
		this.#settleIn(resizeQuiet);
	};

	#settleIn(time: number): void {
		clearTimeout(this.#resizeTimer);
		this.#resizeTimer = setTimeout(() => this.#settle(), time);
	}

	#settle(): void {
		if (this.#shown.isBehind) {
			this.#settleIn(5);
			return;
		}
		this.#resizeTimer = undefined;
		if (this.#isLent) return;
		this.#takeSize();
		this.store.resume();
		void this.#redraw();
	}

	#takeSize(): void {
		const { columns, rows } = this.#options.terminal.stdout;
		const known = this.store.snapshot();
		this.#output.columns = columns || this.#output.columns;
		// Ink lays out in the width that it knows: what it draws next must be for this one.
		this.#output.muted(() => this.#output.redraw());
		this.store.update({ columns: this.#output.columns, rows: rows || known.rows });
		this.#options.onResize();
	}

	/** Draws the frame anew, whether it has changed or not. */
	async #redraw(): Promise<void> {
		await this.#ink?.waitUntilRenderFlush();
		this.#output.muted(() => this.#ink?.clear());
		this.#output.redraw();
	}

	/** A shell has brought this process back, after a stop that nobody announced. */
	readonly #onContinue = () => {
		if (this.#isLent) return;
		this.#control.retake();
		this.#shown.forget();
		void this.#redraw();
	};
}

/** Most terminals break long lines anew when they get narrower; the oldest cut them off. */
function reflowsLines(env: StageOptions["env"]): boolean {
	if (env.TMUX) return true;
	return !(env.XTERM_VERSION || env.STY || env.TERM === "linux" || env.TERM?.startsWith("rxvt"));
}
