import { describe, expect, it } from "vitest";
import { AccountLimits, type Limits } from "../../src/simulator/limits.ts";

function account(limits: Limits, at = { now: 0 }) {
	const limited = new AccountLimits(limits, () => at.now);
	/** Sends requests of `tokens` for so many ms, one every `everyMs`; the number admitted. */
	const load = (everyMs: number, forMs: number, tokens = 1) => {
		let admitted = 0;
		for (const end = at.now + forMs; at.now < end; at.now += everyMs) {
			if (limited.admit(tokens).admitted) {
				admitted++;
				limited.release();
			}
		}
		return admitted;
	};
	return { at, limited, load };
}

describe("the limits of an account", () => {
	it("admit a minute's allowance at once, then exactly the rate", () => {
		const { load, limited } = account({ requestsPerMinute: 600 });
		for (let sent = 0; sent < 600; sent++) expect(limited.admit(1).admitted).toBe(true);
		expect(limited.admit(1).admitted).toBe(false);
		expect(load(10, 60_000)).toBe(599);
	});

	it("say how long to wait, and admit exactly then", () => {
		const { at, limited } = account({ requestsPerMinute: 60, burstSeconds: 1 });
		expect(limited.admit(1).admitted).toBe(true);
		at.now = 250;
		expect(limited.admit(1)).toEqual({ admitted: false, limitedBy: "requests", retryAfterMs: 750 });
		at.now = 999;
		expect(limited.admit(1).admitted).toBe(false);
		at.now = 1_000;
		expect(limited.admit(1).admitted).toBe(true);
	});

	it("charge nothing for what they refuse", () => {
		const { load } = account({ requestsPerMinute: 600, initialFill: 0 });
		expect(load(1, 60_000)).toBeGreaterThanOrEqual(598);
	});

	it("count tokens beside requests and name the tighter one", () => {
		const { limited, load } = account({ requestsPerMinute: 6_000, tokensPerMinute: 60_000, initialFill: 0 });
		expect(load(5, 60_000, 100)).toBeLessThanOrEqual(600);
		limited.admit(100);
		expect(limited.admit(100)).toMatchObject({ admitted: false, limitedBy: "tokens" });
	});

	it("let a request larger than the bucket through when it is full, and make the next ones wait for the debt", () => {
		const { limited } = account({ tokensPerMinute: 1_000 });
		expect(limited.admit(3_000).admitted).toBe(true);
		expect(limited.admit(1)).toMatchObject({ retryAfterMs: (2_001 / 1_000) * 60_000 });
	});

	it("end the day's requests until midnight of their clock", () => {
		const { at, limited } = account({ requestsPerDay: 2 }, { now: 86_400_000 * 3 + 1_000 });
		limited.admit(1);
		limited.admit(1);
		expect(limited.admit(1)).toEqual({
			admitted: false,
			limitedBy: "requests-day",
			retryAfterMs: 86_399_000,
		});
		at.now += 86_399_000;
		expect(limited.admit(1).admitted).toBe(true);
	});

	it("hold at most so many in flight", () => {
		const { limited } = account({ maxInFlight: 2 });
		limited.admit(1);
		limited.admit(1);
		expect(limited.admit(1)).toMatchObject({ admitted: false, limitedBy: "in-flight" });
		limited.release();
		expect(limited.admit(1).admitted).toBe(true);
	});

	it("step to another rate without forgetting the level", () => {
		const { limited, load } = account({ requestsPerMinute: 6_000, burstSeconds: 1, initialFill: 0 });
		expect(load(1, 10_000)).toBeGreaterThanOrEqual(999);
		limited.change({ requestsPerMinute: 600, burstSeconds: 1 });
		expect(load(1, 60_000)).toBeLessThanOrEqual(601);
		limited.change({});
		expect(limited.admit(1_000_000).admitted).toBe(true);
	});

	it("show what headers show", () => {
		const { at, limited } = account({ requestsPerMinute: 60, tokensPerMinute: 6_000, requestsPerDay: 10 });
		limited.admit(1_500);
		expect(limited.state()).toEqual({
			requests: { limit: 60, remaining: 59, resetMs: 1_000 },
			tokens: { limit: 6_000, remaining: 4_500, resetMs: 15_000 },
			requestsDay: { limit: 10, remaining: 9, resetMs: 86_400_000 },
			inFlight: 1,
		});
		at.now = 15_000;
		expect(limited.state().tokens).toEqual({ limit: 6_000, remaining: 6_000, resetMs: 0 });
	});
});
