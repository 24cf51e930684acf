import { describe, expect, it } from "vitest";
import { RunTimeline } from "../../src/batch/timeline.ts";

describe("the timeline of a run", () => {
	it("counts by the second, and by longer intervals as the run gets longer, and loses nothing", () => {
		let now = 5000;
		const timeline = new RunTimeline(() => now);
		timeline.note("answered");
		now += 2500;
		timeline.note("refused");
		expect(timeline.toJson()).toEqual({
			interval_seconds: 1,
			answered: [1, 0, 0],
			failed: [0, 0, 0],
			refusals_429: [0, 0, 1],
		});
		for (let second = 0; second < 3600; second++) {
			now += 1000;
			timeline.note(second % 10 === 0 ? "failed" : "answered");
		}
		const { interval_seconds, answered, failed, refusals_429 } = timeline.toJson();
		expect(interval_seconds).toBe(16);
		expect(answered).toHaveLength(226);
		const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
		expect([sum(answered), sum(failed), sum(refusals_429)]).toEqual([3241, 360, 1]);
	});
});
