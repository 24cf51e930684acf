import type { Timeouts } from "../options.ts";
import type { TransportError } from "./transport-error.ts";

/** The part of the WHATWG fetch contract that the three SDKs use. */
export interface FetchInit {
	readonly method?: string;
	readonly headers?: unknown;
	readonly body?: unknown;
	readonly signal?: AbortSignal | null;
}

export interface FetchResponse {
	readonly ok: boolean;
	readonly status: number;
	readonly statusText: string;
	readonly url: string;
	readonly headers: Headers;
	readonly body: unknown;
	text(): Promise<string>;
	json(): Promise<unknown>;
}

export type FetchLike = (input: string | URL | Request, init?: FetchInit) => Promise<FetchResponse>;

export interface ExchangeOptions {
	readonly signal?: AbortSignal | undefined;
	/** Send on a connection of its own: a kept one that the server has given up would mean yet another sending. */
	readonly ownConnection?: boolean | undefined;
	/** Hand a redirect to the caller, who sends nothing secret and decides. Otherwise it is a failure. */
	readonly showRedirects?: boolean | undefined;
	readonly timeouts?: Partial<Timeouts>;
}

/** The header by which an SDK's request is matched to its exchange; our fetch takes it off before sending. */
export const EXCHANGE_HEADER = "x-llmx-exchange";

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
