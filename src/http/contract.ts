import type { Timeouts } from "../options.ts";
import type { TransportError } from "./transport-error.ts";

/** The part of the WHATWG fetch contract that adapters and SDKs use. */
export interface FetchInit {
	readonly method?: string;
	readonly headers?: unknown;
	/** A body that comes in pieces is sent once: its request needs a connection of its own. */
	readonly body?: string | Uint8Array | AsyncIterable<Uint8Array> | null | undefined;
	readonly signal?: AbortSignal | null;
	/** Whose request it is. An SDK, which knows nothing of exchanges, names it in a header. */
	readonly exchange?: Exchange | undefined;
}

/** One event of a stream, as it was sent. What its data means is for the adapter of the wire to say. */
export interface ServerEvent {
	/** Its name; undefined where it has none. */
	readonly name: string | undefined;
	/** All of its data lines, joined by line feeds; may be empty. */
	readonly data: string;
	/** A blank line ended it. False for what was left at the end of the body, which may have been cut off there. */
	readonly ended: boolean;
}

/** A body read as server-sent events. */
export interface EventStream {
	/**
	 * The events that came since the last call, at least one; null at the end of the body.
	 * @throws TransportError when the body was cut, is too large, is empty, or is neither events nor JSON
	 */
	read(): Promise<readonly ServerEvent[] | null>;
	/** Nothing more is needed: the rest is read to its end, so that the connection can serve again. */
	finish(): void;
	/** Leaves the stream. Unless its end was reached, the connection is closed, so that the server stops too. */
	stop(): void;
}

export interface FetchResponse {
	readonly ok: boolean;
	readonly status: number;
	readonly statusText: string;
	readonly url: string;
	readonly headers: Headers;
	/** The SDKs look for one, and are never given any: streams are read as `events`. */
	readonly body: null;
	text(): Promise<string>;
	json(): Promise<unknown>;
	bytes(): Promise<Uint8Array>;
	/** The body as it comes, for what is too large to be held. @throws TransportError when it was cut */
	pieces(): AsyncGenerator<Uint8Array, void>;
	/** The body as a stream of events, in place of `text`, `json` and `bytes`. */
	events(): EventStream;
}

export type FetchLike = (input: string | URL | Request, init?: FetchInit) => Promise<FetchResponse>;

export interface ExchangeOptions {
	readonly signal?: AbortSignal | undefined;
	/** Send on a connection of its own: a kept one that the server has given up would mean yet another sending. */
	readonly ownConnection?: boolean | undefined;
	/** Hand a redirect to the caller, who sends nothing secret and decides. Otherwise it is a failure. */
	readonly showRedirects?: boolean | undefined;
	readonly timeouts?: Partial<Timeouts>;
	/** Called each time before the first byte of a request leaves. */
	readonly onLeave?: (() => void) | undefined;
}

/** The header by which an SDK's request is matched to its exchange; our fetch takes it off before sending. */
export const exchangeHeader = "x-llmx-exchange";

/**
 * One request and its response, seen from the wire. The SDKs hide headers (genai drops them from errors) and end
 * cut streams without a word, so the adapter reads here what really happened.
 */
export interface Exchange {
	/** Value of EXCHANGE_HEADER. */
	readonly id: string;
	/** Aborts when the caller's signal fires, a time limit passes, or `close` is called. */
	readonly signal: AbortSignal;
	/** Request bytes may have reached the server: it may be billed. */
	readonly sent: boolean;
	/** Monotonic ms (performance.now) at which the request was dispatched. */
	readonly sentAt: number | undefined;
	/** Values of headers of the user's own: servers echo what they were sent, and nothing may show these. */
	readonly secrets: readonly string[];
	/** The address that was asked, without a query; undefined before. */
	readonly url: string | undefined;
	/** Status and lower-case headers of the response, once they came. */
	readonly status: number | undefined;
	readonly headers: Readonly<Record<string, string>> | undefined;
	/** The body of an error response (status >= 400), at most 64 KiB, for the classifier. */
	readonly errorBody: string | undefined;
	/** The body ended early (cut chunk, short content-length, reset): the answer cannot be complete. */
	readonly cut: boolean;
	/**
	 * What ended the exchange from the network's side. SDKs wrap it, or swallow it when it comes as an abort, so an
	 * adapter looks here first. Reason `aborted` means that the caller's signal fired.
	 */
	readonly failure: TransportError | undefined;
	/** The adapter calls this for every delta that carries content, which restarts the idle limit. */
	noteContent(): void;
	/** The adapter calls this at the finish reason: a server that does not end its stream then is not waited for. */
	noteFinish(): void;
	/** Ends the exchange: frees timers, and aborts what is still running. */
	close(): void;
}

export interface Http {
	readonly fetch: FetchLike;
	begin(options?: ExchangeOptions): Exchange;
	close(): Promise<void>;
}
