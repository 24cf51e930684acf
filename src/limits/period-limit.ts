import type { RateEstimate } from "./rate-estimate.ts";

/** Two pauses further apart say nothing of what could have been sent: limits are counted by the minute. */
const longestPeriodMs = 150_000;
/** Limits are counted by such times, if what was seen of the time allows it. */
const roundPeriodsMs = [10_000, 60_000];
/** Requests overtake each other: nothing is sent before so many times the period is over. */
const spare = 1.005;
/** After so long a wait one goes alone, to see whether it is really over. */
const longWaitMs = 1_500;
/** More has been let through when it was not refused in so many times as long as refusals take. */
const patience = 3;
/** One more than is known to be let through is tried at most after so many that were. */
const mostPatience = 100;
/** What comes back all at once is used up in less than the rest of its time. */
const mostUsed = 1 / 3;
/** So many times what could have come back bit by bit was let through: it came all at once. After a mistake, more. */
const firstProof = 3;
/** Refused from this share of the allowance on, it has become so much less. */
const nearlyAll = 0.8;

/**
 * What an account lets through at once, in a time after which all of it comes back: no more than so many in any such time.
 * That is right for a limit by the full minute and for one that counts what was sent in the last minute.
 */
export class PeriodLimit {
	readonly #estimate: RateEstimate;
	/** How many were let through between the last two pauses, and in what time. */
	#samples = 0;
	#spanMs = Number.POSITIVE_INFINITY;
	/** So many are let through in a period; 0 while it is not kept to one. */
	#count = 0;
	#periodMs = 0;
	/** A limit that comes back bit by bit could not have let through as many after the pause. */
	#isProven = false;
	#proof = firstProof;
	/** The first sending since it came back, and the first of the last period. */
	#from = 0;
	#first = 0;
	/** Sendings of the last period that were not refused, as far as is known. */
	#used = 0;
	/** In the last pause nothing was let through for `silentMs`, until `at`. */
	#pause = { at: 0, silentMs: 0 };
	/** Sent alone after a wait; the next one will be. */
	#single: number | undefined;
	#isAlone = false;
	/** What was sent alone was refused. */
	#isEarly = false;
	/** From here on more was sent than was known to be let through. */
	#extraFrom: number | undefined;
	#step = 1;
	#patience = 1;
	#sinceExtra = 0;

	constructor(estimate: RateEstimate) {
		this.#estimate = estimate;
	}

	/** It may have come back all at once, and is kept to as such. */
	get isOn(): boolean {
		return this.#count > 0;
	}

	/** So many were let through between the last two pauses. */
	get samples(): number {
		return this.#samples;
	}

	/** In so many ms. */
	get spanMs(): number {
		return this.#spanMs;
	}

	/** What comes back in a second, on the whole. */
	get rate(): number {
		return this.isOn ? (1000 * this.#count) / this.#periodMs : (1000 * this.#samples) / this.#spanMs;
	}

	get isProven(): boolean {
		return this.#isProven;
	}

	/** Ms until the next request should be let through, 0 when it should now. */
	waitMs(now: number): number {
		const { record, refusalDelayMs } = this.#estimate;
		const decided = this.#estimate.decidedAt(now);
		this.#forget(now);
		this.#learn(decided, now);
		const undecided = record.next - decided;
		const untilDecidedMs = Math.max(1, record.sentAt(decided) + 1.5 * refusalDelayMs - now);
		// While it may as well come back bit by bit, no more are sent than have been let through.
		const passed = record.admitted(this.#from - 1, decided - 1);
		if (!this.#isProven && undecided >= Math.max(1, passed)) return untilDecidedMs;
		if (this.#single !== undefined && decided <= this.#single) return untilDecidedMs;
		const isExtra = this.#extraFrom !== undefined;
		if (this.#used < this.#count + (isExtra ? this.#step : 0)) return 0;
		const untilMs = record.sentAt(this.#first) + this.#periodMs - now;
		const isLong = untilMs >= longWaitMs;
		if (!isExtra && this.#sinceExtra >= (isLong ? this.#patience : mostPatience)) {
			if (undecided > 0) return Math.min(untilMs, untilDecidedMs);
			this.#extraFrom = record.next;
			return 0;
		}
		if (isLong) this.#isAlone = true;
		const untilLateMs = Math.max(1, record.sentAt(record.next - 1) + patience * refusalDelayMs - now);
		return isExtra ? Math.min(untilMs, untilLateMs) : untilMs;
	}

	sent(sequence: number): void {
		this.#used++;
		this.#sinceExtra++;
		if (this.#isAlone && this.#extraFrom === undefined) {
			this.#single = sequence;
			this.#isAlone = false;
		}
	}

	/** True when that was to be expected: more was tried than is known to be let through. */
	refused(sequence: number): boolean {
		if (this.#count === 0 || sequence < this.#first) return false;
		this.#used--;
		if (sequence === this.#single) {
			this.#isAlone = true;
			this.#isEarly = true;
		}
		if (this.#extraFrom === undefined || sequence < this.#extraFrom) return false;
		this.#count = Math.max(this.#count, this.#used);
		this.#step = 1;
		this.#sinceExtra = 0;
		this.#patience = Math.min(mostPatience, 2 * this.#patience);
		this.#extraFrom = undefined;
		return true;
	}

	/** It is not kept to any more. */
	end(): void {
		if (this.#isProven) this.#proof *= firstProof;
		this.#count = 0;
		this.#isProven = false;
	}

	/**
	 * After a pause in which nothing was let through, one was; what was let through since the pause before is all that comes
	 * back in that time. `isTold`: the server had said when. False if nothing can be said.
	 */
	resumed(isTold: boolean): boolean {
		const { record } = this.#estimate;
		const from = this.#from;
		const probe = record.lastAdmitted(record.next - 1);
		if (probe === undefined || probe <= from) return false;
		this.#from = probe;
		const last = record.lastAdmitted(probe - 1);
		const start = record.firstAdmitted(from);
		if (last === undefined || last < from || start === undefined) return false;
		const spanMs = record.sentAt(probe) - record.sentAt(start);
		if (spanMs > longestPeriodMs) return false;
		this.#samples = record.admitted(start - 1, last);
		this.#spanMs = spanMs;
		const silentUntil = record.sentAt(isTold ? probe : probe - 1);
		const leastMs = silentUntil - record.sentAt(start);
		const periodMs = spare * (roundPeriodsMs.find((ms) => leastMs < ms * spare && ms <= spanMs) ?? spanMs);
		if (this.#isProven) {
			if (!this.#adjust(last, periodMs)) this.end();
			return true;
		}
		this.#count = 0;
		if (this.#samples > 1 && record.sentAt(last) - record.sentAt(start) < mostUsed * spanMs) {
			this.#pause = { at: silentUntil, silentMs: silentUntil - record.sentAt(last) };
			this.#keep(this.#samples, periodMs);
		}
		return true;
	}

	/** Nothing was let through after sending number `last`. False if that cannot be if all comes back at once. */
	#adjust(last: number, periodMs: number): boolean {
		const { record } = this.#estimate;
		let first = last;
		while (first > record.oldest && record.sentAt(first - 1) > record.sentAt(last) - this.#periodMs) first--;
		const count = record.admitted(first - 1, last);
		if (this.#isEarly) this.#keep(this.#count, Math.max(this.#periodMs, periodMs));
		else if (count >= nearlyAll * this.#count) this.#keep(count, this.#periodMs);
		else return false;
		return true;
	}

	#keep(count: number, periodMs: number): void {
		const { record } = this.#estimate;
		this.#count = count;
		this.#periodMs = periodMs;
		this.#first = record.next;
		this.#used = 0;
		const since = record.sentAt(this.#from) - periodMs;
		while (this.#first > record.oldest && record.sentAt(this.#first - 1) > since) {
			this.#first--;
			if (!record.wasRefused(this.#first)) this.#used++;
		}
		this.#single = undefined;
		this.#isAlone = false;
		this.#isEarly = false;
		this.#extraFrom = undefined;
		this.#step = 1;
		this.#patience = 1;
		this.#sinceExtra = 0;
	}

	/** What was sent longer ago than a period does not count. */
	#forget(now: number): void {
		const { record } = this.#estimate;
		for (; this.#first < record.next; this.#first++) {
			const isRefused = record.wasRefused(this.#first);
			if (!isRefused && record.sentAt(this.#first) + this.#periodMs > now) break;
			if (!isRefused) this.#used--;
		}
	}

	#learn(decided: number, now: number): void {
		const { record, refusalDelayMs } = this.#estimate;
		if (!this.#isProven && decided > this.#from) {
			const passed = record.admitted(this.#from - 1, decided - 1);
			const { at, silentMs } = this.#pause;
			const byBit = 1 + (record.sentAt(decided - 1) - at) / Math.max(1, silentMs);
			this.#isProven = passed > this.#proof * byBit;
		}
		if (this.#single !== undefined && decided > this.#single) {
			if (!record.wasRefused(this.#single)) {
				this.#from = this.#single;
				this.#isEarly = false;
			}
			this.#single = undefined;
		}
		const isLate = now - record.sentAt(record.next - 1) >= patience * refusalDelayMs;
		if (this.#extraFrom !== undefined && this.#used >= this.#count + this.#step && isLate) {
			this.#extraFrom = undefined;
			this.#count += this.#step;
			this.#step *= 2;
		}
	}
}
