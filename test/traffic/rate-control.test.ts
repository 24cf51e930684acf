import { describe, expect, it } from "vitest";
import { controller, measure } from "../../bench/rate-control/measure.ts";
import { latencies, meanOf, scenarios } from "../../bench/rate-control/scenarios.ts";

// The benchmark's scenarios on a virtual clock, one seed each; bench/rate-control.ts runs them with many.
describe("the controller keeps an account's rate full", () => {
	for (const scenario of scenarios({ burstSeconds: 60, initialFill: 1 })) {
		// Without headers a limit by the full minute is met over and over: the share is kept, not the 429s.
		if (scenario.id === "L") continue;
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
