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
		const last = send(count, durationMs);
		estimate.noteRefused(last, now);
		const { least, seen } = estimate.refused(last, now);
		const limit = least ?? seen;
		if (limit !== undefined) estimate.limit = limit;
		return limit;
	};
	return { estimate, send, refuse };
}

describe("what a server lets through", () => {
	it("is what came between two refusals", () => {
		const { refuse } = setUp();
		refuse(1, 10);
		expect(refuse(21, 10_000)).toBeCloseTo(2);
		expect(refuse(23, 10_000)).toBeCloseTo(2.2);
	});

	it("is learnt anew when it is something else", () => {
		const { estimate, refuse } = setUp();
		refuse(1, 10);
		refuse(21, 10_000);
		expect(refuse(41, 10_000)).toBeCloseTo(4);
		expect(estimate.samples).toBe(41);
	});

	it("is at least what came between two refusals, however long nothing was sent", () => {
		const { estimate, refuse, send } = setUp();
		refuse(1, 10);
		send(50, 5_000);
		send(1, 60_000);
		const { least = 0, seen } = estimate.refused(send(50, 5_000), 70_010);
		expect(seen).toBeUndefined();
		expect(least).toBeLessThan(2);
	});

	it("is told by a first burst that does not end, to one more or less", () => {
		const { estimate, send } = setUp();
		let bounds = {};
		for (let sending = 0; sending <= 20; sending++) {
			const sequence = send(1, 500);
			if (sending % 2 === 1) continue;
			estimate.noteRefused(sequence, sending * 500);
			bounds = estimate.refused(sequence, (sending + 1) * 500);
		}
		expect(bounds).toMatchObject({ least: 0.9, busy: 1.1 });
	});

	it("does not depend on a hint that was not kept to", () => {
		const { estimate, send } = setUp();
		const first = send(1, 10);
		estimate.noteRefused(first, 10);
		estimate.refused(first, 60_010);
		const last = send(241, 60_500);
		estimate.noteRefused(last, 60_510);
		// In the half second since the hint's time 240 have not been let through.
		expect(estimate.refused(last, 60_510).least).toBeCloseTo(4, 1);
	});
});

it("of a few that passed it is not known how many more would be refused", () => {
	const { estimate, send } = setUp();
	send(5, 10);
	expect(estimate.refusedBefore(0)).toBeGreaterThan(0.1);
	const last = send(195, 10);
	estimate.noteRefused(last, 2_100);
	expect(estimate.refusedBefore(0)).toBeCloseTo(0.01, 2);
	expect(estimate.refusedBefore(1)).toBeCloseTo(0.005, 2);
});
