import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { startSimulator } from "../../../src/simulator/server.ts";
import { afterTest } from "../../helpers/cleanup.ts";
import { startRedis, type TestRedis } from "../../helpers/redis.ts";
import { Fleet } from "./fleet.ts";

export interface CappedFleetOptions {
	readonly shards: number;
	/** The cap is for about 60 % of them. */
	readonly rows: number;
	/** Random kills of shards, which come back at once. */
	readonly kills: number;
	readonly concurrency: number;
	readonly random: () => number;
	/** What happens to Redis meanwhile. */
	readonly trouble?: ((redis: TestRedis, fleet: Fleet) => Promise<void>) | undefined;
}

/**
 * Of the cap, at least so much has to be spent when there are rows for more. What was in flight at a kill counts at its
 * worst, which is four times what a row costs: that is a part of the rest, so there have to be rows enough for the kills.
 */
const usable = 0.97;

/**
 * Runs shards under one cap until it is spent, while they are killed. In the end no more was billed than the cap, and
 * nearly all of it; no row was answered twice; and none was sent twice but those that were on their way at a kill.
 */
export async function spendAsFleet(options: CappedFleetOptions): Promise<Fleet> {
	const { shards, rows, kills, concurrency, random, trouble } = options;
	const simulator = await startSimulator({ latency: { medianMs: 20, p95Ms: 80 } });
	afterTest(() => simulator.close());
	const redis = await startRedis();
	// What a row costs, and a little more than half of all rows.
	const rowUsd = 1.8e-5;
	const capUsd = 0.6 * rows * rowUsd;
	const args = ["--max-cost", capUsd.toFixed(6), "--concurrency", String(concurrency * shards)];
	const fleet = new Fleet({ simulator, redis, shards, rows, args });
	const troubled = trouble?.(redis, fleet);
	for (let kill = 0; kill < kills && !fleet.isOver; ) {
		const answered = simulator.stats.answered;
		const next = answered + Math.floor((random() * rows) / kills / 3);
		while (simulator.stats.answered < next && !fleet.isOver) await sleep(5);
		const shard = 1 + Math.floor(random() * shards);
		if (await fleet.kill(shard)) {
			kill++;
			fleet.start(shard);
		} else await sleep(5);
	}
	await troubled;
	await fleet.end();
	const billed = fleet.billedUsd;
	const said = fleet.said.join("\n");
	expect(billed, said).toBeLessThanOrEqual(Number(capUsd.toFixed(6)));
	expect(billed, said).toBeGreaterThanOrEqual(usable * capUsd);
	const answered = fleet.answeredIds();
	expect(new Set(await fleet.mergedIds({ allowMissing: true }))).toEqual(new Set(answered));
	expect(simulator.stats.answered - answered.length).toBeLessThanOrEqual(fleet.kills * concurrency * 2);
	// Because of the cap, unless others were killed for so long that one came to the end of its rows.
	expect(fleet.codes, said).toContain(8);
	for (const code of fleet.codes) expect([0, 8], said).toContain(code);
	return fleet;
}
