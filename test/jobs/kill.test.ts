import { it } from "vitest";
import { seededRandom } from "../../src/simulator/random.ts";
import { killJobs } from "./kills.ts";

it("jobs whose run is killed again and again are created once, fetched once and booked once", async () => {
	const random = seededRandom(7);
	await killJobs({
		rows: 60,
		jobRows: 25,
		kills: 4,
		faults: ["lost"],
		model: "openai/echo",
		random,
		withinMs: 500,
		// Where a create was cut off, a minute must pass until the list is believed.
		pauseMs: 60_000,
	});
});
