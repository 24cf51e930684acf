import type { DividedLimits } from "../../../ask/runtime.ts";
import type { ShardPart } from "../../../share/sync.ts";

/** The limits of all models of a run, of which each living shard has the same part. */
export class LimitParts {
	readonly #limits: DividedLimits[] = [];
	#part: ShardPart | undefined;

	/** A model begins to send. */
	add(limits: DividedLimits): void {
		this.#limits.push(limits);
		this.#divide(limits);
	}

	/** Shards came or went. */
	divide(part: ShardPart): void {
		this.#part = part;
		for (const limits of this.#limits) this.#divide(limits);
	}

	#divide(limits: DividedLimits): void {
		if (this.#part === undefined) return;
		const { living, rank, foundPerMinute } = this.#part;
		limits.divide({
			rate: 1 / living,
			requestsPerMinute: foundPerMinute === undefined ? undefined : foundPerMinute / living,
			// The first ones have one more where it does not come out even.
			inFlight: (total) => Math.floor(total / living) + (rank < total % living ? 1 : 0),
		});
	}
}
