/** What a request may cost, as far as it is known before it is sent. */
export interface GuardedRequest {
	/** At most so many, as estimated. */
	readonly inputTokens: number;
	/** The bound that the request sets on each of its answers; undefined when it sets none. */
	readonly maxOutputTokens: number | undefined;
	/** Answers asked for. */
	readonly n: number;
	/** USD of input and output tokens of this model. */
	readonly price: (inputTokens: number, outputTokens: number) => number;
	/** Which model it goes to: answers of one say nothing about the length of another's. */
	readonly model: string;
}

/** How a request ended. */
export interface RequestSpending {
	/** USD; null when unknown, and then all that was set aside counts as spent. */
	readonly usd: number | null;
	/** Of its longest answer; null when unknown. */
	readonly outputTokens: number | null;
}

export type Verdict = "go" | "wait" | "stop";

interface Reservation {
	readonly usd: number;
	readonly request: GuardedRequest;
	readonly isProbe: boolean;
}

interface ModelHistory {
	/** Output tokens of the longest answer so far; undefined before the first. */
	largestOutput: number | undefined;
	probing: boolean;
}

/** A longer answer than any before is to be expected; twice as long hardly ever. */
const outputMargin = 2;

/**
 * Keeps what is spent plus what is in flight under a cap. A request sets aside what it may cost: its input, and the
 * bound on its output, or else, once one probe has shown how long answers are, twice the longest so far. Knows
 * neither time nor network.
 */
export class CostGuard {
	readonly #capUsd: number;
	readonly #reservations = new Map<object, Reservation>();
	readonly #histories = new Map<string, ModelHistory>();
	#spentUsd = 0;
	#reservedUsd = 0;
	#stopped = false;

	constructor(capUsd: number) {
		this.#capUsd = capUsd;
	}

	/** USD of everything that has ended. */
	get spentUsd(): number {
		return this.#spentUsd;
	}

	/** A request was refused for the cap's sake: nothing more is to be sent. */
	get stopped(): boolean {
		return this.#stopped;
	}

	/** USD above the cap, when answers cost more than was set aside for them. */
	get overshootUsd(): number {
		return Math.max(0, this.#spentUsd - this.#capUsd);
	}

	/**
	 * Asks whether a request may be sent now; `go` sets its cost aside until `settle` is called with the same `token`.
	 * `wait`: when a request that is in flight has ended; `stop`: not under this cap.
	 */
	admit(token: object, request: GuardedRequest): Verdict {
		const history = this.#historyOf(request.model);
		const output = this.#expectedOutput(request, history);
		// A probe's output is unknown: it goes if its input alone fits.
		const isProbe = output === undefined;
		if (isProbe && history.probing) return "wait";
		const usd = request.price(request.inputTokens, (output ?? 0) * request.n);
		if (this.#spentUsd + this.#reservedUsd + usd > this.#capUsd) {
			if (this.#reservations.size > 0) return "wait";
			this.#stopped = true;
			return "stop";
		}
		if (isProbe) history.probing = true;
		this.#reservations.set(token, { usd, request, isProbe });
		this.#reservedUsd += usd;
		return "go";
	}

	/** A request that was let go has ended. */
	settle(token: object, { usd, outputTokens }: RequestSpending): void {
		const reservation = this.#reservations.get(token);
		if (reservation === undefined) return;
		this.#reservations.delete(token);
		// Sums of many small parts drift; nothing in flight is nothing set aside.
		this.#reservedUsd = this.#reservations.size === 0 ? 0 : this.#reservedUsd - reservation.usd;
		this.#spentUsd += usd ?? reservation.usd;
		const history = this.#historyOf(reservation.request.model);
		if (reservation.isProbe) history.probing = false;
		if (outputTokens !== null) history.largestOutput = Math.max(history.largestOutput ?? 0, outputTokens);
	}

	#expectedOutput(request: GuardedRequest, history: ModelHistory): number | undefined {
		if (request.maxOutputTokens !== undefined) return request.maxOutputTokens;
		return history.largestOutput === undefined ? undefined : history.largestOutput * outputMargin;
	}

	#historyOf(model: string): ModelHistory {
		let history = this.#histories.get(model);
		if (history === undefined) {
			history = { largestOutput: undefined, probing: false };
			this.#histories.set(model, history);
		}
		return history;
	}
}
