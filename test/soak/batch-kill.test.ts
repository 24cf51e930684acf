import { describe, it } from "vitest";
import { killAndResume } from "../batch/helpers/kills.ts";
import { seededRandom } from "../batch/helpers/random.ts";

/** Twice what it takes on a machine that has nothing else to do would be too little for a busy one. */
const mostMs = 1_800_000;

describe("a batch that is killed", () => {
	it(
		"at 200 random points of 10,000 rows loses nothing and sends no more again than was on its way",
		async () => {
			await killAndResume({ rows: 10_000, kills: 200, concurrency: 32, random: seededRandom(11) });
		},
		mostMs,
	);
});
