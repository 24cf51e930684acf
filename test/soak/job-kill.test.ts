import { afterAll, describe, it } from "vitest";
import { seededRandom } from "../../src/simulator/random.ts";
import { killJobs } from "../jobs/kills.ts";

/** 1,000 rows in 3 jobs, killed at more than 100 points in all. */
const shape = { rows: 1_000, jobRows: 400, kills: 14, withinMs: 1_500, pauseMs: 0 };

let killed = 0;

afterAll(() => console.log(`${killed} runs were killed`));

describe("jobs whose run is killed", () => {
	it.each([1, 2, 3, 4, 5])("are created, fetched and booked once (seed %i)", async (seed) => {
		killed += await killJobs({ ...shape, faults: [], model: "openai/echo", random: seededRandom(seed) });
	});

	it.each([6, 7, 8])("also when the answers to their creation are lost (seed %i)", async (seed) => {
		const faults = ["lost", "created-500", "lost"] as const;
		killed += await killJobs({ ...shape, faults, model: "openai/echo", random: seededRandom(seed) });
	});

	it.each(["anthropic/echo", "gemini/echo"])("at providers of another kind (%s)", async (model) => {
		killed += await killJobs({ ...shape, faults: [], model, random: seededRandom(9) });
	});
});
