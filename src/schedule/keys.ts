import { type ExitCode, exitCodes, LlmxError, type RequestError } from "../errors.ts";

/** A key of one provider; `value` is undefined for providers that need none. */
export interface ApiKey {
	readonly value: string | undefined;
}

/** Why no key can be used: refused by the server, spent, or asked to wait for longer than `parkAfterMs`. */
export type ExhaustionReason = "refused" | "spent" | "parked";

/** A hint beyond this sets the key aside instead of making the caller wait. */
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
	parked: "run the same command again after that",
};

function describe(provider: string, reason: ExhaustionReason, readyInMs: number | undefined): string {
	if (reason === "refused") return `${provider} refused every key`;
	if (reason === "spent") return `the quota of every key for ${provider} is spent`;
	const minutes = Math.ceil((readyInMs ?? 0) / 60_000);
	return `${provider} asks to wait ${minutes} minutes before the next request`;
}

interface KeyState {
	readonly key: ApiKey;
	/** Why it is never used again in this run, and the failure that said so. */
	closed: { readonly reason: "refused" | "spent"; readonly cause: RequestError | undefined } | undefined;
	/** It may be used from then on. */
	readyAt: number;
}

/**
 * What is known of the keys of one provider, for single calls and for runs of many alike. A single call is given the
 * same key until something is said against it, because providers keep prompt caches by account; then the next one.
 */
export class Keys {
	readonly #provider: string;
	readonly #now: () => number;
	readonly #states: readonly KeyState[];
	#current = 0;

	/**
	 * `values` in order of preference; none for a provider that needs no key. `provider` is named in errors, `now`
	 * returns monotonic ms.
	 */
	constructor(provider: string, values: readonly string[], now: () => number) {
		this.#provider = provider;
		this.#now = now;
		const all: readonly (string | undefined)[] = values.length === 0 ? [undefined] : [...new Set(values)];
		this.#states = all.map((value) => ({
			key: { value },
			closed: undefined,
			readyAt: Number.NEGATIVE_INFINITY,
		}));
	}

	get all(): readonly ApiKey[] {
		return this.#states.map(({ key }) => key);
	}

	/** Keys that were not refused or spent. */
	get size(): number {
		return this.#states.filter(({ closed }) => closed === undefined).length;
	}

	/** The key for a single call now, or undefined when each is resting, parked, refused or spent. */
	acquire(): ApiKey | undefined {
		for (let step = 0; step < this.#states.length; step++) {
			const index = (this.#current + step) % this.#states.length;
			const { key } = this.#states[index] as KeyState;
			if (this.waitMs(key) === 0) {
				this.#current = index;
				return key;
			}
		}
		return undefined;
	}

	/** Ms until the key may be used, 0 for now, Infinity when it was refused or is spent. */
	waitMs(key: ApiKey): number {
		return this.#waitMsOf(this.#state(key));
	}

	/** The key is not used for `ms`, and single calls prefer the others from now on. */
	rest(key: ApiKey, ms: number): void {
		const state = this.#state(key);
		state.readyAt = Math.max(state.readyAt, this.#now() + ms);
		this.#leave(state);
	}

	/** The server does not know the key: it is not used again. */
	drop(key: ApiKey, cause?: RequestError): void {
		this.#close(key, "refused", cause);
	}

	/** The key's quota is spent: it is not used again in this run. */
	retire(key: ApiKey, cause?: RequestError): void {
		this.#close(key, "spent", cause);
	}

	/** Draws the consequence of a failure for the key it happened on. Returns whether that key is out of use. */
	note(key: ApiKey, error: RequestError): boolean {
		const { advice } = error;
		if (advice.key === "drop") {
			this.drop(key, error);
			return true;
		}
		if (advice.key === "retire") {
			this.retire(key, error);
			return true;
		}
		if ((advice.afterMs ?? 0) > parkAfterMs) {
			this.rest(key, advice.afterMs ?? 0);
			return true;
		}
		return false;
	}

	/** Ms until some key may be used, 0 for now; undefined when all were refused or spent. */
	readyInMs(): number | undefined {
		let soonest = Number.POSITIVE_INFINITY;
		for (const state of this.#states) soonest = Math.min(soonest, this.#waitMsOf(state));
		return Number.isFinite(soonest) ? soonest : undefined;
	}

	/** The error to raise when waiting for a key makes no sense, or undefined while it does. */
	exhaustion(): KeysExhaustedError | undefined {
		const readyInMs = this.readyInMs();
		if (readyInMs !== undefined) {
			if (readyInMs <= parkAfterMs) return undefined;
			return new KeysExhaustedError(this.#provider, "parked", readyInMs);
		}
		// A spent key is a good one, so paying helps; only when all were refused are the keys themselves at fault.
		const spent = this.#states.some(({ closed }) => closed?.reason === "spent");
		return new KeysExhaustedError(this.#provider, spent ? "spent" : "refused", undefined);
	}

	/** Like `exhaustion`; the server's own words where there is only one key and it is closed. */
	end(): LlmxError | undefined {
		const exhaustion = this.exhaustion();
		if (exhaustion === undefined || this.#states.length > 1) return exhaustion;
		return this.#states[0]?.closed?.cause ?? exhaustion;
	}

	/** Asked about for every request; most keys never rest, and the time is not needed for them. */
	#waitMsOf({ closed, readyAt }: KeyState): number {
		if (closed !== undefined) return Number.POSITIVE_INFINITY;
		return readyAt === Number.NEGATIVE_INFINITY ? 0 : Math.max(0, readyAt - this.#now());
	}

	#close(key: ApiKey, reason: "refused" | "spent", cause: RequestError | undefined): void {
		const state = this.#state(key);
		// Of several requests in flight with one key the first verdict stands.
		state.closed ??= { reason, cause };
		this.#leave(state);
	}

	#leave(state: KeyState): void {
		if (this.#states[this.#current] === state) this.#current = (this.#current + 1) % this.#states.length;
	}

	#state(key: ApiKey): KeyState {
		for (const state of this.#states) if (state.key === key) return state;
		throw new TypeError("the key does not belong here");
	}
}
