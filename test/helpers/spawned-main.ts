import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import * as pty from "@lydell/node-pty";
import type { Io, OutputStream } from "../../src/cli/io.ts";
import { programPath } from "./program.ts";

/**
 * What stands in for `main` of the command line in a run of `vitest.built.config.ts`: the built program as a process of
 * its own, with the code that its earlier runs in the same home have compiled. Where the test's stream is a terminal, the
 * program's is one too: a pseudo-terminal for each stream, so that what is written to stdout and stderr stays apart.
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
	const terminals: Terminal[] = [];
	const terminal = (size: { columns?: number | undefined; rows?: number | undefined }) => {
		const made = new Terminal(size.columns, size.rows);
		terminals.push(made);
		return made;
	};
	const stdin = io.stdin.isTTY === true ? terminal({}) : undefined;
	const outputs = [io.stdout, io.stderr].map((stream) => (stream.isTTY ? terminal(stream) : undefined));
	const child = spawn(process.execPath, [programPath, ...argv], {
		cwd: io.cwd,
		env: { PATH: process.env.PATH, ...io.env },
		stdio: [stdin?.descriptor ?? "pipe", ...outputs.map((output) => output?.descriptor ?? ("pipe" as const))],
	});
	const stopListening = io.onSignal((signal) => child.kill(signal));
	if (child.stdin !== null) pipeInput(io.stdin, child);
	relay(child.stdout ?? outputs[0], io.stdout);
	relay(child.stderr ?? outputs[1], io.stderr);
	try {
		return await new Promise<number>((resolve, reject) => {
			child.once("error", reject);
			child.once("close", (code, signal) =>
				code === null ? reject(new Error(`llmx was ended by ${signal}`)) : resolve(code),
			);
		});
	} finally {
		stopListening();
		await Promise.all(terminals.map((made) => made.close()));
	}
}

type NamedPty = pty.IPty & { readonly ptsName: string };

/** One stream's pseudo-terminal, kept open by a process that does nothing with it. */
class Terminal {
	readonly descriptor: number;
	readonly #pty: NamedPty;
	readonly #closed: Promise<void>;

	constructor(columns = 80, rows = 24) {
		this.#pty = pty.spawn("sleep", ["3600"], { cols: columns, rows }) as NamedPty;
		this.descriptor = openSync(this.#pty.ptsName, "r+");
		this.#closed = new Promise((resolve) => this.#pty.onExit(() => resolve()));
	}

	on(_event: "data", listener: (text: string) => void): void {
		// A terminal ends a line by two characters.
		this.#pty.onData((text) => listener(text.replaceAll("\r\n", "\n")));
	}

	/** Resolves when all that was written to it has come. */
	async close(): Promise<void> {
		closeSync(this.descriptor);
		this.#pty.kill("SIGKILL");
		await this.#closed;
	}
}

function relay(
	from: { on(event: "data", listener: (data: string | Uint8Array) => void): unknown } | undefined,
	to: OutputStream,
): void {
	from?.on("data", (data) => void to.write(data));
}

function pipeInput(from: NodeJS.ReadableStream, { stdin }: ChildProcess): void {
	if (stdin === null) return;
	// Whoever does not read its input is not to be blamed for a closed pipe.
	stdin.on("error", () => {});
	from.pipe(stdin);
}
