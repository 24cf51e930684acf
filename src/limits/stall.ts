const firstPauseMs = 250;
/** It is tried again at least so often. */
const longestPauseMs = 7_500;
/** A refusal takes its time; a request that has not come back after so many times as long as usual was let through. */
const patience = 3;
const leastPatienceMs = 100;
/** A hint of more than this is tried out: after this time nothing should be let through yet, and less of it be left. */
const hintTrialMs = 1_000;
/** So often others may take what was promised; when it is refused more often, it is asked for more and more rarely. */
const mostMissed = 4;
/** What is left of a promise is right to so many ms. */
const promiseErrorMs = 500;

/**
 * A time in which an account lets nothing through: single requests are tried, at growing distances, or when the server
 * has said that it will let one through, if what it says is true. A gateway that always says 60 s is found out.
 */
export class Stall {
	#tries = 0;
	#probe: { readonly sequence: number; readonly until: number } | undefined;
	/** When the server said that it would let one through. */
	#promisedAt: number | undefined;
	/** So often nothing was let through when the server had said that it would. */
	#missed = 0;
	#hints: "untried" | "kept" | "broken" = "untried";

	get isOn(): boolean {
		return this.#tries > 0;
	}

	/** The server keeps its promises, as far as they were tried out. */
	get isTrusted(): boolean {
		return this.#hints === "kept";
	}

	/** While a request is tried, when it will be known to have been let through, else -Infinity. */
	get waitUntil(): number {
		return this.#probe?.until ?? Number.NEGATIVE_INFINITY;
	}

	/** The hint as far as it is to be believed; 0 without one. */
	believed(hintMs: number | undefined): number {
		return this.#hints === "broken" ? 0 : (hintMs ?? 0);
	}

	/** Sending number `sequence` is the one that is tried. */
	isProbe(sequence: number): boolean {
		return this.#probe?.sequence === sequence;
	}

	sent(sequence: number, now: number, refusalDelayMs: number): void {
		if (this.isOn)
			this.#probe = { sequence, until: now + Math.max(leastPatienceMs, patience * refusalDelayMs) };
	}

	/** What was tried was refused for itself: another may be tried at once. */
	saidNothing(sequence: number): void {
		if (this.isProbe(sequence)) this.#probe = undefined;
	}

	/** Nothing was let through again. Returns for how many ms nothing should be sent. */
	deepen(hintMs: number | undefined, now: number): number {
		this.#probe = undefined;
		const promised = this.#promisedAt;
		const believed = this.believed(hintMs);
		// Who says 60 s whenever it is asked has promised nothing, and neither has who says something else each time.
		const isSame =
			promised !== undefined &&
			now < promised &&
			now + believed <= promised + promiseErrorMs &&
			now + believed >= promised - hintTrialMs;
		if (isSame && believed > 0 && this.#hints === "untried") this.#hints = "kept";
		const tries = this.#tries++;
		if (believed > 0) {
			this.#promisedAt = Math.max(promised ?? 0, now + believed);
			if (promised !== undefined && now >= promised) this.#missed++;
			const hintedMs = this.isTrusted ? this.#promisedAt - now : Math.min(believed, hintTrialMs * 3 ** tries);
			return Math.max(hintedMs, pauseAfter(this.#missed - mostMissed));
		}
		return pauseAfter(tries);
	}

	/** It had nothing to do with time. */
	cancel(): void {
		this.#promisedAt = undefined;
		this.#probe = undefined;
		this.#tries = 0;
		this.#missed = 0;
	}

	/** One was let through. */
	end(now: number): void {
		const promised = this.#promisedAt;
		if (promised !== undefined && promised - now > hintTrialMs) this.#hints = "broken";
		this.cancel();
	}
}

/** For how many ms nothing is sent after so many that were tried in vain. */
function pauseAfter(tries: number): number {
	return Math.min(longestPauseMs, firstPauseMs * 3 ** tries);
}
