import { AbortedError } from "../errors.ts";
import { processTable } from "../state/process-identity.ts";
import type { Place, Places } from "./place.ts";
import { SlotFiles } from "./slot-files.ts";
import { SlotSockets } from "./slot-sockets.ts";

export interface SlotsOptions {
	/** Requests in flight over all processes of the user (`LLM_GLOBAL_CONCURRENCY`). */
	readonly count: number;
	/** A private folder, used where the kernel offers no abstract sockets. */
	readonly folder: string;
	readonly platform?: string;
	/** Tells users apart; the effective user id unless given. */
	readonly user?: string;
}

/** Gives the slot back; may be called more than once. */
export type ReleaseSlot = () => void;

interface Waiter {
	readonly grant: (place: Place) => void;
	readonly reject: (error: Error) => void;
}

/** A place left to another process is not tried for by this one until the other had time to take it. */
const courtesyMs = 50;
const longestCourtesyMs = 1_000;

/**
 * A cap on requests in flight over all processes of a user. First come first served within a process; and a process
 * with waiters of its own leaves a place to another process that waits. A process that dies, in whatever way, frees
 * its places. On Linux waiting takes no polling.
 */
export class Slots {
	readonly #places: Places;
	readonly #count: number;
	/** Numbers that are not to be tried for: held, or just left to another process. */
	readonly #held = new Set<number>();
	readonly #watches = new Map<number, () => void>();
	readonly #idle: { place: Place; timer: NodeJS.Timeout }[] = [];
	readonly #queue: Waiter[] = [];
	#searching = false;
	/** Something was freed during a search, behind its back. */
	#searchAgain = false;
	#closed = false;

	constructor({ count, folder, platform = process.platform, user }: SlotsOptions) {
		this.#count = count;
		const owner = user ?? String(process.geteuid?.() ?? "user");
		this.#places =
			platform === "linux"
				? new SlotSockets(owner)
				: new SlotFiles(folder, processTable(platform as NodeJS.Platform));
	}

	/** Waits for a slot. Rejects with AbortedError when `signal` fires or the slots are closed. */
	async acquire(signal?: AbortSignal): Promise<ReleaseSlot> {
		if (signal?.aborted) throw new AbortedError(undefined, { cause: signal.reason });
		if (this.#closed) throw closedError();
		const place = this.#takeIdle() ?? (await this.#wait(signal));
		let released = false;
		return () => {
			if (released) return;
			released = true;
			if (place.wanted || this.#closed) void this.#free(place);
			else this.#handOn(place);
		};
	}

	/** Ends all waiting and gives idle places back; those in use are freed as they are released. */
	async close(): Promise<void> {
		this.#closed = true;
		this.#unwatchAll();
		for (const { reject } of this.#queue.splice(0)) reject(closedError());
		await Promise.all(
			this.#idle.splice(0).map(({ place, timer }) => {
				clearTimeout(timer);
				return this.#free(place);
			}),
		);
	}

	#wait(signal: AbortSignal | undefined): Promise<Place> {
		return new Promise((resolve, reject) => {
			const leave = () => {
				this.#queue.splice(this.#queue.indexOf(waiter), 1);
				if (this.#queue.length === 0) this.#unwatchAll();
				reject(new AbortedError(undefined, { cause: signal?.reason }));
			};
			const settled = () => signal?.removeEventListener("abort", leave);
			const waiter: Waiter = {
				grant: (place) => {
					settled();
					resolve(place);
				},
				reject: (error) => {
					settled();
					reject(error);
				},
			};
			signal?.addEventListener("abort", leave, { once: true });
			this.#queue.push(waiter);
			void this.#search();
		});
	}

	/** Tries each place that is neither held nor watched while somebody waits, and watches those held elsewhere. */
	async #search(): Promise<void> {
		this.#searchAgain = true;
		if (this.#searching) return;
		this.#searching = true;
		try {
			while (this.#searchAgain) {
				this.#searchAgain = false;
				// Processes begin at different numbers, so that they seldom try for the same one.
				for (let step = 0; step < this.#count && this.#queue.length > 0; step++) {
					const number = (process.pid + step) % this.#count;
					if (!this.#held.has(number) && !this.#watches.has(number)) await this.#try(number);
				}
			}
		} catch (error) {
			for (const { reject } of this.#queue.splice(0)) reject(error as Error);
		} finally {
			this.#searching = false;
		}
	}

	async #try(number: number): Promise<void> {
		const place = await this.#places.take(number);
		if (place !== undefined) {
			this.#held.add(number);
			if (this.#closed) await this.#free(place);
			else this.#handOn(place);
		} else if (this.#queue.length > 0) {
			const onFreed = () => {
				this.#watches.delete(number);
				void this.#search();
			};
			this.#watches.set(number, this.#places.watch(number, onFreed));
		}
	}

	#takeIdle(): Place | undefined {
		const idle = this.#idle.pop();
		if (idle === undefined) return undefined;
		clearTimeout(idle.timer);
		idle.place.onWanted = undefined;
		return idle.place;
	}

	/** To the first waiter of this process, or kept for its next request as long as no other process asks. */
	#handOn(place: Place): void {
		const waiter = this.#queue.shift();
		if (waiter !== undefined) {
			if (this.#queue.length === 0) this.#unwatchAll();
			waiter.grant(place);
			return;
		}
		const giveBack = () => {
			clearTimeout(idle.timer);
			this.#idle.splice(this.#idle.indexOf(idle), 1);
			void this.#free(place);
		};
		// Given back in the end although nobody asks: a process that is stopped later could not answer.
		const idle = { place, timer: setTimeout(giveBack, this.#places.keepMs) };
		idle.timer.unref();
		this.#idle.push(idle);
		place.onWanted = giveBack;
	}

	async #free(place: Place): Promise<void> {
		const { wanted, number } = place;
		place.onWanted = undefined;
		await place.free();
		void this.#release(number, wanted);
	}

	/** Lets this process try for a place again, once another that waits had the time to take it. */
	async #release(number: number, wanted: boolean): Promise<void> {
		if (wanted) await this.#waitForOthers();
		this.#held.delete(number);
		if (this.#queue.length > 0) void this.#search();
	}

	async #waitForOthers(): Promise<void> {
		const until = performance.now() + longestCourtesyMs;
		do await new Promise((resolve) => setTimeout(resolve, courtesyMs));
		while (this.#queue.length > 0 && performance.now() < until && this.#places.areWanted());
	}

	#unwatchAll(): void {
		for (const unwatch of this.#watches.values()) unwatch();
		this.#watches.clear();
	}
}

function closedError(): AbortedError {
	return new AbortedError("the slots were closed");
}
