import { UsageError } from "../../errors.ts";
import { acquireLock, type Lock, type LockHeld } from "../../state/lock.ts";
import type { NamedPath } from "./target.ts";

/** That this process alone writes a run's files. */
export class OutputClaim {
	readonly #outputs: readonly NamedPath[];
	readonly #lock: Lock;
	#onLost: (message: string) => void = () => {};

	private constructor(outputs: readonly NamedPath[], lock: Lock) {
		this.#outputs = outputs;
		this.#lock = lock;
	}

	/** @throws UsageError when another process writes one of the files */
	static async take(outputs: readonly NamedPath[]): Promise<OutputClaim> {
		const taken = await acquireLock(
			outputs.map(({ path }) => path),
			{ onLost: (file) => claim.#onLost(`another process is using ${file}`) },
		);
		if ("held" in taken) throw inUse(outputs, taken.held);
		const claim = new OutputClaim(outputs, taken.lock);
		return claim;
	}

	/**
	 * Extends the claim to files that were made since, under whatever name.
	 * @throws UsageError when another process has one under another name
	 */
	async cover(): Promise<void> {
		for (const { path } of this.#outputs) {
			const held = await this.#lock.cover(path);
			if (held !== undefined) throw inUse(this.#outputs, held);
		}
	}

	/** To be called now and then by whoever keeps the event loop for long. */
	showLife(): void {
		this.#lock.showLife();
	}

	/** Calls `listener` once when another process is using this one for dead, and the files with it. */
	whenLost(listener: (message: string) => void): void {
		this.#onLost = listener;
	}

	release(): Promise<void> {
		return this.#lock.release();
	}
}

function inUse(outputs: readonly NamedPath[], { path, pid, host, file }: LockHeld): UsageError {
	const name = outputs.find((output) => output.path === path)?.name ?? path;
	const who = pid === null ? "another process" : `process ${pid}`;
	const hint = "wait for it to finish, or choose another output with -o";
	return new UsageError(`${name} is in use by ${who}${host === undefined ? "" : ` on ${host}`}`, {
		hint:
			host === undefined && pid !== null
				? hint
				: `${hint}; if it is no longer there, wait a minute${file === undefined ? "" : ` or delete ${file}`}`,
	});
}
