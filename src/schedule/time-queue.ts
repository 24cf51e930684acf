/** A queue that gives back what is due first; equal times come out in the order they went in. */
export class TimeQueue<T> {
	readonly #entries: { readonly at: number; readonly order: number; readonly value: T }[] = [];
	#added = 0;

	get size(): number {
		return this.#entries.length;
	}

	/** When the first entry is due; Infinity when there is none. */
	get nextAt(): number {
		return this.#entries[0]?.at ?? Number.POSITIVE_INFINITY;
	}

	/** The first entry, due or not. */
	peek(): T | undefined {
		return this.#entries[0]?.value;
	}

	add(at: number, value: T): void {
		const entries = this.#entries;
		const entry = { at, order: this.#added++, value };
		let index = entries.length;
		entries.push(entry);
		while (index > 0) {
			const parent = (index - 1) >> 1;
			const above = entries[parent];
			if (above === undefined || !isBefore(entry, above)) break;
			entries[index] = above;
			index = parent;
		}
		entries[index] = entry;
	}

	/** Takes the first entry out when it is due at `now`. */
	takeDue(now: number): T | undefined {
		const entries = this.#entries;
		const first = entries[0];
		if (first === undefined || first.at > now) return undefined;
		const last = entries.pop();
		if (last !== undefined && last !== first) this.#sink(last);
		return first.value;
	}

	#sink(entry: { readonly at: number; readonly order: number; readonly value: T }): void {
		const entries = this.#entries;
		let index = 0;
		for (;;) {
			let child = 2 * index + 1;
			const left = entries[child];
			if (left === undefined) break;
			const right = entries[child + 1];
			const smaller = right !== undefined && isBefore(right, left) ? right : left;
			child = smaller === left ? child : child + 1;
			if (!isBefore(smaller, entry)) break;
			entries[index] = smaller;
			index = child;
		}
		entries[index] = entry;
	}
}

function isBefore(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
	return a.at < b.at || (a.at === b.at && a.order < b.order);
}
