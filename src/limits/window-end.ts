/** How far resets may be off: whole seconds, and clocks that differ. */
export const resetErrorMs = 2_500;
const refusalDelayMs = 300;
const longestDelayMs = 5_000;
const fading = 0.7;

/**
 * When a window ends, from resets that were counted either from a request's arrival or from its answer: whichever
 * makes all of them agree better. Refusals after the supposed end show by how much the server's clock is late.
 */
export class WindowEnd {
	#fromArrival = { first: Number.POSITIVE_INFINITY, last: Number.NEGATIVE_INFINITY };
	#fromAnswer = { first: Number.POSITIVE_INFINITY, last: Number.NEGATIVE_INFINITY };
	#delayMs = 0;
	#refused = false;

	get at(): number {
		return this.#stated + this.#delayMs;
	}

	read(fromArrival: number, fromAnswer: number): void {
		if (fromArrival > this.#stated + resetErrorMs) {
			this.#fromArrival = { first: fromArrival, last: fromArrival };
			this.#fromAnswer = { first: fromAnswer, last: fromAnswer };
			this.#delayMs *= this.#refused ? 1 : fading;
			this.#refused = false;
			return;
		}
		this.#fromArrival = extend(this.#fromArrival, fromArrival);
		this.#fromAnswer = extend(this.#fromAnswer, fromAnswer);
	}

	/** A request was refused that was sent after the end. */
	refused(): void {
		this.#delayMs = Math.min(longestDelayMs, this.#delayMs + refusalDelayMs);
		this.#refused = true;
	}

	get #stated(): number {
		const { first, last } = this.#fromArrival;
		const isFromArrival = last - first <= this.#fromAnswer.last - this.#fromAnswer.first;
		return isFromArrival ? last : this.#fromAnswer.first;
	}
}

function extend({ first, last }: { first: number; last: number }, value: number) {
	return { first: Math.min(first, value), last: Math.max(last, value) };
}
