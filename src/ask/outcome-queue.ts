/** How many outcomes may wait for a slow consumer. */
const maxReady = 1_024;

/** What became of rows, on its way to a consumer who may be slow, and may leave before the end. */
export class OutcomeQueue<Outcome> {
	#ready: Outcome[] = [];
	#wakeConsumer: (() => void) | undefined;
	#wakeProducers: (() => void)[] = [];
	readonly #onRoom: () => void;
	#left = false;
	#ended = false;
	#failure: unknown;

	/** `onRoom` is called when a queue that was full is not any more. */
	constructor(onRoom: () => void) {
		this.#onRoom = onRoom;
	}

	/** Whoever has more to bring waits for `room`. Never full for a consumer who has left. */
	get isFull(): boolean {
		return this.#ready.length >= maxReady && !this.#left;
	}

	/** The consumer has left: nothing waits for it any longer. */
	get left(): boolean {
		return this.#left;
	}

	/** Nothing more is sent, and all that was is back. */
	get ended(): boolean {
		return this.#ended;
	}

	push(outcome: Outcome): void {
		this.#ready.push(outcome);
		this.#wake();
	}

	/** Resolves when the consumer has taken what was ready, or has left. */
	room(): Promise<void> {
		if (this.#left) return Promise.resolve();
		return new Promise((resolve) => this.#wakeProducers.push(resolve));
	}

	/** Nothing comes from now on; what waits is still handed on, and then `failure` is thrown. */
	end(failure?: unknown): void {
		this.#failure = failure;
		this.#ended = true;
		this.#wake();
	}

	/** The consumer takes nothing more. */
	leave(): void {
		this.#left = true;
		this.#release();
	}

	/** What is ready, as soon as there is something, until the end. @throws the failure that it ended with */
	async *batches(): AsyncGenerator<readonly Outcome[], void> {
		while (!this.#ended || this.#ready.length > 0) {
			if (this.#ready.length === 0) {
				await new Promise<void>((resolve) => {
					this.#wakeConsumer = resolve;
				});
				continue;
			}
			const batch = this.#ready;
			this.#ready = [];
			this.#release();
			if (batch.length >= maxReady) this.#onRoom();
			yield batch;
		}
		if (this.#failure) throw this.#failure;
	}

	#wake(): void {
		this.#wakeConsumer?.();
		this.#wakeConsumer = undefined;
	}

	#release(): void {
		const producers = this.#wakeProducers;
		this.#wakeProducers = [];
		for (const wake of producers) wake();
	}
}
