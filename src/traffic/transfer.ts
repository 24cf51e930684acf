import type { Dispatcher } from "undici";
import type { Connection, ConnectionAware } from "./agent.ts";
import { connectionFailure } from "./connection-failure.ts";
import { type Decoder, decoderFor } from "./decoder.ts";
import type { LiveExchange, Watched } from "./exchange.ts";
import { stopped } from "./exchange.ts";
import type { ByteSource } from "./response.ts";
import { TransportError, type TransportPhase } from "./transport-error.ts";

export interface TransferOptions {
	readonly dispatch: Dispatcher["dispatch"];
	readonly request: Dispatcher.DispatchOptions & { readonly origin: string };
	readonly exchange: LiveExchange;
	/** The SDK's own signal, which fires when its caller leaves a stream. */
	readonly signal: AbortSignal | undefined;
	readonly bodyBytes: number;
	/** Requests that belong to no exchange have no adapter to tell content from bytes. */
	readonly bytesAreContent: boolean;
}

export interface Head {
	readonly status: number;
	readonly statusText: string;
	readonly headers: Readonly<Record<string, string>>;
}

/** Above this much unread, the socket is not read further. */
const pauseBytes = 1024 * 1024;
const resumeBytes = 256 * 1024;
/** How long the end of a body may take once its content is complete, before the connection is given up. */
const drainMs = 1_000;
/**
 * A server that closed an idle connection says so within a round trip of our request. One that closes later may have
 * worked on the request, which then may be billed.
 */
const staleWithinMs = 1_000;
/** Two, because the next connection taken from the pool may have been closed by the same server too. */
const mostResends = 2;
const errorBodyBytes = 64 * 1024;
const errorBodyMs = 5_000;

/** One request and its response: undici's handler on one side, a source of decoded bytes on the other. */
export class Transfer implements Dispatcher.DispatchHandler, ConnectionAware, Watched, ByteSource {
	connection: Connection | undefined;
	phase: TransportPhase = "connect";

	readonly #options: TransferOptions;
	#controller: Dispatcher.DispatchController | undefined;
	#settleHead: ((head: Head) => void) | undefined;
	#rejectHead: ((error: TransportError) => void) | undefined;
	#head: Head | undefined;
	#decoder: Decoder | undefined;
	#chunks: Buffer[] = [];
	#unreadBytes = 0;
	#totalBytes = 0;
	#state: "open" | "draining" | "ended" = "open";
	#failure: TransportError | undefined;
	#wake: (() => void) | undefined;
	#readingAll = false;
	#graceTimer: NodeJS.Timeout | undefined;
	#writtenAt = 0;
	#resends = 0;

	constructor(options: TransferOptions) {
		this.#options = options;
	}

	get origin(): string {
		return this.#options.request.origin;
	}

	/** Sends the request; resolves once status and headers came (and, for an error status, its body). */
	send(): Promise<Head> {
		const { exchange, signal, dispatch, request } = this.#options;
		return new Promise((resolve, reject) => {
			exchange.watch(this);
			this.#settleHead = resolve;
			this.#rejectHead = reject;
			if (signal?.aborted) {
				this.#onSignal();
				return;
			}
			signal?.addEventListener("abort", this.#onSignal, { once: true });
			dispatch(request, this);
		});
	}

	// --- undici's side

	onRequestStart(controller: Dispatcher.DispatchController): void {
		this.#controller = controller;
		if (this.#state === "ended") {
			controller.abort(this.#failure ?? stopped(this.origin, undefined));
			return;
		}
		this.phase = "sent";
		this.#writtenAt = performance.now();
		this.#options.exchange.sent = true;
	}

	onResponseStarted(): void {
		this.phase = "headers";
	}

	onResponseStart(
		controller: Dispatcher.DispatchController,
		status: number,
		rawHeaders: Record<string, string | string[] | undefined>,
		statusText = "",
	): void {
		if (status < 200) return;
		const { exchange } = this.#options;
		const headers = joined(rawHeaders);
		this.phase = "body";
		exchange.status = status;
		exchange.headers = headers;
		if (isRedirect(status) && headers.location !== undefined) {
			const host = hostOf(headers.location, this.origin);
			this.fail(
				new TransportError(`refused redirect to ${host} by ${this.origin}`, {
					phase: "body",
					reason: "redirect",
				}),
			);
			return;
		}
		this.#head = { status, statusText, headers };
		if (status >= 400) this.#endWithin(errorBodyMs);
		try {
			this.#decoder = decoderFor(headers["content-encoding"], this.origin, {
				onData: (chunk) => this.#onBytes(chunk),
				onEnd: () => this.#onEnd(),
				onError: (error) => this.fail(error),
				onDrain: () => controller.resume(),
			});
		} catch (error) {
			this.fail(error as TransportError);
			return;
		}
		if (status < 400) this.#answerHead();
	}

	onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
		if (this.#options.bytesAreContent) this.#options.exchange.noteContent();
		if (this.#decoder === undefined) this.#onBytes(chunk);
		else if (!this.#decoder.write(chunk)) controller.pause();
	}

	onResponseEnd(): void {
		if (this.connection !== undefined) this.connection.answered++;
		if (this.#decoder === undefined) this.#onEnd();
		else this.#decoder.end();
	}

	onResponseError(_controller: unknown, error: Error): void {
		if (this.#state === "ended") return;
		const secure = this.origin.startsWith("https:");
		const failure = connectionFailure(error, this.phase, this.origin, secure);
		if (this.#isStaleConnection(failure)) {
			this.#resends++;
			this.phase = "connect";
			// After the event loop has seen which other connections the server has closed meanwhile.
			setImmediate(() => {
				if (this.#state === "open") this.#options.dispatch(this.#options.request, this);
			});
			return;
		}
		// The status of an error says more than the loss of its body.
		if (failure.reason === "cut" && this.#isErrorAnswer()) {
			this.#onEnd();
			return;
		}
		if (failure.reason === "cut") this.#options.exchange.cut = true;
		this.fail(failure);
	}

	// --- the consumer's side

	async read(): Promise<Buffer | null> {
		for (;;) {
			const chunk = this.#chunks.shift();
			if (chunk !== undefined) {
				this.#unreadBytes -= chunk.length;
				if (this.#unreadBytes < resumeBytes) this.#resume();
				return chunk;
			}
			if (this.#failure !== undefined) throw this.#failure;
			if (this.#state !== "open") return null;
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		}
	}

	async readAll(): Promise<Buffer> {
		this.#readingAll = true;
		this.#resume();
		while (this.#state === "open") {
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		}
		if (this.#failure !== undefined) throw this.#failure;
		const chunks = this.#chunks;
		this.#chunks = [];
		return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
	}

	finish(): void {
		if (this.#state !== "open") return;
		this.#state = "draining";
		this.#chunks = [];
		this.#release();
		this.#resume();
		this.#endWithin(drainMs);
		this.#wake?.();
	}

	stop(error?: TransportError): void {
		if (error !== undefined) this.#options.exchange.failure ??= error;
		if (this.#state === "open") this.#end(error ?? stopped(this.origin, undefined, this.phase));
	}

	fail(error: TransportError): void {
		if (this.#state === "ended") return;
		this.#failure = error;
		if (this.#state === "open") this.#options.exchange.failure ??= error;
		this.#end(error);
	}

	expectEnd(graceMs: number): void {
		if (this.#state === "open") this.#endWithin(graceMs);
	}

	// --- between the two

	readonly #onSignal = (): void => {
		this.fail(stopped(this.origin, this.#options.signal?.reason, this.phase));
	};

	#onBytes(chunk: Buffer): void {
		if (this.#state !== "open") return;
		this.#totalBytes += chunk.length;
		const { bodyBytes } = this.#options;
		if (this.#isErrorAnswer()) {
			this.#chunks.push(chunk);
			if (this.#totalBytes >= errorBodyBytes) this.#end(undefined);
			return;
		}
		if (this.#totalBytes > bodyBytes) {
			const size = `${Math.round(bodyBytes / 2 ** 20)} MiB`;
			this.fail(
				new TransportError(`${this.origin} sent an answer of more than ${size}`, {
					phase: "body",
					reason: "too-large",
				}),
			);
			return;
		}
		this.#chunks.push(chunk);
		this.#unreadBytes += chunk.length;
		if (this.#readingAll) return;
		if (this.#unreadBytes > pauseBytes) this.#controller?.pause();
		this.#wake?.();
	}

	/** The response is whole. */
	#onEnd(): void {
		this.#controller = undefined;
		this.#end(undefined);
	}

	/** Whatever the outcome: settles the promise of the head or wakes the reader, and lets go of everything. */
	#end(reason: TransportError | undefined): void {
		if (this.#state === "ended") return;
		this.#state = "ended";
		clearTimeout(this.#graceTimer);
		this.#release();
		this.#decoder?.destroy();
		// Still set when the response did not come to its own end: the connection cannot be used again.
		this.#controller?.abort(reason ?? stopped(this.origin, undefined, this.phase));
		if (this.#isErrorAnswer() && this.#settleHead !== undefined && reason === undefined) {
			const body = Buffer.concat(this.#chunks).subarray(0, errorBodyBytes);
			this.#options.exchange.errorBody = body.toString("utf8");
			this.#chunks = [body];
			this.#answerHead();
		} else if (this.#settleHead !== undefined) {
			this.#settleHead = undefined;
			this.#rejectHead?.(reason ?? stopped(this.origin, undefined, this.phase));
		}
		this.#wake?.();
	}

	#answerHead(): void {
		const settle = this.#settleHead;
		this.#settleHead = undefined;
		settle?.(this.#head as Head);
	}

	#endWithin(graceMs: number): void {
		clearTimeout(this.#graceTimer);
		this.#graceTimer = setTimeout(() => this.#end(undefined), graceMs);
	}

	#release(): void {
		this.#options.exchange.unwatch(this);
		this.#options.signal?.removeEventListener("abort", this.#onSignal);
	}

	#resume(): void {
		if (this.#controller?.paused) this.#controller.resume();
	}

	#isErrorAnswer(): boolean {
		return this.#head !== undefined && this.#head.status >= 400;
	}

	#isStaleConnection(failure: TransportError): boolean {
		return (
			failure.reason === "reset" &&
			failure.phase === "sent" &&
			(this.connection?.answered ?? 0) > 0 &&
			this.#resends < mostResends &&
			performance.now() - this.#writtenAt <= staleWithinMs &&
			isReplayable(this.#options.request.body)
		);
	}
}

function isReplayable(body: unknown): boolean {
	return body === null || body === undefined || typeof body === "string" || body instanceof Uint8Array;
}

function isRedirect(status: number): boolean {
	return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function hostOf(location: string, base: string): string {
	return URL.parse(location, base)?.host ?? "an unreadable address";
}

function joined(headers: Record<string, string | string[] | undefined>): Record<string, string> {
	for (const name in headers) {
		const value = headers[name];
		if (Array.isArray(value)) headers[name] = value.join(", ");
	}
	return headers as Record<string, string>;
}
