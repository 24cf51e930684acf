import type { Timeouts } from "../options.ts";
import { onAbort } from "./abort-listener.ts";
import type { Exchange, ExchangeOptions } from "./contract.ts";
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
export class LiveExchange implements Exchange {
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
	readonly #timeouts: Timeouts;
	readonly #callerSignal: AbortSignal | undefined;
	readonly #onLeave: (() => void) | undefined;
	readonly #onClose: (id: string) => void;
	readonly #watched = new Set<Watched>();
	#contentAt: number | undefined;
	/** When the consumer was last seen to hold things up. */
	#heldUpAt = Number.NEGATIVE_INFINITY;
	#timer: NodeJS.Timeout | undefined;
	#closed = false;
	#stopListening: (() => void) | undefined;

	constructor(id: string, timeouts: Timeouts, options: ExchangeOptions, onClose: (id: string) => void) {
		this.id = id;
		this.ownConnection = options.ownConnection ?? false;
		this.showsRedirects = options.showRedirects ?? false;
		this.#timeouts = options.timeouts ? { ...timeouts, ...options.timeouts } : timeouts;
		this.#callerSignal = options.signal;
		this.#onLeave = options.onLeave;
		this.#onClose = onClose;
		if (options.signal?.aborted) this.#abortedByCaller();
		else if (options.signal !== undefined)
			this.#stopListening = onAbort(options.signal, this.#abortedByCaller);
	}

	get signal(): AbortSignal {
		this.#controller ??= new AbortController();
		if (this.#stoppedBy !== undefined) this.#controller.abort(this.#stoppedBy);
		return this.#controller.signal;
	}

	noteContent(): void {
		const first = this.#contentAt === undefined;
		this.#contentAt = performance.now();
		// Later contents only move the limit away, so the timer that is set checks again when it fires.
		if (first && this.#timer !== undefined) this.#arm();
	}

	noteFinish(): void {
		for (const watched of this.#watched) watched.expectEnd(this.#timeouts.finishMs);
	}

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#disarm();
		this.#stopListening?.();
		for (const watched of this.#watched) watched.stop();
		this.#watched.clear();
		this.#onClose(this.id);
	}

	/** A request starts: from here the limits run. Throws what already ended the exchange. */
	watch(watched: Watched): void {
		if (this.failure !== undefined) throw this.failure;
		if (this.#closed) throw stopped(watched.origin, undefined);
		this.sentAt = performance.now();
		this.#contentAt = undefined;
		this.status = undefined;
		this.headers = undefined;
		this.#watched.add(watched);
		this.#arm();
	}

	/** From here bytes of the request may reach the server. */
	noteLeaving(): void {
		this.#onLeave?.();
		this.sent = true;
	}

	/** The request ended, well or not. */
	unwatch(watched: Watched): void {
		this.#watched.delete(watched);
		if (this.#watched.size === 0) this.#disarm();
	}

	readonly #abortedByCaller = (): void => {
		const [watched] = this.#watched;
		this.#end(stopped(watched?.origin ?? "the server", this.#callerSignal?.reason, watched?.phase));
	};

	#end(error: TransportError): void {
		this.failure ??= error;
		this.#stoppedBy ??= error;
		this.#disarm();
		for (const watched of [...this.#watched]) watched.fail(error);
		this.#controller?.abort(this.#stoppedBy);
	}

	#arm(): void {
		this.#disarm();
		const { at } = this.#deadline();
		if (at === Number.POSITIVE_INFINITY) return;
		// setTimeout takes at most 2^31 - 1 ms; it looks again then.
		const wait = Math.min(Math.max(at - performance.now(), 0), 2 ** 31 - 1);
		this.#timer = setTimeout(this.#check, Math.ceil(wait));
		// The socket keeps the process alive while there is something to wait for.
		this.#timer.unref();
	}

	#disarm(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
	}

	readonly #check = (): void => {
		const [watched] = this.#watched;
		if (watched === undefined) return;
		// Time that the consumer takes (a pager, a full pipe) is not the server's silence.
		if (!watched.waiting) this.#heldUpAt = performance.now();
		const { at, reason, afterMs } = this.#deadline();
		if (performance.now() < at) {
			this.#arm();
			return;
		}
		const seconds = afterMs / 1000;
		const what = {
			"timeout-first": `no answer from ${watched.origin} within ${seconds} s`,
			"timeout-idle": `the answer from ${watched.origin} stalled for ${seconds} s`,
			"timeout-total": `the answer from ${watched.origin} was not complete after ${seconds} s`,
		}[reason];
		this.#end(new TransportError(what, { phase: watched.phase, reason }));
	};

	#deadline(): {
		at: number;
		afterMs: number;
		reason: Extract<TransportReason, "timeout-first" | "timeout-idle" | "timeout-total">;
	} {
		const { firstContentMs, idleMs, totalMs } = this.#timeouts;
		const start = this.sentAt ?? performance.now();
		const first = this.#contentAt === undefined;
		const afterMs = first ? firstContentMs : idleMs;
		const quiet = {
			at: Math.max(this.#contentAt ?? start, this.#heldUpAt) + afterMs,
			afterMs,
			reason: first ? "timeout-first" : "timeout-idle",
		} as const;
		if (start + totalMs > quiet.at) return quiet;
		return { at: start + totalMs, afterMs: totalMs, reason: "timeout-total" };
	}
}

/** The caller, or the SDK on its behalf, wants no more. */
export function stopped(origin: string, cause: unknown, phase: TransportPhase = "connect"): TransportError {
	return new TransportError(`the request to ${origin} was stopped`, { phase, reason: "aborted", cause });
}
