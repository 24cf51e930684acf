import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** One write of so many bytes stays whole when the process dies. */
const recordBytes = 256;

/** What a shard that died may have spent. */
export interface DeadLease {
	/** As what it was known in Redis. */
	readonly member: string;
	/** Keys of the budgets that it was counted in. */
	readonly budgets: readonly string[];
	/** At most so many nanodollars. */
	readonly most: number;
}

/** Where a shard with these results notes what it may have spent. */
export function leaseFilePath(results: string): string {
	return join(dirname(results), `.${basename(results).slice(0, 200)}.lease`);
}

/**
 * How much of its lease a shard may have used, noted before each request leaves, so that after a kill the rest goes back
 * to the others. An orderly end removes the file. The page cache of one running kernel is what makes it true: after
 * a restart of the machine, or seen from another one, the file may be older than what was sent, and is not believed.
 */
export class LeaseFile {
	readonly #path: string;
	readonly #head: string;
	#file: number | undefined;
	#noted = -1;

	/** `boot`: of the kernel that runs this process. Begins the file anew; what cannot be written is done without. */
	constructor(path: string, { member, budgets }: Omit<DeadLease, "most">, boot: string) {
		this.#path = path;
		this.#head = `${[member, ...budgets].join(",")} ${boot}`;
		try {
			rmSync(path, { force: true });
			this.#file = openSync(path, "wx", 0o600);
			this.note(0);
		} catch {
			this.#giveUp();
		}
	}

	/** So much may be used by what it says. */
	get noted(): number {
		return this.#noted;
	}

	/** At most so many nanodollars may be spent from now on. */
	note(most: number): void {
		if (this.#file === undefined || most <= this.#noted) return;
		try {
			const line = `${this.#head} ${most}`.padEnd(recordBytes - 1);
			writeSync(this.#file, `${line}\n`, 0);
			this.#noted = most;
		} catch {
			this.#giveUp();
		}
	}

	/** The lease was given back. */
	remove(): void {
		this.#giveUp();
	}

	#giveUp(): void {
		const file = this.#file;
		this.#file = undefined;
		try {
			if (file !== undefined) closeSync(file);
		} finally {
			rmSync(this.#path, { force: true });
		}
	}
}

/** What an earlier run left; undefined when there was none, it ended in order, or nobody can know. */
export function readDeadLease(path: string, boot: string): DeadLease | undefined {
	try {
		const text = readFileSync(path, "utf8");
		const [names = "", itsBoot, most] = text.trim().split(" ");
		const [member = "", ...budgets] = names.split(",");
		const amount = Number(most);
		if (text.length !== recordBytes || boot === "" || itsBoot !== boot || !Number.isSafeInteger(amount))
			return undefined;
		return { member, budgets, most: amount };
	} catch {
		return undefined;
	}
}
