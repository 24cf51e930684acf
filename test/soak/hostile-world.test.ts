import { describe, it } from "vitest";
import { surviveHostileWorld } from "../batch/helpers/hostile-world.ts";

describe("a batch whose files others have their way with", () => {
	it("loses no answer, and pays for none twice, in 2,000 worlds", async () => {
		for (let seed = 1; seed <= 2_000; seed += 1) await surviveHostileWorld(seed);
	});
});
