import { describe, it } from "vitest";
import { surviveHostileWorld } from "./helpers/hostile-world.ts";

const seeds = Array.from({ length: 30 }, (_, index) => index + 1);

describe("a batch whose files others have their way with", () => {
	it.each(seeds)("loses no answer, and pays for none twice (seed %i)", (seed) => surviveHostileWorld(seed));
});
