import { describe, it } from "vitest";
import { surviveHostileWorld } from "../batch/helpers/hostile-world.ts";

const seeds = Number(process.env.SEEDS ?? 2_000);
/** So many seeds have the time of one test, also on a busy machine. */
const together = 200;
const firsts = Array.from({ length: Math.ceil(seeds / together) }, (_, index) => index * together + 1);

describe("a batch whose files others have their way with", () => {
	it.each(firsts)("loses no answer, and pays for none twice (from seed %i on)", async (first) => {
		for (let seed = first; seed < Math.min(first + together, seeds + 1); seed += 1)
			await surviveHostileWorld(seed);
	});
});
