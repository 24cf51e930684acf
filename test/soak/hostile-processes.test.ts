import { describe, it } from "vitest";
import { surviveHostileProcesses } from "../batch/helpers/hostile-processes.ts";

const seeds = Number(process.env.SEEDS ?? 200);
/** So many seeds have the time of one test, also on a busy machine. */
const together = 10;
const firsts = Array.from({ length: Math.ceil(seeds / together) }, (_, index) => index * together + 1);

describe("a batch among hostile processes", () => {
	it.each(firsts)("ends complete and whole, and pays for nothing twice (from seed %i on)", async (first) => {
		for (let seed = first; seed < Math.min(first + together, seeds + 1); seed += 1)
			await surviveHostileProcesses(seed);
	});
});
