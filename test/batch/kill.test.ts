import { describe, it } from "vitest";
import { killAndResume } from "./helpers/kills.ts";
import { seededRandom } from "./helpers/random.ts";

describe("a batch that is killed", () => {
	it("at 2 random points of 200 rows loses nothing and sends no more again than was on its way", async () => {
		await killAndResume({ rows: 200, kills: 2, concurrency: 8, random: seededRandom(7) });
	});
});
