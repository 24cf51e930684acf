import { type Run, SendRecord } from "./send-record.ts";

/** Refusals further apart than this do not belong to one burst. */
export const burstGapMs = 2_000;
const recentMs = 1_500;
const leastRecentMs = 100;
/** Longer runs of refusals are not counted to their end. */
const longestRun = 16;

/** Fewer sendings in a burst of refusals say nothing of the rate. */
const leastBurst = 8;
/** Requests that are sent within this share of the time that a refusal takes may arrive in any order. */
const disorder = 0.25;
/** A mean rate begins as if so many had been sent at the present one, and all of a second. */
const leastUsual = 16;

/** What is known of a limit, in requests per second. */
export interface RateBounds {
	/** It is at least that much. */
	readonly least?: number | undefined;
	/** It is that much, as far as nothing was saved up while less was sent than allowed. */
	readonly busy?: number | undefined;
	/** It was about that much just now. */
	readonly seen?: number | undefined;
}

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
	readonly record = new SendRecord();
	#refusals = 0;
	/** What `decidedAt` last gave. */
	#decided = 0;
	#refusalDelayMs = 100;
	/** The last figure that was taken for the limit. */
	#limit: number | undefined;
	/** How many sendings the last figure is known from. */
	#samples = 0;
	/** First refusal of the current burst, last one of the burst before, last one of all. */
	#burstStart: number | undefined;
	#anchor: number | undefined;
	#lastRefused: number | undefined;
	#exhausted: (Count & { readonly next: number }) | undefined;
	/** When the server had one again after the last refusal, and after that of `#anchor`. */
	#lastFreeAt = Number.NEGATIVE_INFINITY;
	#anchorFreeAt = Number.NEGATIVE_INFINITY;
	#started: Count | undefined;
	/** When the last was sent of those that were answered. */
	#answeredAt = Number.NEGATIVE_INFINITY;

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

	/**
	 * Gives back the number by which the sending is known. `bound`: more was not sent in a second, nor more than `mean` since
	 * there was nothing left. `own`: it was refused before, and is so likely refused for itself.
	 */
	sent(now: number, idleMs = 0, bound = Number.POSITIVE_INFINITY, mean = bound, own?: number): number {
		this.#started ??= { at: now, admitted: 0 };
		return this.record.add(now, idleMs, bound, mean, own);
	}

	/** At how many a second was sent since there was nothing left, at `rate` lately. */
	meanRate(now: number, rate: number): number {
		const empty = this.#exhausted;
		if (empty === undefined) return rate;
		const usual = Math.max(1, leastUsual / rate);
		return (this.record.next + 1 - empty.next + usual * rate) / ((now - empty.at) / 1000 + usual);
	}

	/** At how many a second was sent when this number was. */
	loadAt(sequence: number): number {
		return this.record.loadAt(sequence);
	}

	/** At how many a second was sent since there had been nothing left. */
	meanLoadAt(sequence: number): number {
		return this.record.meanLoadAt(sequence);
	}

	/**
	 * What became of it, as far as that says something of the rate: refused for something else, it does not, nor does a refusal
	 * with a hint say it among those without one.
	 */
	endOf(sequence: number, isHinted: boolean): "passed" | "refused" | "unknown" {
		if (!this.record.wasRefused(sequence)) return "passed";
		const isSame = this.record.isHinted(sequence) === isHinted;
		return isSame && this.record.isUnexplained(sequence) ? "refused" : "unknown";
	}

	/** Nothing explains the refusal of this number. */
	noteUnexplained(sequence: number): void {
		this.record.markUnexplained(sequence);
	}

	sentAt(sequence: number): number {
		return this.record.sentAt(sequence);
	}

	/** The number of the next sending. */
	get next(): number {
		return this.record.next;
	}

	/** When the last one was sent that was not refused, as far as is known. */
	get admittedAt(): number {
		return this.record.admittedAt;
	}

	/** Sendings before this number were refused or let through, by what refusals take to come back. */
	decidedAt(now: number): number {
		const record = this.record;
		const isDecided = (sequence: number) => now - record.sentAt(sequence) >= 1.5 * this.#refusalDelayMs;
		// It is near where it was at the sending before; from the last one back it may be thousands.
		let sequence = Math.max(this.#decided, record.oldest);
		while (sequence < record.next && isDecided(sequence)) sequence++;
		while (sequence > record.oldest && !isDecided(sequence - 1)) sequence--;
		this.#decided = sequence;
		return sequence;
	}

	/** The refusals around and with this one without a request let through between them. */
	runOf(sequence: number): Run {
		return this.record.refusedInRow(sequence, longestRun);
	}

	/** The refusal of this number says when to send again. */
	noteHinted(sequence: number): void {
		this.record.markHinted(sequence);
	}

	noteOwn(sequence: number): void {
		this.record.markOwn(sequence);
	}

	/** What share of all is refused but for the last so many refusals, as far as is known: of a few that passed it may be a lot. */
	refusedBefore(count: number): number {
		return (1 + this.#refusals - count) / (2 + this.record.next - count);
	}

	noteRefused(sequence: number, now: number): void {
		this.record.markRefused(sequence);
		this.#refusals++;
		this.#refusalDelayMs += 0.2 * (now - this.record.sentAt(sequence) - this.#refusalDelayMs);
	}

	/** What was sent then was answered. */
	noteAnswered(sentAt: number): void {
		this.#answeredAt = Math.max(this.#answeredAt, sentAt);
	}

	/** Something that was sent after this number is answered already: when this one was refused not all was used up. */
	isOvertaken(sequence: number): boolean {
		return this.#answeredAt > this.sentAt(sequence) + disorder * this.#refusalDelayMs;
	}

	/** What was let through under another limit says nothing. */
	forget(): void {
		this.#limit = undefined;
		this.#burstStart = undefined;
		this.#lastRefused = undefined;
	}

	/**
	 * What the refusal of `sequence` shows of the limit. Between two refusals no more was let through than the limit gives
	 * in that time, so it is at least that, however long nothing was sent in between. Within a burst of refusals there was
	 * nothing left to take, so what was let through there is all there is. `freeAt`: when the server has one again.
	 */
	refused(sequence: number, freeAt: number): RateBounds {
		if (
			this.#burstStart === undefined ||
			this.#lastRefused === undefined ||
			this.sentAt(sequence) - this.sentAt(this.#lastRefused) > burstGapMs
		) {
			this.#anchor = this.#lastRefused;
			this.#anchorFreeAt = this.#lastFreeAt;
			this.#burstStart = sequence;
		}
		this.#lastRefused = Math.max(this.#lastRefused ?? 0, sequence);
		this.#lastFreeAt = Math.max(this.#lastFreeAt, freeAt);
		return this.#bounds(sequence, this.#burstStart, freeAt);
	}

	/** Requests per second that were sent lately. */
	recentRate(now: number): number {
		const record = this.record;
		let first = record.next;
		while (first > record.oldest && now - record.sentAt(first - 1) < recentMs) first--;
		const elapsed = Math.min(recentMs, Math.max(leastRecentMs, now - (this.#started?.at ?? now)));
		return Math.max(1, ((record.next - first) / elapsed) * 1000);
	}

	/** The same, as far as it is kept to `bound` and not below the limit that is known. */
	usedRate(now: number, bound: number | undefined): number {
		const recent = this.recentRate(now);
		return Math.min(bound ?? recent, Math.max(recent, this.#limit ?? 0));
	}

	/** The last refusal was one for the rate: at that moment there was nothing left to take. */
	exhausted(now: number): void {
		this.#exhausted = { at: now, admitted: this.#admitted, next: this.record.next };
	}

	/** More was let through since there was nothing left than the limit could have given: it must have risen. */
	limitIsDisproved(now: number, rate: number): boolean {
		if (this.#limit === undefined || this.#exhausted === undefined) return false;
		const undecided = (rate * this.#refusalDelayMs * 1.5) / 1000;
		const admitted = this.#admitted - this.#exhausted.admitted - undecided;
		const possible = (this.#limit * (now - this.#exhausted.at)) / 1000;
		return admitted > 1.02 * possible + Math.min(5, 2 + this.#samples / 20);
	}

	/** Sendings that were not refused, as far as is known. */
	get #admitted(): number {
		return this.record.next - this.#refusals;
	}

	/** After a pause in which nothing was let through, it is again: `samples` were before. */
	resumed(now: number, samples: number): void {
		this.#lastRefused = this.record.next - 1;
		this.#lastFreeAt = now;
		this.#samples = samples;
	}

	/**
	 * From when the server had one again after the refusal of `anchor` to when it has after that of `sequence`. Where it let
	 * one through before the time that it had said, what it says is not about the limit.
	 */
	#elapsedMs(anchor: number, sequence: number, freeAt: number): number {
		if (anchor < this.record.oldest) return 0;
		const isTrue = this.#anchor !== undefined && this.#anchorFreeAt <= this.record.admittedAfter(anchor);
		return isTrue ? freeAt - this.#anchorFreeAt : this.sentAt(sequence) - this.sentAt(anchor);
	}

	#bounds(sequence: number, start: number, freeAt: number): RateBounds {
		const record = this.record;
		const anchor = this.#anchor ?? start;
		this.#samples = sequence - anchor;
		const between = record.admitted(anchor, sequence);
		// The first burst, while half of it is refused, tells by itself, to one more or less.
		const isFirst = this.#anchor === undefined;
		const isKnown = isFirst ? between >= leastBurst && 2 * between <= this.#samples : between > 0;
		const error = isFirst ? 1 : 0;
		const elapsedMs = this.#elapsedMs(anchor, sequence, freeAt);
		let least: number | undefined;
		let busy: number | undefined;
		if (isKnown && elapsedMs > 0) {
			const idleMs = Math.min(record.idleMs(anchor, sequence), 0.99 * elapsedMs);
			least = (between - error) / elapsedMs;
			busy = (1000 * (between + error)) / (elapsedMs - idleMs);
		}
		const elapsed = this.sentAt(sequence) - this.sentAt(start);
		const enough = sequence - start >= leastBurst && elapsed > 0;
		const admitted = enough ? record.admitted(start, sequence) : 0;
		// A handful seen in a moment: by chance it may be too few, and too low a rate takes longer to notice.
		const seen = enough ? ((admitted + Math.sqrt(admitted) + 1) / elapsed) * 1000 : undefined;
		if (
			least !== undefined &&
			(!enough || admitted >= least * elapsed - 3 * Math.sqrt(least * elapsed) - 1)
		) {
			// The long view holds while the limit stays what it was; the burst would say if it did not.
			return { least: least * 1000, busy, seen };
		}
		if (enough) this.#samples = Math.min(this.#samples, admitted);
		return { least: undefined, busy: undefined, seen };
	}
}
