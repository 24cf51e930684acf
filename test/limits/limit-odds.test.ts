import { describe, expect, it } from "vitest";
import { LimitOdds } from "../../src/limits/limit-odds.ts";
import { seededRandom } from "../batch/helpers/random.ts";

describe("whether there is a limit", () => {
	it.each([0.03, 0.1, 0.17, 0.2, 0.4])("is not what refuses %d of all, whatever the load", (share) => {
		const random = seededRandom(7);
		const odds = new LimitOdds();
		for (let sending = 0; sending < 10_000; sending++) {
			const load = sending % 2 === 0 ? 100 : 60;
			if (random() < share) odds.refused(load);
			else odds.passed(load);
		}
		expect(odds.below(100)).toBeLessThan(0.1);
		expect(odds.chance).toBeGreaterThan(0.7 * share);
		expect(odds.chance).toBeLessThan(1.3 * share);
	});

	it("is clear where what is above it is refused, beside some that is by chance", () => {
		const random = seededRandom(8);
		const odds = new LimitOdds();
		for (let sending = 0; sending < 2_000; sending++) {
			const load = sending % 2 === 0 ? 100 : 60;
			if (random() < 1 - 0.95 * Math.min(1, 70 / load)) odds.refused(load);
			else odds.passed(load);
		}
		expect(odds.below(100)).toBeGreaterThan(0.97);
		expect(odds.likely(100)).toBeGreaterThan(60);
		expect(odds.likely(100)).toBeLessThan(80);
	});

	it("does not depend on the order of what nothing can have changed between", () => {
		const odds = new LimitOdds();
		for (let sending = 0; sending < 50; sending++) odds.refused(100, sending > 0);
		for (let sending = 0; sending < 50; sending++) odds.passed(100, true);
		expect(odds.below(100)).toBeGreaterThan(0.2);
	});

	it("is learnt from what comes after it was met first, for what came before had been saved up", () => {
		const odds = new LimitOdds();
		for (let sending = 0; sending < 200; sending++) odds.passed(100);
		odds.assumeUnknown(100);
		expect(odds.chance).toBeLessThan(0.01);
		for (let sending = 0; sending < 8; sending++) odds.refused(40, true);
		for (let sending = 0; sending < 2; sending++) odds.passed(40, true);
		expect(odds.below(40)).toBeGreaterThan(0.9);
		expect(odds.likely(40)).toBeLessThan(16);
	});
});
