import { AbortedError } from "../../src/errors.ts";
import type { Clock } from "../../src/schedule/clock.ts";

/** A clock whose sleeps pass at once and are written down. */
export class ManualClock implements Clock {
	readonly sleeps: number[] = [];
	#now = 0;
	/** Called before a sleep passes. */
	onSleep: ((ms: number) => void) | undefined;

	now(): number {
		return this.#now;
	}

	advance(ms: number): void {
		this.#now += ms;
	}

	async sleep(ms: number, signal?: AbortSignal): Promise<void> {
		this.onSleep?.(ms);
		if (signal?.aborted) throw new AbortedError(undefined, { cause: signal.reason });
		this.sleeps.push(ms);
		this.#now += ms;
	}
}
