/** Rows that wait for a twin in flight, at the most. */
const MAX_WAITING = 4_096;

/** Identical questions in flight: the first is sent, and the others wait for its answer. */
export class Twins<Job> {
	readonly #waiting = new Map<string, Job[]>();
	#count = 0;

	/** Nobody should bring more until some of them have been answered. */
	get areTooMany(): boolean {
		return this.#count >= MAX_WAITING;
	}

	/** A question that is sent; those with the same key wait for it from now on. */
	lead(key: string): void {
		this.#waiting.set(key, []);
	}

	/** Waits for the one that is in flight; false when there is none. */
	join(key: string, job: Job): boolean {
		const waiting = this.#waiting.get(key);
		if (waiting === undefined) return false;
		waiting.push(job);
		this.#count += 1;
		return true;
	}

	/** Takes those that waited for the one that is back. */
	part(key: string): readonly Job[] {
		const waiting = this.#waiting.get(key) ?? [];
		this.#waiting.delete(key);
		this.#count -= waiting.length;
		return waiting;
	}
}
