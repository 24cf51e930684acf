/** How many sendings are remembered; enough for the time between two refusals at any rate that matters. */
const size = 8192;
/** The rate at which is sent is told by so many sendings, and by all of this time. */
const leastRecent = 4;
const recentMs = 1_000;
const leastRecentMs = 100;

/** Refusals in a row, and of those that had been refused before, how likely each is refused for itself. */
export interface Run {
	readonly count: number;
	readonly again: readonly number[];
}

/**
 * The last sendings of one account and which of them were refused. What was let through between two refusals, when
 * there was nothing left to take, is exactly what the server allows in that time: no other figure is as good.
 */
export class SendRecord {
	readonly #sentAt = new Float64Array(size);
	readonly #idleMs = new Float64Array(size);
	readonly #refused = new Uint8Array(size);
	readonly #again = new Uint8Array(size);
	readonly #likelyOwn = new Float32Array(size);
	readonly #own = new Uint8Array(size);
	readonly #unexplained = new Uint8Array(size);
	readonly #hinted = new Uint8Array(size);
	readonly #load = new Float64Array(size);
	readonly #meanLoad = new Float64Array(size);
	#next = 0;
	/** From here on sendings tell the present rate. */
	#recent = 0;

	/** The number of the next sending; sendings are numbered from 0. */
	get next(): number {
		return this.#next;
	}

	/** The first sending that is still remembered. */
	get oldest(): number {
		return Math.max(0, this.#next - size);
	}

	/**
	 * `idleMs`: for how long, in all by then, more could have been sent than there was to send. `bound`: more is not sent in
	 * a second, nor more than `mean` since there was nothing left. `own` as in `RateEstimate.sent`.
	 */
	add(at: number, idleMs: number, bound: number, mean: number, own?: number): number {
		const sequence = this.#next++;
		while (sequence - this.#recent > leastRecent && at - this.sentAt(this.#recent) > recentMs) this.#recent++;
		const elapsed = Math.max(leastRecentMs, at - (sequence === 0 ? at : this.sentAt(this.#recent)));
		const lately = (1000 * (sequence + 1 - this.#recent)) / elapsed;
		this.#load[sequence % size] = Math.min(bound, lately);
		this.#meanLoad[sequence % size] = Math.min(bound, lately, mean);
		this.#sentAt[sequence % size] = at;
		this.#idleMs[sequence % size] = idleMs;
		this.#refused[sequence % size] = 0;
		this.#again[sequence % size] = own === undefined ? 0 : 1;
		this.#likelyOwn[sequence % size] = own ?? 0;
		this.#own[sequence % size] = 0;
		this.#unexplained[sequence % size] = 0;
		this.#hinted[sequence % size] = 0;
		return sequence;
	}

	markRefused(sequence: number): void {
		if (sequence >= this.oldest) this.#refused[sequence % size] = 1;
	}

	/** The refusal of this number said when to send again. */
	markHinted(sequence: number): void {
		if (sequence >= this.oldest) this.#hinted[sequence % size] = 1;
	}

	isHinted(sequence: number): boolean {
		return this.#hinted[sequence % size] === 1;
	}

	/** What was sent as this number was refused for itself: it tells nothing of those around it. */
	markOwn(sequence: number): void {
		if (sequence >= this.oldest) this.#own[sequence % size] = 1;
	}

	/** How likely what was sent again as this number is refused for itself. */
	likelyOwn(sequence: number): number {
		return this.#likelyOwn[sequence % size] ?? 0;
	}

	/** What was sent as this number had been refused before. */
	isAgain(sequence: number): boolean {
		return this.#again[sequence % size] === 1;
	}

	/** When the last one was sent that was not refused, as far as is known; -Infinity when none is. */
	get admittedAt(): number {
		const last = this.lastAdmitted(this.#next - 1);
		return last === undefined ? Number.NEGATIVE_INFINITY : this.sentAt(last);
	}

	/** The last sending up to this one that was not refused, as far as is known. */
	lastAdmitted(sequence: number): number | undefined {
		let last = sequence;
		while (last >= this.oldest && this.wasRefused(last)) last--;
		return last < this.oldest ? undefined : last;
	}

	/** The first sending from this one on that was not refused. */
	firstAdmitted(sequence: number): number | undefined {
		let first = Math.max(this.oldest, sequence);
		while (first < this.#next && this.wasRefused(first)) first++;
		return first < this.#next ? first : undefined;
	}

	/** When the first one after this number was sent that was not refused, as far as is known; Infinity when none is. */
	admittedAfter(sequence: number): number {
		let next = sequence + 1;
		while (next < this.#next && this.#refused[next % size] === 1) next++;
		return next < this.#next ? this.sentAt(next) : Number.POSITIVE_INFINITY;
	}

	/** At how many a second was sent when this number was. */
	loadAt(sequence: number): number {
		return this.#load[sequence % size] ?? 0;
	}

	/** The same, since there had been nothing left. */
	meanLoadAt(sequence: number): number {
		return this.#meanLoad[sequence % size] ?? 0;
	}

	wasRefused(sequence: number): boolean {
		return this.#refused[sequence % size] === 1;
	}

	isUnexplained(sequence: number): boolean {
		return this.#unexplained[sequence % size] === 1;
	}

	/** It was refused, and nothing is known to explain that. */
	markUnexplained(sequence: number): void {
		if (sequence >= this.oldest) this.#unexplained[sequence % size] = 1;
	}

	sentAt(sequence: number): number {
		return this.#sentAt[sequence % size] ?? 0;
	}

	/** For how many ms between the two sendings less was sent than the rate allowed. */
	idleMs(from: number, to: number): number {
		return (this.#idleMs[to % size] ?? 0) - (this.#idleMs[from % size] ?? 0);
	}

	/** Sendings in (from, to] that were not refused, as far as is known. */
	admitted(from: number, to: number): number {
		let count = 0;
		for (let sequence = Math.max(from + 1, this.oldest); sequence <= to; sequence++)
			count += 1 - (this.#refused[sequence % size] ?? 0);
		return count;
	}

	/**
	 * How many sendings around and with `sequence` were refused without one let through between them, at most `most`; and
	 * which of those had been refused before. Those for the request itself, and those with a hint among others without one or
	 * the other way round, are of another kind and do not count.
	 */
	refusedInRow(sequence: number, most: number): Run {
		const isRefused = (other: number) => this.#refused[other % size] === 1;
		let first = sequence;
		while (first > this.oldest && sequence - first < most && isRefused(first - 1)) first--;
		let last = sequence;
		while (last + 1 < this.#next && last - first < most && isRefused(last + 1)) last++;
		if (!isRefused(sequence)) return { count: 0, again: [] };
		const again: number[] = [];
		let own = 0;
		for (let other = first; other <= last; other++) {
			const isOther = this.#own[other % size] === 1 || this.isHinted(other) !== this.isHinted(sequence);
			if (isOther) own++;
			else if (this.isAgain(other)) again.push(this.likelyOwn(other));
		}
		return { count: last - first + 1 - own, again };
	}
}
