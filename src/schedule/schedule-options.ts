import type { RequestError } from "../errors.ts";
import type { TokenCost } from "../limits/limiter.ts";
import type { RateSnapshot } from "../limits/rate-headers.ts";
import type { ReleaseSlot } from "../slots/slots.ts";
import type { RetryNotice } from "../types.ts";
import type { Clock } from "./clock.ts";
import type { KeyLane, KeyLanes } from "./key-lanes.ts";

/** What one attempt is told, and where it writes down what it learnt before it settles. */
export class SendContext {
	readonly key: string | undefined;
	/** The place of the server that it is sent to. */
	readonly server: number;
	/** 1 for the first sending of an item. */
	readonly number: number;
	/** An earlier sending may have been billed: nothing below may send this one twice. */
	readonly resend: boolean;
	/** Fires when the run is aborted. */
	readonly signal: AbortSignal;
	/** Tokens as the provider counted them, when it said so. */
	inputTokens: number | undefined;
	outputTokens: number | undefined;
	/** The rate-limit headers of the response, also of a refusing one. */
	snapshot: RateSnapshot | undefined;

	constructor({ key, server }: KeyLane, number: number, resend: boolean, signal: AbortSignal) {
		this.key = key.value;
		this.server = server.index;
		this.number = number;
		this.resend = resend;
		this.signal = signal;
	}
}

/** Items at hand, or groups of those that come together. */
export type Items<Item> = Iterable<Item> | AsyncIterable<readonly Item[]>;

/** What became of one item; `attempts` counts the requests sent for it. */
export type ItemOutcome<Item, Value> =
	| { readonly ok: true; readonly item: Item; readonly value: Value; readonly attempts: number }
	| { readonly ok: false; readonly item: Item; readonly error: unknown; readonly attempts: number };

/**
 * `wait` asks again when the next request has ended; `hold` in a moment, for it depends on others; `stop` sends nothing
 * more and lets what is in flight land.
 */
export type Admission = "go" | "wait" | "hold" | "stop";

/** One of several servers is out of order, as its last failure says, or answers again. */
export interface ServerChange {
	readonly name: string;
	/** Undefined when it answers again. */
	readonly error: RequestError | undefined;
}

export interface ScheduleOptions<Item, Value> {
	/** Sends one request. Rejects with RequestError whose advice decides what follows. */
	readonly attempt: (item: Item, attempt: SendContext) => Promise<Value>;
	/** Hears what became of each item. */
	readonly onOutcome: (outcome: ItemOutcome<Item, Value>) => void;
	/** Whoever takes the outcomes is behind: nothing is sent until `resume`. */
	readonly isFull?: (() => boolean) | undefined;
	/** By which servers and keys the items go. */
	readonly route: KeyLanes;
	readonly cost?: ((item: Item) => TokenCost) | undefined;
	/** Items with the same number begin alike, and are best sent to the same server. */
	readonly prefix?: ((item: Item) => number) | undefined;
	/** Most requests in flight over all servers and keys; asked before every sending, for it may change. */
	readonly maxInFlight?: (() => number) | undefined;
	/**
	 * How often an item is sent again after failures. Refusals for rate and failures in an outage do not count, unless
	 * it is 0. Default 5.
	 */
	readonly maxRetries?: number | undefined;
	/** Asked right before every sending. */
	readonly admit?: ((item: Item) => Admission) | undefined;
	/** A slot that other processes share is taken for every sending. */
	readonly acquireSlot?: ((signal: AbortSignal) => Promise<ReleaseSlot>) | undefined;
	readonly onRetry?: ((item: Item, notice: RetryNotice) => void) | undefined;
	/** Hears for how many ms nothing is sent, because more than half of the last 50 sendings to every server failed, and how the last did. */
	readonly onPause?: ((pauseMs: number, error: RequestError) => void) | undefined;
	/** Hears that this machine had no room for another request beside `others` in flight, which `maxInFlight` is to heed. */
	readonly onCrowded?: ((others: number, error: RequestError) => void) | undefined;
	/** Hears what becomes of the servers, where there are several. */
	readonly onServer?: ((change: ServerChange) => void) | undefined;
	/** How long an outage is waited out, in ms, before the run ends with exit code 5. Default 5 minutes. */
	readonly patienceMs?: number | undefined;
	/** Aborts everything at once; `run` then throws AbortedError. */
	readonly signal?: AbortSignal | undefined;
	readonly clock?: Clock | undefined;
	/** 0 <= x < 1. */
	readonly random?: (() => number) | undefined;
}
