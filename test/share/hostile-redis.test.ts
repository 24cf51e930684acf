import { rename } from "node:fs/promises";
import { type AddressInfo, connect as connectTo, createServer } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sync } from "../../src/share/sync.ts";
import { runKeys } from "../../src/share/view.ts";
import { seededRandom } from "../batch/helpers/random.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { describeWithRedis, startRedis, type TestRedis } from "../helpers/redis.ts";
import { connect, makeFolder, runName, TestShard, totalUsd, viewOf } from "./helpers/shards.ts";

const rowUsd = 0.001;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A way to a Redis that is cut now and then after a command went in and before its reply came out. */
async function cutReplies(
	{ port }: TestRedis,
	random: () => number,
): Promise<{ readonly url: string; cuts: number }> {
	const way = { url: "", cuts: 0 };
	const server = createServer((outer) => {
		const inner = connectTo(port, "127.0.0.1");
		const end = () => {
			outer.destroy();
			inner.destroy();
		};
		for (const socket of [outer, inner]) socket.on("error", end).on("close", end);
		outer.on("data", (command) => inner.write(command));
		inner.on("data", (reply) => {
			if (random() > 0.1) return outer.write(reply);
			way.cuts++;
			// Half of it may have arrived.
			outer.end(reply.subarray(0, random() < 0.5 ? reply.length / 2 : 0));
			return end();
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	afterTest(() => server.close());
	way.url = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return way;
}

describeWithRedis("one cap over a Redis that misbehaves", () => {
	it("holds when replies are cut off after the command was carried out", async () => {
		const redis = await startRedis();
		const way = await cutReplies(redis, seededRandom(3));
		const shards = await Promise.all(
			[1, 2, 3].map(async () => {
				for (;;) {
					// A first connection that is cut is the user's to see.
					const shard = await TestShard.join(way, { capUsd: 1.5 }).catch(() => undefined);
					if (shard !== undefined) return shard;
				}
			}),
		);
		await Promise.all(shards.map((shard) => shard.spend(rowUsd, 6)));
		expect(way.cuts).toBeGreaterThan(5);
		expect(totalUsd(shards)).toBeLessThanOrEqual(1.5 + 1e-9);
		expect(totalUsd(shards)).toBeGreaterThan(0.9 * 1.5);
	});

	it("grants nothing for a message that comes twice, or late", async () => {
		const connection = await connect(await startRedis());
		const { purse } = runKeys(runName);
		const message = (seq: number, granted: number, want: number) => ({
			...{ name: runName, member: "me", heir: "", label: "", seq, livesMs: 4_500, found: undefined },
			...{
				caps: [{ key: purse, usd: 1 }],
				committed: [0],
				view: viewOf(""),
				counts: { sent: 0, refused: 0 },
			},
			claim: { spent: 0, granted, returned: 0, spare: 0, need: 0, want },
		});
		// A new Redis hears first who lives.
		await sync(connection, message(1, 0, 0));
		await pause(2_050);
		const first = await sync(connection, message(3, 0, 1e8));
		expect(first.granted).toBeGreaterThan(0);
		const again = await sync(connection, message(3, 0, 1e8));
		const late = await sync(connection, message(2, 0, 5e8));
		expect([again.granted, late.granted]).toEqual([first.granted, first.granted]);
		expect([again.committed, late.committed]).toEqual([first.committed, first.committed]);
	});

	it("holds when another takes its place that has not heard the last of it", async ({ expect }) => {
		const redis = await startRedis(["--appendonly", "no"]);
		const shards = await Promise.all([1, 2, 3].map(() => TestShard.join(redis, { capUsd: 2 })));
		const spent = Promise.all(shards.map((shard) => shard.spend(rowUsd, 6)));
		await expect.poll(() => totalUsd(shards), { timeout: 10_000 }).toBeGreaterThan(0.3);
		await redis.client.save();
		await rename(join(redis.folder, "dump.rdb"), join(redis.folder, "kept"));
		await pause(200);
		await redis.kill();
		await rename(join(redis.folder, "kept"), join(redis.folder, "dump.rdb"));
		await redis.start();
		await spent;
		expect(totalUsd(shards)).toBeLessThanOrEqual(2 + 1e-9);
		expect(totalUsd(shards)).toBeGreaterThan(0.97 * 2);
	});

	it("is the higher one for whoever was told a higher one", async () => {
		const redis = await startRedis();
		const low = await TestShard.join(redis, { capUsd: 0.4 });
		const high = await TestShard.join(redis, { capUsd: 1 });
		await Promise.all([low.spend(rowUsd, 4), high.spend(rowUsd, 4)]);
		expect(totalUsd([low, high])).toBeLessThanOrEqual(1 + 1e-9);
		expect(totalUsd([low, high])).toBeGreaterThan(0.97);
		expect(low.spentUsd).toBeLessThanOrEqual(0.4 + 1e-9);
	});

	it("holds when a shard stands still, is replaced on its machine, and goes on", async ({ expect }) => {
		const redis = await startRedis();
		const leasePath = join(makeFolder(), "lease");
		let now = 0;
		const stopped = await TestShard.join(redis, { capUsd: 1, leasePath, now: () => now + performance.now() });
		// What it has set aside by then is more than it has sent.
		const first = stopped.spend(rowUsd, 2);
		await expect.poll(() => stopped.rows, { timeout: 10_000 }).toBeGreaterThan(100);
		// It stands still: nobody hears of it, and its clock goes on.
		stopped.run.abandon();
		now = 120_000;
		const sentBefore = stopped.rows;
		const next = await TestShard.join(redis, { capUsd: 1, leasePath });
		const second = next.spend(rowUsd, 4);
		await pause(100);
		// It goes on.
		expect(stopped.rows).toBe(sentBefore);
		await second;
		stopped.kill();
		await first;
		expect(totalUsd([stopped, next])).toBeLessThanOrEqual(1 + 1e-9);
		expect(totalUsd([stopped, next])).toBeGreaterThan(0.97);
	});

	it("holds for a budget that runs of several names share, with caps of their own", async () => {
		const redis = await startRedis();
		const budget = { key: "llmx:budget:2026-11-29", usd: 0.6 };
		const join = (name: string, usd: number | undefined) =>
			TestShard.join(redis, { name, capUsd: 1, caps: [{ key: runKeys(name).purse, usd }, budget] });
		const shards = await Promise.all([join("one", 0.2), join("two", undefined), join("two", undefined)]);
		await Promise.all(shards.map((shard) => shard.spend(rowUsd, 4)));
		expect(totalUsd(shards)).toBeLessThanOrEqual(0.6 + 1e-9);
		expect(totalUsd(shards)).toBeGreaterThan(0.97 * 0.6);
		expect(shards[0]?.spentUsd).toBeLessThanOrEqual(0.2 + 1e-9);
		const committed = Number(await redis.client.hget(budget.key, "committed")) / 1e9;
		expect(committed).toBeGreaterThanOrEqual(totalUsd(shards) - 1e-9);
		expect(committed).toBeLessThanOrEqual(0.6 + 1e-9);
		expect(await redis.client.ttl(budget.key)).toBeGreaterThan(31 * 86_400);
		// The next run of the day finds what they left, which may be a row's money or two, and nothing else.
		const next = await join("three", undefined);
		await next.spend(rowUsd, 2);
		expect(totalUsd([...shards, next])).toBeLessThanOrEqual(0.6 + 1e-9);
	});
});
