import { describe, expect, it } from "vitest";
import { controller, measure } from "../../bench/rate-control/measure.ts";
import { latencies, meanOf, type Scenario, scenarios } from "../../bench/rate-control/scenarios.ts";

// The benchmark's scenarios on a virtual clock, one seed each; bench/rate-control.ts runs them with many.
describe("the controller keeps an account's rate full", () => {
	for (const scenario of scenarios({ burstSeconds: 60, initialFill: 1 })) {
		it(`${scenario.id}: ${scenario.title}`, async () => {
			const { medium, short } = latencies;
			const measured = await measure(controller, {
				scenario,
				latency: meanOf(medium) > scenario.mostLatencyMs ? short : medium,
				seed: 3,
				skewMs: 0,
				hints: false,
			});
			expect(measured.share).toBeGreaterThanOrEqual(scenario.id === "H" ? 0.9 : 0.97);
			expect(measured.refusedPerThousand).toBeLessThanOrEqual(5);
			expect(measured.lost).toBe(0);
			for (const [step, seconds] of measured.converged.entries()) {
				// The start and the second step go up, the first goes down.
				expect(seconds).toBeLessThanOrEqual(step === 1 ? 5 : 20);
			}
		});
	}
});

// What headers say comes five seconds late here, from an account that holds what it gets in one second.
describe("the controller fills an account that saves up little, with long answers and clocks that differ", () => {
	for (const scenario of scenarios({ burstSeconds: 1, initialFill: 0 })) {
		if (!"BDG".includes(scenario.id)) continue;
		for (const skewMs of [1_500, 0]) {
			it(`${scenario.id}: ${scenario.title}, resets off by ${skewMs} ms`, async () => {
				const world = { scenario, latency: latencies.long, seed: 3, skewMs, hints: false };
				const measured = await measure(controller, world);
				expect(measured.share).toBeGreaterThanOrEqual(0.97);
				expect(measured.refusedPerThousand).toBeLessThanOrEqual(5);
				expect(measured.lost).toBe(0);
				for (const [step, seconds] of measured.converged.entries()) {
					expect(seconds).toBeLessThanOrEqual(step === 1 ? 5 : 20);
				}
			});
		}
	}
});

/** So many requests a minute, of which headers say nothing. */
function unstated(requestsPerMinute: number, burstSeconds: number, windowed: boolean): Scenario {
	const [scenario] = scenarios({ burstSeconds, initialFill: 1 });
	return {
		...(scenario as Scenario),
		limits: { requestsPerMinute, burstSeconds, initialFill: 1 },
		headers: false,
		windowed,
		seconds: 900,
	};
}

it("becomes surer of a low rate with every refusal, and meets it more and more rarely", async () => {
	const scenario = unstated(60, 3, false);
	const measured = await measure(controller, {
		scenario,
		latency: latencies.short,
		seed: 1,
		skewMs: 0,
		hints: false,
	});
	expect(measured.share).toBeGreaterThanOrEqual(0.97);
	expect(measured.refusedPerThousand).toBeLessThanOrEqual(40);
});

it("spreads over the minute what comes back at its end, when a hint says when that is", async () => {
	const scenario = unstated(300, 60, true);
	const measured = await measure(controller, {
		scenario,
		latency: latencies.short,
		seed: 1,
		skewMs: 0,
		hints: true,
	});
	expect(measured.share).toBeGreaterThanOrEqual(0.97);
	expect(measured.refusedPerThousand).toBeLessThanOrEqual(6);
});

it("keeps to the hints of a server without headers and waits no longer than they say", async () => {
	const [, , scenario] = scenarios({ burstSeconds: 60, initialFill: 0 });
	const measured = await measure(controller, {
		scenario: scenario as NonNullable<typeof scenario>,
		latency: latencies.short,
		seed: 5,
		skewMs: 0,
		hints: true,
	});
	expect(measured.share).toBeGreaterThanOrEqual(0.97);
	expect(measured.refusedPerThousand).toBeLessThanOrEqual(5);
});
