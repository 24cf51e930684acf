/** How many sendings are remembered; enough for the time between two refusals at any rate that matters. */
const size = 8192;

/**
 * The last sendings of one account and which of them were refused. What was let through between two refusals, when
 * there was nothing left to take, is exactly what the server allows in that time: no other figure is as good.
 */
export class SendRecord {
	readonly #sentAt = new Float64Array(size);
	readonly #refused = new Uint8Array(size);
	#next = 0;

	/** The number of the next sending; sendings are numbered from 0. */
	get next(): number {
		return this.#next;
	}

	/** The first sending that is still remembered. */
	get oldest(): number {
		return Math.max(0, this.#next - size);
	}

	add(at: number): number {
		const sequence = this.#next++;
		this.#sentAt[sequence % size] = at;
		this.#refused[sequence % size] = 0;
		return sequence;
	}

	markRefused(sequence: number): void {
		if (sequence >= this.oldest) this.#refused[sequence % size] = 1;
	}

	/** When the last one was sent that was not refused, as far as is known; -Infinity when none is. */
	get admittedAt(): number {
		let sequence = this.#next - 1;
		while (sequence >= this.oldest && this.#refused[sequence % size] === 1) sequence--;
		return sequence < this.oldest ? Number.NEGATIVE_INFINITY : this.sentAt(sequence);
	}

	sentAt(sequence: number): number {
		return this.#sentAt[sequence % size] ?? 0;
	}

	/** Sendings in (from, to] that were not refused, as far as is known. */
	admitted(from: number, to: number): number {
		let count = 0;
		for (let sequence = Math.max(from + 1, this.oldest); sequence <= to; sequence++)
			count += 1 - (this.#refused[sequence % size] ?? 0);
		return count;
	}

	/** Sendings per ms in (from, to] that were not refused; undefined when the two are too close to tell. */
	admittedPerMs(from: number, to: number): number | undefined {
		const first = Math.max(from, this.oldest);
		const elapsed = this.sentAt(to) - this.sentAt(first);
		return elapsed > 0 ? this.admitted(first, to) / elapsed : undefined;
	}

	/** How many sendings ending with `sequence` were refused without one let through between them, at most `most`. */
	refusedInRow(sequence: number, most: number): number {
		let count = 0;
		while (count < most && sequence - count >= this.oldest && this.#refused[(sequence - count) % size] === 1)
			count++;
		return count;
	}
}
