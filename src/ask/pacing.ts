import { ConfigError } from "../errors.ts";
import { AdaptiveLimiter, mostConcurrent } from "../limits/adaptive-limiter.ts";
import { Ceiling } from "../limits/ceiling.ts";
import { type RateSnapshot, readRateHeaders } from "../limits/rate-headers.ts";
import type { ModelRoute, RouteServer } from "../models/router.ts";
import type { LLMOptions } from "../options.ts";
import type { ProviderRow } from "../providers/registry.ts";
import { KeyLanes } from "../schedule/key-lanes.ts";
import { Keys } from "../schedule/keys.ts";
import { type ServerState, Servers } from "../schedule/servers.ts";
import type { ReleaseSlot, Slots } from "../slots/slots.ts";
import type { LLMParts } from "./parts.ts";
import type { LimitPart } from "./runtime.ts";

/** How requests are held back at one moment, over all servers and keys. */
export interface Pace {
	/** Requests that may be in flight. */
	readonly window: number;
	/** Requests per minute that are allowed, as far as the provider said so or it was found out; else null. */
	readonly requestsPerMinute: number | null;
	/** Ms for which no key may send, because the provider asked for that or lets nothing through. */
	readonly pausedMs: number;
	/** In words, why not more. */
	readonly reason: string;
	/** The last thing the provider said about limits; null before the first. */
	readonly lastSignal: string | null;
	/** How each of several servers fares. */
	readonly servers: readonly ServerState[];
}

export interface PacingOptions {
	readonly provider: Pick<ProviderRow, "label" | "local" | "rateHeaders" | "chargesMaxTokens">;
	readonly servers: Servers;
	readonly maxConcurrent?: number | undefined;
	readonly rpm?: number | undefined;
	readonly tpm?: number | undefined;
	/** LLM_GLOBAL_CONCURRENCY as it stands in the environment. */
	readonly globalConcurrency?: string | undefined;
	readonly slotsFolder: string;
	/** Monotonic ms. */
	readonly now: () => number;
	readonly onWarning?: ((message: string) => void) | undefined;
}

/** Where this machine had no room for more requests, one more is tried after so long, in ms. */
const roomierMs = 1_000;

/** The servers by which a model can be reached and their keys, of which nothing is known yet. `now` returns monotonic ms. */
export function serversOf({ provider, servers }: ModelRoute, now: () => number): Servers {
	const isOne = servers.length === 1;
	const keysOf = ({ name, keys }: RouteServer) =>
		new Keys(
			isOne ? provider.label : `${provider.label} (${name})`,
			keys.map(({ value }) => value),
			now,
		);
	return new Servers(
		servers.map((server) => ({ name: server.name, keys: keysOf(server) })),
		now,
	);
}

/** The limiters of one model for one run, by server and key, and what they share. */
export class Pacing {
	readonly route: KeyLanes;
	/** Takes one of the slots that all processes of the user share; undefined when there is no such cap. */
	readonly acquireSlot: ((signal?: AbortSignal) => Promise<ReleaseSlot>) | undefined;
	readonly #options: PacingOptions;
	readonly #requestCeiling: Ceiling;
	readonly #tokenCeiling: Ceiling | undefined;
	#maxInFlight: number;
	/** How many there was room for on this machine, and when that was seen. */
	#room = { most: Number.POSITIVE_INFINITY, at: 0 };
	#slots: Promise<Slots> | undefined;
	/** Of all that is sent to the account, so much is sent from here. */
	#part = 1;

	/** @throws ConfigError when LLM_GLOBAL_CONCURRENCY is not a positive integer */
	constructor(options: PacingOptions) {
		const { provider, servers, maxConcurrent = mostConcurrent, rpm, tpm, now } = options;
		this.#options = options;
		this.#maxInFlight = options.maxConcurrent ?? mostConcurrent * servers.all.length;
		this.#requestCeiling = new Ceiling(rpm ?? Number.POSITIVE_INFINITY, now());
		this.#tokenCeiling = tpm === undefined ? undefined : new Ceiling(tpm, now());
		// Each key gets a limiter of its own. Where several belong to one account after all, each sees the others' use
		// in the headers, or meets it in refusals, and makes room.
		const limiterOf = () =>
			new AdaptiveLimiter({
				now,
				requestCeiling: this.#requestCeiling,
				tokenCeiling: this.#tokenCeiling,
				concurrency: maxConcurrent,
				eager: options.maxConcurrent !== undefined,
				chargesMaxTokens: provider.chargesMaxTokens,
				part: () => this.#part,
			});
		this.route = new KeyLanes(servers, limiterOf);
		const count = slotCount(options.globalConcurrency);
		this.acquireSlot = count === undefined ? undefined : (signal) => this.#acquire(count, signal);
	}

	/** Requests that may be in flight over all keys. */
	get maxInFlight(): number {
		const { most, at } = this.#room;
		if (most === Number.POSITIVE_INFINITY) return this.#maxInFlight;
		return Math.min(this.#maxInFlight, most + Math.floor((this.#options.now() - at) / roomierMs));
	}

	/** This machine had no room for another request besides so many. */
	crowded(others: number, { message }: Error): void {
		const isFirst = this.#room.most === Number.POSITIVE_INFINITY;
		this.#room = { most: Math.max(1, others), at: this.#options.now() };
		if (isFirst) this.#options.onWarning?.(`${message}; going on with fewer requests at a time`);
	}

	/** Keeps from now on to a part of what the user allowed; what nobody limited stays as it is. */
	divide({ rate, requestsPerMinute = Number.POSITIVE_INFINITY, inFlight }: LimitPart): void {
		const { rpm, tpm, maxConcurrent, now } = this.#options;
		this.#part = rate;
		const told = rpm === undefined ? Number.POSITIVE_INFINITY : rpm * rate;
		if (requestsPerMinute < told)
			this.#requestCeiling.change(requestsPerMinute, now(), "held by the limit that all shards found");
		else this.#requestCeiling.change(told, now());
		if (tpm !== undefined) this.#tokenCeiling?.change(tpm * rate, now());
		if (maxConcurrent !== undefined) this.#maxInFlight = inFlight(maxConcurrent);
	}

	get pace(): Pace {
		const states = this.route.states;
		// The key that could send most says best what holds the run back.
		const leader = states.reduce((best, state) => (state.window > best.window ? state : best));
		const rates = states.map((state) => state.requestsPerMinute);
		const known = rates.filter((rate) => rate !== null);
		const signals = states.flatMap(({ lastSignal }) => lastSignal ?? []);
		const last = signals.reduce<(typeof signals)[number] | null>(
			(latest, signal) => (latest === null || signal.at > latest.at ? signal : latest),
			null,
		);
		return {
			window: Math.min(
				this.maxInFlight,
				states.reduce((sum, { window }) => sum + window, 0),
			),
			requestsPerMinute: known.length < rates.length ? null : known.reduce((sum, rate) => sum + rate, 0),
			pausedMs: Math.min(...states.map(({ pausedMs }) => pausedMs)),
			reason: this.maxInFlight < this.#maxInFlight ? "held by the number of open files" : leader.reason,
			lastSignal: last?.text ?? null,
			servers: this.route.servers.states,
		};
	}

	/** What a response's headers say about limits; undefined when they say nothing, from which nothing is to be learnt. */
	readHeaders(headers: Readonly<Record<string, string>>): RateSnapshot | undefined {
		const snapshot = readRateHeaders(headers, this.#options.provider.rateHeaders, Date.now());
		for (const _ in snapshot) return snapshot;
		return undefined;
	}

	async close(): Promise<void> {
		await (await this.#slots)?.close();
	}

	async #acquire(count: number, signal: AbortSignal | undefined): Promise<ReleaseSlot> {
		this.#slots ??= import("../slots/slots.ts").then(
			({ Slots }) => new Slots({ count, folder: this.#options.slotsFolder }),
		);
		return (await this.#slots).acquire(signal);
	}
}

function slotCount(text: string | undefined): number | undefined {
	if (text === undefined || text === "") return undefined;
	const count = Number(text);
	if (!Number.isInteger(count) || count < 1)
		throw new ConfigError(`LLM_GLOBAL_CONCURRENCY must be a positive integer, not "${text}"`);
	return count;
}

/** The pacing of a model's requests, by its route, its servers and the options of its LLM. */
export function pacingOf(
	{ route: { provider }, paths, onPacing }: Pick<LLMParts, "route" | "paths" | "onPacing">,
	servers: Servers,
	{ maxConcurrent, rpm, tpm, env = process.env, onWarning }: LLMOptions,
	now: () => number,
): Pacing {
	const pacing = new Pacing({
		provider,
		servers,
		maxConcurrent,
		rpm,
		tpm,
		globalConcurrency: env.LLM_GLOBAL_CONCURRENCY,
		slotsFolder: paths.slots,
		now,
		onWarning,
	});
	onPacing?.(pacing);
	return pacing;
}
