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

/** Limits of one exchange in ms; faults.md rows 2-5 and 20. */
export interface Timeouts {
	/** To the first content of the answer (comments and keep-alives do not count). */
	readonly firstContentMs: number;
	/** Between two pieces of content. */
	readonly idleMs: number;
	/** For the whole exchange; Infinity when `--timeout` is not given. */
	readonly totalMs: number;
}

export interface ExchangeOptions {
	readonly signal?: AbortSignal | undefined;
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
	/** The adapter calls this for every delta that carries content, which restarts the idle limit. */
	noteContent(): void;
	/** Ends the exchange: frees timers, and aborts what is still running. */
	close(): void;
}

export interface Http {
	readonly fetch: FetchLike;
	begin(options?: ExchangeOptions): Exchange;
	close(): Promise<void>;
}
