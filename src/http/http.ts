import type { Timeouts } from "../options.ts";
import { connectionFailure } from "./connection-failure.ts";
import {
	type Exchange,
	type ExchangeOptions,
	exchangeHeader,
	type FetchLike,
	type Http,
} from "./contract.ts";
import { LiveExchange } from "./exchange.ts";
import { OpenExchanges } from "./open-exchanges.ts";
import { headersOf, type OutgoingHeaders, replaceHeaders, secretsIn } from "./outgoing.ts";
import { type ProxySettings, proxyFor } from "./proxy.ts";
import { LeanResponse } from "./response.ts";
import { Transfer } from "./transfer.ts";
import { TransportError } from "./transport-error.ts";

/** Sizes in bytes that an answer may have; faults.md row 21. */
export interface Caps {
	/** A whole body, decompressed. */
	readonly bodyBytes: number;
	/** One event of a stream. */
	readonly eventBytes: number;
}

export interface HttpOptions {
	/** Multiplex over HTTP/2 where the server offers it; a field of the provider's registry row. */
	readonly http2?: boolean | undefined;
	/** In place of the default limits of every exchange. */
	readonly timeouts?: Partial<Timeouts> | undefined;
	/** For DNS, TCP and TLS together; 10 s by default. */
	readonly connectTimeoutMs?: number | undefined;
	readonly caps?: Partial<Caps> | undefined;
	/** PEM certificates to trust besides the system's. */
	readonly caCertificates?: readonly string[] | undefined;
	/** Undefined where every address is reached directly. */
	readonly proxy?: ProxySettings | undefined;
	/** Sent with every request to these origins, and to no other; they replace headers of the same name. */
	readonly headers?:
		| { readonly origins: readonly string[]; readonly values: Readonly<Record<string, string>> }
		| undefined;
}

const defaultTimeouts: Timeouts = {
	firstContentMs: 600_000,
	idleMs: 120_000,
	finishMs: 5_000,
	totalMs: Number.POSITIVE_INFINITY,
};

const defaultCaps: Caps = { bodyBytes: 64 * 2 ** 20, eventBytes: 8 * 2 ** 20 };

/**
 * A connection pool and the fetch over it that every SDK is given. Nothing is loaded or opened before the first
 * request. The fetch sends a request once (faults.md row 25 apart), follows no redirect, and raises TransportError.
 */
export function createHttp(options: HttpOptions = {}): Http {
	return new PooledHttp(options);
}

type Agent = ReturnType<typeof import("./agent.ts")["createAgent"]>;

class PooledHttp implements Http {
	readonly #options: HttpOptions;
	readonly #timeouts: Timeouts;
	readonly #caps: Caps;
	readonly #secrets: readonly string[];
	readonly #exchanges = new OpenExchanges<LiveExchange>();
	#agent: Agent | undefined;
	#loading: Promise<Agent> | undefined;
	#closed = false;
	#count = 0;
	/** Nearly every request goes to the address of the last one. */
	#lastAddress: Address | undefined;
	/** Of headers that nobody can change. */
	#lastHeaders: { given: unknown; origin: string; outgoing: OutgoingHeaders } | undefined;
	/** By origin; it does not change while the process runs. */
	readonly #proxies = new Map<string, string | undefined>();

	constructor(options: HttpOptions) {
		this.#options = options;
		this.#timeouts = { ...defaultTimeouts, ...options.timeouts };
		this.#caps = { ...defaultCaps, ...options.caps };
		this.#secrets = secretsIn(Object.values(options.headers?.values ?? {}));
	}

	begin(options: ExchangeOptions = {}): Exchange {
		const id = String(++this.#count);
		const exchange = new LiveExchange(id, this.#exchanges, this.#timeouts, options);
		exchange.secrets = this.#secrets;
		return exchange;
	}

	readonly fetch: FetchLike = async (input, init = {}) => {
		const address = this.#read(typeof input === "string" ? input : "href" in input ? input.href : input.url);
		const { origin } = address;
		const { headers, exchangeId } = this.#outgoing(init.headers, origin);
		const known =
			exchangeId === undefined
				? (init.exchange as LiveExchange | undefined)
				: this.#exchanges.find(exchangeId);
		if (exchangeId !== undefined && known === undefined) throw closedError(origin);
		if (known !== undefined) known.url = address.withoutQuery;
		const agent = this.#agent ?? (await this.#load(origin));
		if (this.#closed) throw closedError(origin);

		const method = (init.method ?? "GET").toUpperCase();
		const transfer = new Transfer({
			pool: agent,
			request: {
				origin,
				path: address.path,
				method: method as "GET",
				body: (init.body ?? null) as string,
				headers,
			},
			exchange: known ?? new LiveExchange("", this.#exchanges, this.#timeouts),
			signal: init.signal ?? undefined,
			bodyBytes: this.#caps.bodyBytes,
			bytesAreContent: known === undefined,
		});
		const head = await transfer.send();
		return new LeanResponse(head, address, transfer, this.#caps);
	};

	async close(): Promise<void> {
		this.#closed = true;
		this.#exchanges.close();
		await (this.#agent ?? (await this.#loading))?.destroy();
	}

	#read(given: string): Address {
		if (this.#lastAddress?.given !== given) this.#lastAddress = addressOf(given);
		return this.#lastAddress;
	}

	/** Headers as they go out to an origin. */
	#outgoing(given: unknown, origin: string): OutgoingHeaders {
		const last = this.#lastHeaders;
		if (last !== undefined && last.given === given && last.origin === origin) return last.outgoing;
		const outgoing = headersOf(given, exchangeHeader);
		const own = this.#options.headers;
		if (own?.origins.includes(origin)) replaceHeaders(outgoing.headers, own.values);
		if (Object.isFrozen(given)) this.#lastHeaders = { given, origin, outgoing };
		return outgoing;
	}

	#proxyOf(origin: string): string | undefined {
		if (!this.#proxies.has(origin)) this.#proxies.set(origin, proxyFor(new URL(origin), this.#options.proxy));
		return this.#proxies.get(origin);
	}

	async #load(origin: string): Promise<Agent> {
		const { http2 = false, connectTimeoutMs = 10_000, caCertificates = [], proxy } = this.#options;
		const load = async () => {
			const loaded = import("./agent.ts");
			const viaProxy = proxy && (await import("./proxy-agent.ts"));
			return (await loaded).createAgent({
				http2,
				connectTimeoutMs,
				caCertificates,
				proxyOf: (origin) => this.#proxyOf(origin),
				createProxyAgent: viaProxy?.createProxyAgent,
			});
		};
		this.#loading ??= load();
		try {
			this.#agent = await this.#loading;
			return this.#agent;
		} catch (error) {
			this.#loading = undefined;
			// Where no descriptor is left for a file of the program, there is none for a connection.
			const { code } = error as NodeJS.ErrnoException;
			if (code === "EMFILE" || code === "ENFILE") throw connectionFailure(error, "connect", origin, false);
			throw error;
		}
	}
}

/** Where a request goes. A URL makes its parts anew whenever it is asked for one, and each is asked for in every request. */
interface Address {
	readonly given: string;
	readonly href: string;
	readonly origin: string;
	readonly withoutQuery: string;
	/** With the query. */
	readonly path: string;
}

/** @throws TransportError for what is not reached by http; TypeError for what is no address */
function addressOf(given: string): Address {
	const { protocol, href, origin, pathname, search } = new URL(given);
	if (protocol !== "https:" && protocol !== "http:")
		throw new TransportError(`not an http address: ${protocol}`, { phase: "connect", reason: "protocol" });
	return { given, href, origin, withoutQuery: origin + pathname, path: pathname + search };
}

function closedError(origin: string): TransportError {
	return new TransportError(`the request to ${origin} was stopped`, { phase: "connect", reason: "aborted" });
}
