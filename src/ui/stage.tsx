/** The terminal while the chat has it: Ink's frames, a changing size, a cleared screen, and other programs' turns. */

import { PassThrough } from "node:stream";
import { render } from "ink";
import type { Colors } from "../terminal/colors.ts";
import type { InputEvent } from "../terminal/keys.ts";
import { ChatApp } from "./chat-app.tsx";
import type { Frame } from "./frame.ts";
import { askForSize, FramesUnderWay } from "./frames-under-way.ts";
import { InkOutput } from "./ink-output.ts";
import { initialState, ScreenStore } from "./state.ts";
import { type Terminal, TerminalControl } from "./terminal-control.ts";

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

export class Stage {
	readonly store: ScreenStore;
	readonly #options: StageOptions;
	readonly #output: InkOutput;
	readonly #control: TerminalControl;
	#ink: ReturnType<typeof render> | undefined;
	/** What the live region looks like on the terminal. */
	readonly #frames = new FramesUnderWay(() => performance.now());
	/** What is drawn next: the frame, and what is printed above it. */
	#next: { readonly frame: Frame; readonly printed: string } | undefined;
	/** Rows of the frame on the screen that are above the cursor. */
	#above = 0;
	#resizeTimer: NodeJS.Timeout | undefined;
	/** What the system says the terminal's size is. It may learn of a new one after the terminal has it. */
	#systemSize = "";
	#isLent = false;
	#isGone = false;

	constructor(options: StageOptions) {
		this.#options = options;
		this.#output = new InkOutput(options.terminal.stdout);
		this.store = new ScreenStore(initialState(this.#output.columns, this.#output.rows));
		this.#control = new TerminalControl(
			options.terminal,
			(event) => this.#take(event),
			() => this.#vanish(),
		);
		this.#output.onFrame = () => this.#noteDrawn();
	}

	/** The terminal has not taken yet what was drawn: the next frame had better wait. */
	get isBehind(): boolean {
		return this.#frames.isBehind;
	}

	/** Takes the terminal and draws what the store holds. */
	begin(): void {
		const { terminal, colors } = this.#options;
		process.on("SIGCONT", this.#onContinue);
		terminal.stdout.on("resize", this.#onResize);
		this.store.onDraw = this.#checkSize;
		this.#control.take();
		this.#systemSize = this.#askSystem().join();
		const app = <ChatApp store={this.store} colors={colors} onFrame={(frame) => this.#prepare(frame)} />;
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
		if (!this.#isGone) {
			// What is still to be printed is for the size that the terminal has now.
			if (this.#resizeTimer !== undefined) {
				await this.#caughtUp();
				this.#erase();
				this.#takeSize();
			}
			this.#output.resume();
			this.store.resume();
			await this.#ink?.waitUntilRenderFlush();
			await this.#caughtUp();
			this.#erase();
		}
		this.#output.vanish();
		this.#ink?.unmount();
		await this.#control.release();
	}

	/** Takes everything off the screen and draws the live region at its top. */
	clear(): void {
		this.#output.write("\x1b[H\x1b[2J");
		this.#forgetFrame();
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
		if (this.#frames.seen(event.columns)) this.#output.write(askForSize);
		// While the size is changing this may be an older one; the next frame asks again.
		if (this.#resizeTimer === undefined && this.#frames.areReliable)
			this.#noteSize(event.columns, event.rows);
	}

	/** A frame is going to be drawn: what stands above it is printed first. */
	#prepare(frame: Frame): void {
		const printed = this.store.takePrinted();
		this.#next = { frame, printed: (this.#next?.printed ?? "") + printed };
		if (printed === "") return;
		this.#output.print(printed, this.#above);
		this.#above = 0;
		this.#output.muted(() => this.#ink?.clear());
	}

	/** A frame is being written; returns what goes out behind it. */
	#noteDrawn(): string {
		if (this.#next === undefined) return "";
		const { frame, printed } = this.#next;
		this.#next = { frame, printed: "" };
		this.#above = frame.cursor.y;
		return this.#frames.drawn({ frame, printed, columns: this.#output.columns }) ? askForSize : "";
	}

	/** Resolves once the terminal has taken what was drawn, or takes too long. */
	async #caughtUp(): Promise<void> {
		while (this.isBehind) await new Promise((resolve) => setTimeout(resolve, 5));
	}

	/** Rings the bell, and says why where the terminal shows such messages (OSC 9). */
	ring(message: string): void {
		this.#output.write(`\x07\x1b]9;llmx: ${message}\x07`);
	}

	/** Gives the terminal to something else until that is done. Throws what it throws. */
	async lend(action: () => Promise<void>): Promise<void> {
		await this.#ink?.waitUntilRenderFlush();
		this.#isLent = true;
		this.store.pause();
		await this.#caughtUp();
		this.#erase();
		this.#output.pause();
		await this.#control.release();
		try {
			await action();
		} finally {
			this.#isLent = false;
			this.#control.take();
			this.#output.resume();
			this.#forgetFrame();
			this.#takeSize();
			this.store.resume();
			await this.#redraw();
		}
	}

	#vanish(): void {
		this.#isGone = true;
		this.#output.vanish();
		this.#options.onGone();
	}

	/** Erases the live region where it is now, and makes Ink believe that there is none. */
	#erase(): void {
		const columns = this.#options.terminal.stdout.columns || this.#output.columns;
		const { up, reprint } = this.#frames.erasure(columns, reflowsLines(this.#options.env));
		this.#output.erase(up, reprint);
		this.#forgetFrame();
	}

	#forgetFrame(): void {
		this.#frames.forget();
		this.#above = 0;
		this.#output.muted(() => this.#ink?.clear());
	}

	readonly #onResize = () => {
		if (this.#isLent) return;
		// Nothing is drawn until the size has settled: the frame's lines are where the terminal has put them.
		this.store.pause();
		this.#settleIn(resizeQuiet);
	};

	#settleIn(time: number): void {
		clearTimeout(this.#resizeTimer);
		this.#resizeTimer = setTimeout(() => this.#settle(), time);
	}

	#settle(): void {
		if (this.#frames.isBehind) {
			this.#settleIn(5);
			return;
		}
		this.#resizeTimer = undefined;
		if (this.#isLent) return;
		this.#erase();
		this.#takeSize();
		this.store.resume();
		void this.#redraw();
	}

	#takeSize(): void {
		const { columns, rows } = this.#options.terminal.stdout;
		this.#output.resize(columns, rows);
		// Ink lays out in the width that it knows: what it draws next must be for this one.
		this.#output.muted(() => this.#output.redraw());
		this.#forgetFrame();
		this.store.update({ columns: this.#output.columns, rows: this.#output.rows });
		this.#options.onResize();
	}

	/** Draws the frame anew, with all that changed in it. */
	async #redraw(): Promise<void> {
		await this.#ink?.waitUntilRenderFlush();
		this.#output.redraw();
	}

	/** A shell has brought this process back, after a stop that nobody announced. */
	readonly #onContinue = () => {
		if (this.#isLent) return;
		this.#control.retake();
		this.#forgetFrame();
		void this.#redraw();
	};
}

/** Most terminals break long lines anew when they get narrower; the oldest cut them off. */
function reflowsLines(env: StageOptions["env"]): boolean {
	if (env.TMUX) return true;
	return !(env.XTERM_VERSION || env.STY || env.TERM === "linux" || env.TERM?.startsWith("rxvt"));
}
