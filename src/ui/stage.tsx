/** The terminal while the chat has it: Ink's frames, a changing size, a cleared screen, and other programs' turns. */

import { PassThrough } from "node:stream";
import { render } from "ink";
import type { Colors } from "../terminal/colors.ts";
import type { InputEvent } from "../terminal/keys.ts";
import { ChatApp } from "./chat-app.tsx";
import { type Frame, rowsAboveCursor } from "./frame.ts";
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
	#frame: Frame | undefined;
	#resizeTimer: NodeJS.Timeout | undefined;
	#isLent = false;
	#isGone = false;

	constructor(options: StageOptions) {
		this.#options = options;
		this.#output = new InkOutput(options.terminal.stdout);
		this.store = new ScreenStore(initialState(this.#output.columns, this.#output.rows));
		this.#control = new TerminalControl(options.terminal, options.onEvent, () => this.#vanish());
	}

	/** Takes the terminal and draws what the store holds. */
	begin(): void {
		const { terminal, colors } = this.#options;
		process.on("SIGCONT", this.#onContinue);
		terminal.stdout.on("resize", this.#onResize);
		this.store.onDraw = this.#checkSize;
		this.#control.take();
		const onFrame = (frame: Frame, items: number) => {
			this.#frame = frame;
			this.store.markPrinted(items);
		};
		this.#ink = render(<ChatApp store={this.store} colors={colors} onFrame={onFrame} />, {
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
			this.#output.resume();
			this.store.resume();
			await this.#ink?.waitUntilRenderFlush();
			this.#erase(false);
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
		const { stdout } = this.#options.terminal;
		const [columns, rows] = stdout.getWindowSize?.() ?? [stdout.columns, stdout.rows];
		if (columns === stdout.columns && rows === stdout.rows) return;
		Object.assign(stdout, { columns, rows });
		this.#onResize();
	};

	/** Rings the bell, and says why where the terminal shows such messages (OSC 9). */
	ring(message: string): void {
		this.#output.write(`\x07\x1b]9;llmx: ${message}\x07`);
	}

	/** Gives the terminal to something else until that is done. Throws what it throws. */
	async lend(action: () => Promise<void>): Promise<void> {
		await this.#ink?.waitUntilRenderFlush();
		this.#isLent = true;
		this.store.pause();
		this.#erase(false);
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
	#erase(reflows: boolean): void {
		const columns = this.#options.terminal.stdout.columns || this.#output.columns;
		const up = this.#frame === undefined ? 0 : rowsAboveCursor(this.#frame, columns, reflows);
		this.#output.write(`\r${up > 0 ? `\x1b[${up}A` : ""}\x1b[J`);
		this.#forgetFrame();
	}

	#forgetFrame(): void {
		this.#output.muted(() => this.#ink?.clear());
	}

	readonly #onResize = () => {
		if (this.#isLent) return;
		// Nothing is drawn until the size has settled: the frame's lines are where the terminal has put them.
		this.store.pause();
		clearTimeout(this.#resizeTimer);
		this.#resizeTimer = setTimeout(() => {
			if (this.#isLent) return;
			this.#erase(reflowsLines(this.#options.env));
			this.#takeSize();
			this.store.resume();
			void this.#redraw();
		}, resizeQuiet);
	};

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
