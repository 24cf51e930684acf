import { fstatSync, statSync, writeSync } from "node:fs";
import { LlmxError } from "../errors.ts";
import { describeFileError } from "../state/file-errors.ts";
import { createOutput, LateSignal, type OutputStream, type Writable } from "./io.ts";

/** What a pipe takes whole, and nearly always without waiting: PIPE_BUF of POSIX on Linux. */
const pipeBytes = 4096;

/**
 * The process's stdout or stderr. What goes to a file, and the first words into a pipe, are written at once: to open
 * Node's stream takes 5 ms, which is a tenth of the time that an answer from the cache takes. `open` opens it.
 */
export function processOutput(descriptor: number, open: () => Writable): OutputStream {
	return new DirectOutput(descriptor, open);
}

class DirectOutput implements OutputStream {
	readonly isTTY: boolean;
	readonly #descriptor: number;
	readonly #open: () => Writable;
	readonly #gone = new LateSignal();
	#room: number;
	#stream: OutputStream | undefined;
	#failure: NodeJS.ErrnoException | undefined;

	constructor(descriptor: number, open: () => Writable) {
		this.#descriptor = descriptor;
		this.#open = open;
		this.isTTY = isTerminal(descriptor);
		this.#room = roomOf(descriptor, this.isTTY);
	}

	get columns(): number | undefined {
		return this.isTTY ? this.#opened.columns : undefined;
	}

	get rows(): number | undefined {
		return this.isTTY ? this.#opened.rows : undefined;
	}

	get gone(): AbortSignal {
		return this.#gone.signal;
	}

	write(text: string | Uint8Array): boolean {
		if (this.#failure !== undefined || this.#gone.hasFired) return true;
		if (this.#stream !== undefined) return this.#stream.write(text);
		const bytes = typeof text === "string" ? Buffer.from(text, "utf8") : text;
		if (bytes.length > this.#room) return this.#opened.write(text);
		this.#room -= bytes.length;
		let written = 0;
		try {
			while (written < bytes.length) written += writeSync(this.#descriptor, bytes, written);
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			// Whoever reads is slow, and does not want to be waited for: the stream does that.
			if (code === "EAGAIN") return this.#opened.write(bytes.subarray(written));
			if (code === "EPIPE") this.#gone.fire();
			else this.#failure = error as NodeJS.ErrnoException;
		}
		return true;
	}

	async flush(): Promise<void> {
		if (this.#failure !== undefined) {
			const what = `cannot write the output: ${describeFileError(this.#failure)}`;
			throw new LlmxError(what, { cause: this.#failure });
		}
		await this.#stream?.flush();
	}

	get #opened(): OutputStream {
		this.#stream ??= createOutput(this.#open(), this.#gone);
		return this.#stream;
	}
}

/** Whether a descriptor is a terminal, without loading what Node has for terminals where it is none. */
export function isTerminal(descriptor: number): boolean {
	try {
		const { rdev } = fstatSync(descriptor);
		const isDevice = rdev !== 0 && rdev !== statSync("/dev/null", { throwIfNoEntry: false })?.rdev;
		if (!isDevice && process.platform !== "win32") return false;
	} catch {
		return false;
	}
	return process.getBuiltinModule("node:tty").isatty(descriptor);
}

/** How many bytes may be written without a stream. */
function roomOf(descriptor: number, isTTY: boolean): number {
	// Windows has pipes of another kind.
	if (isTTY || process.platform === "win32") return 0;
	try {
		const stats = fstatSync(descriptor);
		if (stats.isFile() || stats.isCharacterDevice()) return Number.POSITIVE_INFINITY;
		return stats.isFIFO() || stats.isSocket() ? pipeBytes : 0;
	} catch {
		return 0;
	}
}
