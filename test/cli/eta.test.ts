import { describe, expect, it } from "vitest";
import { Eta } from "../../src/cli/batch/rate-meter.ts";

/** After rows have finished one a second from second `from` on, and nothing before, for so many seconds in all. */
function etaAfter(seconds: number, from = 0) {
	const time = { now: 0 };
	const eta = new Eta(() => time.now);
	for (; time.now <= seconds * 1000; time.now += 1000) eta.note(Math.max(0, time.now / 1000 - from));
	return eta;
}

describe("the time that is left", () => {
	it("is what the rows left take at the pace of late", () => {
		expect(etaAfter(120).leftMs(30, null, 0)).toBeCloseTo(30_000, -3);
	});

	it("leaves the start out, in which nothing was answered", () => {
		expect(etaAfter(60, 20).leftMs(30, null, 0)).toBeCloseTo(30_000, -3);
	});

	it("is no shorter than the known limit allows", () => {
		expect(etaAfter(120).leftMs(30, 40, 0)).toBe(45_000);
	});

	it("has what a pause still takes on top", () => {
		const eta = etaAfter(120);
		expect((eta.leftMs(30, null, 15_000) ?? 0) - (eta.leftMs(30, null, 0) ?? 0)).toBe(15_000);
	});

	it("is not known before something has finished", () => {
		expect(etaAfter(10, 60).leftMs(30, null, 0)).toBeNull();
	});

	it("is what it was when nothing finishes for a while, but for the pause that is known", () => {
		const time = { now: 0 };
		const eta = new Eta(() => time.now);
		const left: (number | null)[] = [];
		for (; time.now <= 600_000; time.now += 1_000) {
			eta.note(Math.min(60, time.now / 1_000));
			if (time.now >= 60_000) left.push(eta.leftMs(240, null, 0));
		}
		for (const ms of left) expect(ms).toBeCloseTo(240_000, -4);
	});

	it("is nothing to speak of at the end", () => {
		expect(etaAfter(120).leftMs(0, null, 0)).toBeNull();
	});

	it("does not follow a limit far below what is let through", () => {
		expect(etaAfter(120).leftMs(60, 1, 0)).toBeCloseTo(120_000, -4);
	});
});
