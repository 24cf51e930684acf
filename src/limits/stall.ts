const firstPauseMs = 250;
/** Without a hint it is tried again at least so often. */
const longestPauseMs = 5_000;
/** A refusal takes its time; a request that has not come back after so many times as long as usual was let through. */
const patience = 3;
const leastPatienceMs = 100;

/** A time in which an account lets nothing through: single requests are tried, at growing distances. */
export class Stall {
	#tries = 0;
	#probe: { readonly sequence: number; readonly until: number } | undefined;

	get isOn(): boolean {
		return this.#tries > 0;
	}

	/** While a request is tried, when it will be known to have been let through, else -Infinity. */
	get waitUntil(): number {
		return this.#probe?.until ?? Number.NEGATIVE_INFINITY;
	}

	/** Sending number `sequence` is the one that is tried. */
	isProbe(sequence: number): boolean {
		return this.#probe?.sequence === sequence;
	}

	sent(sequence: number, now: number, refusalDelayMs: number): void {
		if (this.isOn) {
			this.#probe = { sequence, until: now + Math.max(leastPatienceMs, patience * refusalDelayMs) };
		}
	}

	/** Nothing was let through again. Gives back for how many ms nothing should be sent. */
	deepen(hintMs: number | undefined): number {
		this.#probe = undefined;
		// A server that names a short wait is believed, within reason.
		const longest = Math.max(firstPauseMs, Math.min(longestPauseMs, 20 * (hintMs ?? longestPauseMs)));
		return Math.min(longest, firstPauseMs * 3 ** this.#tries++);
	}

	end(): void {
		this.#probe = undefined;
		this.#tries = 0;
	}
}
