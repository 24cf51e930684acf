import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CostGuard, type GuardedRequest } from "../../src/batch/cost-guard.ts";

/** One USD a token in, two a token out: sums are easy to see. */
const request = (inputTokens: number, maxOutputTokens?: number, model = "m"): GuardedRequest => ({
	inputTokens,
	maxOutputTokens,
	n: 1,
	model,
	price: (input, output) => input + 2 * output,
});
const token = () => ({});
const answered = (usd: number, outputTokens: number) => ({ usd, outputTokens });

describe("the guard of --max-cost", () => {
	it("counts what is in flight with the bound of its output", () => {
		const guard = new CostGuard(100);
		const first = token();
		expect(guard.admit(first, request(10, 20))).toBe("go");
		expect(guard.admit(token(), request(10, 20))).toBe("go");
		expect(guard.admit(token(), request(1, 0))).toBe("wait");
		guard.settle(first, answered(12, 1));
		expect(guard.admit(token(), request(10, 10))).toBe("go");
	});

	it("counts the bound of each of several answers", () => {
		const guard = new CostGuard(100);
		expect(guard.admit(token(), { ...request(10, 10), n: 4 })).toBe("go");
		expect(guard.admit(token(), request(10, 1))).toBe("wait");
		expect(guard.admit(token(), request(8, 1))).toBe("go");
	});

	it("stops when nothing in flight can make room any more", () => {
		const guard = new CostGuard(100);
		const first = token();
		guard.admit(first, request(10, 40));
		guard.settle(first, answered(90, 40));
		expect(guard.stopped).toBe(false);
		expect(guard.admit(token(), request(11, 0))).toBe("stop");
		expect(guard.stopped).toBe(true);
		expect(guard.overshootUsd).toBe(0);
	});

	it("sends one probe when outputs have no bound, then expects twice the longest answer", () => {
		const guard = new CostGuard(1000);
		const probe = token();
		expect(guard.admit(probe, request(10))).toBe("go");
		expect(guard.admit(token(), request(10))).toBe("wait");
		guard.settle(probe, answered(110, 50));
		// 10 + 2 * 2 * 50 each: four fit into the 890 that are left.
		const verdicts = Array.from({ length: 5 }, () => guard.admit(token(), request(10)));
		expect(verdicts).toEqual(["go", "go", "go", "go", "wait"]);
	});

	it("probes again when the probe failed, and each model for itself", () => {
		const guard = new CostGuard(1000);
		const probe = token();
		guard.admit(probe, request(10));
		expect(guard.admit(token(), request(10, undefined, "other"))).toBe("go");
		guard.settle(probe, { usd: 0, outputTokens: null });
		expect(guard.spentUsd).toBe(0);
		expect(guard.admit(token(), request(10))).toBe("go");
		expect(guard.admit(token(), request(10))).toBe("wait");
	});

	it("counts all that was set aside when nobody knows what a call cost", () => {
		const guard = new CostGuard(100);
		const first = token();
		guard.admit(first, request(10, 20));
		guard.settle(first, { usd: null, outputTokens: null });
		expect(guard.spentUsd).toBe(50);
	});

	it("reports an overshoot that a probe or a longer answer caused", () => {
		const guard = new CostGuard(100);
		const probe = token();
		guard.admit(probe, request(10));
		guard.settle(probe, answered(130, 60));
		expect(guard.overshootUsd).toBe(30);
		expect(guard.admit(token(), request(1))).toBe("stop");
	});

	it("never spends more than the cap while answers keep to their bounds", () => {
		const calls = fc.array(
			fc.record({ input: fc.nat(50), bound: fc.nat(50), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
		);
		fc.assert(
			fc.property(
				calls,
				fc.integer({ min: 0, max: 500 }),
				fc.infiniteStream(fc.boolean()),
				(rows, cap, lands) => {
					const guard = new CostGuard(cap);
					const flying: { token: object; usd: number; output: number }[] = [];
					const land = () => {
						const call = flying.shift();
						if (call) guard.settle(call.token, answered(call.usd, call.output));
					};
					for (const { input, bound, share } of rows) {
						const call = {
							token: token(),
							usd: input + 2 * Math.floor(bound * share),
							output: Math.floor(bound * share),
						};
						let verdict = guard.admit(call.token, request(input, bound));
						while (verdict === "wait") {
							expect(flying.length).toBeGreaterThan(0);
							land();
							verdict = guard.admit(call.token, request(input, bound));
						}
						if (verdict === "stop") break;
						flying.push(call);
						if (lands.next().value) land();
					}
					while (flying.length > 0) land();
					expect(guard.spentUsd).toBeLessThanOrEqual(cap + 1e-9);
					expect(guard.overshootUsd).toBeLessThan(1e-9);
				},
			),
		);
	});
});
