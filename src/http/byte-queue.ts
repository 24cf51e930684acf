/** After so long without a byte what has come may be all. */
const silenceMs = 1_000;

/** Bytes between a producer that cannot wait and one consumer that may be slow. */
export class ByteQueue {
	readonly #producer: { onDrained(): void };
	#chunks: Buffer[] = [];
	#unread = 0;
	#ended = false;
	#error: Error | undefined;
	#wake: (() => void) | undefined;

	/** `onDrained` is called when the consumer has read nearly everything, or wants it all at once. */
	constructor(producer: { onDrained(): void }) {
		this.#producer = producer;
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
				if (this.#chunks.length < 4) this.#producer.onDrained();
				return chunk;
			}
			if (this.#error !== undefined) throw this.#error;
			if (this.#ended) return null;
			await this.#more();
		}
	}

	/**
	 * Everything up to the end, or, after a silence, what `isWhole` says is all; throws the error although part of it
	 * came.
	 */
	async readAll(isWhole?: (bytes: Buffer) => boolean): Promise<Buffer> {
		const chunks: Buffer[] = [];
		while (!this.#ended) {
			chunks.push(...this.#chunks);
			this.clear();
			this.#producer.onDrained();
			if (isWhole === undefined || chunks.length === 0) await this.#more();
			else if (!(await this.#moreWithin(silenceMs))) {
				const bytes = Buffer.concat(chunks);
				if (isWhole(bytes)) return bytes;
				await this.#more();
			}
		}
		if (this.#error !== undefined) throw this.#error;
		const all = chunks.length === 0 ? this.#chunks : [...chunks, ...this.#chunks];
		this.clear();
		return all.length === 1 ? (all[0] as Buffer) : Buffer.concat(all);
	}

	#more(): Promise<void> {
		return new Promise((resolve) => {
			this.#wake = resolve;
		});
	}

	/** False when there was nothing more for so long. */
	async #moreWithin(ms: number): Promise<boolean> {
		let timer: NodeJS.Timeout | undefined;
		const silence = new Promise<false>((resolve) => {
			timer = setTimeout(() => resolve(false), ms);
		});
		const more = await Promise.race([this.#more().then(() => true), silence]);
		clearTimeout(timer);
		return more;
	}

	#wakeUp(): void {
		const wake = this.#wake;
		this.#wake = undefined;
		wake?.();
	}
}
