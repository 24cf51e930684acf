import { describe, it } from "vitest";
import { surviveHostileProcesses } from "../batch/helpers/hostile-processes.ts";

describe("a batch among hostile processes", () => {
	it("ends complete and whole, and pays for nothing twice, 200 times", async () => {
		for (let seed = 1; seed <= Number(process.env.SEEDS ?? 200); seed += 1)
			await surviveHostileProcesses(seed);
	});
});
