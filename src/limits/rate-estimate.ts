import { SendRecord } from "./send-record.ts";

/** Refusals further apart than this do not belong to one burst. */
const burstGapMs = 2_000;
const recentMs = 1_500;
/** By so many requests a count between two refusals may be off. */
const miscount = 3;
const mostSamples = 500;
/** A pause of this length, after so many requests, shows by itself that a limit comes back all at once. */
const clearPauseMs = 5_000;
const clearCount = 20;
/** Two pauses further apart say nothing of what could have been sent: limits are counted by the minute. */
const longestPeriodMs = 150_000;

/** So many requests had been let through by then. */
interface Count {
	readonly at: number;
	readonly admitted: number;
}

/**
 * What a server lets through, in requests per second, seen by what it refuses: between two refusals, when there was
 * nothing left to take, it is exactly what the server allows.
 */
export class RateEstimate {
	readonly #record = new SendRecord();
	#refusals = 0;
	#refusalDelayMs = 100;
	/** The last figure that was taken for the limit. */
	#limit: number | undefined;
	/** How many sendings the last figure is known from. */
	#samples = 0;
	/** What was known when the current burst began. */
	#known: { readonly limit: number; readonly samples: number } | undefined;
	/** First refusal of the current burst, last one of the burst before, last one of all. */
	#burstStart: number | undefined;
	#anchor: number | undefined;
	#lastRefused: number | undefined;
	/** Per ms, what was let through just before the current burst if the rate was climbing; else 0. */
	#reached = 0;
	#started: Count | undefined;
	/** When the server let requests through again after a pause. */
	#resumed: Count | undefined;

	get limit(): number | undefined {
		return this.#limit;
	}

	set limit(limit: number) {
		this.#limit = limit;
	}

	get samples(): number {
		return this.#samples;
	}

	/** How long a refusal takes to come back, in ms, smoothed. */
	get refusalDelayMs(): number {
		return this.#refusalDelayMs;
	}

	/** Gives back the number by which the sending is known. */
	sent(now: number): number {
		this.#started ??= { at: now, admitted: 0 };
		return this.#record.add(now);
	}

	sentAt(sequence: number): number {
		return this.#record.sentAt(sequence);
	}

	/** Whether the last `count` sendings before and with this one were all refused. */
	refusedInRow(sequence: number, count: number): boolean {
		return this.#record.refusedInRow(sequence, count) >= count;
	}

	noteRefused(sequence: number, now: number): void {
		this.#record.markRefused(sequence);
		this.#refusals++;
		this.#refusalDelayMs += 0.2 * (now - this.#record.sentAt(sequence) - this.#refusalDelayMs);
	}

	/** What was let through under another limit says nothing. */
	forget(): void {
		this.#limit = undefined;
		this.#burstStart = undefined;
		this.#lastRefused = undefined;
	}

	/**
	 * The limit, seen by the refusal of `sequence`; undefined when too little is known. `isClimbing`: until now less
	 * was sent than allowed.
	 */
	refused(sequence: number, now: number, isClimbing: boolean): number | undefined {
		this.noteRefused(sequence, now);
		if (
			this.#burstStart === undefined ||
			this.#lastRefused === undefined ||
			this.sentAt(sequence) - this.sentAt(this.#lastRefused) > burstGapMs
		) {
			this.#anchor = this.#lastRefused;
			this.#burstStart = sequence;
			this.#known = this.#limit === undefined ? undefined : { limit: this.#limit, samples: this.#samples };
			this.#reached = isClimbing ? this.recentRate(now) / 1000 : 0;
		}
		this.#lastRefused = Math.max(this.#lastRefused ?? 0, sequence);
		return this.#confirm(this.#estimate(sequence, this.#burstStart));
	}

	/** Requests per second that were sent lately. */
	recentRate(now: number): number {
		const record = this.#record;
		let first = record.next;
		while (first > record.oldest && now - record.sentAt(first - 1) < recentMs) {
			first--;
		}
		return Math.max(1, ((record.next - first) / recentMs) * 1000);
	}

	/** More was let through since the last refusal than the limit could have given: it must have risen. */
	limitIsDisproved(now: number, rate: number): boolean {
		if (this.#limit === undefined || this.#lastRefused === undefined) {
			return false;
		}
		const undecided = (rate * this.#refusalDelayMs * 1.5) / 1000;
		const admitted = this.#record.next - 1 - this.#lastRefused - undecided;
		const possible = (this.#limit * (now - this.sentAt(this.#lastRefused))) / 1000;
		return admitted > 1.02 * possible + Math.min(5, 2 + this.#samples / 20);
	}

	/**
	 * After a pause in which nothing was let through, it is again. When that happens time and again, or clearly enough
	 * the first time, the limit comes back all at once, and what was let through since it last did is all there is: gives back
	 * that rate, and the time it was spread over.
	 */
	resumed(now: number, pauseMs: number): { readonly rate: number; readonly periodMs: number } | undefined {
		const admitted = this.#record.next - this.#refusals;
		const isClear = pauseMs >= clearPauseMs && admitted >= clearCount;
		const before = this.#resumed ?? (isClear ? this.#started : undefined);
		this.#resumed = { at: now, admitted };
		if (before === undefined || admitted === before.admitted || now - before.at > longestPeriodMs) {
			return undefined;
		}
		this.#samples = admitted - before.admitted;
		const periodMs = now - before.at;
		return { rate: (1000 * this.#samples) / periodMs, periodMs };
	}

	#estimate(sequence: number, start: number): number | undefined {
		const record = this.#record;
		this.#samples = sequence - (this.#anchor ?? start);
		let long = this.#anchor === undefined ? undefined : record.admittedPerMs(this.#anchor, sequence);
		if (long !== undefined) {
			// On the way up less was sent than allowed, so the mean since the last refusal is too low.
			long = Math.max(long, this.#reached);
		}
		const elapsed = this.sentAt(sequence) - this.sentAt(start);
		if (sequence - start < 8 || elapsed <= 0) {
			return long === undefined ? undefined : long * 1000;
		}
		const seen = record.admitted(start, sequence);
		if (long !== undefined && seen >= long * elapsed - 3 * Math.sqrt(long * elapsed) - 1) {
			// The long view is exact while the limit stays what it was; the burst would say if it did not.
			return long * 1000;
		}
		// A handful seen in a moment: by chance it may be too few, and too low a rate takes longer to notice.
		this.#samples = Math.min(this.#samples, seen);
		return ((seen + Math.sqrt(seen) + 1) / elapsed) * 1000;
	}

	/** A figure that agrees with the one known before makes it surer; few requests a second need long to tell. */
	#confirm(estimate: number | undefined): number | undefined {
		const known = this.#known;
		const samples = this.#samples;
		if (estimate === undefined || known === undefined || samples <= 0) {
			return estimate;
		}
		if (Math.abs(estimate - known.limit) > (miscount / samples + 0.02) * known.limit) {
			return estimate;
		}
		const all = known.samples + samples;
		this.#samples = Math.min(mostSamples, all);
		return (known.limit * known.samples + estimate * samples) / all;
	}
}
