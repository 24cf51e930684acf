/** Rows that wait for an identical one in flight, at most. */
const maxWaiting = 4_096;

/** Identical questions in flight: the first is sent, and the others wait for its answer. */
export class RequestCoalescer<Question> {
	readonly #waiting = new Map<string, Question[]>();
	#count = 0;

	/** Nobody should bring more until some of them have been answered. */
	get areTooMany(): boolean {
		return this.#count >= maxWaiting;
	}

	/** A question that is sent; those with the same key wait for it from now on. */
	lead(key: string): void {
		this.#waiting.set(key, []);
	}

	/** Waits for the one that is in flight; false when there is none. */
	follow(key: string, question: Question): boolean {
		const waiting = this.#waiting.get(key);
		if (waiting === undefined) return false;
		waiting.push(question);
		this.#count += 1;
		return true;
	}

	/** Takes those that waited for the one that is back. */
	takeFollowers(key: string): readonly Question[] {
		const waiting = this.#waiting.get(key) ?? [];
		this.#waiting.delete(key);
		this.#count -= waiting.length;
		return waiting;
	}
}
