import { GrowingWindow } from "./growing-window.ts";
import { type Cause, OverloadWindow } from "./overload-window.ts";

const leastWindow = 16;
/** Episodes in a row that must look like a limit on requests in flight before it is tried out. */
const evidenceNeeded = 3;
/** Answers between two episodes without which the second one proves nothing. */
const leastAnswers = 50;
/** At a limit in flight the numbers scatter much less than chance would have them (a Poisson law's deviation). */
const mostScatter = 0.2;
/** At a limit in flight, no more than this share of the answered requests was sent with as many in flight. */
const mostAbove = 0.08;
/** Between the two shares an episode proves nothing; above this one it speaks against a limit in flight. */
const clearlyAbove = 0.15;
/** A limit was none when it is met so often within so many answers; on trial, in the first of them, sooner. */
const trialAnswers = 500;
const trialRefusals = 3;
const mostRefusals = 6;
/** Answers without a refusal before one more in flight is tried. */
const probeAfter = 400;

/** A request as the window remembers it. */
export interface WindowedRequest {
	readonly sentAt: number;
	/** How many were in flight with it. */
	readonly inFlight: number;
	readonly sequence: number;
}

/** How many requests of one account may be in flight. */
export class ConcurrencyWindow {
	readonly #ceiling: number;
	readonly #growing: GrowingWindow;
	readonly #latencies = new Float64Array(128);
	#latencyCount = 0;
	#p95 = 0;
	#mean = 0;
	#inFlight = 0;
	/** Answers since the last episode by the number in flight when their request was sent. */
	readonly #answers: Uint32Array;
	#answerCount = 0;
	/** The numbers in flight at which the last episodes began, while each was at the top of what was let in. */
	#evidence: number[] = [];
	#evidenceNeeded = evidenceNeeded;
	/** A limit on requests in flight that the server was seen to keep. */
	#limit: number | undefined;
	/** When it was last lowered: what was sent before says nothing about it. */
	#loweredAt = Number.NEGATIVE_INFINITY;
	#onTrial = false;
	/** Counted anew when they are complete. */
	#trialAnswers = 0;
	#trialRefusals = 0;
	/** What the server was thought to allow, in requests per ms, before the number in flight was held instead. */
	#ratePerMs: number | undefined;
	#trialFrom = 0;
	#sinceRefusal = 0;
	/** By how much the next probe goes up: by one at first and after a refusal, then doubling. */
	#step = 0;
	readonly #overload = new OverloadWindow();

	/** `eager` trusts the ceiling before anything was answered. */
	constructor(ceiling: number, eager: boolean) {
		this.#ceiling = ceiling;
		this.#growing = new GrowingWindow(ceiling, eager);
		this.#answers = new Uint32Array(ceiling + 1);
	}

	get inFlight(): number {
		return this.#inFlight;
	}

	get meanLatencyMs(): number {
		return this.#mean;
	}

	/** Set when the server limits requests in flight. */
	get limit(): number | undefined {
		return this.#limit;
	}

	/**
	 * How many may be in flight, and in words what says so. `rate` is what the server was found to allow in requests per
	 * second, if anything.
	 */
	at(rate: number | undefined, now: number): { readonly size: number; readonly reason: string } {
		let size = this.#ceiling;
		let reason = "at the maximum of requests in flight";
		this.#growing.waitedAt(now);
		if (this.#growing.size < size) {
			size = this.#growing.size;
			reason =
				this.#latencyCount === 0
					? "waiting for the first answers"
					: this.#growing.isFull
						? "held because the server queues more than that"
						: "starting";
		}
		const byRate = rate === undefined ? size : this.#sizeFor(rate);
		if (byRate < size) {
			size = byRate;
			reason = "held because answers take longer than they did";
		}
		if (this.#limit !== undefined && this.#limit < size) {
			size = this.#limit;
			reason = "held by the server's limit on requests in flight";
		}
		const unburdened = this.#overload.size(now);
		if (unburdened >= this.#ceiling) {
			this.#overload.end();
		} else if (unburdened < size) {
			size = Math.max(1, Math.round(unburdened));
			reason = "held back because the server is overloaded";
		}
		return { size, reason };
	}

	/** The server may be another one than before. */
	revived(): void {
		this.#growing.revived();
	}

	/** Something had to wait because so many are in flight. */
	heldBack(now: number): void {
		this.#growing.heldBack(now);
	}

	/** A request was refused while no rate is known. */
	shrink(): void {
		this.#growing.refused();
	}

	/** Number `sequence` is sent. Returns how many are in flight with it. */
	sent(sequence: number, now: number): number {
		this.#overload.sent(sequence, ++this.#inFlight, now);
		return this.#inFlight;
	}

	ended(): void {
		this.#inFlight--;
	}

	/** `isLeft`: headers say that there is enough for more. */
	succeeded({ sentAt, inFlight }: Omit<WindowedRequest, "sequence">, now: number, isLeft = false): void {
		const latencyMs = now - sentAt;
		if (this.#latencyCount === 0) this.#growing.proven(this.#inFlight + 1);
		this.#latencies[this.#latencyCount++ % this.#latencies.length] = latencyMs;
		this.#mean += Math.max(0.02, 1 / this.#latencyCount) * (latencyMs - this.#mean);
		if (this.#latencyCount < 16 || this.#latencyCount % 16 === 0) {
			const known = this.#latencies.slice(0, Math.min(this.#latencyCount, this.#latencies.length)).sort();
			this.#p95 = known[Math.min(known.length - 1, Math.floor(known.length * 0.95))] ?? 0;
		}
		this.#growing.answered(sentAt, inFlight, now, isLeft);
		this.#overload.answered(sentAt, now);
		this.#answers[inFlight] = (this.#answers[inFlight] ?? 0) + 1;
		this.#answerCount++;
		this.#trialAnswers++;
		if (this.#onTrial && this.#isSlower(now)) this.#dismiss();
		this.#probe(inFlight);
	}

	/**
	 * An episode began with the refusal of a request that was sent as number `inFlight`. When such a number is again
	 * and again one that was hardly ever let in, it may be the number in flight that is limited and not the rate: that
	 * is tried out by keeping below it. True when the limit in flight accounts for the refusal. `rate` is what the server
	 * was found to allow in requests per second, if anything.
	 */
	refused(inFlight: number, sentAt: number, now: number, rate?: number): boolean {
		const above = this.#answers.subarray(inFlight).reduce((sum, count) => sum + count, 0);
		const answers = this.#answerCount;
		this.#answers.fill(0);
		this.#answerCount = 0;
		if (this.#limit !== undefined) return this.#lower(inFlight, sentAt, now);
		if (answers < leastAnswers) return false;
		if (above > clearlyAbove * answers) this.#evidence = [];
		else if (above <= mostAbove * answers)
			this.#evidence = [...this.#evidence, inFlight].slice(-this.#evidenceNeeded);
		if (this.#evidence.length < this.#evidenceNeeded || !agree(this.#evidence)) return false;
		this.#limit = Math.max(1, Math.floor(0.97 * Math.min(...this.#evidence)));
		this.#loweredAt = now;
		this.#ratePerMs = rate === undefined ? undefined : rate / 1000;
		this.#trialFrom = now;
		this.#onTrial = true;
		this.#trialAnswers = 0;
		this.#trialRefusals = 0;
		return true;
	}

	/** What a rate needs at the latency seen: more would only mean that answers take longer and longer. */
	#sizeFor(rate: number): number {
		return this.#latencyCount === 0
			? this.#ceiling
			: Math.max(leastWindow, Math.ceil((rate * this.#p95 * 1.5) / 1000));
	}

	#lower(inFlight: number, sentAt: number, now: number): boolean {
		if (sentAt <= this.#loweredAt) return true;
		this.#loweredAt = now;
		this.#sinceRefusal = 0;
		this.#step = 0;
		if (this.#trialAnswers > trialAnswers) {
			this.#onTrial = false;
			this.#trialAnswers = 0;
			this.#trialRefusals = 0;
		}
		const limit = this.#limit ?? inFlight;
		const isFarBelow = inFlight < Math.min(0.9 * limit, limit - 1);
		if (isFarBelow || ++this.#trialRefusals >= (this.#onTrial ? trialRefusals : mostRefusals)) {
			this.#dismiss();
			return false;
		}
		this.#limit = Math.max(1, Math.min(limit, inFlight) - 1);
		return true;
	}

	/**
	 * So much less is answered than the rate that was let through before that the number in flight is no limit: it is below
	 * what the rate needs, and that is why nothing is refused any more.
	 */
	#isSlower(now: number): boolean {
		const expected = (this.#ratePerMs ?? 0) * (now - this.#trialFrom);
		return this.#trialAnswers < expected - 2 * Math.sqrt(expected);
	}

	/** Keeping below it did not help, so it was not that. The next trial needs more evidence. */
	#dismiss(): void {
		this.#limit = undefined;
		this.#onTrial = false;
		this.#evidence = [];
		this.#evidenceNeeded = Math.min(50, this.#evidenceNeeded * 2);
	}

	/** The server said that it has too much to do; `rate` as in `at`. True when fewer are sent for that. */
	overloaded(
		{ sentAt, sequence }: Omit<WindowedRequest, "inFlight">,
		rate: number | undefined,
		now: number,
	): boolean {
		return this.#overload.overloaded(sequence, sentAt, this.at(rate, now).size, now);
	}

	/** Whether fewer in flight helped, as far as that shows by the sendings before number `decided`. */
	judge(decided: number, now: number): Cause {
		return this.#overload.judge(decided, now);
	}

	#probe(inFlight: number): void {
		if (this.#limit !== undefined && ++this.#sinceRefusal >= probeAfter && inFlight >= this.#limit) {
			this.#limit = Math.min(this.#ceiling, this.#limit + Math.max(1, this.#step));
			this.#step = this.#step === 0 ? 1 : this.#step * 2;
			this.#sinceRefusal = 0;
		}
	}
}

/** Whether the numbers are nearly the same; of small ones, one may differ by one. */
function agree(numbers: readonly number[]): boolean {
	const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
	const variance = numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / (numbers.length - 1);
	return variance <= Math.max(mostScatter ** 2 * mean, 1 / numbers.length + 1e-9);
}
