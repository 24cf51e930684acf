import { describe, expect, it } from "vitest";
import { FoundLimit } from "../../src/share/found-limit.ts";
import { seededRandom } from "../batch/helpers/random.ts";

interface World {
	/** What shards would send in a second if nothing held them back. */
	readonly demand: number;
	/** What the account lets through in a second; Infinity: no limit. */
	readonly allowed: number;
	/** What it has saved up at the start. */
	readonly saved: number;
	/** Share that is refused whatever is sent. */
	readonly chance: number;
}

/** Plays so many seconds; returns what was sent and refused in the last half, a second. */
function play(world: World, seconds: number, random: () => number) {
	const found = new FoundLimit();
	const sums = { sent: 0, refused: 0 };
	let saved = world.saved;
	let held = world.demand;
	const late = { admitted: 0, refused: 0 };
	for (let second = 0; second < seconds; second++) {
		const sent = Math.round(Math.min(world.demand, held) * (0.95 + 0.1 * random()));
		const chance = Math.round(sent * world.chance * (0.8 + 0.4 * random()));
		const fits = Math.min(sent - chance, Math.floor(world.allowed + saved));
		saved = Math.min(world.saved, saved + world.allowed - fits) || 0;
		sums.sent += sent;
		sums.refused += sent - fits;
		if (second >= seconds / 2) {
			late.admitted += fits;
			late.refused += sent - fits;
		}
		// It takes about a second until all have heard of it.
		held = found.perSecond ?? world.demand;
		found.note(sums, second * 1_000);
	}
	return {
		admitted: late.admitted / (seconds / 2),
		share: late.refused / (late.admitted + late.refused),
		found,
	};
}

describe("the limit that shards find together", () => {
	it("is kept full, and met by few refusals", () => {
		for (let seed = 1; seed <= 200; seed++) {
			const random = seededRandom(seed * 7_919);
			random();
			const allowed = Math.round(2 ** (4 + 5 * random()));
			const world = {
				demand: allowed * (1.2 + 10 * random()),
				allowed,
				saved: random() < 0.5 ? 0 : 60 * allowed,
				chance: 0,
			};
			const { admitted, share } = play(world, 400, random);
			expect([seed, admitted / allowed]).toEqual([
				seed,
				expect.toSatisfy((used: number) => used > 0.93 && used < 1.02),
			]);
			expect([seed, share]).toEqual([seed, expect.toSatisfy((value: number) => value < 0.02)]);
		}
	});

	it("is none where refusals have nothing to do with the rate", () => {
		for (let seed = 1; seed <= 100; seed++) {
			const random = seededRandom(seed * 104_729);
			random();
			const world = {
				demand: 20 + 400 * random(),
				allowed: Number.POSITIVE_INFINITY,
				saved: 0,
				chance: 0.05 + 0.2 * random(),
			};
			const { admitted } = play(world, 400, random);
			expect([seed, admitted / (world.demand * (1 - world.chance))]).toEqual([
				seed,
				expect.toSatisfy((used: number) => used > 0.9),
			]);
		}
	});

	it("is found in spite of what is sent until all have heard of it, and of much more demand than it allows", () => {
		for (let times = 2; times < 100; times *= 1.3) {
			const world = { demand: 50 * times, allowed: 50, saved: 300, chance: 0 };
			const { admitted, share } = play(world, 200, seededRandom(11));
			expect(admitted).toBeGreaterThan(45);
			expect(share).toBeLessThan(0.02);
		}
	});

	it("is none while nothing is refused", () => {
		const { found } = play({ demand: 100, allowed: 200, saved: 0, chance: 0 }, 100, seededRandom(5));
		expect(found.perSecond).toBeUndefined();
	});
});
