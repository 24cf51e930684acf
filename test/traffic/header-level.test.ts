import { describe, expect, it } from "vitest";
import { HeaderLevel } from "../../src/traffic/header-level.ts";

const minute = 60_000;

/** A level of 600 a minute of which 100 were left at 0. */
function levelAt(remaining: number, resetMs?: number) {
	const level = new HeaderLevel();
	const mark = level.sent(1, 0);
	level.read({ limit: 600, remaining, resetMs, windowMs: minute }, mark, 0, 200);
	return level;
}

describe("a level", () => {
	it("is what was left, less what was sent since, plus nearly all that came back", () => {
		const level = levelAt(100);
		level.sent(30, 100);
		expect(level.at(1_000)).toBeCloseTo(100 - 30 + 10 * 0.98);
		expect(level.waitMs(70, 1_000)).toBe(0);
		expect(level.waitMs(90, 1_000)).toBeCloseTo((90 - 79.8) / 0.0098);
	});

	it("forgets what was refused", () => {
		const level = levelAt(100);
		const mark = level.sent(30, 100);
		level.givenBack(30, mark, undefined);
		expect(level.at(100)).toBeCloseTo(100 + 0.98);
	});

	it("takes the reading of the request that was sent last, whichever answers first", () => {
		const level = levelAt(100);
		const slow = level.sent(1, 1_000);
		const quick = level.sent(1, 2_000);
		level.read({ limit: 600, remaining: 50, resetMs: undefined, windowMs: minute }, quick, 2_000, 2_100);
		level.read({ limit: 600, remaining: 90, resetMs: undefined, windowMs: minute }, slow, 1_000, 9_000);
		expect(level.at(2_000)).toBe(50);
	});

	it("counts with others who use it, as far as readings show them", () => {
		const level = levelAt(300);
		// Ten a second come back and nothing is sent, yet what is left stays the same.
		for (let now = 2_000; now <= 20_000; now += 2_000) {
			const mark = level.sent(0, now);
			level.read({ limit: 600, remaining: 300, resetMs: undefined, windowMs: minute }, mark, now, now);
		}
		expect(level.at(30_000)).toBeLessThan(305);
	});

	it("does not take a full account for one that others use", () => {
		const level = levelAt(600);
		for (let now = 2_000; now <= 20_000; now += 2_000) {
			const mark = level.sent(0, now);
			level.read({ limit: 600, remaining: 600, resetMs: undefined, windowMs: minute }, mark, now, now);
		}
		level.sent(600, 20_000);
		expect(level.at(30_000)).toBeCloseTo(98);
	});

	it("keeps a reserve of the worst error that its predictions had lately", () => {
		const level = levelAt(300);
		const mark = level.sent(1, 1_000);
		level.read({ limit: 600, remaining: 268, resetMs: undefined, windowMs: minute }, mark, 1_000, 1_000);
		const left = level.at(1_000);
		expect(level.waitMs(left - 45, 1_000)).toBe(0);
		expect(level.waitMs(left - 35, 1_000)).toBeGreaterThan(0);
	});

	it("believes a new limit at once", () => {
		const level = levelAt(300);
		const mark = level.sent(1, 1_000);
		level.read({ limit: 60, remaining: 5, resetMs: undefined, windowMs: minute }, mark, 1_000, 1_100);
		expect(level.at(11_000)).toBeCloseTo(5 + 9.8);
	});
});
