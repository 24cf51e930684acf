import { describe, expect, it } from "vitest";
import { HeaderLevel, type LevelMark } from "../../src/limits/header-level.ts";

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

	it("has a whole window again after one of which nothing was heard", () => {
		const level = new HeaderLevel();
		for (let now = 0; now <= 30_000; now += 3_000) {
			const mark = level.sent(1, now);
			const remaining = 600 - now / 100;
			level.read({ limit: 600, remaining, resetMs: minute - now, windowMs: minute }, mark, now, now);
		}
		expect(level.isWindowed).toBe(true);
		const first = minute + level.waitMs(600, minute);
		expect(level.waitMs(600, first)).toBe(0);
		// All of it fails, without a word on what is left.
		level.sent(600, first);
		const next = first + level.waitMs(1, first);
		expect(next).toBeLessThanOrEqual(first + minute);
		expect(level.waitMs(600, next)).toBe(0);
	});

	it("forgets what was refused", () => {
		const level = levelAt(100);
		const mark = level.sent(30, 100);
		level.givenBack(mark, undefined, undefined);
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
		expect(level.at(25_000)).toBeLessThan(305);
		// But not for ever, on a guess that nothing confirms: nobody would send any more.
		expect(level.at(45_000)).toBeGreaterThan(480);
		level.sent(level.at(20_000), 20_000);
		expect(level.waitMs(100, 20_000)).toBeGreaterThan(5_000 + 95 / 0.0098);
		expect(level.waitMs(100, 20_000)).toBeLessThan(5_000 + 125 / 0.0098);
	});

	it("counts with others the longer, the later readings come", () => {
		const level = levelAt(300);
		for (let now = 2_000; now <= 20_000; now += 2_000) {
			const mark = level.sent(0, now);
			const statement = { limit: 600, remaining: 300, resetMs: undefined, windowMs: minute };
			level.read(statement, mark, now, now + 10_000);
		}
		expect(level.at(40_000)).toBeLessThan(320);
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

	it("knows others' use of a small account from readings that are far apart", () => {
		// 50 a second come back and 50 can be saved up; others take 30 a second, we the rest.
		const perSecond = (gapMs: number) => {
			const level = new HeaderLevel();
			let now = 0;
			for (; now < 60_000; now += gapMs) {
				level.sent(0.02 * gapMs - 1, now);
				const mark = level.sent(1, now);
				level.read({ limit: 3000, remaining: 20, resetMs: 600, windowMs: minute }, mark, now, now);
			}
			return 2 * (level.at(now - gapMs + 500) - level.at(now - gapMs));
		};
		// They have more than our 20 a second, so a little less is left to them.
		expect(perSecond(800)).toBeCloseTo(49 - 29.4, 1);
		// In this time the account could have been full and lost some: at least 18 a second were taken by others.
		expect(perSecond(1_500)).toBeCloseTo(49 - 17.8, 1);
	});

	it("does not take for others' use what was lost because the account was full before the request", () => {
		const level = new HeaderLevel();
		let now = 0;
		// One comes back every 3 s, and one can be saved up; it is sent when it has been there for a second.
		for (; now < 120_000; now += 4_000) {
			const mark = level.sent(1, now);
			level.read({ limit: 20, remaining: 0, resetMs: 3_000, windowMs: minute }, mark, now, now);
		}
		expect(level.waitMs(1, now - 4_000)).toBeLessThan(3_200);
	});

	it("notices that others have stopped, though the account is full", () => {
		const level = new HeaderLevel();
		const read = (remaining: number, mark: LevelMark, now: number) =>
			level.read({ limit: 3000, remaining, resetMs: undefined, windowMs: minute }, mark, now, now);
		let now = 0;
		// Others take 30 a second of the 50 that come back, and then nothing.
		for (; now < 30_000; now += 2_000) read(1000, level.sent(40, now), now);
		for (; now < 60_000; now += 2_000) read(3000, level.sent(90, now), now);
		level.sent(1000, now);
		expect(level.at(now + 1_000) - level.at(now)).toBeGreaterThan(49 - 6);
	});

	it("does not think a small account larger because a clock that is ahead makes its resets longer", () => {
		const level = new HeaderLevel();
		let now = 0;
		// Nobody else uses it, and it is full again before each request; resets are 1.5 s too long, in whole seconds.
		for (; now < 60_000; now += 1_500) {
			const mark = level.sent(10, now);
			level.read({ limit: 3000, remaining: 40, resetMs: 2_000, windowMs: minute }, mark, now, now);
		}
		const last = now - 1_500;
		expect(level.at(last + 200)).toBeGreaterThan(48);
		expect(level.at(last + 60_000)).toBeLessThan(55);
	});

	it("keeps no more in reserve than was sent since the last reading, with what is next", () => {
		const level = levelAt(300);
		const mark = level.sent(1, 1_000);
		level.read({ limit: 600, remaining: 20, resetMs: undefined, windowMs: minute }, mark, 1_000, 1_000);
		expect(level.waitMs(10, 1_000)).toBe(0);
		expect(level.waitMs(11, 1_000)).toBeGreaterThan(0);
		level.sent(10, 1_000);
		expect(level.waitMs(1, 1_000)).toBeGreaterThan(0);
	});

	it("keeps less in reserve of a lower limit", () => {
		const level = levelAt(300);
		level.read(
			{ limit: 600, remaining: 200, resetMs: undefined, windowMs: minute },
			level.sent(1, 1_000),
			1_000,
			1_000,
		);
		// It was off by a hundred, of 600 a minute.
		expect(level.waitMs(1, 1_000)).toBe(0);
		level.read(
			{ limit: 60, remaining: 20, resetMs: undefined, windowMs: minute },
			level.sent(1, 2_000),
			2_000,
			2_000,
		);
		expect(level.waitMs(1, 2_000)).toBe(0);
		expect(level.waitMs(12, 2_000)).toBeGreaterThan(0);
	});

	it("learns no error from requests that were sent before the limit changed", () => {
		const level = levelAt(300);
		const first = level.sent(1, 1_000);
		const second = level.sent(1, 1_050);
		level.read({ limit: 60, remaining: 20, resetMs: undefined, windowMs: minute }, first, 1_000, 1_200);
		level.read({ limit: 60, remaining: 19, resetMs: undefined, windowMs: minute }, second, 1_050, 1_250);
		expect(level.waitMs(19, 1_050)).toBe(0);
	});

	it("learns no error from requests that were sent before it turned out to be a window", () => {
		const level = new HeaderLevel();
		const read = (remaining: number, mark: LevelMark, sentAt: number, now = sentAt) =>
			level.read({ limit: 600, remaining, resetMs: minute - sentAt, windowMs: minute }, mark, sentAt, now);
		read(570, level.sent(10, 8_000), 8_000);
		const first = level.sent(10, 12_000);
		const second = level.sent(10, 14_000);
		expect(level.isWindowed).toBe(false);
		read(560, first, 12_000, 15_000);
		expect(level.isWindowed).toBe(true);
		// Of a bucket, some sixty would have come back by then.
		read(550, second, 14_000, 16_000);
		expect(level.waitMs(550, 16_000)).toBe(0);
	});

	it("is seen to be a window by two readings, also across its end", () => {
		for (const secondAt of [20_000, 70_000]) {
			const level = new HeaderLevel();
			for (const [sentAt, remaining] of [
				[0, 300],
				[secondAt, 290],
			] as const) {
				const resetMs = minute - (sentAt % minute);
				level.read(
					{ limit: 600, remaining, resetMs, windowMs: minute },
					level.sent(10, sentAt),
					sentAt,
					sentAt,
				);
			}
			expect(level.isWindowed).toBe(true);
		}
	});

	it("stays a bucket when readings a window apart fit both", () => {
		const level = new HeaderLevel();
		for (const sentAt of [0, 2 * minute])
			level.read(
				{ limit: 600, remaining: 599, resetMs: 100, windowMs: minute },
				level.sent(1, sentAt),
				sentAt,
				sentAt,
			);
		expect(level.isWindowed).toBe(false);
	});

	it("believes a new limit at once", () => {
		const level = levelAt(300);
		const mark = level.sent(1, 1_000);
		level.read({ limit: 60, remaining: 5, resetMs: undefined, windowMs: minute }, mark, 1_000, 1_100);
		expect(level.at(11_000)).toBeCloseTo(5 + 9.8);
	});
});
