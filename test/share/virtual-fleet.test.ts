import { describe, expect, it } from "vitest";
import { plainWorld, type World } from "../../bench/rate-control/world.ts";
import { runVirtualFleet } from "../../bench/scale/virtual-fleet.ts";

const latency = { medianMs: 300, spread: 0.5, mostMs: 5_000 };
/** 50 requests a second, of which six seconds' worth is saved up. */
const limited: World = { ...plainWorld, latency, limits: { requestsPerMinute: 3_000, initialFill: 0.1 } };

describe("eight shards on an account that tells nothing of its limit", () => {
	it.each([
		1, 2,
	])("use its rate with 25 refusals of 1,000 at most, from the first request to the last: seed %i", async (seed) => {
		const rows = 9_000;
		const { seconds, refusals, lost } = await runVirtualFleet({ world: limited, shards: 8, rows, seed });
		expect(lost).toBe(0);
		expect((1_000 * refusals) / rows).toBeLessThanOrEqual(25);
		// The last rows of one shard are not those of another.
		expect(seconds).toBeLessThan((1.15 * (rows - 300)) / 50);
	});

	it("do so on a machine that has too much to do", async () => {
		const rows = 9_000;
		const { refusals, lost } = await runVirtualFleet({
			world: limited,
			shards: 8,
			rows,
			seed: 1,
			stallMs: 1_000,
		});
		expect(lost).toBe(0);
		expect((1_000 * refusals) / rows).toBeLessThanOrEqual(25);
	});

	it("are not held back where refusals are chance", async () => {
		const world: World = {
			...plainWorld,
			latency,
			chance: { share: 0.05, errorClass: "rate_limit", hintMs: undefined },
		};
		const { seconds, lost } = await runVirtualFleet({ world, shards: 8, rows: 8_000, seed: 1 });
		expect(lost).toBe(0);
		expect(seconds).toBeLessThan(30);
	});
});
