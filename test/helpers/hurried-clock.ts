import type { Clock } from "../../src/schedule/clock.ts";

/** Waits pass at once and are written down. */
export class HurriedClock implements Clock {
	readonly waits: number[] = [];
	#skippedMs = 0;

	now(): number {
		return performance.now() + this.#skippedMs;
	}

	async sleep(ms: number, signal?: AbortSignal): Promise<void> {
		signal?.throwIfAborted();
		this.waits.push(ms);
		this.#skippedMs += ms;
		await new Promise(setImmediate);
	}
}
