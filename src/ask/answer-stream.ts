import type { StreamPart } from "../types.ts";

/** A stream whose first part has come: what failed before it could be asked for again. */
export interface OpenedStream {
	readonly first: IteratorResult<StreamPart, void>;
	readonly rest: AsyncGenerator<StreamPart, void>;
}

const done = { done: true, value: undefined } as const;

/**
 * The parts of an answer, asked for with the first of them. It hands the parts of the stream below it on as they are:
 * a generator here would cost every part two more turns of the event loop.
 */
export class AnswerStream implements AsyncGenerator<StreamPart, void> {
	readonly #open: () => Promise<OpenedStream>;
	#opened: Promise<OpenedStream> | undefined;
	#tookFirst = false;
	#left = false;

	constructor(open: () => Promise<OpenedStream>) {
		this.#open = open;
	}

	async next(): Promise<IteratorResult<StreamPart, void>> {
		if (this.#left) return done;
		this.#opened ??= this.#open();
		const { first, rest } = await this.#opened;
		if (this.#tookFirst) return rest.next();
		this.#tookFirst = true;
		return first;
	}

	/** Leaves the stream, which closes its connection. */
	async return(): Promise<IteratorResult<StreamPart, void>> {
		this.#left = true;
		// One that could not be opened has told so whoever asked for the first part.
		const opened = await this.#opened?.catch(() => undefined);
		await opened?.rest.return();
		return done;
	}

	async throw(error: unknown): Promise<IteratorResult<StreamPart, void>> {
		await this.return();
		throw error;
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.return();
	}
}
