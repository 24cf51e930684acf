import type { Limiter, LimiterState, TokenCost } from "../limits/limiter.ts";
import type { ApiKey } from "./keys.ts";
import type { Server } from "./server.ts";
import type { Servers, ServerWish } from "./servers.ts";

/** A key of a server and the limiter of the account it belongs to; keys of one account share one limiter. */
export interface KeyLane {
	readonly server: Server;
	readonly key: ApiKey;
	readonly limiter: Limiter;
}

/** All servers and keys by which requests to one model may go. */
export class KeyLanes {
	readonly servers: Servers;
	/** By server. */
	readonly #lanes: readonly (readonly KeyLane[])[];
	readonly #turns: number[];
	#waitMs = 0;

	/** Makes a lane for each of the keys, with the limiter that `limiterOf` returns for it. */
	constructor(servers: Servers, limiterOf: (key: ApiKey, server: Server) => Limiter) {
		this.servers = servers;
		this.#lanes = servers.all.map((server) =>
			server.keys.all.map((key) => ({ server, key, limiter: limiterOf(key, server) })),
		);
		this.#turns = servers.all.map(() => 0);
	}

	/** What each account's limiter has to say, where its server works; keys of one account count once. */
	get states(): readonly LimiterState[] {
		const { areOut } = this.servers;
		const lanes = this.#lanes.flat().filter(({ server }) => areOut || !server.breaker.isOpen);
		return [...new Set(lanes.map(({ limiter }) => limiter))].map((limiter) => limiter.state());
	}

	/** The lane that may send a request of this cost now, or undefined; then `waitMs` says when to ask again. */
	pick(cost: TokenCost, now: number, wish: ServerWish = {}): KeyLane | undefined {
		this.#waitMs = Number.POSITIVE_INFINITY;
		const keepsToSound = wish.isLast && !this.servers.areOut;
		for (const server of this.servers.ranked(wish)) {
			if (keepsToSound && server.breaker.isOpen) continue;
			const waitMs = server.waitMs(now);
			const lane = waitMs > 0 ? undefined : this.#pickKey(server, cost);
			if (lane !== undefined) return lane;
			if (waitMs > 0) this.#waitMs = Math.min(this.#waitMs, waitMs);
		}
		return undefined;
	}

	/** After `pick` said no: ms until it is worth asking again, Infinity if an end must come first. */
	get waitMs(): number {
		return this.#waitMs;
	}

	#pickKey(server: Server, cost: TokenCost): KeyLane | undefined {
		const lanes = this.#lanes[server.index] ?? [];
		const turn = this.#turns[server.index] ?? 0;
		for (let step = 0; step < lanes.length; step++) {
			const index = (turn + step) % lanes.length;
			const lane = lanes[index] as KeyLane;
			const waitMs = server.keys.waitMs(lane.key) || lane.limiter.waitMs(cost);
			if (waitMs <= 0) {
				// The next request tries the next key first, so that the load spreads over the accounts.
				this.#turns[server.index] = index + 1;
				return lane;
			}
			this.#waitMs = Math.min(this.#waitMs, waitMs);
		}
		return undefined;
	}
}
