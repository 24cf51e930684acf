import { type AnsweredRequest, GrowingWindow } from "./growing-window.ts";
import { type Flight, InFlightOdds } from "./in-flight-odds.ts";
import { OverloadWindow } from "./overload-window.ts";

const leastWindow = 16;
/** Fewer requests that are answered at less than this share of the former pace are too few. */
const samePace = 0.85;
/** At a limit in flight, so much faster than it lets answers come is sent at most. */
const slack = 1.25;
/** What was not refused after so many times as long as a refusal takes was let through. */
const patience = 2;

/** A request as the window remembers it. */
export interface WindowedRequest extends AnsweredRequest {
	readonly flight: Flight;
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
	readonly #odds: InFlightOdds;
	/** The shortest time in which anything came back. */
	#tripMs = 100;
	/** A limit on requests in flight that the server likely keeps. */
	#limit: number | undefined;
	/** So many may be in flight for that. */
	#held = 0;
	/** How many were sent as the last of these since one more was tried, and after how many that is tried again. */
	#atLimit = 0;
	#probeAfter = 0;
	#isProbing = false;
	/** Since when there has been no such limit, and how many were answered since. */
	#freeFrom: number | undefined;
	#freeAnswers = 0;
	/** So many were answered per ms before there was one. */
	#freePerMs = 0;
	readonly #overload = new OverloadWindow();

	/** `eager` trusts the ceiling before anything was answered. `part` as in GrowingWindow. */
	constructor(ceiling: number, eager: boolean, part?: () => number) {
		this.#ceiling = ceiling;
		this.#growing = new GrowingWindow(ceiling, eager, part);
		this.#odds = new InFlightOdds(ceiling);
	}

	get inFlight(): number {
		return this.#inFlight;
	}

	get meanLatencyMs(): number {
		return this.#mean;
	}

	/** What the server limits requests in flight to, if it likely does. */
	get limit(): number | undefined {
		return this.#limit;
	}

	/** Requests per second that are enough to use up such a limit. */
	get heldRate(): number | undefined {
		return this.#limit === undefined || this.#mean === 0
			? undefined
			: (slack * this.#held * 1000) / this.#mean;
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
		if (this.#limit !== undefined && this.#held < size) {
			size = this.#held;
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
		if (this.#inFlight >= this.#growing.size) this.#growing.heldBack(now);
	}

	/** A request was refused while no rate is known. */
	shrink(): void {
		this.#growing.refused();
	}

	/** Ms until one more may be in flight though nothing has ended; Infinity if something must end first. */
	growsInMs(now: number): number {
		return this.#growing.growsInMs(now);
	}

	/** Something was refused while no rate is known, and no more are sent until that is known to be no matter of the load. */
	get isStopped(): boolean {
		return this.#growing.isStopped;
	}

	/** It was none. */
	goOn(): void {
		this.#growing.goOn();
	}

	/** Number `sequence` is sent. `own` as in `Flight`. */
	sent(sequence: number, now: number, own?: number): WindowedRequest {
		this.#growing.sent(sequence);
		this.#freeFrom ??= now;
		const flight = this.#odds.sent(now, own);
		this.#overload.sent(sequence, ++this.#inFlight, now);
		if (this.#limit !== undefined && this.#inFlight >= this.#held && ++this.#atLimit >= this.#probeAfter) {
			this.#held++;
			this.#atLimit = 0;
			this.#isProbing = true;
		}
		return { sentAt: now, inFlight: this.#inFlight, sequence, flight };
	}

	ended({ flight }: WindowedRequest, end: Flight["end"], now: number): void {
		this.#inFlight--;
		flight.end = end;
		flight.endedAt = now;
		if (end !== "unknown") this.#tripMs = Math.max(1, Math.min(this.#tripMs, now - flight.sentAt));
	}

	/** Learns from what was refused and let through by now; a refusal takes so long to come back. */
	learn(refusalDelayMs: number, now: number): void {
		this.#odds.learn(now - patience * refusalDelayMs, this.#tripMs);
		if (this.#limit !== undefined && this.#held < samePace * this.#freePerMs * this.#mean)
			this.#odds.dismiss();
		const before = this.#limit;
		const { limit } = this.#odds;
		if (limit === undefined && before !== undefined) {
			this.#freeFrom = now;
			this.#freeAnswers = 0;
			this.#growing.limitTo(this.#held);
		} else if (limit !== undefined && before === undefined) {
			this.#freePerMs = this.#freeAnswers / Math.max(1, now - (this.#freeFrom ?? now));
			this.#held = limit;
			this.#probeAfter = limit;
			this.#atLimit = 0;
			this.#isProbing = false;
		} else if (limit !== undefined && before !== undefined) {
			this.#held = Math.min(this.#most(limit), this.#held + Math.max(0, limit - before));
			if (limit > before) this.#probeAfter = limit;
		}
		this.#limit = limit;
	}

	/** Something else shows that the server does not limit requests in flight. */
	dismissLimit(): void {
		this.#odds.dismiss();
	}

	/** So many are in flight from here when that many are at the server, and one more. */
	#most(limit: number): number {
		return Math.ceil((limit * this.#mean) / Math.max(1, this.#mean - this.#tripMs)) + 1;
	}

	/**
	 * The request was refused. Whether a limit in flight accounts for that, because as many may have been there: then no more
	 * are sent in its place, for by then the server works on no more than are in flight now.
	 */
	refused({ flight }: WindowedRequest): boolean {
		if (this.#limit === undefined) return false;
		if (!this.#odds.accountsFor(flight, this.#tripMs)) return false;
		this.#held = Math.max(this.#odds.least, Math.min(this.#held, this.#inFlight));
		this.#atLimit = 0;
		if (this.#isProbing) this.#probeAfter *= 2;
		this.#isProbing = false;
		return true;
	}

	succeeded(request: AnsweredRequest, now: number): void {
		const { sentAt } = request;
		const latencyMs = now - sentAt;
		if (this.#latencyCount === 0) this.#growing.proven(this.#inFlight + 1);
		this.#latencies[this.#latencyCount++ % this.#latencies.length] = latencyMs;
		this.#mean += Math.max(0.02, 1 / this.#latencyCount) * (latencyMs - this.#mean);
		if (this.#latencyCount < 16 || this.#latencyCount % 16 === 0) {
			const known = this.#latencies.slice(0, Math.min(this.#latencyCount, this.#latencies.length)).sort();
			this.#p95 = known[Math.min(known.length - 1, Math.floor(known.length * 0.95))] ?? 0;
		}
		this.#growing.answered(request, now);
		this.#overload.answered(sentAt, now);
		this.#freeAnswers++;
	}

	/** What a rate needs at the latency seen: more would only mean that answers take longer and longer. */
	#sizeFor(rate: number): number {
		return this.#latencyCount === 0
			? this.#ceiling
			: Math.max(leastWindow, Math.ceil((rate * this.#p95 * 1.5) / 1000));
	}

	/** The server said that it has too much to do; `rate` as in `at`. */
	overloaded(
		{ sentAt, sequence }: Pick<WindowedRequest, "sentAt" | "sequence">,
		rate: number | undefined,
		now: number,
	): void {
		this.#overload.overloaded(sequence, sentAt, this.at(rate, now).size, now);
	}

	/** Sends as many as before if fewer in flight did not help, as far as that shows by the sendings before number `decided`. */
	judge(decided: number, now: number): void {
		this.#overload.judge(decided, now);
	}
}
