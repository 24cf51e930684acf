import { expect, it } from "vitest";
import { listSharedRuns, readSharedRun } from "../../src/share/view.ts";
import { describeWithRedis, startRedis } from "../helpers/redis.ts";
import { connect, runName, TestShard } from "./helpers/shards.ts";

/** Twice as often as this each shard says that it lives, so that all know it by then. */
const heartbeatMs = 3_000;

describeWithRedis("the shards of a run", () => {
	it("have equal parts of the limits, divided anew within two heartbeats of a coming, a leaving, a kill", async ({
		expect,
	}) => {
		const redis = await startRedis();
		const shards = [await TestShard.join(redis), await TestShard.join(redis), await TestShard.join(redis)];
		const [first, second, third] = shards as [TestShard, TestShard, TestShard];
		const sees = (shard: TestShard) => shard.parts.at(-1)?.split(" of ")[1];
		const ranks = () => shards.map(({ parts }) => parts.at(-1)).sort();
		await expect.poll(ranks).toEqual(["0 of 3", "1 of 3", "2 of 3"]);
		const killedAt = performance.now();
		third.kill();
		await expect.poll(() => [sees(first), sees(second)]).toEqual(["2", "2"]);
		expect(performance.now() - killedAt).toBeGreaterThan(heartbeatMs);
		await second.run.leave();
		await expect.poll(() => sees(first)).toBe("1");
	});

	it("make room before a new one begins", async ({ expect }) => {
		const redis = await startRedis();
		const first = await TestShard.join(redis);
		const second = await TestShard.join(redis);
		expect(second.parts.at(-1)).toMatch(/of 2$/);
		await expect.poll(() => first.parts.at(-1)).toMatch(/of 2$/);
	});

	it("stop together, also those that start a little later, until the stop is lifted", async ({ expect }) => {
		const redis = await startRedis();
		const shards = await Promise.all([1, 2, 3].map(() => TestShard.join(redis)));
		await shards[0]?.run.stopAll({ text: "by SIGINT", exitCode: 130, by: "shard 1/3" });
		await shards[1]?.run.stopAll({ text: "out of quota", exitCode: 7, by: "shard 2/3" });
		for (const { stops } of shards) await expect.poll(() => stops).toEqual(["by SIGINT by shard 1/3"]);
		expect((await TestShard.join(redis)).stops).toEqual(["by SIGINT by shard 1/3"]);
		const status = await readSharedRun(await connect(redis), runName);
		expect(status?.stopped).toBe("by SIGINT (shard 1/3)");
	});

	it("are each there once", async () => {
		const redis = await startRedis();
		const label = "shard 1/2 of prompts.jsonl";
		const first = await TestShard.join(redis, { label });
		await expect(TestShard.join(redis, { label })).rejects.toThrow(
			"shard 1/2 of prompts.jsonl runs already, on here (process 1)",
		);
		first.kill();
		// Until it is clear that the first one is gone.
		const second = await TestShard.join(redis, { label });
		expect(second.run.part.living).toBe(1);
	});

	it("are all in the status, those that are gone too", async () => {
		const redis = await startRedis();
		const connection = await connect(redis);
		expect(await listSharedRuns(connection)).toEqual([]);
		const shards = await Promise.all(
			["10/10", "9/10"].map((label) => TestShard.join(redis, { label, capUsd: 1 })),
		);
		await shards[1]?.run.leave();
		const status = await readSharedRun(connection, runName);
		expect(status?.shards).toMatchObject([
			{ shard: "9/10", alive: false },
			{ shard: "10/10", alive: true },
		]);
		expect(await listSharedRuns(connection)).toEqual([runName]);
		expect(await readSharedRun(connection, "another")).toBeUndefined();
	});

	it("leave nothing in Redis that stays for ever", async () => {
		const redis = await startRedis();
		const shard = await TestShard.join(redis, { capUsd: 1 });
		await shard.run.stopAll({ text: "x", exitCode: 1, by: "y" });
		await shard.run.leave();
		const keys = await redis.client.keys("*");
		expect(keys).toHaveLength(4);
		for (const key of keys) expect(await redis.client.ttl(key)).toBeGreaterThan(86_400);
	});
});
