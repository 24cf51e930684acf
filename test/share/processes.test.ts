import { expect, it } from "vitest";
import { seededRandom } from "../batch/helpers/random.ts";
import { describeWithRedis } from "../helpers/redis.ts";
import { spendAsFleet } from "./helpers/capped-fleet.ts";

describeWithRedis("shards as processes", () => {
	it("spend one cap, also when some are killed and come back", async () => {
		const random = seededRandom(4);
		const fleet = await spendAsFleet({ shards: 4, rows: 1_400, kills: 4, concurrency: 2, random });
		expect(fleet.kills).toBe(4);
	}, 120_000);
});
