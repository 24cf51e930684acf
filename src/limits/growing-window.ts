/** Until the first answer, and at least after that. */
const firstSize = 64;
const leastSize = 8;
/** Where answers take long, the number in flight doubles in this time at the latest. */
const longestDoublingMs = 2_000;
/** With each answer so many more are sent while headers say that enough is left: three times as many after an answer time. */
const provenGrowth = 2;
/** Answers may take so many times as long as at best before it is looked into. */
const tolerance = 2;
/** A queue is kept this much longer than what the server works on at once. */
const spare = 1.25;
/** Fewer requests that are answered at so large a share of the former pace were waiting in a queue. */
const samePace = 0.85;
const leastRound = 16;

/** Answers to a number in flight that was used up; by Little's law so many of them come in a ms. */
interface Round {
	readonly size: number;
	readonly perMs: number;
	readonly meanMs: number;
}

/**
 * How many requests should be in flight at a server of which no limit is known: twice as many after each answer time, as
 * long as the server keeps up. When answers take twice as long as at best, it either queues what it can't do at once, or
 * answers have become longer. Fewer in flight tell: a queue is worked off at the same pace.
 */
export class GrowingWindow {
	readonly #most: number;
	readonly #eager: boolean;
	#size: number;
	#isRefused = false;
	#heldBackAt = Number.NEGATIVE_INFINITY;
	#doubledAt = Number.POSITIVE_INFINITY;
	#bestMs = Number.POSITIVE_INFINITY;
	/** What was seen before fewer were tried. */
	#tried: Round | undefined;
	#queues = false;
	/** Only answers to what was sent from then on belong to the round. */
	#roundFrom = Number.NEGATIVE_INFINITY;
	#count = 0;
	#sumMs = 0;
	#sumInFlight = 0;
	#used = false;

	constructor(most: number, eager: boolean) {
		this.#most = most;
		this.#eager = eager;
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

	/** Answers take long, so nothing can be heard for a while: more are sent all the same. */
	waitedAt(now: number): void {
		const isUsed = now - this.#heldBackAt < longestDoublingMs;
		if (isUsed && this.#tried === undefined && !this.#queues && now - this.#doubledAt >= longestDoublingMs) {
			this.#doubledAt = now;
			this.#size = Math.min(this.#most, 2 * this.#size);
		}
	}

	/** Longer answers than before are no sign of a queue. */
	revived(): void {
		this.#bestMs = Number.POSITIVE_INFINITY;
		this.#tried = undefined;
	}

	/** Something had to wait because so many are in flight. */
	heldBack(now: number): void {
		this.#heldBackAt = now;
	}

	/** A request was refused, and nobody knows of a limit yet: what would go out in its place might be refused as well. */
	refused(): void {
		this.#size = Math.max(1, this.#size - 1);
		this.#isRefused = true;
	}

	/**
	 * An answer to a request that was sent at `sentAt` as number `inFlight` of those in flight. `isLeft`: headers say that
	 * there is enough for more.
	 */
	answered(sentAt: number, inFlight: number, now: number, isLeft = false): void {
		const isUsed = this.#heldBackAt >= sentAt;
		if (isUsed && this.#tried === undefined) {
			this.#doubledAt = Math.min(this.#doubledAt, now);
			const more = this.#queues ? 1 / Math.max(1, this.#size) : isLeft ? provenGrowth : 1;
			this.#size = Math.min(this.#most, this.#size + more);
		}
		if (sentAt < this.#roundFrom) return;
		this.#used ||= isUsed;
		this.#sumMs += now - sentAt;
		this.#sumInFlight += inFlight;
		if (++this.#count >= Math.max(leastRound, this.size / 2)) this.#end(now);
	}

	#end(now: number): void {
		const meanMs = this.#sumMs / this.#count;
		const round = { size: this.#size, perMs: this.#sumInFlight / Math.max(1, this.#sumMs), meanMs };
		const tried = this.#tried;
		if (tried !== undefined) {
			this.#tried = undefined;
			if (round.perMs >= samePace * tried.perMs) {
				this.#queues = true;
			} else {
				this.#queues = false;
				this.#size = tried.size;
				this.#bestMs = round.meanMs;
			}
		} else if (this.#used && round.meanMs > tolerance * this.#bestMs) {
			this.#tried = round;
			this.#size = Math.max(1, Math.min(this.#size, spare * round.perMs * this.#bestMs));
			this.#roundFrom = now;
		}
		this.#bestMs = Math.min(this.#bestMs, round.meanMs);
		this.#count = 0;
		this.#sumMs = 0;
		this.#sumInFlight = 0;
		this.#used = false;
	}
}
