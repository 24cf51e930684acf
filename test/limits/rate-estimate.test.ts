import { describe, expect, it } from "vitest";
import { RateEstimate } from "../../src/limits/rate-estimate.ts";

/** Sends `count` requests in so many ms; the last of them is refused. Gives back what the limit is taken for. */
function setUp() {
	const estimate = new RateEstimate();
	let now = 0;
	const send = (count: number, durationMs: number): number => {
		let last = 0;
		for (let index = 0; index < count; index++) {
			now += durationMs / count;
			last = estimate.sent(now);
		}
		return last;
	};
	const refuse = (count: number, durationMs: number): number | undefined => {
		const limit = estimate.refused(send(count, durationMs), now, false);
		if (limit !== undefined) estimate.limit = limit;
		return limit;
	};
	const resume = (pauseMs: number) => {
		now += pauseMs;
		return estimate.resumed(now, pauseMs);
	};
	return { estimate, send, refuse, resume };
}

describe("what a server lets through", () => {
	it("is surer, and the mean of what was seen, while it stays the same", () => {
		const { estimate, refuse } = setUp();
		refuse(1, 10);
		expect(refuse(21, 10_000)).toBeCloseTo(2);
		expect(refuse(23, 10_000)).toBeCloseTo(2.1);
		expect(estimate.samples).toBe(44);
	});

	it("is learnt anew when it is something else", () => {
		const { estimate, refuse } = setUp();
		refuse(1, 10);
		refuse(21, 10_000);
		expect(refuse(41, 10_000)).toBeCloseTo(4);
		expect(estimate.samples).toBe(41);
	});

	it("is what came between two pauses", () => {
		const { send, resume } = setUp();
		send(300, 20_000);
		expect(resume(2_000)).toBeUndefined();
		send(300, 20_000);
		const { rate, periodMs } = resume(40_000) ?? { rate: 0, periodMs: 0 };
		expect(rate).toBeCloseTo(5);
		expect(periodMs).toBeCloseTo(60_000);
	});

	it("is not what came between two pauses when there was too little to send", () => {
		const { send, resume } = setUp();
		send(300, 20_000);
		resume(2_000);
		send(300, 600_000);
		expect(resume(2_000)).toBeUndefined();
	});

	it("is seen by one long pause, unless next to nothing was sent before", () => {
		const busy = setUp();
		busy.send(300, 20_000);
		expect(busy.resume(40_000)?.rate).toBeCloseTo(5, 1);
		const idle = setUp();
		idle.send(10, 1_000);
		expect(idle.resume(40_000)).toBeUndefined();
	});
});
