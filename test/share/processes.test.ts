import { expect, it } from "vitest";
import { seededRandom } from "../batch/helpers/random.ts";
import { describeWithRedis } from "../helpers/redis.ts";
import { spendAsFleet } from "./helpers/capped-fleet.ts";

describeWithRedis("shards as processes", () => {
	it("spend one cap, also when one is killed and comes back", async () => {
		const random = seededRandom(4);
		const fleet = await spendAsFleet({ shards: 2, rows: 700, kills: 1, concurrency: 2, random });
		expect(fleet.kills).toBe(1);
	}, 120_000);
});
