import { LlmxError } from "../errors.ts";
import { describeFileError } from "../state/file-errors.ts";

/** A stream that a command writes to. */
export interface OutputStream {
	readonly isTTY: boolean;
	/** Columns of the terminal; undefined when there is none. */
	readonly columns: number | undefined;
	readonly rows: number | undefined;
	/** Queues text; false when the reader is slow and `flush` should be awaited before writing much more. */
	write(text: string | Uint8Array): boolean;
	/** Resolves when all that was written has left the process. Throws LlmxError when it could not be written. */
	flush(): Promise<void>;
	/** Fires when the reader has gone (EPIPE): whoever produces output should stop. */
	readonly gone: AbortSignal;
}

/** Compiled code that the program's earlier runs have left for it. */
export interface StartupCache {
	describe(): StartupCacheState;
	/**
	 * Sets a flag of V8 for the rest of the process, as `--name=value`. Compiled code is of use only under the flags that it
	 * was made with, so whoever changes one says what it is when nobody does.
	 */
	setFlag(flag: string, usual: string): void;
}

export interface StartupCacheState {
	/** Where it is, or would be. */
	readonly folder: string;
	/** Parts of the program that were loaded so far, and how many of them were found compiled. */
	readonly loaded: number;
	readonly found: number;
	/** A folder that others could put code into, so that none is taken from it; undefined when all is well. */
	readonly notOurs: string | undefined;
}

/** Everything a command may touch of the outside, injected so that tests run commands in-process. */
export interface Io {
	readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
	readonly stdout: OutputStream;
	readonly stderr: OutputStream;
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly cwd: string;
	/** The process's own streams, for the chat screen and hidden prompts; absent in tests. */
	readonly terminal?: { readonly stdin: NodeJS.ReadStream; readonly stdout: NodeJS.WriteStream };
	/** Undefined where there is none: it is switched off, or what runs was not built. */
	readonly startupCache?: StartupCache | undefined;
	/**
	 * Calls `listener` on SIGINT, SIGTERM and, where one of the streams is a terminal, SIGHUP instead of dying; returns how
	 * to stop listening.
	 */
	onSignal(listener: (signal: NodeJS.Signals) => void): () => void;
	/** Leaves at once; only for a second signal, when waiting is what the user no longer wants. */
	exit(exitCode: number): void;
}

export type Writable = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

/** A signal that is made when somebody asks for it: at a short command nobody does. */
export class LateSignal {
	hasFired = false;
	#controller: AbortController | undefined;

	get signal(): AbortSignal {
		this.#controller ??= new AbortController();
		if (this.hasFired) this.#controller.abort();
		return this.#controller.signal;
	}

	fire(): void {
		this.hasFired = true;
		this.#controller?.abort();
	}
}

/** Wraps a stream so that a vanished reader is a signal and every other failure an error of `flush`. */
export function createOutput(stream: Writable, gone = new LateSignal()): OutputStream {
	let failure: NodeJS.ErrnoException | undefined;
	let pending = 0;
	let waiting: (() => void)[] = [];
	const settle = () => {
		if (pending > 0 && !failure && !gone.hasFired) return;
		for (const resume of waiting) resume();
		waiting = [];
	};
	const fail = (error: NodeJS.ErrnoException) => {
		if (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED") gone.fire();
		else failure ??= error;
		settle();
	};
	stream.on("error", fail);
	return {
		get isTTY() {
			return stream.isTTY === true;
		},
		get columns() {
			// A terminal that was never given a size reports 0.
			return stream.columns || (stream.isTTY ? 80 : undefined);
		},
		get rows() {
			return stream.rows || (stream.isTTY ? 24 : undefined);
		},
		get gone() {
			return gone.signal;
		},
		write(text) {
			if (failure || gone.hasFired) return true;
			pending++;
			return stream.write(text, (error) => {
				pending--;
				if (error) fail(error);
				else settle();
			});
		},
		async flush() {
			if (pending > 0 && !failure && !gone.hasFired)
				await new Promise<void>((resolve) => waiting.push(resolve));
			if (failure)
				throw new LlmxError(`cannot write the output: ${describeFileError(failure)}`, { cause: failure });
		},
	};
}
