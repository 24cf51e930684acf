/** Bytes between a producer that cannot wait and one consumer that may be slow. */
export class ByteQueue {
	readonly #onDrained: () => void;
	#chunks: Buffer[] = [];
	#unread = 0;
	#ended = false;
	#error: Error | undefined;
	#wake: (() => void) | undefined;

	/** `onDrained` is called when the consumer has read nearly everything, or wants it all at once. */
	constructor(onDrained: () => void) {
		this.#onDrained = onDrained;
	}

	/** Bytes that wait for the consumer. */
	get unread(): number {
		return this.#unread;
	}

	/** The consumer has nothing to read and wants more. */
	get starved(): boolean {
		return this.#wake !== undefined;
	}

	push(chunk: Buffer): void {
		this.#chunks.push(chunk);
		this.#unread += chunk.length;
		this.#wakeUp();
	}

	/** No more comes; after what is unread the consumer sees the end, or the error. */
	end(error?: Error): void {
		if (this.#ended) return;
		this.#ended = true;
		this.#error = error;
		this.#wakeUp();
	}

	/** Forgets what is unread. */
	clear(): void {
		this.#chunks = [];
		this.#unread = 0;
	}

	/** The next chunk, or null at the end. */
	async read(): Promise<Buffer | null> {
		for (;;) {
			const chunk = this.#chunks.shift();
			if (chunk !== undefined) {
				this.#unread -= chunk.length;
				if (this.#chunks.length < 4) this.#onDrained();
				return chunk;
			}
			if (this.#error !== undefined) throw this.#error;
			if (this.#ended) return null;
			await this.#more();
		}
	}

	/** Everything up to the end; throws the error although part of it came. */
	async readAll(): Promise<Buffer> {
		const chunks: Buffer[] = [];
		while (!this.#ended) {
			chunks.push(...this.#chunks);
			this.clear();
			this.#onDrained();
			await this.#more();
		}
		if (this.#error !== undefined) throw this.#error;
		chunks.push(...this.#chunks);
		this.clear();
		return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
	}

	#more(): Promise<void> {
		return new Promise((resolve) => {
			this.#wake = resolve;
		});
	}

	#wakeUp(): void {
		const wake = this.#wake;
		this.#wake = undefined;
		wake?.();
	}
}
