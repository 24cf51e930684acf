import { describe, expect, it } from "vitest";
import { llmx, tryOut } from "../../bench/rate-control/clients.ts";
import { judge, tryOurs } from "../../bench/rate-control/law.ts";
import { controller, type Measured, measure } from "../../bench/rate-control/measure.ts";
import { latencies, meanOf, type Scenario, scenarios } from "../../bench/rate-control/scenarios.ts";
import { trials } from "../../bench/rate-control/trials.ts";
import { plainWorld } from "../../bench/rate-control/world.ts";

/** A third of a scenario, so that beginnings weigh three times as much; test/soak runs the whole. */
function third(scenario: Scenario): Scenario {
	const { limits, steps, seconds } = scenario;
	const { requestsPerDay } = limits;
	return {
		...scenario,
		seconds: seconds / 3,
		steps: steps.map((step) => ({ ...step, at: step.at / 3 })),
		limits: { ...limits, ...(requestsPerDay !== undefined && { requestsPerDay: requestsPerDay / 3 }) },
	};
}

/** What a rate has to be kept at: the wanted share, hardly a refusal, no row lost, and how soon after each step. */
function expectFull({ share, refusedPerThousand, lost, converged }: Measured, least = 0.97): void {
	expect(share).toBeGreaterThanOrEqual(least);
	expect(refusedPerThousand).toBeLessThanOrEqual(10);
	expect(lost).toBe(0);
	for (const [step, seconds] of converged.entries()) {
		// The start and the second step go up, the first goes down.
		expect(seconds).toBeLessThanOrEqual(step === 1 ? 5 : 20);
	}
}

// The benchmark's scenarios on a virtual clock, one seed each; bench/rate-control.ts runs them with many.
describe("the controller keeps an account's rate full", () => {
	for (const scenario of scenarios({ burstSeconds: 60, initialFill: 1 }).map(third)) {
		it(`${scenario.id}: ${scenario.title}`, async () => {
			const { medium, short } = latencies;
			const latency = meanOf(medium) > scenario.mostLatencyMs ? short : medium;
			const measured = await measure(controller, { scenario, latency, seed: 3, skewMs: 0, hints: false });
			expectFull(measured, scenario.id === "H" ? 0.9 : 0.97);
		});
	}
});

// What headers say comes five seconds late here, from an account that holds what it gets in one second.
describe("the controller fills an account that saves up little, with long answers and clocks that differ", () => {
	for (const scenario of scenarios({ burstSeconds: 1, initialFill: 0 }).map(third)) {
		if (!"BDG".includes(scenario.id)) continue;
		it(`${scenario.id}: ${scenario.title}`, async () => {
			const world = { scenario, latency: latencies.long, seed: 3, skewMs: 1_500, hints: false };
			expectFull(await measure(controller, world));
		});
	}
});

it("keeps to the hints of a server without headers and waits no longer than they say", async () => {
	const scenario = scenarios({ burstSeconds: 60, initialFill: 0 }).find(({ id }) => id === "C") as Scenario;
	const world = { scenario: third(scenario), latency: latencies.short, seed: 5, skewMs: 0, hints: true };
	const { share, refusedPerThousand } = await measure(controller, world);
	expect(share).toBeGreaterThanOrEqual(0.97);
	expect(refusedPerThousand).toBeLessThanOrEqual(10);
});

describe("the controller is not fooled", () => {
	it.each([
		"random 429, 1 %, no hint",
		"random 429, 5 %, healthy headers",
		"permanent 429, 5 % of the rows",
		"one 429, hint 60 s",
		"503 for 20 s",
		"source idle for 60 s",
		"retry-after 60 always",
		"3 RPM, exact hints",
		"10 RPM, no hints",
		"20 RPM, exact hints",
		"600 by the full minute",
		"20 rows at 1 s",
		"32 at once, then a queue",
		"two processes, headers",
		"token headers drop, hint 20 ms",
	])("%s", async (title) => {
		const trial = trials().find((candidate) => candidate.title === title);
		const finding = await trial?.find(llmx(), 1);
		expect(finding).toMatchObject({ good: true });
	});
});

it.each([
	3, 4, 8, 13, 15, 18,
])("random server %i is served as fast as by the best of its rivals", async (seed) => {
	const { holds, slowdown, ours, allowed, random } = await judge(seed);
	expect({ holds, slowdown, ours, allowed, title: random.title }).toMatchObject({ holds: true });
});

// Random refusals are no reason to disbelieve true headers (38); nor do false headers, of which plenty is left, speak for a
// rate that is too high (121).
it.each([
	38, 121,
])("random server %i, with headers, refuses no more than it does its rivals", async (seed) => {
	const { holds, slowdown, ours, allowed, random } = await judge(seed);
	expect({ holds, slowdown, ours, allowed, title: random.title }).toMatchObject({ holds: true });
});

it.each([
	[],
	[{ from: 0.5, to: 1.5, errorClass: "overloaded" as const }],
])("a run of a few seconds in which rows are refused for ever is over in seconds, too: %j", async (...outages) => {
	const world = { ...plainWorld, permanent: 0.05, outages };
	const { server, failed, mostSendings } = await tryOut(llmx(), world, {
		rows: 1_000,
		seconds: 600,
		seed: 1,
	});
	const rows = [...Array(1_000).keys()].filter((row) => server.isPermanent(row)).length;
	expect({ failed, isSoon: server.lastMs < 12_000, isFew: mostSendings <= 6 }).toEqual({
		failed: rows,
		isSoon: true,
		isFew: true,
	});
});

// A flood of refusals beside rows that are refused for ever, an outage at a small account, and refusals that come in bursts:
// a row that is in several of them is not refused for itself.
it.each([
	91, 95, 179, 363, 391, 410, 439, 599, 743, 986,
])("no row is lost, and no run given up, at random server %i", async (seed) => {
	const { ours, error } = await tryOurs(seed);
	expect({ lost: ours.lost, error }).toEqual({ lost: 0, error: undefined });
});

const answers = { latency: { medianMs: 400, spread: 0.35, mostMs: 60_000 } };

it.each([
	1, 2, 3, 4, 5, 6,
])("an account that saves up nothing is found at 60 a minute, without headers and hints: %i", async (seed) => {
	const limits = { requestsPerMinute: 60, burstSeconds: 1 };
	const run = { rows: 1_000, seconds: 120, seed };
	const { answeredAt, server, lost } = await tryOut(llmx(), { ...plainWorld, ...answers, limits }, run);
	expect(lost).toBe(0);
	expect(answeredAt.length).toBeGreaterThan(100);
	expect(server.refusedAt.length).toBeLessThan(50);
});

it("the rest of a run that used up what an account had saved is met by few refusals", async () => {
	const limits = { requestsPerMinute: 48, burstSeconds: 60 };
	const world = { ...plainWorld, latency: { medianMs: 100, spread: 0.35, mostMs: 60_000 }, limits };
	const { server, lost } = await tryOut(llmx(), world, { rows: 80, seconds: 600, seed: 1 });
	expect(lost).toBe(0);
	expect(server.refusedAt.length).toBeLessThan(100);
	expect(server.lastMs).toBeLessThan(50_000);
});

it.each([
	1, 2, 3,
])("a limit by the full minute is not taken for one on requests in flight: %i", async (seed) => {
	const limits = { requestsPerMinute: 3, shape: "window" as const };
	const run = { rows: 1_000, seconds: 1_800, seed };
	const { answeredAt, server } = await tryOut(llmx(), { ...plainWorld, limits }, run);
	expect(answeredAt.length).toBeGreaterThanOrEqual(87);
	expect(server.refusedAt.length).toBeLessThan(45);
});
