/** An exchange as those see it who end it from outside. */
export interface OpenExchange {
	readonly id: string;
	/** Where it is among those that are open; -1 when it is not. */
	place: number;
	readonly callerSignal: AbortSignal | undefined;
	/** When the next of its limits of time is up, in monotonic ms; Infinity while it waits for nothing. */
	readonly dueAt: number;
	/** That time may have come. */
	check(): void;
	/** The caller's signal has fired. */
	stopByCaller(): void;
	close(): void;
}

/** setTimeout takes at most this; the timer looks again then. */
const longestMs = 2 ** 31 - 1;

/**
 * The open exchanges of one pool, with one timer for all of their limits and one listener for each signal: most of them
 * end long before their time, and each would make and clear its own. They are in an array in which the last takes the
 * place of one that leaves. A Set that thousands go through leaves its old tables behind, and V8 keeps alive what was in
 * those until it cleans its old generation.
 */
export class OpenExchanges<Exchange extends OpenExchange> {
	readonly #open: Exchange[] = [];
	readonly #signals = new Map<AbortSignal, { readonly listener: () => void; waiting: number }>();
	#timer: NodeJS.Timeout | undefined;
	#ringsAt = Number.POSITIVE_INFINITY;

	add(exchange: Exchange): void {
		exchange.place = this.#open.push(exchange) - 1;
		const { callerSignal: signal } = exchange;
		if (signal === undefined) return;
		const known = this.#signals.get(signal);
		if (known !== undefined) {
			known.waiting++;
			return;
		}
		const listener = () => this.#onAbort(signal);
		this.#signals.set(signal, { listener, waiting: 1 });
		signal.addEventListener("abort", listener, { once: true });
	}

	delete(exchange: Exchange): void {
		const { place, callerSignal: signal } = exchange;
		if (place < 0) return;
		const last = this.#open.pop() as Exchange;
		if (last !== exchange) {
			this.#open[place] = last;
			last.place = place;
		}
		exchange.place = -1;
		const known = signal && this.#signals.get(signal);
		if (signal === undefined || known === undefined || --known.waiting > 0) return;
		signal.removeEventListener("abort", known.listener);
		this.#signals.delete(signal);
	}

	find(id: string): Exchange | undefined {
		return this.#open.find((exchange) => exchange.id === id);
	}

	/** One of them is due then. */
	ringAt(at: number): void {
		if (at >= this.#ringsAt) return;
		clearTimeout(this.#timer);
		this.#ringsAt = at;
		const waitMs = Math.min(Math.max(at - performance.now(), 0), longestMs);
		this.#timer = setTimeout(() => this.#ring(), Math.ceil(waitMs));
		// The socket keeps the process alive while there is something to wait for.
		this.#timer.unref();
	}

	close(): void {
		for (const exchange of [...this.#open]) exchange.close();
		clearTimeout(this.#timer);
	}

	#ring(): void {
		this.#ringsAt = Number.POSITIVE_INFINITY;
		const now = performance.now();
		for (const exchange of this.#open.filter(({ dueAt }) => dueAt <= now)) exchange.check();
		this.ringAt(Math.min(...this.#open.map(({ dueAt }) => dueAt)));
	}

	/** What one of them throws is reported as an error of a listener is, and does not keep the others from being stopped. */
	#onAbort(signal: AbortSignal): void {
		for (const exchange of this.#open.filter(({ callerSignal }) => callerSignal === signal)) {
			try {
				if (exchange.place >= 0) exchange.stopByCaller();
			} catch (error) {
				process.nextTick(() => {
					throw error;
				});
			}
		}
	}
}
