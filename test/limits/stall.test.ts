import { describe, expect, it } from "vitest";
import { Stall } from "../../src/limits/stall.ts";

/** Refusals one after another, each of a request that is sent as soon as the pause before it is over. Gives the pauses. */
function pauses(hintMs: (now: number) => number, count: number): readonly number[] {
	const stall = new Stall();
	let now = 0;
	return Array.from({ length: count }, () => {
		const waitMs = stall.deepen(hintMs(now), now);
		now += waitMs + 60;
		return waitMs;
	});
}

describe("a time in which nothing is let through", () => {
	it("lasts as long as a promise of which less is left when it is asked for again", () => {
		const end = 58_000;
		const [first, second] = pauses((now) => end - now, 2);
		expect(first).toBe(1_000);
		expect(second).toBe(end - 1_060);
	});

	it("takes whole seconds for a promise, too", () => {
		const [, second] = pauses((now) => 1_000 * Math.ceil((40_400 - now) / 1_000), 2);
		expect(second).toBeGreaterThan(39_000);
	});

	it("is looked into ever more rarely where the same is said each time, up to what is said", () => {
		expect(pauses(() => 60_000, 6)).toEqual([1_000, 3_000, 9_000, 27_000, 60_000, 60_000]);
	});

	it("is not promised an end by refusals that each say something else", () => {
		const hints = [60_000, 1_000, 60_000];
		expect(pauses(() => hints.shift() ?? 0, 3)).toEqual([1_000, 1_000, 9_000]);
	});

	it("is looked into ever more rarely where a promise is missed again and again, but not where others take what comes back", () => {
		expect(pauses(() => 1_000, 9)).toEqual([...Array(6).fill(1_000), 2_250, 6_750, 7_500]);
	});

	it("shows a hint to be wrong once something is let through before its time", () => {
		const stall = new Stall();
		stall.deepen(60_000, 0);
		stall.end(1_100);
		expect(stall.believed(60_000)).toBe(0);
	});
});
