const windowSeconds = 60;

/** How much of something happens in a minute, over the last minute or since the start. */
export class RateMeter {
	readonly #now: () => number;
	readonly #startedAt: number;
	readonly #buckets = new Array<number>(windowSeconds).fill(0);
	#second = 0;

	/** `now` gives monotonic ms. */
	constructor(now: () => number) {
		this.#now = now;
		this.#startedAt = now();
	}

	add(amount: number): void {
		const second = this.#advance();
		const bucket = second % windowSeconds;
		this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + amount;
	}

	get perMinute(): number {
		this.#advance();
		const elapsed = Math.min((this.#now() - this.#startedAt) / 1000, windowSeconds);
		if (elapsed <= 0) return 0;
		return (this.#buckets.reduce((sum, amount) => sum + amount, 0) / Math.max(elapsed, 1)) * 60;
	}

	#advance(): number {
		const second = Math.floor((this.#now() - this.#startedAt) / 1000);
		for (let past = Math.max(this.#second + 1, second - windowSeconds + 1); past <= second; past++)
			this.#buckets[past % windowSeconds] = 0;
		this.#second = second;
		return second;
	}
}

/** The pace is that of so many seconds. */
const paceMs = 60_000;
/** A pace of less time says nothing. */
const leastMs = 2_000;

/** A limit may be found too low, and be raised soon: it is believed down to this part of the pace. */
const leastPart = 0.5;

/**
 * Says how long a run will still take: at the pace of the minute before something finished last, of which the first half
 * of a young run is left out, because it was starting then; and no faster than the limit that is known. Time in which
 * nothing finishes, as in an outage or until a limit comes back at the full minute, is not the pace.
 */
export class Eta {
	readonly #now: () => number;
	/** How many had finished when, oldest first. */
	readonly #seen: { readonly at: number; readonly finished: number }[] = [];
	#startedAt: number | undefined;
	/** When something finished last. */
	#finishedAt = 0;

	/** `now` returns monotonic ms. */
	constructor(now: () => number) {
		this.#now = now;
	}

	/** So many of the run's rows have finished by now. */
	note(finished: number): void {
		const at = this.#now();
		if (finished > 0) this.#startedAt ??= at;
		if (finished > (this.#seen.at(-1)?.finished ?? 0)) this.#finishedAt = at;
		this.#seen.push({ at, finished });
		const second = this.#seen[1];
		if (second !== undefined && this.#finishedAt - second.at > 2 * paceMs) this.#seen.shift();
	}

	/**
	 * Ms until `left` more have finished, nothing being sent for the first `pausedMs` of them; null when nobody can say, or
	 * nothing is left.
	 * `limitPerMinute` is what the provider is known to allow.
	 */
	leftMs(left: number, limitPerMinute: number | null, pausedMs: number): number | null {
		const perMs = this.#perMs();
		const limit =
			limitPerMinute === null || limitPerMinute <= 0 ? Number.POSITIVE_INFINITY : limitPerMinute / paceMs;
		const pace = Math.min(perMs ?? Number.POSITIVE_INFINITY, Math.max(limit, leastPart * (perMs ?? 0)));
		return left > 0 && pace > 0 && Number.isFinite(pace) ? left / pace + pausedMs : null;
	}

	#perMs(): number | undefined {
		if (this.#startedAt === undefined) return undefined;
		const to = this.#finishedAt;
		const spanMs = Math.min(paceMs, (to - this.#startedAt) / 2);
		if (spanMs < leastMs / 2) return undefined;
		// The last notes before `to - spanMs` and of `to`.
		const first = this.#seen.findLast(({ at }) => at <= to - spanMs) ?? this.#seen[0];
		const last = this.#seen.findLast(({ at }) => at <= to);
		if (first === undefined || last === undefined || last.at === first.at) return undefined;
		return (last.finished - first.finished) / (last.at - first.at);
	}
}
