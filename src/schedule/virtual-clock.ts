import { AbortedError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import { TimeQueue } from "./time-queue.ts";

interface Timer {
	fire: (() => void) | undefined;
}

/**
 * Time that passes only when nothing else can happen, so that hours run in seconds and every run is the same.
 * `run` drives it; work that takes real time (reading a file) goes through `hold`, during which time stands still.
 */
export class VirtualClock implements Clock {
	readonly #timers = new TimeQueue<Timer>();
	#now: number;
	#held = 0;
	#turns = 0;
	#wake: (() => void) | undefined;

	constructor(startMs = 0) {
		this.#now = startMs;
	}

	now(): number {
		return this.#now;
	}

	sleep(ms: number, signal?: AbortSignal): Promise<void> {
		return new Promise((resolve, reject) => {
			if (signal?.aborted) {
				reject(new AbortedError(undefined, { cause: signal.reason }));
				return;
			}
			if (signal === undefined) {
				this.after(ms, resolve);
				return;
			}
			const onAbort = () => {
				cancel();
				reject(new AbortedError(undefined, { cause: signal.reason }));
			};
			const cancel = this.after(ms, () => {
				signal.removeEventListener("abort", onAbort);
				resolve();
			});
			signal.addEventListener("abort", onAbort, { once: true });
		});
	}

	/** Calls `callback` after `ms` of virtual time; the function given back takes that back. */
	after(ms: number, callback: () => void): () => void {
		const timer: Timer = { fire: callback };
		this.#timers.add(this.#now + Math.max(0, ms), timer);
		this.#wake?.();
		return () => {
			timer.fire = undefined;
		};
	}

	/** Time stands still until `work`, which takes real time, is done. */
	async hold<T>(work: Promise<T>): Promise<T> {
		this.#held++;
		try {
			return await work;
		} finally {
			this.#held--;
			this.#wake?.();
		}
	}

	/** Lets time pass until `work` settles, and gives back what it gives. */
	async run<T>(work: Promise<T>): Promise<T> {
		let settled = false;
		const settle = () => {
			settled = true;
			this.#wake?.();
		};
		work.then(settle, settle);
		for (;;) {
			await this.#quiet();
			if (settled) return work;
			this.#dropCancelled();
			if (this.#held > 0 || this.#timers.size === 0) {
				await new Promise<void>((resolve) => {
					this.#wake = resolve;
				});
				this.#wake = undefined;
				continue;
			}
			this.#now = Math.max(this.#now, this.#timers.nextAt);
			for (let timer = this.#timers.takeDue(this.#now); timer; timer = this.#timers.takeDue(this.#now))
				timer.fire?.();
		}
	}

	/**
	 * Every promise reaction that can run at this moment has run when it comes back. Only some of the turns reach the
	 * event loop, where signals and work under `hold` are heard of, for that costs ten times as much.
	 */
	#quiet(): Promise<void> {
		const isDue = ++this.#turns % 64 === 0;
		return new Promise((resolve) => (isDue ? setImmediate(resolve) : process.nextTick(resolve)));
	}

	// A timer that was taken back must not carry time forward to where it stood.
	#dropCancelled(): void {
		for (let first = this.#timers.peek(); first && first.fire === undefined; first = this.#timers.peek())
			this.#timers.takeDue(this.#timers.nextAt);
	}
}
