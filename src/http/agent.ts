/** The only place that loads undici, and only its dispatchers; reached by a dynamic import on the first request. */

import type { Dispatcher, Pool as PoolTypes } from "undici";
import { kConnected, kConnector, kDispatch } from "undici/lib/core/symbols.js";
import Client from "undici/lib/dispatcher/client.js";
import Pool from "undici/lib/dispatcher/pool.js";
import {
	kClients,
	kGetDispatcher,
	kHasDispatcher,
	kNeedDrain,
	kOnClientDrain,
} from "undici/lib/dispatcher/pool-base.js";
import { noteConnection, takeDescriptors } from "./descriptors.ts";
import { passOverContinue } from "./interim-response.ts";

/** One connection, as far as the handler of a request on it must know. */
export interface Connection {
	/** Answers read whole on the connection as it stands; above 0 it was kept alive from an earlier request. */
	answered: number;
	/** A request was written, and no byte of its response has come. */
	awaitsResponse: boolean;
}

/** Requests that have connections of one pool. */
export interface InFlight {
	inFlight: number;
}

/** What a handler offers so that it learns which connection carries its request. */
export interface ConnectionAware {
	connection: Connection | undefined;
	/** Where it was counted when it was sent; it takes itself off when it needs no connection any more. */
	countedIn: InFlight | undefined;
}

/** Connections of one pool, those included that are being made. */
interface ConnectionGroup {
	connections: number;
}

/** undici's Client (one connection), which tells each handler that it is the one and counts its answers. */
class CountingClient extends Client implements Connection {
	answered = 0;
	awaitsResponse = false;
	/** It is among those that its pool thinks are free. */
	isListed = false;

	/** `group` are the connections that it is one of. */
	constructor(origin: string | URL, options: object, group: ConnectionGroup = { connections: 0 }) {
		super(origin, options);
		this.on("disconnect", () => {
			this.answered = 0;
		});
		const connect = this[kConnector];
		this[kConnector] = (target, callback) => {
			// The first of a group may always try, or nothing would ever be given back.
			if (!takeDescriptors() && group.connections > 0) {
				noteConnection(null);
				queueMicrotask(() => callback(Object.assign(new Error("too many open files"), { code: "EMFILE" })));
				return;
			}
			group.connections++;
			const leave = () => void group.connections--;
			connect(target, (error, socket) => {
				noteConnection(socket);
				if (socket) socket.once("close", leave);
				else leave();
				if (socket && socket.alpnProtocol !== "h2") passOverContinue(socket, this);
				callback(error, socket);
			});
		};
	}

	override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
		(handler as Partial<ConnectionAware>).connection = this;
		return super.dispatch(options, handler);
	}
}

/**
 * undici's Pool, with no more connections than there are requests at once. undici frees a connection a moment after its
 * answer; whoever sends the next request at once would find none free, and have twice as many in the end.
 */
class CountingPool extends Pool implements InFlight, ConnectionGroup {
	inFlight = 0;
	connections = 0;
	/** Those that had room when they were seen last; those that were used last are its end. */
	readonly #free: CountingClient[] = [];

	/** An agent for a proxy calls it without `dispatch`. */
	override [kDispatch](options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
		this.inFlight++;
		(handler as Partial<ConnectionAware>).countedIn = this;
		return super[kDispatch](options, handler);
	}

	/** Undefined makes the request wait for the connection that is free next. */
	override [kGetDispatcher](): Dispatcher | undefined {
		const free = this.#lastFree();
		// Another would have to connect first, for which there may be no room.
		if (free?.[kConnected]) return free;
		const connected = this.#free.findLast((client) => client[kConnected] && isFree(client));
		if (connected !== undefined) return connected;
		return this[kClients].length < this.inFlight ? super[kGetDispatcher]() : free;
	}

	/** undici's makes a connection for the request that may come next. */
	override [kHasDispatcher](): boolean {
		return this.#lastFree() !== undefined;
	}

	/** A connection of the pool has room for a request, for which undici would look through all of them. */
	override [kOnClientDrain](client: CountingClient): void {
		super[kOnClientDrain](client);
		this.noteFree(client);
	}

	noteFree(client: CountingClient): void {
		if (client.isListed) return;
		client.isListed = true;
		this.#free.push(client);
	}

	/** The one that was used last, which has had the least time to be closed by the server. */
	#lastFree(): CountingClient | undefined {
		for (let last = this.#free.at(-1); last !== undefined; last = this.#free.at(-1)) {
			if (isFree(last)) return last;
			last.isListed = false;
			this.#free.pop();
		}
		return undefined;
	}
}

function isFree(client: CountingClient): boolean {
	return !client[kNeedDrain] && !client.closed && !client.destroyed;
}

export interface AgentOptions {
	readonly http2: boolean;
	readonly connectTimeoutMs: number;
	/** PEM certificates trusted besides the system's. */
	readonly caCertificates: readonly string[];
	/** The proxy of an origin; undefined where there is none. */
	readonly proxyOf: (origin: string) => string | undefined;
	/** Makes the agent for a proxy; not called where there is none. */
	readonly createProxyAgent: typeof import("./proxy-agent.ts")["createProxyAgent"] | undefined;
}

/** Sends requests over pooled connections. */
export interface ConnectionPool {
	dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void;
	/** Sends on a connection of its own, which is closed after the answer: no server has had time to give it up. */
	dispatchAlone(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void;
	/** The proxy of an origin; undefined where there is none. */
	proxyOf(origin: string): string | undefined;
	destroy(): Promise<void>;
}

/** Kept longer than undici's 4 s, because turns of a chat are further apart; a stale one is sent again anyway. */
const keepAliveMs = 30_000;

export function createAgent(options: AgentOptions): ConnectionPool {
	const { caCertificates } = options;
	const clientOptions = {
		// Both are off because the exchange has its own limits, which know content from keep-alive comments.
		headersTimeout: 0,
		bodyTimeout: 0,
		keepAliveTimeout: keepAliveMs,
		keepAliveMaxTimeout: keepAliveMs,
		allowH2: options.http2,
		...(options.http2 ? { pipelining: 100, h2Options: { maxConcurrentStreams: 256 } } : {}),
		connect: {
			timeout: options.connectTimeoutMs,
			allowH2: options.http2,
		},
	};
	let trusted: string[] | undefined;
	/** Only TLS needs them, and to have them all takes as long as loading the rest of the network. */
	const certificates = () => {
		if (caCertificates.length > 0) trusted ??= trustedBesides(caCertificates);
		return trusted && { ca: trusted };
	};
	const optionsFor = (origin: string | URL) => ({
		...clientOptions,
		...(String(origin).startsWith("https:") && { connect: { ...clientOptions.connect, ...certificates() } }),
	});
	const poolFor = (origin: string | URL, poolOptions: PoolTypes.Options) => {
		const pool: CountingPool = new CountingPool(origin, {
			...poolOptions,
			// An agent for a proxy connects by a function of its own.
			...(typeof poolOptions.connect !== "function" && optionsFor(origin)),
			factory: (url, ownOptions) => {
				const client = new CountingClient(url, ownOptions, pool);
				pool.noteFree(client);
				return client;
			},
		});
		return pool;
	};
	const throughProxy = (proxy: string): Dispatcher => {
		if (options.createProxyAgent === undefined) throw new TypeError("no agent for proxies");
		const tls = { allowH2: options.http2, ...certificates() };
		return options.createProxyAgent(proxy, {
			...clientOptions,
			factory: poolFor,
			connectTimeout: options.connectTimeoutMs,
			requestTls: tls,
			proxyTls: { ...certificates() },
		});
	};
	/** By proxy. */
	const proxied = new Map<string, Dispatcher>();
	/** By origin. */
	const dispatchers = new Map<string, Dispatcher>();
	const dispatcherFor = (origin: string): Dispatcher => {
		let dispatcher = dispatchers.get(origin);
		if (dispatcher === undefined) {
			const proxy = options.proxyOf(origin);
			dispatcher =
				proxy === undefined ? poolFor(origin, clientOptions) : (proxied.get(proxy) ?? throughProxy(proxy));
			if (proxy !== undefined) proxied.set(proxy, dispatcher);
			dispatchers.set(origin, dispatcher);
		}
		return dispatcher;
	};
	return {
		dispatch: (request, handler) => void dispatcherFor(String(request.origin)).dispatch(request, handler),
		dispatchAlone(request, handler) {
			const proxy = options.proxyOf(String(request.origin));
			const alone =
				proxy === undefined
					? new CountingClient(request.origin as string, optionsFor(request.origin as string))
					: throughProxy(proxy);
			alone.dispatch(request, handler);
			void alone.close();
		},
		proxyOf: options.proxyOf,
		async destroy() {
			await Promise.all([...new Set(dispatchers.values())].map((dispatcher) => dispatcher.destroy()));
		},
	};
}

function trustedBesides(caCertificates: readonly string[]): string[] {
	const tls = process.getBuiltinModule("node:tls");
	return [...tls.getCACertificates("default"), ...caCertificates];
}
