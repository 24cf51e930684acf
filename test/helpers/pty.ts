import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as pty from "@lydell/node-pty";
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
	/** Whether the terminal answers questions, as those with the kitty keyboard protocol do. */
	readonly answers?: boolean;
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
				...options.env,
			},
		});
		if (options.answers) this.terminal.onReply = (text) => this.#pty.write(text);
		this.#pty.onData((data) => {
			this.raw += data;
			this.terminal.write(data);
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
	 * Changes the size while the program sleeps and nothing that it wrote is on its way: a terminal takes what was written
	 * before its size changed, and this one cannot see what is still in the pty.
	 */
	async resize(columns: number, rows: number): Promise<void> {
		const deadline = performance.now() + 5000;
		let length = -1;
		while (performance.now() < deadline) {
			const isQuiet = this.raw.length === length && !this.terminal.modes.has("?2026");
			if (isQuiet && this.#isAsleep()) break;
			({ length } = this.raw);
			await new Promise((resolve) => setImmediate(resolve));
		}
		this.terminal.resize(columns, rows);
		this.#pty.resize(columns, rows);
	}

	/** Where that can be seen; elsewhere it is taken to be. */
	#isAsleep(): boolean {
		try {
			return / S /.test(readFileSync(`/proc/${this.pid}/stat`, "utf8").replace(/^.*\)/, ""));
		} catch {
			return true;
		}
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
