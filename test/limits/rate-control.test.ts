import { describe, expect, it } from "vitest";
import { llmx } from "../../bench/rate-control/clients.ts";
import { judge } from "../../bench/rate-control/law.ts";
import { controller, measure } from "../../bench/rate-control/measure.ts";
import { latencies, scenarios } from "../../bench/rate-control/scenarios.ts";
import { trials } from "../../bench/rate-control/trials.ts";

// A few of the benchmark's scenarios on a virtual clock; bench/rate-control.ts runs all of them, and test/soak the law.
describe("the controller keeps an account's rate full", () => {
	it.each([
		["A", 0.97, 5],
		["C", 0.95, 12],
		["H", 0.9, 10],
	])("%s", async (id, least, most) => {
		const scenario = scenarios({ burstSeconds: 1, initialFill: 1 }).find((candidate) => candidate.id === id);
		if (scenario === undefined) throw new Error(`no scenario ${id}`);
		const world = { scenario: { ...scenario, seconds: 200 }, latency: latencies.medium, seed: 3, skewMs: 0 };
		const measured = await measure(controller, { ...world, hints: false });
		expect(measured.share).toBeGreaterThanOrEqual(least);
		expect(measured.refusedPerThousand).toBeLessThanOrEqual(most);
		expect(measured.lost).toBe(0);
	});
});

describe("the controller is not fooled", () => {
	it.each([
		"random 429, 1 %, no hint",
		"permanent 429, 5 % of the rows",
		"one 429, hint 60 s",
		"20 rows at 1 s",
		"32 at once, then a queue",
		"token headers drop, hint 20 ms",
	])("%s", async (title) => {
		const trial = trials().find((candidate) => candidate.title === title);
		const finding = await trial?.find(llmx(), 1);
		expect(finding).toMatchObject({ good: true });
	});
});

it.each([4, 13])("random server %i is served as fast as by the best of its rivals", async (seed) => {
	const { holds, slowdown, ours, allowed, random } = await judge(seed);
	expect({ holds, slowdown, ours, allowed, title: random.title }).toMatchObject({ holds: true });
});
