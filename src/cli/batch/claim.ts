import { UsageError } from "../../errors.ts";
import type { Clock } from "../../schedule/clock.ts";
import { acquireLock, type Lock, type LockHeld } from "../../state/lock.ts";
import type { NamedPath } from "./target.ts";

/** A holder elsewhere is no more after a minute of silence; one that was killed here is gone in a moment. */
const longestWaitMs = { elsewhere: 75_000, here: 10_000 };
const waitMs = 1_000;

interface TakeOverOptions {
	readonly clock: Clock;
	readonly onWait: (message: string) => void;
}

/** Another process writes a file. */
class InUseError extends UsageError {
	/** On another machine or in another container, so that nobody here knows whether it lives. */
	readonly isElsewhere: boolean;

	constructor(message: string, hint: string, isElsewhere: boolean) {
		super(message, { hint });
		this.isElsewhere = isElsewhere;
	}
}

/** That this process alone writes a run's files. */
export class OutputClaim {
	readonly #outputs: readonly NamedPath[];
	readonly #lock: Lock;
	#onLost: (message: string) => void = () => {};
	#isLost = false;

	private constructor(outputs: readonly NamedPath[], lock: Lock) {
		this.#outputs = outputs;
		this.#lock = lock;
	}

	/** @throws UsageError when another process writes one of the files */
	static async take(outputs: readonly NamedPath[]): Promise<OutputClaim> {
		const taken = await acquireLock(
			outputs.map(({ path }) => path),
			{
				onLost: (file) => {
					claim.#isLost = true;
					claim.#onLost(`another process is using ${file}`);
				},
			},
		);
		if ("held" in taken) throw inUse(outputs, taken.held);
		const claim = new OutputClaim(outputs, taken.lock);
		return claim;
	}

	/**
	 * Like `take`, but waits for a holder that may be no more: the task of a job array that was killed, with its machine
	 * perhaps, and is started again.
	 * @throws UsageError when another process writes one of the files
	 */
	static async takeOver(outputs: readonly NamedPath[], options: TakeOverOptions): Promise<OutputClaim> {
		const { clock, onWait } = options;
		const startedAt = clock.now();
		for (let hasSaid = false; ; hasSaid = true) {
			try {
				return await OutputClaim.take(outputs);
			} catch (error) {
				if (!(error instanceof InUseError)) throw error;
				const mostMs = longestWaitMs[error.isElsewhere ? "elsewhere" : "here"];
				if (clock.now() - startedAt >= mostMs) throw error;
				if (!hasSaid) onWait(`${error.message}; waiting ${mostMs / 1_000} s for it to end`);
				await clock.sleep(waitMs);
			}
		}
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

	/** Whether no other process has taken the files over, which is looked at after every pause. */
	isHeld(): boolean {
		this.#lock.showLife();
		return !this.#isLost;
	}

	/** Calls `listener` once when another process is using this one for dead, and the files with it. */
	whenLost(listener: (message: string) => void): void {
		this.#onLost = listener;
	}

	release(): Promise<void> {
		return this.#lock.release();
	}
}

function inUse(outputs: readonly NamedPath[], { path, pid, host, file }: LockHeld): InUseError {
	const name = outputs.find((output) => output.path === path)?.name ?? path;
	const who = pid === null ? "another process" : `process ${pid}`;
	const hint = "wait for it to finish, or choose another output with -o";
	const isElsewhere = host !== undefined || pid === null;
	return new InUseError(
		`${name} is in use by ${who}${host === undefined ? "" : ` on ${host}`}`,
		isElsewhere
			? `${hint}; if it is no longer there, wait a minute${file === undefined ? "" : ` or delete ${file}`}`
			: hint,
		isElsewhere,
	);
}
