/** The modes of the real terminal: taken when the screen begins, given back on every way out. */

import { writeSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { type InputEvent, KeyDecoder } from "../terminal/keys.ts";

export interface Terminal {
	readonly stdin: NodeJS.ReadStream;
	readonly stdout: NodeJS.WriteStream;
}

const pasteOn = "\x1b[?2004h";
const pasteOff = "\x1b[?2004l";
const askForKitty = "\x1b[?u";
/** Keys told apart (1), with the one of the base layout beside a letter that is not Latin (4). */
const kittyOn = "\x1b[>5u";
const kittyOff = "\x1b[<u";
const focusOn = "\x1b[?1004h";
const focusOff = "\x1b[?1004l";
const cursorOn = "\x1b[?25h";
const plainStyle = "\x1b[0m";
/** Replies of the terminal that are still on their way when the screen ends must not reach the shell, in ms. */
const drainTime = 30;

export class TerminalControl {
	readonly #terminal: Terminal;
	readonly #onEvent: (event: InputEvent) => void;
	readonly #onGone: () => void;
	#decoder = new KeyDecoder();
	#text = new StringDecoder("utf8");
	#timer: NodeJS.Timeout | undefined;
	#isOn = false;
	#hasKitty = false;
	/** Nothing has come yet. What was typed before the screen began comes first, in one piece. */
	#isFirst = true;

	/** `onGone` is called when the terminal has vanished. */
	constructor(terminal: Terminal, onEvent: (event: InputEvent) => void, onGone: () => void) {
		this.#terminal = terminal;
		this.#onEvent = onEvent;
		this.#onGone = onGone;
	}

	/** Raw mode, bracketed paste, and key reports where the terminal offers them. */
	take(): void {
		const { stdin, stdout } = this.#terminal;
		if (this.#isOn) return;
		this.#isOn = true;
		this.#decoder = new KeyDecoder();
		this.#text = new StringDecoder("utf8");
		stdin.setRawMode(true);
		stdin.on("data", this.#onData);
		stdin.on("end", this.#onGone);
		stdin.on("error", this.#onGone);
		stdout.on("error", this.#onGone);
		process.on("exit", this.#restoreAtExit);
		process.on("uncaughtExceptionMonitor", this.#restoreAtExit);
		stdin.ref();
		stdin.resume();
		stdout.write(pasteOn + focusOn + askForKitty);
	}

	/** Gives the terminal back and lets late replies run out. */
	async release(): Promise<void> {
		if (!this.#isOn) return;
		const { stdin, stdout } = this.#terminal;
		stdin.off("data", this.#onData);
		stdin.on("data", ignore);
		stdout.write(this.#restoringText());
		await new Promise((resolve) => setTimeout(resolve, drainTime));
		stdin.off("data", ignore);
		this.#stop();
		stdin.pause();
		stdin.unref();
	}

	/** After `fg` the shell has put the terminal into its own modes. */
	retake(): void {
		if (!this.#isOn) return;
		this.#terminal.stdin.setRawMode(true);
		this.#terminal.stdout.write(pasteOn + focusOn + (this.#hasKitty ? kittyOn : ""));
	}

	#stop(): void {
		const { stdin, stdout } = this.#terminal;
		this.#isOn = false;
		this.#hasKitty = false;
		clearTimeout(this.#timer);
		try {
			stdin.setRawMode(false);
		} catch {
			// The terminal is gone, and its modes with it.
		}
		stdin.off("data", this.#onData);
		stdin.off("end", this.#onGone);
		stdin.off("error", this.#onGone);
		stdout.off("error", this.#onGone);
		process.off("exit", this.#restoreAtExit);
		process.off("uncaughtExceptionMonitor", this.#restoreAtExit);
		// From here on a failing write has nobody to tell.
		stdout.on("error", ignore);
	}

	#restoringText(): string {
		return (this.#hasKitty ? kittyOff : "") + focusOff + pasteOff + plainStyle + cursorOn;
	}

	/** The last resort, when the process ends without having been asked to. */
	readonly #restoreAtExit = () => {
		const text = this.#restoringText();
		this.#stop();
		try {
			writeSync((this.#terminal.stdout as NodeJS.WriteStream & { readonly fd: number }).fd, text);
		} catch {
			// The terminal is gone, and its modes with it.
		}
	};

	readonly #onData = (chunk: Buffer | string) => {
		const text = typeof chunk === "string" ? chunk : this.#text.write(chunk);
		// The terminal has made a newline of an Enter that came before this had it. A first key is no Ctrl-J.
		const typed = this.#isFirst ? text.replaceAll("\n", "\r") : text;
		this.#isFirst = false;
		this.#deliver(this.#decoder.push(typed, performance.now()));
	};

	#deliver(events: readonly InputEvent[]): void {
		clearTimeout(this.#timer);
		for (const event of events) {
			if (event.type === "kitty-keyboard") this.#enableKitty();
			else this.#onEvent(event);
		}
		const { waiting } = this.#decoder;
		if (waiting === undefined || !this.#isOn) return;
		this.#timer = setTimeout(() => this.#deliver(this.#decoder.flush()), waiting);
	}

	#enableKitty(): void {
		if (this.#hasKitty) return;
		this.#hasKitty = true;
		this.#terminal.stdout.write(kittyOn);
	}
}

function ignore(): void {}
