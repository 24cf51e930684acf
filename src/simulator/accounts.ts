import { AccountLimits, type Limits } from "./limits.ts";

export interface AccountOptions {
	readonly keys: readonly string[];
	/** Instead of the limits that all accounts have. */
	readonly limits?: Limits | undefined;
}

/** Whose limits a key uses up: several keys may belong to one account. */
export class Accounts {
	readonly #now: () => number;
	readonly #accountOf = new Map<string, string>();
	readonly #own: ReadonlySet<string>;
	readonly #limits = new Map<string, AccountLimits>();
	#common: Limits | undefined;

	constructor(
		common: Limits | undefined,
		accounts: Readonly<Record<string, AccountOptions>> = {},
		now: () => number,
	) {
		this.#now = now;
		this.#common = common;
		const own = new Set<string>();
		for (const [name, { keys, limits }] of Object.entries(accounts)) {
			for (const key of keys) this.#accountOf.set(key, name);
			if (limits !== undefined) {
				own.add(name);
				this.#limits.set(name, new AccountLimits(limits, now));
			}
		}
		this.#own = own;
	}

	/** The limits that this key's account shares, or undefined when there are none. */
	of(key: string): AccountLimits | undefined {
		const account = this.#accountOf.get(key) ?? key;
		const existing = this.#limits.get(account);
		if (existing !== undefined || this.#common === undefined) return existing;
		const created = new AccountLimits(this.#common, this.#now);
		this.#limits.set(account, created);
		return created;
	}

	change(limits: Limits, account?: string): void {
		if (account !== undefined) {
			const existing = this.#limits.get(account);
			if (existing === undefined) this.#limits.set(account, new AccountLimits(limits, this.#now));
			else existing.change(limits);
			return;
		}
		this.#common = limits;
		for (const [name, existing] of this.#limits) if (!this.#own.has(name)) existing.change(limits);
	}
}
