import type { Timeouts } from "../options.ts";
import type { Exchange, ExchangeOptions } from "./contract.ts";
import type { OpenExchange, OpenExchanges } from "./open-exchanges.ts";
import { TransportError, type TransportPhase, type TransportReason } from "./transport-error.ts";

/** What an exchange can do with the request and response it watches. */
export interface Watched {
	readonly phase: TransportPhase;
	readonly origin: string;
	/** The network owes something: false while bytes that came wait for a slow consumer. */
	readonly waiting: boolean;
	/** Ends it with an error, and frees its socket. */
	fail(error: TransportError): void;
	/** Nothing more is needed: ends it, freeing its socket unless the answer is whole. */
	stop(): void;
	/** The finish reason came: ends quietly if the server does not end the body itself within `graceMs`. */
	expectEnd(graceMs: number): void;
}

/** The Exchange that `Http.begin` hands out, with the side on which the fetch writes down what happened. */
export class LiveExchange implements Exchange, OpenExchange {
	readonly id: string;
	readonly ownConnection: boolean;
	readonly showsRedirects: boolean;
	secrets: readonly string[] = [];
	sent = false;
	sentAt: number | undefined;
	url: string | undefined;
	status: number | undefined;
	headers: Readonly<Record<string, string>> | undefined;
	errorBody: string | undefined;
	cut = false;
	failure: TransportError | undefined;

	/** Made when somebody asks for the signal: most exchanges end without one, and it is not cheap. */
	#controller: AbortController | undefined;
	#stoppedBy: TransportError | undefined;
	place = -1;
	readonly callerSignal: AbortSignal | undefined;
	readonly #open: OpenExchanges<LiveExchange>;
	readonly #timeouts: Timeouts;
	readonly #onLeave: (() => void) | undefined;
	/** A request at a time: an adapter sends the next when it knows what became of the last. */
	#watched: Watched | undefined;
	#contentAt: number | undefined;
	/** When the consumer was last seen to hold things up. */
	#heldUpAt = Number.NEGATIVE_INFINITY;
	#closed = false;

	/** One without an id is over with its request, since nobody else knows of it. */
	constructor(
		id: string,
		open: OpenExchanges<LiveExchange>,
		timeouts: Timeouts,
		options: ExchangeOptions = {},
	) {
		this.id = id;
		this.#open = open;
		this.ownConnection = options.ownConnection ?? false;
		this.showsRedirects = options.showRedirects ?? false;
		this.#timeouts = options.timeouts ? { ...timeouts, ...options.timeouts } : timeouts;
		this.callerSignal = options.signal;
		this.#onLeave = options.onLeave;
		open.add(this);
		if (options.signal?.aborted) this.stopByCaller();
	}

	get signal(): AbortSignal {
		this.#controller ??= new AbortController();
		if (this.#stoppedBy !== undefined) this.#controller.abort(this.#stoppedBy);
		return this.#controller.signal;
	}

	noteContent(): void {
		const first = this.#contentAt === undefined;
		this.#contentAt = performance.now();
		// Later contents only move the limit away.
		if (first && this.#watched !== undefined) this.#open.ringAt(this.dueAt);
	}

	noteFinish(): void {
		this.#watched?.expectEnd(this.#timeouts.finishMs);
	}

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#watched?.stop();
		this.#watched = undefined;
		this.#open.delete(this);
	}

	/** A request starts: from here the limits run. Throws what already ended the exchange. */
	watch(watched: Watched): void {
		if (this.failure !== undefined) throw this.failure;
		if (this.#closed) throw stopped(watched.origin, undefined);
		this.sentAt = performance.now();
		this.#contentAt = undefined;
		this.status = undefined;
		this.headers = undefined;
		this.#watched = watched;
		this.#open.ringAt(this.dueAt);
	}

	/** From here bytes of the request may reach the server. */
	noteLeaving(): void {
		this.#onLeave?.();
		this.sent = true;
	}

	/** The request ended, well or not. */
	unwatch(watched: Watched): void {
		if (this.#watched !== watched) return;
		this.#watched = undefined;
		if (this.id === "") this.close();
	}

	stopByCaller(): void {
		const watched = this.#watched;
		this.#end(stopped(watched?.origin ?? "the server", this.callerSignal?.reason, watched?.phase));
	}

	#end(error: TransportError): void {
		this.failure ??= error;
		this.#stoppedBy ??= error;
		this.#watched?.fail(error);
		this.#controller?.abort(this.#stoppedBy);
	}

	get dueAt(): number {
		if (this.#watched === undefined) return Number.POSITIVE_INFINITY;
		return Math.min(this.#quietUntil, this.#totalUntil);
	}

	check(): void {
		const watched = this.#watched;
		if (watched === undefined) return;
		const now = performance.now();
		// Time that the consumer takes (a pager, a full pipe) is not the server's silence.
		if (!watched.waiting) this.#heldUpAt = now;
		if (now < this.dueAt) return;
		const { firstContentMs, idleMs, totalMs } = this.#timeouts;
		const { origin, phase } = watched;
		const end = (reason: TransportReason, what: string) =>
			this.#end(new TransportError(what, { phase, reason }));
		if (this.#totalUntil <= this.#quietUntil)
			end("timeout-total", `the answer from ${origin} was not complete after ${totalMs / 1000} s`);
		else if (this.#contentAt === undefined)
			end("timeout-first", `no answer from ${origin} within ${firstContentMs / 1000} s`);
		else end("timeout-idle", `the answer from ${origin} stalled for ${idleMs / 1000} s`);
	}

	get #startedAt(): number {
		return this.sentAt ?? performance.now();
	}

	get #quietUntil(): number {
		const { firstContentMs, idleMs } = this.#timeouts;
		if (this.#contentAt === undefined) return Math.max(this.#startedAt, this.#heldUpAt) + firstContentMs;
		return Math.max(this.#contentAt, this.#heldUpAt) + idleMs;
	}

	get #totalUntil(): number {
		return this.#startedAt + this.#timeouts.totalMs;
	}
}

/** The caller, or the SDK on its behalf, wants no more. */
export function stopped(origin: string, cause: unknown, phase: TransportPhase = "connect"): TransportError {
	return new TransportError(`the request to ${origin} was stopped`, { phase, reason: "aborted", cause });
}
