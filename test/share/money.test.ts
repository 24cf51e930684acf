import { join } from "node:path";
import { expect, it } from "vitest";
import { readSharedRun } from "../../src/share/view.ts";
import { describeWithRedis, startRedis, type TestRedis } from "../helpers/redis.ts";
import { connect, makeFolder, runName, TestShard, totalUsd } from "./helpers/shards.ts";

const rowUsd = 0.001;

/** Several shards that spend until nothing is left, while something is done to them; returns all there ever were. */
async function spendAll(
	redis: TestRedis,
	{ capUsd, shards = 4, inFlight = 6 }: { capUsd: number; shards?: number; inFlight?: number },
	trouble: (
		running: TestShard[],
		restart: (index: number) => Promise<void>,
	) => Promise<void> = async () => {},
): Promise<TestShard[]> {
	const folder = makeFolder();
	const all: TestShard[] = [];
	const running: TestShard[] = [];
	const spending = new Set<Promise<void>>();
	const start = async (index: number) => {
		const shard = await TestShard.join(redis, { capUsd, leasePath: join(folder, `${index}.lease`) });
		all.push(shard);
		running[index] = shard;
		const spent = shard.spend(rowUsd, inFlight).finally(() => spending.delete(spent));
		spending.add(spent);
	};
	await Promise.all(Array.from({ length: shards }, (_, index) => start(index)));
	await trouble(running, async (index) => {
		running[index]?.kill();
		await start(index);
	});
	while (spending.size > 0) await Promise.all(spending);
	return all;
}

function expectSpent(shards: readonly TestShard[], capUsd: number, least = 0.97): void {
	// Sums of cents in binary.
	expect(totalUsd(shards)).toBeLessThanOrEqual(capUsd + 1e-9);
	expect(totalUsd(shards)).toBeGreaterThanOrEqual(least * capUsd);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describeWithRedis("one cap for all shards", () => {
	it("is spent by all of them, to the end and not beyond", async () => {
		const redis = await startRedis();
		const shards = await spendAll(redis, { capUsd: 2 });
		expectSpent(shards, 2);
		for (const { rows } of shards) expect(rows).toBeGreaterThan(0);
		const status = await readSharedRun(await connect(redis), runName);
		expect(status?.committed_usd).toBeCloseTo(totalUsd(shards), 6);
	});

	it("goes on where earlier shards of the run stopped", async () => {
		const redis = await startRedis();
		const first = await spendAll(redis, { capUsd: 0.5 });
		const second = await spendAll(redis, { capUsd: 0.8 });
		expectSpent([...first, ...second], 0.8);
		expect(totalUsd(await spendAll(redis, { capUsd: 0.8 }))).toBe(0);
	});

	it("holds while shards are killed and come back, and what they did not spend comes back too", async () => {
		const redis = await startRedis();
		const shards = await spendAll(redis, { capUsd: 4, inFlight: 3 }, async (running, restart) => {
			for (let kill = 0; kill < 10; kill++) {
				await pause(60 * Math.random());
				await restart(Math.floor(Math.random() * running.length));
			}
		});
		expect(shards).toHaveLength(14);
		expectSpent(shards, 4);
	});

	it.each([
		"yes",
		"no",
	])("holds when Redis is killed and started again; it keeps its data: %s", async (keeps) => {
		const redis = await startRedis(["--appendonly", keeps]);
		const shards = await spendAll(redis, { capUsd: 3 }, async () => {
			for (let kill = 0; kill < 2; kill++) {
				await pause(150);
				await redis.kill();
				await pause(300);
				await redis.start();
				await pause(1_000);
			}
		});
		expectSpent(shards, 3);
	});

	it("holds when Redis forgets the run", async () => {
		const redis = await startRedis();
		const shards = await spendAll(redis, { capUsd: 3 }, async () => {
			await pause(300);
			await redis.client.flushall();
		});
		expectSpent(shards, 3);
	});

	it("holds when Redis stands still: nothing is spent but what was set aside", async ({ expect }) => {
		const redis = await startRedis();
		let before = 0;
		let after = 0;
		const shards = await spendAll(redis, { capUsd: 3 }, async (running) => {
			await pause(200);
			redis.signal("SIGSTOP");
			await expect.poll(() => running.every(({ run }) => run.isAway)).toBe(true);
			before = totalUsd(running);
			await pause(500);
			after = totalUsd(running);
			redis.signal("SIGCONT");
		});
		expect(after).toBe(before);
		expectSpent(shards, 3);
		for (const { away } of shards) expect(away.at(-1)).toBeUndefined();
	});

	it("holds when the memory of Redis is full", async () => {
		const redis = await startRedis();
		const shards = await spendAll(redis, { capUsd: 2 }, async () => {
			await redis.client.config("SET", "maxmemory", "1");
			await expect(redis.client.set("anything", "else")).rejects.toThrow("OOM");
		});
		expectSpent(shards, 2);
	});
});
