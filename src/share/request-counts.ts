import type { SharedCounts } from "./found-limit.ts";

/** Requests that left within so many ms are counted together. */
const grainMs = 25;
/** Until the first refusal is heard, it is thought to take so long. */
const firstDelayMs = 60;
const longestDelayMs = 2_000;
const delayWeight = 0.2;
/** Whatever takes so many times as long as refusals do is none. */
const patience = 2;

interface Grain {
	readonly from: number;
	sent: number;
	refused: number;
	/** What becomes of them is clear, as far as it was heard. */
	counts: boolean;
}

/**
 * The requests of one shard and those of them that were refused, by when they were sent: a request counts once it is
 * clear that it is not refused. Otherwise the refusals of what was sent before would be held against what is sent now.
 */
export class RequestCounts {
	#sent = 0;
	#refused = 0;
	#heard = 0;
	readonly #open: Grain[] = [];
	readonly #grains = new WeakMap<object, Grain>();
	readonly #now: () => number;
	#delayMs = firstDelayMs;

	/** `now` gives monotonic ms. */
	constructor(now: () => number) {
		this.#now = now;
	}

	/** Refusals, also those of requests that do not count yet. */
	get refusals(): number {
		return this.#heard;
	}

	/** It leaves now; when it was refused, it may leave again. */
	sent(request: object): void {
		const now = this.#now();
		let last = this.#open.at(-1);
		if (last === undefined || now - last.from >= grainMs) {
			last = { from: now, sent: 0, refused: 0, counts: false };
			this.#open.push(last);
		}
		last.sent++;
		this.#grains.set(request, last);
	}

	/** It is heard now that it was refused. */
	refused(request: object): void {
		const grain = this.#grains.get(request);
		if (grain === undefined) return;
		this.#heard++;
		this.#delayMs += delayWeight * (Math.min(longestDelayMs, this.#now() - grain.from) - this.#delayMs);
		if (grain.counts) this.#refused++;
		else grain.refused++;
	}

	/** What counts by now. */
	get counts(): SharedCounts {
		const now = this.#now();
		for (let first = this.#open[0]; first !== undefined; first = this.#open[0]) {
			if (now - first.from < grainMs + patience * this.#delayMs) break;
			this.#sent += first.sent;
			this.#refused += first.refused;
			first.counts = true;
			this.#open.shift();
		}
		return { sent: this.#sent, refused: this.#refused };
	}
}
