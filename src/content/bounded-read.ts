import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { UsageError } from "../errors.ts";

/** Larger files are refused: no provider takes more than about this in one request. */
export const maxFileBytes = 32 * 1024 * 1024;

const chunkBytes = 256 * 1024;
/** A pipe that nobody writes to is given up after so long without a byte, in ms. */
const silenceMs = 30_000;
const lookAgainMs = 20;

export interface BoundedReadOptions {
	/** As messages name the file. */
	readonly name: string;
	readonly limitBytes?: number | undefined;
	/** Monotonic ms; with `silenceMs` for tests. */
	readonly now?: (() => number) | undefined;
	readonly silenceMs?: number | undefined;
	readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a file, or a pipe such as `<(command)`, up to a bound.
 * @throws UsageError for a device, for more bytes than the limit, and for a pipe that stays silent; the file system's
 *   error; the reason of `signal`
 */
export async function readBounded(path: string, options: BoundedReadOptions): Promise<Uint8Array> {
	const reading = new BoundedReading(path, options);
	try {
		while (!reading.proceed()) {
			options.signal?.throwIfAborted();
			await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
		}
		return reading.bytes();
	} finally {
		reading.close();
	}
}

/** As `readBounded`, holding up everything else; for what is read before anything else goes on. */
export function readBoundedSync(path: string, options: BoundedReadOptions): Uint8Array {
	const reading = new BoundedReading(path, options);
	const pause = new Int32Array(new SharedArrayBuffer(4));
	try {
		while (!reading.proceed()) Atomics.wait(pause, 0, 0, lookAgainMs);
		return reading.bytes();
	} finally {
		reading.close();
	}
}

class BoundedReading {
	readonly #options: BoundedReadOptions;
	readonly #limit: number;
	readonly #now: () => number;
	readonly #file: number;
	readonly #isPipe: boolean;
	readonly #chunks: Uint8Array[] = [];
	#length = 0;
	#heardAt: number;

	constructor(path: string, options: BoundedReadOptions) {
		this.#options = options;
		this.#limit = options.limitBytes ?? maxFileBytes;
		this.#now = options.now ?? (() => performance.now());
		this.#heardAt = this.#now();
		// A pipe without a writer would hold up the whole process. Windows has neither such pipes nor the flag.
		this.#file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
		const stats = fstatSync(this.#file);
		this.#isPipe = stats.isFIFO() || stats.isSocket();
		const problem =
			stats.isCharacterDevice() || stats.isBlockDevice()
				? new UsageError(`${options.name} is a device, not a file`)
				: stats.size > this.#limit
					? this.#tooLarge()
					: undefined;
		if (problem === undefined) return;
		closeSync(this.#file);
		throw problem;
	}

	/** Reads what is there. False when more is to come. */
	proceed(): boolean {
		for (;;) {
			const chunk = Buffer.allocUnsafe(chunkBytes);
			let count: number;
			try {
				count = readSync(this.#file, chunk, 0, chunk.length, null);
			} catch (error) {
				if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
				return this.#wait();
			}
			// A pipe whose writer has not come yet looks as if it had ended.
			if (count === 0) return this.#isPipe && this.#length === 0 ? this.#wait() : true;
			this.#heardAt = this.#now();
			this.#length += count;
			if (this.#length > this.#limit) throw this.#tooLarge();
			this.#chunks.push(chunk.subarray(0, count));
		}
	}

	bytes(): Uint8Array {
		return Buffer.concat(this.#chunks);
	}

	close(): void {
		closeSync(this.#file);
	}

	#wait(): false {
		const limit = this.#options.silenceMs ?? silenceMs;
		if (this.#now() - this.#heardAt < limit) return false;
		throw new UsageError(
			`${this.#options.name} is a pipe, and nothing was written to it for ${limit / 1000} s`,
			{
				hint: "start what writes to it first",
			},
		);
	}

	#tooLarge(): UsageError {
		return new UsageError(`${this.#options.name} is larger than ${this.#limit >> 20} MiB`);
	}
}
