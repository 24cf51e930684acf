import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensurePrivateFolder, replaceFile } from "../files.ts";
import { acquireLock, type Lock } from "../lock.ts";

/** Claims are made one after another; a claimer that is slower than this is taken to be stuck. */
const patienceMs = 2_000;
const retryMs = 15;

/**
 * What runs in progress have set aside of a budget that they share: a file for each run, in USD. It counts as long as
 * its run lives, which holds a lock that ends with the process. Whoever claims looks at all others first, one at a
 * time, so that together they never claim more than there is.
 */
export class BudgetClaim {
	readonly #folder: string;
	readonly #path: string;
	#lock: Lock | undefined;
	#usd = 0;

	constructor(folder: string, name = `${process.pid}-${Math.random().toString(36).slice(2, 10)}`) {
		this.#folder = folder;
		this.#path = join(folder, `${name}.json`);
	}

	/** USD that this run has set aside and not yet spent, as the others see it. */
	get usd(): number {
		return this.#usd;
	}

	/**
	 * Sets aside up to `wantedUsd` more.
	 * @param leftUsd what is left of the budget in USD, other runs' claims not counted; asked when it is this one's turn
	 * @returns the USD that were there to be set aside; 0 when others have it all
	 */
	async add(wantedUsd: number, leftUsd: () => Promise<number>): Promise<number> {
		ensurePrivateFolder(this.#folder);
		const turn = await waitForLock(join(this.#folder, "turn"));
		try {
			if (this.#lock === undefined) {
				const own = await acquireLock(this.#path);
				if ("lock" in own) this.#lock = own.lock;
			}
			const free = (await leftUsd()) - (await claimedBy(this.#folder, this.#path)) - this.#usd;
			const granted = Math.max(0, Math.min(wantedUsd, free));
			this.#write(this.#usd + granted);
			return granted;
		} finally {
			await turn?.release();
		}
	}

	/** Notes that part of the claim is spent by now, and in the ledger for all to see. */
	keep(usd: number): void {
		if (usd < this.#usd) this.#write(Math.max(0, usd));
	}

	/** Gives back what is left. */
	async release(): Promise<void> {
		rmSync(this.#path, { force: true });
		this.#usd = 0;
		await this.#lock?.release();
		this.#lock = undefined;
	}

	#write(usd: number): void {
		this.#usd = usd;
		replaceFile(this.#path, `${JSON.stringify({ pid: process.pid, usd })}\n`);
	}
}

/** USD that runs in progress have set aside; claims of runs that are no more are removed. */
export async function claimedBy(folder: string, except?: string): Promise<number> {
	let sum = 0;
	for (const name of listClaims(folder)) {
		const path = join(folder, name);
		if (path === except) continue;
		const usd = readClaim(path);
		if (usd === undefined) continue;
		const taken = await acquireLock(path);
		if ("held" in taken) {
			sum += usd;
			continue;
		}
		rmSync(path, { force: true });
		await taken.lock.release();
	}
	return sum;
}

function listClaims(folder: string): string[] {
	try {
		return readdirSync(folder).filter((name) => name.endsWith(".json"));
	} catch {
		return [];
	}
}

function readClaim(path: string): number | undefined {
	try {
		const { usd } = JSON.parse(readFileSync(path, "utf8")) as { usd?: unknown };
		return typeof usd === "number" && usd >= 0 ? usd : undefined;
	} catch {
		return undefined;
	}
}

async function waitForLock(path: string): Promise<Lock | undefined> {
	for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += retryMs) {
		const taken = await acquireLock(path);
		if ("lock" in taken) return taken.lock;
		await new Promise((resolve) => setTimeout(resolve, retryMs * (0.5 + Math.random())));
	}
	return undefined;
}
