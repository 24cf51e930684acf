import { Fifo } from "./fifo.ts";

interface Reader<T> {
	resolve(result: IteratorResult<T>): void;
	reject(error: unknown): void;
}

/** Values put in by callbacks and read as an asynchronous iteration. */
export class Outbox<T> {
	readonly #unread = new Fifo<T>();
	readonly #readers = new Fifo<Reader<T>>();
	#ended = false;
	#error: unknown;

	/** Values nobody has read yet. */
	get size(): number {
		return this.#unread.size;
	}

	put(value: T): void {
		const reader = this.#readers.shift();
		if (reader === undefined) {
			this.#unread.push(value);
		} else {
			reader.resolve({ done: false, value });
		}
	}

	read(): Promise<IteratorResult<T>> {
		const value = this.#unread.shift();
		if (value !== undefined) {
			return Promise.resolve({ done: false, value });
		}
		return new Promise((resolve, reject) => {
			this.#readers.push({ resolve, reject });
			if (this.#ended) {
				this.#flush();
			}
		});
	}

	/** What is unread can still be read; then the iteration ends, throwing `error` once if there is one. */
	end(error?: unknown): void {
		if (!this.#ended) {
			this.#ended = true;
			this.#error = error;
		}
		this.#flush();
	}

	#flush(): void {
		for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift()) {
			const error = this.#error;
			this.#error = undefined;
			if (error === undefined) {
				reader.resolve({ done: true, value: undefined });
			} else {
				reader.reject(error);
			}
		}
	}
}
