import { describe, it } from "vitest";
import { killAndResume } from "./helpers/kills.ts";
import { seededRandom } from "./helpers/random.ts";

describe("a batch that is killed", () => {
	it("at 4 random points of 300 rows loses nothing and sends no more again than was on its way", async () => {
		await killAndResume({ rows: 300, kills: 4, concurrency: 8, random: seededRandom(7) });
	});
});
