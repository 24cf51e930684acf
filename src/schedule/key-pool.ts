import { type ExitCode, exitCodes, LlmxError } from "../errors.ts";
import type { Clock } from "./clock.ts";

/** A key as the pool hands it out; undefined for providers that need none. */
export interface PooledKey {
	readonly value: string | undefined;
}

/** Why no key can be used: refused by the server, spent, or asked to wait for longer than `parkAfterMs`. */
export type ExhaustionReason = "refused" | "spent" | "parked";

/** A hint beyond this sets the key aside instead of making the caller wait (faults.md row 12). */
export const parkAfterMs = 300_000;

/** No key of the provider is usable: exit 4 when all were refused, 7 when spent, 5 when one comes back later. */
export class KeysExhaustedError extends LlmxError {
	readonly reason: ExhaustionReason;
	/** Time until the first parked key may be used again, in ms. */
	readonly readyInMs: number | undefined;

	constructor(provider: string, reason: ExhaustionReason, readyInMs: number | undefined) {
		super(describe(provider, reason, readyInMs), { exitCode: exitCodeOf[reason], hint: hints[reason] });
		this.reason = reason;
		this.readyInMs = readyInMs;
	}
}

const exitCodeOf: Readonly<Record<ExhaustionReason, ExitCode>> = {
	refused: exitCodes.auth,
	spent: exitCodes.quota,
	parked: exitCodes.outage,
};

const hints: Readonly<Record<ExhaustionReason, string>> = {
	refused: "check the keys: llmx keys list",
	spent: "check the plan and billing of the account",
	parked: "run the same command again then",
};

function describe(provider: string, reason: ExhaustionReason, readyInMs: number | undefined): string {
	if (reason === "refused") return `${provider} refused every key`;
	if (reason === "spent") return `the quota of every key for ${provider} is spent`;
	const minutes = Math.ceil((readyInMs ?? 0) / 60_000);
	return `${provider} asks to wait ${minutes} minutes before the next request`;
}

interface Entry {
	readonly key: PooledKey;
	state: "live" | "refused" | "spent";
	/** On the pool's clock. */
	readyAt: number;
}

/**
 * The keys of one provider for one run. The same key is handed out until something is said against it, because
 * providers keep prompt caches by account; then the next one that may be used.
 */
export class KeyPool {
	readonly #provider: string;
	readonly #clock: Clock;
	readonly #entries: readonly Entry[];
	#current = 0;

	/** `keys` in the order of preference; none for a provider that needs no key. `provider` is named in errors. */
	constructor(provider: string, keys: readonly string[], clock: Clock) {
		this.#provider = provider;
		this.#clock = clock;
		const values: readonly (string | undefined)[] = keys.length === 0 ? [undefined] : [...new Set(keys)];
		this.#entries = values.map((value) => ({
			key: { value },
			state: "live",
			readyAt: Number.NEGATIVE_INFINITY,
		}));
	}

	/** Keys that were not refused or spent. */
	get size(): number {
		return this.#entries.filter((entry) => entry.state === "live").length;
	}

	/** The key to use now, or undefined when each is resting, parked, refused or spent. */
	acquire(): PooledKey | undefined {
		const now = this.#clock.now();
		for (let step = 0; step < this.#entries.length; step++) {
			const index = (this.#current + step) % this.#entries.length;
			const entry = this.#entries[index] as Entry;
			if (entry.state === "live" && entry.readyAt <= now) {
				this.#current = index;
				return entry.key;
			}
		}
		return undefined;
	}

	/** The key is not handed out for `ms`, and others go before it. */
	rest(key: PooledKey, ms: number): void {
		const entry = this.#entry(key);
		entry.readyAt = Math.max(entry.readyAt, this.#clock.now() + ms);
		this.#leave(entry);
	}

	/** The server does not know the key: it is not used again. */
	drop(key: PooledKey): void {
		this.#remove(key, "refused");
	}

	/** The key's quota is spent: it is not used again in this run. */
	retire(key: PooledKey): void {
		this.#remove(key, "spent");
	}

	/** Time until some key may be used, 0 for at once; undefined when all were refused or spent. */
	readyInMs(): number | undefined {
		const live = this.#entries.filter((entry) => entry.state === "live");
		if (live.length === 0) return undefined;
		return Math.max(0, Math.min(...live.map((entry) => entry.readyAt)) - this.#clock.now());
	}

	/** The error to raise when waiting for a key makes no sense, or undefined while it does. */
	exhaustion(): KeysExhaustedError | undefined {
		const readyInMs = this.readyInMs();
		if (readyInMs !== undefined) {
			if (readyInMs <= parkAfterMs) return undefined;
			return new KeysExhaustedError(this.#provider, "parked", readyInMs);
		}
		// A spent key is a good one, so paying helps; only when all were refused are the keys themselves at fault.
		const spent = this.#entries.some((entry) => entry.state === "spent");
		return new KeysExhaustedError(this.#provider, spent ? "spent" : "refused", undefined);
	}

	#remove(key: PooledKey, state: "refused" | "spent"): void {
		const entry = this.#entry(key);
		// Of several requests in flight with one key the first verdict stands.
		if (entry.state === "live") entry.state = state;
		this.#leave(entry);
	}

	#leave(entry: Entry): void {
		if (this.#entries[this.#current] === entry) this.#current = (this.#current + 1) % this.#entries.length;
	}

	#entry(key: PooledKey): Entry {
		const entry = this.#entries.find((candidate) => candidate.key === key);
		if (entry === undefined) throw new TypeError("the key is not of this pool");
		return entry;
	}
}
