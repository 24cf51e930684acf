import type { ErrorClass, LlmxError, RequestError } from "../errors.ts";
import type { ApiKey, Keys } from "./keys.ts";
import { Server } from "./server.ts";

/**
 * A server is given a prompt because it has seen its beginning while it is at most this much busier than the servers
 * are on average: consistent hashing with bounded loads, https://arxiv.org/abs/1608.01350
 */
const mostAboveAverage = 1.25;

/** Failures that another server need not have. */
const failuresOfServers: ReadonlySet<ErrorClass> = new Set([
	"rate_limit",
	"overloaded",
	"server",
	"network",
	"tls",
	"timeout",
	"redirect",
	"not_found",
]);
/** Failures of a server that every request to it would have as it is. */
const failuresOfUnfit: ReadonlySet<ErrorClass> = new Set(["tls", "redirect", "not_found"]);

/** What speaks for one server or the other. */
export interface ServerWish {
	/** Stands for the beginning of the prompt: prompts that begin alike go to one server where that costs nothing. */
	readonly prefix?: number | undefined;
	/** Where the request failed before. */
	readonly not?: Server | undefined;
	/** It may have been billed before, so that this sending is its last: it is not for trying out a server. */
	readonly isLast?: boolean | undefined;
}

/** A server and the key to use there. */
export interface Way {
	readonly server: Server;
	readonly key: ApiKey;
}

/** How one of several servers fares, for people. */
export interface ServerState {
	readonly name: string;
	readonly inFlight: number;
	readonly answers: number;
	/** Requests that failed there, refusals for rate apart. */
	readonly failures: number;
	/** Mean ms of its last answers; null before the first. */
	readonly latencyMs: number | null;
	/** It is left alone but for single tries. */
	readonly isOut: boolean;
}

/** The servers that serve one model, and which of them is asked next. */
export class Servers {
	readonly all: readonly Server[];
	readonly #now: () => number;
	#turn = 0;

	/** `now` returns monotonic ms. */
	constructor(servers: readonly { readonly name: string; readonly keys: Keys }[], now: () => number) {
		this.all = servers.map(({ name, keys }, index) => new Server(name, index, keys));
		this.#now = now;
	}

	get areSeveral(): boolean {
		return this.all.length > 1;
	}

	/** How each fares; empty where there is but one. */
	get states(): readonly ServerState[] {
		if (!this.areSeveral) return [];
		return this.all.map(({ name, inFlight, answers, failures, latencyMs = null, breaker, end }) => ({
			...{ name, inFlight, answers, failures, latencyMs },
			isOut: breaker.isOpen || end !== undefined,
		}));
	}

	/** Why nothing can be sent any more, once no server can be used. */
	get end(): LlmxError | undefined {
		let end: LlmxError | undefined;
		for (const server of this.all) {
			end = server.end;
			if (end === undefined) return undefined;
		}
		return end;
	}

	/** All of them seem out of order. */
	get areOut(): boolean {
		return this.all.every(({ breaker, end }) => breaker.isOpen || end !== undefined);
	}

	/** Since when none of them has answered anything; undefined while one works. */
	get silentSince(): number | undefined {
		const since = this.all.flatMap(({ breaker, end }) =>
			end === undefined ? [breaker.silentSince ?? Number.POSITIVE_INFINITY] : [],
		);
		const latest = Math.max(...since);
		return Number.isFinite(latest) ? latest : undefined;
	}

	/** Ms until some server may be sent something in a run of many rows. */
	waitMs(now: number): number {
		return Math.min(...this.all.map((server) => server.waitMs(now)));
	}

	/** Ms until some key may be used, 0 for now; undefined when none ever may. */
	readyInMs(): number | undefined {
		const times = this.all.flatMap((server) => server.keys.readyInMs() ?? []);
		return times.length === 0 ? undefined : Math.min(...times);
	}

	/** Keys, over all servers, that were not refused or spent. */
	get keyCount(): number {
		return this.all.reduce((sum, server) => sum + server.keys.size, 0);
	}

	/**
	 * The servers in the order in which they are to be asked: first one that has seen the beginning of the prompt, then
	 * by how soon each may answer; what has failed just now comes last. One that is tried again after an outage comes
	 * before all others, for it would not be tried otherwise while they have room.
	 */
	ranked(wish: ServerWish): readonly Server[] {
		if (!this.areSeveral) return this.all;
		const now = this.#now();
		const usualMs = this.#usualMs();
		const turn = this.#turn++;
		const wished = wish.prefix === undefined ? undefined : this.#home(wish.prefix, now, usualMs);
		const rank = (server: Server) => {
			const isOut = server.breaker.isOpen;
			if (isOut && !wish.isLast && server.waitMs(now) === 0) return -2;
			if (isOut || server === wish.not || server.isShunned(now)) return Number.POSITIVE_INFINITY;
			return server === wished ? -1 : server.load(now, usualMs);
		};
		const ranks = this.all.map(rank);
		const order = this.all.map((_, step) => (turn + step) % this.all.length);
		order.sort((one, other) => compare(ranks[one] as number, ranks[other] as number));
		return order.map((index) => this.all[index] as Server);
	}

	/** Where a single call goes now, other than to `tried` if possible; undefined when no key is ready. */
	acquire(prefix: number | undefined, tried: ReadonlySet<Server>): Way | undefined {
		let again: Way | undefined;
		for (const server of this.ranked({ prefix })) {
			const key = server.keys.acquire();
			if (key === undefined) continue;
			if (!tried.has(server)) return { server, key };
			again ??= { server, key };
		}
		return again;
	}

	/** A server beside these could be asked now. */
	hasOther(tried: ReadonlySet<Server>): boolean {
		return this.all.some((server) => !tried.has(server) && !server.isUnfit && server.keys.readyInMs() === 0);
	}

	/** The error to raise when waiting for a key makes no sense, or undefined while it does. */
	exhaustion(): LlmxError | undefined {
		let exhaustion: LlmxError | undefined;
		for (const server of this.all) {
			exhaustion = server.keys.exhaustion();
			if (exhaustion === undefined) return undefined;
		}
		return exhaustion;
	}

	/** Notes that a server failed. Returns whether the request can go to another one, which need not fail as well. */
	noteFailure(server: Server, error: RequestError): boolean {
		// What is no answer of the API, such as a login page, comes soon, and would draw all requests to it.
		if (error.errorClass === "malformed_response") server.failed(this.#now());
		if (error.advice.isCrowded || !failuresOfServers.has(error.errorClass)) return false;
		// How often one may ask is the business of limiters and keys.
		if (error.errorClass !== "rate_limit") server.failed(this.#now());
		const { errorClass, advice } = error;
		// A server of one's own that is not running, or a host that nobody knows.
		const isAbsent = errorClass === "network" && advice.retry === "never";
		server.isUnfit ||= isAbsent || failuresOfUnfit.has(errorClass);
		// One that has answered before may come back.
		const mayAnswer = ({ isUnfit, breaker }: Server) => !isUnfit || breaker.isProven;
		return this.all.some(
			(other) => other !== server && other.end === undefined && (!server.isUnfit || mayAnswer(other)),
		);
	}

	/** Mean ms of the answers of all servers. */
	#usualMs(): number {
		let sum = 0;
		let known = 0;
		for (const { latencyMs } of this.all) {
			if (latencyMs === undefined) continue;
			sum += latencyMs;
			known += 1;
		}
		return known === 0 ? 1 : sum / known;
	}

	/** The server of a prompt's beginning, unless it is busier than the others: rendezvous hashing. */
	#home(prefix: number, now: number, usualMs: number): Server | undefined {
		let home: Server | undefined;
		let highest = -1;
		let sum = 0;
		let count = 0;
		for (const server of this.all) {
			if (server.breaker.isOpen) continue;
			sum += server.load(now, usualMs);
			count += 1;
			const weight = mixed(prefix, server.index);
			if (weight > highest) {
				highest = weight;
				home = server;
			}
		}
		if (home === undefined || home.load(now, usualMs) > (mostAboveAverage * sum) / count) return undefined;
		return home;
	}
}

function compare(one: number, other: number): number {
	return one === other ? 0 : one < other ? -1 : 1;
}

/** Two numbers as one of 32 bits: the last steps of MurmurHash3. */
function mixed(one: number, other: number): number {
	let bits = one ^ Math.imul(other + 1, 0x9e3779b1);
	bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
	bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
	return (bits ^ (bits >>> 16)) >>> 0;
}
