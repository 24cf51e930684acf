import { fileURLToPath } from "node:url";
import * as pty from "@lydell/node-pty";
import { sharedCodeCache } from "./program.ts";
import { Terminal } from "./terminal.ts";

const bin = fileURLToPath(new URL("../../bin/llmx.js", import.meta.url));

export interface PtyOptions {
	readonly home: string;
	readonly columns?: number;
	readonly rows?: number;
	readonly env?: Readonly<Record<string, string>>;
	readonly cwd?: string;
	/** Instead of llmx: a program to run. */
	readonly command?: readonly [string, ...string[]];
	/** What the terminal answers: its size (most do), also that it speaks the kitty keyboard protocol, or nothing. */
	readonly answers?: "size" | "everything" | "nothing";
	/** Nothing is shown, for measuring the program alone; its questions are answered all the same. */
	readonly isBlind?: boolean;
}

/** The real command in a pseudo-terminal, with a terminal in memory that shows what it writes. */
export class PtyChat {
	readonly terminal: Terminal;
	/** Every byte that came, as text. */
	raw = "";
	readonly exited: Promise<number>;
	readonly #pty: pty.IPty;

	constructor(argv: readonly string[], options: PtyOptions) {
		const { columns = 80, rows = 24 } = options;
		this.terminal = new Terminal(columns, rows);
		const [file, ...args] = options.command ?? [process.execPath, bin, "chat", ...argv];
		this.#pty = pty.spawn(file, args, {
			name: options.env?.TERM ?? "xterm-256color",
			cols: columns,
			rows,
			cwd: options.cwd ?? options.home,
			env: {
				PATH: process.env.PATH ?? "",
				HOME: options.home,
				LLMX_HOME: options.home,
				TERM: "xterm-256color",
				LANG: "C.UTF-8",
				...(sharedCodeCache.NODE_COMPILE_CACHE && sharedCodeCache),
				...options.env,
			},
		});
		const { answers = "size" } = options;
		this.terminal.onReply = (text) => {
			if (answers === "everything" || (answers === "size" && text.endsWith("t"))) this.#pty.write(text);
		};
		let answered = 0;
		this.#pty.onData((data) => {
			this.raw += data;
			if (!options.isBlind) {
				this.terminal.write(data);
				return;
			}
			// A question may come in two pieces.
			const question = "\x1b[18t";
			for (
				let at = this.raw.indexOf(question, answered);
				at >= 0;
				at = this.raw.indexOf(question, answered)
			) {
				answered = at + question.length;
				this.#pty.write(`\x1b[8;${rows};${columns}t`);
			}
			answered = Math.max(answered, this.raw.length - question.length + 1);
		});
		this.exited = new Promise((resolve) => this.#pty.onExit(({ exitCode }) => resolve(exitCode)));
	}

	get pid(): number {
		return this.#pty.pid;
	}

	type(text: string): void {
		this.#pty.write(text);
	}

	/**
	 * Changes the size. The program learns of it after `delay` ms: what it writes until then, and what it has written
	 * before and is still on its way, arrives on a terminal that has broken its lines anew.
	 */
	async resize(columns: number, rows: number, delay = 0): Promise<void> {
		this.terminal.resize(columns, rows);
		if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
		this.#pty.resize(columns, rows);
	}

	/** Closes the terminal under the program. */
	vanish(): void {
		(this.#pty as pty.IPty & { destroy(): void }).destroy();
	}

	/** Ends the program if it is still there, for a test that failed. */
	async dispose(): Promise<void> {
		try {
			process.kill(this.#pty.pid, "SIGKILL");
			await this.exited;
		} catch {
			// It has ended already.
		}
	}

	kill(signal: NodeJS.Signals): void {
		process.kill(this.#pty.pid, signal);
	}

	/** Resolves once the screen or what is above it says so. Fails with what is to be seen. */
	async until(what: string | RegExp | ((terminal: Terminal) => boolean), timeout = 45_000): Promise<void> {
		const isThere = () => {
			if (typeof what === "function") return what(this.terminal);
			const text = this.terminal.lines.join("\n");
			return typeof what === "string" ? text.includes(what) : what.test(text);
		};
		const deadline = performance.now() + timeout;
		while (!isThere()) {
			if (performance.now() > deadline) {
				throw new Error(
					`never saw ${what}; the terminal shows:\n${this.terminal.lines.join("\n").trimEnd()}`,
				);
			}
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
	}

	/** The chat is there and waits for input. */
	async ready(): Promise<void> {
		await this.until((terminal) => terminal.screen.some((line) => line.startsWith("╰")));
	}

	/** Nothing is being answered any more. */
	async idle(): Promise<void> {
		await this.until((terminal) => !terminal.screen.some((line) => line.includes("Esc stops")));
	}
}
