const mostIntervals = 240;

/** What a timeline counts. */
export type TimelineEvent = "answered" | "failed" | "refused";

/** A timeline in the spelling of files. */
export interface TimelineJson {
	readonly interval_seconds: number;
	readonly answered: readonly number[];
	readonly failed: readonly number[];
	readonly refusals_429: readonly number[];
}

/**
 * How a run goes over time, in at most 240 intervals of one length: a second at first, and twice as long whenever
 * there would be more of them.
 */
export class RunTimeline {
	readonly #now: () => number;
	readonly #startedAt: number;
	readonly #counts: Record<TimelineEvent, number[]> = { answered: [], failed: [], refused: [] };
	#intervalMs = 1000;

	/** `now` gives monotonic ms. */
	constructor(now: () => number) {
		this.#now = now;
		this.#startedAt = now();
	}

	note(event: TimelineEvent): void {
		let place = this.#place();
		while (place >= mostIntervals) {
			this.#widen();
			place = this.#place();
		}
		const counts = this.#counts[event];
		while (counts.length <= place) counts.push(0);
		counts[place] = (counts[place] ?? 0) + 1;
	}

	toJson(): TimelineJson {
		const { answered, failed, refused } = this.#counts;
		const length = Math.max(answered.length, failed.length, refused.length);
		const filled = (counts: readonly number[]) => Array.from({ length }, (_, place) => counts[place] ?? 0);
		return {
			interval_seconds: this.#intervalMs / 1000,
			answered: filled(answered),
			failed: filled(failed),
			refusals_429: filled(refused),
		};
	}

	#place(): number {
		return Math.floor((this.#now() - this.#startedAt) / this.#intervalMs);
	}

	#widen(): void {
		this.#intervalMs *= 2;
		for (const event of Object.keys(this.#counts) as TimelineEvent[]) {
			const counts = this.#counts[event];
			this.#counts[event] = Array.from(
				{ length: Math.ceil(counts.length / 2) },
				(_, place) => (counts[place * 2] ?? 0) + (counts[place * 2 + 1] ?? 0),
			);
		}
	}
}
