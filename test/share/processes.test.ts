import { expect, it } from "vitest";
import { seededRandom } from "../batch/helpers/random.ts";
import { describeWithRedis } from "../helpers/redis.ts";
import { spendAsFleet } from "./helpers/capped-fleet.ts";

describeWithRedis("shards as processes", () => {
	it("spend one cap, also when some are killed and come back", async () => {
		const random = seededRandom(4);
		const fleet = await spendAsFleet({ shards: 3, rows: 1_000, kills: 2, concurrency: 2, random });
		expect(fleet.kills).toBe(2);
	}, 120_000);
});
