import { hearingMs } from "./throttle.ts";

/** Until the first answer, and at least after that. */
const firstSize = 64;
const leastSize = 8;
/**
 * Between answers the number in flight grows by this factor in the time in which refusals would be heard, up to so many
 * times what is known to be answered in time.
 */
const growth = 2;
const provenTimes = 8;
/** Answers may take so many times as long as at best before it is looked into. */
const tolerance = 2;
/** A queue is kept this much longer than what the server works on at once. */
const spare = 1.25;
/** Fewer requests that are answered at so large a share of the former pace were waiting in a queue. */
const samePace = 0.85;
const leastRound = 16;
/** What an answer takes lately is smoothed over about so many. */
const recentWeight = 1 / 8;

/** How many may be in flight, and how many answers came in a ms then. */
interface Pace {
	readonly size: number;
	readonly perMs: number;
}

/** A request, as far as its answer tells something. */
export interface AnsweredRequest {
	readonly sentAt: number;
	/** How many were in flight with it. */
	readonly inFlight: number;
	readonly sequence: number;
}

/** How long answers take and how many come in a ms, by so many of them to what was sent since the round began. */
class AnswerRound {
	/** Belonging to it are requests from this number on. */
	readonly #from: number;
	readonly #size: number;
	#answers = 0;
	#sumMs = 0;
	#sumInFlight = 0;
	#used = false;

	constructor(from: number, size: number) {
		this.#from = from;
		this.#size = size;
	}

	/** Mean time of an answer; not a number while there is none. */
	get meanMs(): number {
		return this.#sumMs / this.#answers;
	}

	/** Answers per ms, by Little's law. */
	get perMs(): number {
		return this.#sumInFlight / Math.max(1, this.#sumMs);
	}

	/** Something had to wait because so many were in flight. */
	get wasUsed(): boolean {
		return this.#used;
	}

	/** Number `sequence`, one of `inFlight`, was answered after so many ms. True when the round is over. */
	answered(sequence: number, inFlight: number, ms: number, isUsed: boolean): boolean {
		if (sequence >= this.#from) {
			this.#answers++;
			this.#sumMs += ms;
			this.#sumInFlight += inFlight;
			this.#used ||= isUsed;
		}
		return this.#answers >= this.#size;
	}
}

/**
 * How many requests should be in flight at a server of which no limit is known: two more with each answer until something
 * is refused, and one from then on, and more and more between answers, slowly enough for refusals to be heard, as long as
 * the server keeps up. When answers take twice as long as at best, it either queues what it can't do at once, or answers
 * have become longer. Fewer in flight tell: a queue is worked off at the same pace.
 */
export class GrowingWindow {
	readonly #most: number;
	readonly #eager: boolean;
	readonly #part: () => number;
	#size: number;
	#isRefused = false;
	/** Something was refused, and may have been for the load. */
	#isStopped = false;
	#heldBackAt = Number.NEGATIVE_INFINITY;
	/** The largest number in flight of which one was answered as fast as others. */
	#proven = 0;
	/** When it last began to grow between answers, and from how many. */
	#grownAt = Number.NEGATIVE_INFINITY;
	#grownFrom = 0;
	#bestMs = Number.POSITIVE_INFINITY;
	/** What was seen before fewer were tried. */
	#tried: Pace | undefined;
	#queues = false;
	#round = new AnswerRound(0, leastRound);
	/** The number of the next request. */
	#next = 0;
	/** What an answer takes, smoothed over the last ones. */
	#recentMs = 0;

	/** `part`: of all that is sent to the account, so much is sent from here, and the others grow at the same time. */
	constructor(most: number, eager: boolean, part = () => 1) {
		this.#most = most;
		this.#eager = eager;
		this.#part = part;
		this.#size = eager ? most : Math.min(firstSize, most);
	}

	/** The first answer, while so many are in flight. */
	proven(inFlight: number): void {
		if (!this.#eager) this.#size = Math.min(this.#size, Math.max(this.#isRefused ? 1 : leastSize, inFlight));
	}

	get size(): number {
		return Math.max(1, Math.floor(this.#size));
	}

	/** The server was seen to queue what it cannot do at once. */
	get isFull(): boolean {
		return this.#queues || this.#tried !== undefined;
	}

	/** Grows by what is due, while something is held back: what answers have let it grow since then counts towards that. */
	waitedAt(now: number): void {
		const due = this.#grownFrom * growth ** (Math.min(hearingMs, now - this.#grownAt) / hearingMs);
		if (this.#heldBackAt >= this.#grownAt) this.#size = Math.max(this.#size, Math.min(this.#growsTo, due));
		if (now < this.#grownAt + hearingMs) return;
		this.#grownAt = now;
		this.#grownFrom = this.#size;
	}

	/** Ms until one more may be in flight though nothing has ended. */
	growsInMs(now: number): number {
		const next = this.size + 1;
		if (this.#growsTo < next) return Number.POSITIVE_INFINITY;
		return Math.max(
			1,
			this.#grownAt + (hearingMs * Math.log(next / this.#grownFrom)) / Math.log(growth) - now,
		);
	}

	/** Answers take longer than they may. */
	get #isLate(): boolean {
		return this.#recentMs > tolerance * this.#bestMs;
	}

	get #growsTo(): number {
		if (this.#tried !== undefined || this.#queues || this.#isLate || this.#isStopped) return 0;
		return Math.min(this.#most, provenTimes * this.#part() * this.#proven);
	}

	/** Longer answers than before are no sign of a queue. */
	revived(): void {
		this.#bestMs = Number.POSITIVE_INFINITY;
		this.#tried = undefined;
	}

	/** It waits to be told that what was refused had nothing to do with the load. */
	get isStopped(): boolean {
		return this.#isStopped;
	}

	/** What was refused had nothing to do with the load. */
	goOn(): void {
		this.#isStopped = false;
	}

	/** Something had to wait because so many are in flight. */
	heldBack(now: number): void {
		this.#heldBackAt = now;
	}

	/** A request was refused, and nobody knows of a limit yet: what would go out in its place might be refused as well. */
	refused(): void {
		this.#size = Math.max(1, this.#size - 1);
		this.#isRefused = true;
		this.#isStopped = true;
	}

	/** No more were let in. */
	limitTo(inFlight: number): void {
		this.#size = Math.min(this.#size, inFlight);
	}

	/** Number `sequence` is sent. */
	sent(sequence: number): void {
		this.#next = sequence + 1;
	}

	/** An answer to this one. */
	answered({ sequence, sentAt, inFlight }: AnsweredRequest, now: number): void {
		const isUsed = this.#heldBackAt >= sentAt;
		const ms = now - sentAt;
		this.#recentMs += (this.#recentMs === 0 ? 1 : recentWeight) * (ms - this.#recentMs);
		if (!this.#isLate) this.#proven = Math.max(this.#proven, inFlight);
		if (isUsed && !this.#isLate && this.#tried === undefined) {
			// Of several shards each hears but its part of the refusals.
			const fresh = this.#isRefused || this.#part() < 1 ? 1 : 2;
			const more = this.#queues ? 1 / Math.max(1, this.#size) : fresh;
			this.#size = Math.min(this.#most, this.#size + more);
		}
		if (this.#round.answered(sequence, inFlight, ms, isUsed)) this.#end(this.#round);
	}

	#end({ meanMs, perMs, wasUsed }: AnswerRound): void {
		const tried = this.#tried;
		if (tried !== undefined) {
			this.#tried = undefined;
			this.#queues = perMs >= samePace * tried.perMs;
			if (!this.#queues) {
				this.#size = tried.size;
				this.#bestMs = meanMs;
			}
		} else if (wasUsed && meanMs > tolerance * this.#bestMs) {
			this.#tried = { size: this.#size, perMs };
			this.#size = Math.max(1, Math.min(this.#size, spare * perMs * this.#bestMs));
		}
		this.#bestMs = Math.min(this.#bestMs, meanMs);
		this.#round = new AnswerRound(this.#next, Math.max(leastRound, this.size / 2));
	}
}
