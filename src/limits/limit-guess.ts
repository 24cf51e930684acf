import type { RateBounds } from "./rate-estimate.ts";

/** A limit is held a little below what was found. */
const justBelow = 0.99;
const farAbove = 1.15;
/** A hint that would have it so much lower is not about the rate. */
const deepestHint = 0.7;
/** One cut leaves at least this share of the rate. */
const deepestCut = 0.25;
/** Per second: an account slower than four an hour is not one that a run waits for. */
const leastRate = 0.001;

/**
 * The limit after it was met once more, in requests per second: refused at the rate `upper`, while `limit` was what it
 * was thought to be. `intervalMs`: by the server's hint, the time from the last that was let through to the next.
 */
export function limitMetAgain(
	limit: number,
	upper: number,
	{ least = 0 }: RateBounds,
	intervalMs: number | undefined,
): number {
	const hinted = intervalMs === undefined ? upper : 1000 / intervalMs;
	const most = hinted >= deepestHint * limit ? Math.min(upper, hinted) : upper;
	// Refused only far above the limit, it must be higher than was thought.
	const better = Math.min(most, upper > farAbove * limit ? (limit + upper) / 2 : limit);
	// It is at least what was let through, and more only by what an idle account could not save up.
	return justBelow * (least > 0 ? (least + Math.max(least, better)) / 2 : better);
}

/** The limit when more is refused than by chance at the rate `upper`; `passed` is the share let through that chance would. */
export function limitBelow(upper: number, { least = 0, seen }: RateBounds, passed: number): number {
	const guess = Math.max(least, Math.max(deepestCut, passed) * upper);
	return Math.max(leastRate, Math.min(upper, seen ?? guess));
}
