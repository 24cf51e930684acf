import { PassThrough, Readable } from "node:stream";
import { createOutput, type Io } from "../../src/cli/io.ts";

export interface TestIo extends Io {
	/** What was written so far. */
	readonly out: () => string;
	readonly err: () => string;
	/** Delivers a signal to the command's listeners. */
	readonly raise: (signal: NodeJS.Signals) => void;
	/** The code of an `exit`, if there was one. */
	readonly exited: () => number | undefined;
}

export interface TestIoOptions {
	readonly env?: Record<string, string | undefined>;
	readonly cwd?: string;
	/** Piped input; without it stdin is a terminal that says nothing. */
	readonly stdin?: string | Uint8Array | NodeJS.ReadableStream;
	/** Columns and rows of a terminal on stdout and stderr; without it they are pipes. */
	readonly terminal?: { readonly columns: number; readonly rows: number };
}

/** An Io whose streams are memory and whose signals are called by hand. */
export function createTestIo(options: TestIoOptions = {}): TestIo {
	const listeners = new Set<(signal: NodeJS.Signals) => void>();
	let exited: number | undefined;
	const stdout = capture(options.terminal);
	const stderr = capture(options.terminal);
	return {
		stdin: createStdin(options.stdin),
		stdout: createOutput(stdout.stream),
		stderr: createOutput(stderr.stream),
		env: options.env ?? {},
		cwd: options.cwd ?? process.cwd(),
		onSignal(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		exit: (exitCode) => {
			exited ??= exitCode;
		},
		exited: () => exited,
		out: stdout.text,
		err: stderr.text,
		raise: (signal) => {
			for (const listener of [...listeners]) listener(signal);
		},
	};
}

function capture(terminal: TestIoOptions["terminal"]) {
	const chunks: Buffer[] = [];
	const stream = new PassThrough();
	stream.on("data", (chunk: Buffer) => chunks.push(chunk));
	if (terminal) Object.assign(stream, { isTTY: true, ...terminal });
	return { stream, text: () => Buffer.concat(chunks).toString("utf8") };
}

function createStdin(input: TestIoOptions["stdin"]): Io["stdin"] {
	if (input === undefined) return Object.assign(new PassThrough(), { isTTY: true });
	if (typeof input === "string" || input instanceof Uint8Array) return Readable.from([Buffer.from(input)]);
	return input;
}
