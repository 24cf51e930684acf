import type { Dispatcher } from "undici";
import type { Connection, ConnectionAware, ConnectionPool, InFlight } from "./agent.ts";
import { ByteQueue } from "./byte-queue.ts";
import type { ByteSource } from "./byte-source.ts";
import { connectionFailure } from "./connection-failure.ts";
import { type Decoder, decoderFor } from "./decoder.ts";
import type { LiveExchange, Watched } from "./exchange.ts";
import { stopped } from "./exchange.ts";
import { type Head, lengthOf, readHead, refuseRedirect } from "./head.ts";
import { TransportError, type TransportPhase } from "./transport-error.ts";

export interface TransferOptions {
	readonly pool: ConnectionPool;
	readonly request: Dispatcher.DispatchOptions & { readonly origin: string };
	readonly exchange: LiveExchange;
	/** The SDK's own signal, which fires when its caller leaves a stream. */
	readonly signal: AbortSignal | undefined;
	readonly bodyBytes: number;
	/** Requests that belong to no exchange have no adapter to tell content from bytes. */
	readonly bytesAreContent: boolean;
}

/** With this much unread, the socket is not read further. */
const pauseBytes = 1024 * 1024;
/** How long the end of a body may take once its content is complete, before the connection is given up. */
const drainMs = 1_000;
/**
 * A server that closed an idle connection says so within a round trip of our request. One that closes later may have
 * worked on the request, which then may be billed.
 */
const staleWithinMs = 1_000;
const errorBodyBytes = 64 * 1024;
const errorBodyMs = 5_000;

/** One request and its response: undici's handler on one side, a source of decoded bytes on the other. */
export class Transfer implements Dispatcher.DispatchHandler, ConnectionAware, Watched, ByteSource {
	connection: Connection | undefined;
	countedIn: InFlight | undefined;
	phase: TransportPhase = "connect";

	readonly #options: TransferOptions;
	readonly #queue = new ByteQueue(this);
	/** What aborts the request; gone once the response has come to its own end. */
	#controller: Dispatcher.DispatchController | undefined;
	#pendingHead: PromiseWithResolvers<Head> | undefined;
	#head: Head | undefined;
	#decoder: Decoder | undefined;
	/** Bytes of the body as they were sent, and how many there will be; Infinity where the server does not say. */
	#wireBytes = 0;
	#wireLength = Number.POSITIVE_INFINITY;
	/** Decoded bytes of the body. */
	#bytes = 0;
	/** `draining`: the consumer has all it needs, and the rest is read for the sake of the connection. */
	#state: "open" | "draining" | "ended" = "open";
	#graceTimer: NodeJS.Timeout | undefined;
	#writtenAt = 0;
	/** Sent again already, on a connection of its own, because the first was closed without a byte of a response. */
	#resent = false;

	constructor(options: TransferOptions) {
		this.#options = options;
	}

	get origin(): string {
		return this.#options.request.origin;
	}

	get waiting(): boolean {
		return this.#pendingHead !== undefined || this.#queue.starved;
	}

	/** Sends the request; resolves once status and headers came (and, for an error status, its body). */
	send(): Promise<Head> {
		const { exchange, signal, pool, request } = this.#options;
		exchange.watch(this);
		const pending = Promise.withResolvers<Head>();
		this.#pendingHead = pending;
		if (signal?.aborted) {
			this.handleEvent();
		} else {
			signal?.addEventListener("abort", this, { once: true });
			if (exchange.ownConnection) pool.dispatchAlone(request, this);
			else pool.dispatch(request, this);
		}
		return pending.promise;
	}

	// What undici calls.

	onRequestStart(controller: Dispatcher.DispatchController): void {
		if (this.#state === "ended") {
			controller.abort(stopped(this.origin, undefined));
			return;
		}
		this.#controller = controller;
		this.phase = "sent";
		this.#writtenAt = performance.now();
		if (this.connection !== undefined) this.connection.awaitsResponse = true;
		this.#options.exchange.noteLeaving();
	}

	onResponseStarted(): void {
		this.phase = "headers";
	}

	onResponseStart(
		controller: Dispatcher.DispatchController,
		status: number,
		headers: Record<string, string | string[] | undefined>,
		statusText = "",
	): void {
		if (status < 200) return;
		const { exchange } = this.#options;
		this.phase = "body";
		try {
			this.#head = readHead(status, statusText, headers);
			if (!exchange.showsRedirects) refuseRedirect(this.#head, this.origin);
			exchange.status = status;
			exchange.headers = this.#head.headers;
			this.#wireLength = lengthOf(this.#head);
			this.#decoder = decoderFor(this.#head.headers["content-encoding"], this.origin, () => ({
				onData: (chunk) => this.#onBytes(chunk),
				onEnd: () => this.#onWhole(),
				onError: (error) => this.fail(error),
				onDrain: () => controller.resume(),
			}));
		} catch (error) {
			this.fail(error as TransportError);
			return;
		}
		if (status >= 400) this.#endWithin(errorBodyMs);
		else this.#handHead(this.#head);
	}

	onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
		if (this.#options.bytesAreContent) this.#options.exchange.noteContent();
		this.#wireBytes += chunk.length;
		if (this.#decoder === undefined) this.#onBytes(chunk);
		else if (!this.#decoder.write(chunk)) this.#pause();
	}

	onResponseEnd(): void {
		if (this.connection !== undefined) this.connection.answered++;
		if (this.#decoder === undefined) this.#onWhole();
		else this.#decoder.end();
	}

	onResponseError(_controller: unknown, error: Error): void {
		if (this.#state === "ended") return;
		const proxy = this.#options.pool.proxyOf(this.origin);
		const isSecure = this.origin.startsWith("https:");
		const failure = connectionFailure(error, this.phase, this.origin, isSecure, proxy);
		if (this.#isStaleConnection(failure)) {
			this.#resent = true;
			this.phase = "connect";
			this.#options.pool.dispatchAlone(this.#options.request, this);
		} else if (failure.reason === "cut" && this.#isErrorAnswer()) {
			// The status of an error says more than the loss of its body.
			this.#onWhole();
		} else {
			if (failure.reason === "cut") this.#options.exchange.cut = true;
			this.fail(failure);
		}
	}

	// What the response calls.

	read(): Promise<Buffer | null> {
		return this.#queue.read();
	}

	readAll(isWhole?: (bytes: Buffer) => boolean): Promise<Buffer> {
		return this.#queue.readAll(isWhole);
	}

	finish(): void {
		if (this.#state !== "open") return;
		this.#state = "draining";
		this.#release();
		this.#queue.clear();
		this.#queue.end();
		this.onDrained();
		this.#endWithin(drainMs);
	}

	stop(error?: TransportError): void {
		if (error !== undefined) this.#options.exchange.failure ??= error;
		if (this.#state === "open") this.#end(error ?? stopped(this.origin, undefined, this.phase));
	}

	// What the exchange calls.

	fail(error: TransportError): void {
		error.resent = this.#resent;
		if (this.#state === "open") this.#options.exchange.failure ??= error;
		this.#end(error);
	}

	expectEnd(graceMs: number): void {
		if (this.#state === "open") this.#endWithin(graceMs);
	}

	// What the queue calls.

	onDrained(): void {
		if (this.#controller?.paused) this.#controller.resume();
	}

	// What the signal calls.

	handleEvent(): void {
		this.fail(stopped(this.origin, this.#options.signal?.reason, this.phase));
	}

	// Between them.

	#onBytes(chunk: Buffer): void {
		if (this.#state !== "open") return;
		this.#bytes += chunk.length;
		const { bodyBytes } = this.#options;
		if (this.#bytes > bodyBytes && !this.#isErrorAnswer()) {
			const message = `${this.origin} sent an answer of more than ${Math.round(bodyBytes / 2 ** 20)} MiB`;
			this.fail(new TransportError(message, { phase: "body", reason: "too-large" }));
			return;
		}
		this.#queue.push(chunk);
		if (this.#isErrorAnswer()) {
			if (this.#bytes >= errorBodyBytes) this.#end(undefined);
		} else if (this.#queue.unread > pauseBytes) this.#pause();
	}

	/**
	 * Reads no further for now. After the last byte there is nothing to hold back; and a connection that the server
	 * closes while undici is paused before the end of a body counts as cut.
	 */
	#pause(): void {
		if (this.#wireBytes < this.#wireLength) this.#controller?.pause();
	}

	#onWhole(): void {
		this.#controller = undefined;
		this.#end(undefined);
	}

	/** Whatever the outcome: settles who waits for the head or for bytes, and lets go of everything. */
	#end(error: TransportError | undefined): void {
		if (this.#state === "ended") return;
		this.#state = "ended";
		if (this.countedIn !== undefined) this.countedIn.inFlight--;
		clearTimeout(this.#graceTimer);
		this.#release();
		this.#decoder?.destroy();
		// Where the response has not come to its own end, the connection cannot be used again.
		this.#controller?.abort(error ?? stopped(this.origin, undefined, this.phase));
		this.#queue.end(error);
		if (this.#pendingHead === undefined) return;
		if (error === undefined && this.#head !== undefined) void this.#handErrorHead(this.#head);
		else this.#pendingHead.reject(error ?? stopped(this.origin, undefined, this.phase));
	}

	#handHead(head: Head): void {
		this.#pendingHead?.resolve(head);
		this.#pendingHead = undefined;
	}

	async #handErrorHead(head: Head): Promise<void> {
		const body = (await this.#queue.readAll()).subarray(0, errorBodyBytes);
		this.#options.exchange.errorBody = body.toString("utf8");
		// The SDK reads it too.
		this.#queue.push(body);
		this.#handHead(head);
	}

	#endWithin(graceMs: number): void {
		clearTimeout(this.#graceTimer);
		this.#graceTimer = setTimeout(() => this.#end(undefined), graceMs);
	}

	#release(): void {
		this.#options.exchange.unwatch(this);
		this.#options.signal?.removeEventListener("abort", this);
	}

	#isErrorAnswer(): boolean {
		return this.#head !== undefined && this.#head.status >= 400;
	}

	#isStaleConnection(failure: TransportError): boolean {
		const { body } = this.#options.request;
		return (
			failure.reason === "reset" &&
			failure.phase === "sent" &&
			(this.connection?.answered ?? 0) > 0 &&
			!this.#resent &&
			performance.now() - this.#writtenAt <= staleWithinMs &&
			(typeof body === "string" || body instanceof Uint8Array || body === undefined || body === null)
		);
	}
}
