import type { RateBounds } from "./rate-estimate.ts";
import type { SendRecord } from "./send-record.ts";

/** A limit is held a little below what was found. */
const justBelow = 0.99;
const farAbove = 1.15;
/** A hint that would have it so much lower is not about the rate. */
const deepestHint = 0.7;
/** So many that were let through tell how many are at the moment; what is no further from that agrees with it. */
const toldSamples = 8;
const agreement = 1.3;
/** One cut leaves at least this share of the rate. */
const deepestCut = 0.25;
/** Per second: no account allows less than one a minute, and who asks more rarely finds out too late that it was wrong. */
const leastRate = 1 / 60;

/**
 * The limit after it was met once more, in requests per second: refused at the rate `upper`, while `limit` was what it
 * was thought to be. `intervalMs`: by the server's hint, the time from the last that was let through to the next.
 */
export function limitMetAgain(
	limit: number,
	upper: number,
	{ least = 0, busy = 0 }: RateBounds,
	intervalMs: number | undefined,
): number {
	const hinted = intervalMs === undefined ? 0 : 1000 / intervalMs;
	// Refused only far above the limit, it must be higher than was thought.
	const thought = upper > farAbove * limit ? (limit + upper) / 2 : limit;
	const most = Math.max(least, Math.min(upper, hinted >= deepestHint * limit ? hinted : thought));
	// It is at least what was let through, and all of it was let through while nothing was left unused.
	const between = hinted >= deepestHint * limit ? most : (Math.min(busy, most) + most) / 2;
	return Math.max(leastRate, justBelow * (least > 0 ? between : most));
}

/** The limit when there is one below the rate `upper`, most likely at `likely`. */
export function limitBelow(
	upper: number,
	{ least = 0, busy, seen }: RateBounds,
	likely: number,
	isFalling: boolean,
): number {
	const guess = Math.max(least, deepestCut * upper, likely);
	// At a limit that is known all is let through that there is: the longest view of it is the best one.
	const found = isFalling ? Math.min(busy ?? upper, seen ?? guess) : Math.max(seen ?? 0, guess);
	return Math.max(leastRate, Math.min(upper, found));
}

/**
 * The limit that the server states, in requests per second, by a hint of `intervalMs` from the last that was let through to
 * the next. If that agrees with how much it lets through, and is below the `limit` that is kept to, the refusal is for the
 * rate, however often others are refused; else undefined.
 */
export function limitTold(
	limit: number | undefined,
	record: SendRecord,
	intervalMs: number | undefined,
): number | undefined {
	if (limit === undefined || intervalMs === undefined) return undefined;
	const last = record.lastAdmitted(record.next - 1);
	let first = last;
	for (let count = 1; count < toldSamples && first !== undefined; count++)
		first = record.lastAdmitted(first - 1);
	if (last === undefined || first === undefined) return undefined;
	const seen = (1000 * (toldSamples - 1)) / (record.sentAt(last) - record.sentAt(first));
	const told = 1000 / intervalMs;
	return told >= seen / agreement && told <= Math.min(limit, seen * agreement) ? told : undefined;
}
