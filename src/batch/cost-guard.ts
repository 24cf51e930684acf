/** What a request may cost, as far as it is known before it is sent. */
export interface GuardedRequest {
	/** At most so many input tokens, as estimated, of all requests that the row takes. */
	readonly inputTokens: number;
	/** The longest that each of its answers can get. */
	readonly worstOutputTokens: number;
	/** The request itself sets that bound: nothing above it can come. */
	readonly isBounded: boolean;
	/** Its price is known. One that is not sets nothing aside, but what it turns out to cost is spent. */
	readonly isPriced: boolean;
	/** USD at so many output tokens an answer, and input tokens of all requests; 0 for what is not part of the cap. */
	readonly usdOf: (outputTokens: number, inputTokens: number) => number;
	/** Which model it goes to: answers of one say nothing about the length of another's. */
	readonly model: string;
}

/** What a request cost that was let go. */
export interface GuardedSpending {
	/** USD; null when unknown, and then all that was set aside counts as spent. */
	readonly usd: number | null;
	/** As billed; null when unknown. */
	readonly inputTokens: number | null;
	/** Of its longest answer; null when unknown. */
	readonly outputTokens: number | null;
}

export type GuardVerdict = "go" | "wait" | "hold" | "stop";

/** The part of the cap that this run has of what several share; it grows as it is asked to. */
export interface CostLease {
	/** USD that may be spent and set aside by now. */
	readonly usd: number;
	/** Asks for more; false when there is no more to come. */
	mayGet(missingUsd: number): boolean;
	/** What was set aside last is about to be sent. */
	use(): void;
}

export interface CostGuardOptions {
	readonly capUsd: number;
	/**
	 * USD by which answers without a bound may take the sum above the cap, when they all get as long as their model can
	 * make them. Every one of them takes a part of it while it is in flight.
	 */
	readonly allowanceUsd?: number | undefined;
	/** When the cap is for several runs together. */
	readonly lease?: CostLease | undefined;
}

interface Reservation {
	readonly usd: number;
	readonly worstUsd: number;
	readonly request: GuardedRequest;
}

interface ModelLane {
	/** Output tokens of the longest answer so far; undefined before the first. */
	largestOutput: number | undefined;
	/** The first request, which shows how long answers are and what the provider counts as input, is on its way. */
	probe: object | undefined;
	/** It was answered. */
	isProbed: boolean;
	/** The most that was billed for one estimated token of input; estimates below the truth show here. */
	inputFactor: number;
	/** The most that was billed for one USD of what the billed tokens should have cost: a dearer tier, fee or host. */
	priceFactor: number;
}

/** A longer answer than any before is to be expected; twice as long hardly ever. */
const outputMargin = 2;

/**
 * Keeps what is spent plus what is in flight under a cap. A request sets aside what it may cost: its input, and the
 * bound on its output, or else, once one probe has shown how long answers are, twice the longest so far. Beside that, the worst that everything in flight can
 * come to stays within the cap and the allowance, so that the allowance bounds any overshoot. Knows neither time nor
 * network.
 */
export class CostGuard {
	#capUsd: number;
	readonly #allowanceUsd: number;
	readonly #lease: CostLease | undefined;
	readonly #reservations = new Map<object, Reservation>();
	readonly #lanes = new Map<string, ModelLane>();
	#spentUsd = 0;
	#reservedUsd = 0;
	#worstUsd = 0;
	/** What requests of unknown cost may have come to beyond what counts as spent. */
	#unknownUsd = 0;
	#stopped = false;

	constructor(options: CostGuardOptions | number) {
		const { capUsd, allowanceUsd = 0, lease } = typeof options === "number" ? { capUsd: options } : options;
		this.#capUsd = capUsd;
		this.#allowanceUsd = allowanceUsd;
		this.#lease = lease;
	}

	/** USD of everything that has ended. */
	get spentUsd(): number {
		return this.#spentUsd;
	}

	/** A request was refused for the cap's sake: nothing more is to be sent. */
	get stopped(): boolean {
		return this.#stopped;
	}

	/** USD above the cap, when answers cost more than was set aside for them. */
	get overshootUsd(): number {
		return Math.max(0, this.#spentUsd - this.#capUsd);
	}

	/** USD spent and set aside for what is in flight. */
	get committedUsd(): number {
		return this.#committedWith(0, 0);
	}

	/** USD that are spent, or count as spent, when what is in flight has cost nothing. */
	get settledUsd(): number {
		return Math.max(this.#spentUsd, this.#spentUsd + this.#unknownUsd - this.#allowanceUsd);
	}

	/** There is more to spend than was known. */
	raise(usd: number): void {
		this.#capUsd += usd;
	}

	/**
	 * Asks whether a request may be sent now; `go` sets its cost aside until `settle` is called with the same `token`.
	 * `wait`: when a request that is in flight has ended; `hold`: in a moment, when others may have left something;
	 * `stop`: not under this cap.
	 */
	admit(token: object, request: GuardedRequest): GuardVerdict {
		const lane = this.#laneOf(request.model);
		const isProbe = request.isPriced && !lane.isProbed;
		if (isProbe && lane.probe !== undefined) return "wait";
		const worst = usdAt(request, request.worstOutputTokens, lane);
		const usd = this.#expectedUsd(request, lane);
		const committed = this.#committedWith(usd, worst);
		const lease = this.#lease;
		const isOverCap = committed > this.#capUsd * (1 + Number.EPSILON);
		const missing = lease === undefined ? 0 : committed - lease.usd;
		if (!isOverCap && missing > 0 && lease?.mayGet(missing)) return "hold";
		if (isOverCap || missing > 0) {
			if (this.#reservations.size > 0) return "wait";
			this.#stopped = true;
			return "stop";
		}
		if (isProbe) lane.probe = token;
		this.#reservations.set(token, { usd, worstUsd: worst, request });
		this.#reservedUsd += usd;
		this.#worstUsd += worst;
		lease?.use();
		return "go";
	}

	/** USD spent and set aside, with one more request. */
	#committedWith(usd: number, worst: number): number {
		const expected = this.#spentUsd + this.#reservedUsd + usd;
		const atWorst = this.#spentUsd + this.#unknownUsd + this.#worstUsd + worst - this.#allowanceUsd;
		return Math.max(expected, atWorst);
	}

	/** A request that was let go has ended. */
	settle(token: object, { usd, inputTokens, outputTokens }: GuardedSpending): void {
		const reservation = this.#reservations.get(token);
		if (reservation === undefined) return;
		this.#reservations.delete(token);
		const isLast = this.#reservations.size === 0;
		// Sums of many small parts drift; nothing in flight is nothing set aside.
		this.#reservedUsd = isLast ? 0 : this.#reservedUsd - reservation.usd;
		this.#worstUsd = isLast ? 0 : this.#worstUsd - reservation.worstUsd;
		this.#spentUsd += usd ?? reservation.usd;
		if (usd === null) this.#unknownUsd += reservation.worstUsd - reservation.usd;
		const lane = this.#laneOf(reservation.request.model);
		if (lane.probe === token) lane.probe = undefined;
		if (usd !== null && outputTokens !== null) lane.isProbed = true;
		if (outputTokens !== null) lane.largestOutput = Math.max(lane.largestOutput ?? 0, outputTokens);
		const estimated = reservation.request.inputTokens;
		if (inputTokens !== null && estimated > 0)
			lane.inputFactor = Math.max(lane.inputFactor, inputTokens / estimated);
		if (usd === null || inputTokens === null || outputTokens === null) return;
		const expected = reservation.request.usdOf(outputTokens, inputTokens);
		if (expected > 0) lane.priceFactor = Math.max(lane.priceFactor, usd / expected);
	}

	#expectedUsd(request: GuardedRequest, lane: ModelLane): number {
		const { worstOutputTokens, isBounded } = request;
		const seen = lane.largestOutput === undefined ? 0 : lane.largestOutput * outputMargin;
		// A probe's output is unknown: it goes if its input fits, and its longest answer into the allowance.
		return usdAt(request, isBounded ? worstOutputTokens : Math.min(worstOutputTokens, seen), lane);
	}

	#laneOf(model: string): ModelLane {
		let lane = this.#lanes.get(model);
		if (lane === undefined) {
			lane = { largestOutput: undefined, probe: undefined, isProbed: false, inputFactor: 1, priceFactor: 1 };
			this.#lanes.set(model, lane);
		}
		return lane;
	}
}

/** USD at so many output tokens an answer, with the input as long and as dear as earlier ones of the model turned out to be. */
function usdAt(
	request: GuardedRequest,
	outputTokens: number,
	{ inputFactor, priceFactor }: ModelLane,
): number {
	return request.usdOf(outputTokens, request.inputTokens * inputFactor) * priceFactor;
}

/** Part of the cap that answers without a bound may exceed it by, where that lets more of them be in flight. */
const allowancePart = 0.5;

/**
 * USD by which a run may pass its cap, to be said before it starts: at least what the dearest single row without a
 * bound can cost, and no more than the whole run can.
 */
export function allowanceOf(
	capUsd: number,
	{ worstRowUsd, worstUsd }: { readonly worstRowUsd: number; readonly worstUsd: number },
): number {
	if (worstRowUsd === 0) return 0;
	return Math.max(0, Math.min(worstUsd - capUsd, Math.max(worstRowUsd, capUsd * allowancePart)));
}
