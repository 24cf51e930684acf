import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { seededRandom } from "../batch/helpers/random.ts";
import { describeWithRedis, type TestRedis } from "../helpers/redis.ts";
import { spendAsFleet } from "../share/helpers/capped-fleet.ts";
import { runPacedFleet } from "../share/helpers/paced-fleet.ts";

const troubles: Readonly<Record<string, (redis: TestRedis) => Promise<void>>> = {
	"Redis killed and started again": async (redis) => {
		await redis.kill();
		await sleep(2_000);
		await redis.start();
	},
	"Redis stopped for 20 s": async (redis) => {
		redis.signal("SIGSTOP");
		await sleep(20_000);
		redis.signal("SIGCONT");
	},
	"Redis out of memory": async (redis) => {
		await redis.client.config("SET", "maxmemory", "1");
	},
};

/** ROWS=40000 takes a quarter of an hour. */
const rows = Number(process.env.ROWS ?? 9_000);

describeWithRedis("eight shards", () => {
	it("spend one cap, while twenty of them are killed and come back", async () => {
		const random = seededRandom(20);
		const fleet = await spendAsFleet({ shards: 8, rows: 40_000, kills: 20, concurrency: 4, random });
		expect(fleet.kills).toBe(20);
	});

	it.each(Object.entries(troubles))("spend one cap: %s", async (_name, trouble) => {
		await spendAsFleet({
			shards: 8,
			rows: 12_000,
			kills: 3,
			concurrency: 4,
			random: seededRandom(3),
			trouble: async (redis) => {
				await sleep(5_000);
				await trouble(redis);
			},
		});
	});

	it.each([
		{ toldLimit: true, headers: true, kills: 3, mostRefused: 10, leastUsed: 0.95 },
		{ toldLimit: false, headers: false, kills: 0, mostRefused: 25, leastUsed: 0.95 },
	])(
		"use one account's rate: %j",
		async ({ toldLimit, headers, kills, mostRefused, leastUsed }) => {
			const random = seededRandom(7);
			const account = { shards: 8, rows, requestsPerMinute: 3_000 };
			const { used, refused, again, fleet } = await runPacedFleet({
				...account,
				toldLimit,
				headers,
				kills,
				random,
			});
			process.stderr.write(`${(100 * used).toFixed(1)} %, ${refused.toFixed(1)} 429s per 1,000\n`);
			expect(used).toBeGreaterThan(leastUsed);
			expect(used).toBeLessThan(1.01);
			expect(refused).toBeLessThanOrEqual(mostRefused);
			// What was on its way at a kill.
			expect(again).toBeLessThanOrEqual(fleet.kills * 16);
		},
		300_000 + 25 * rows,
	);
});
