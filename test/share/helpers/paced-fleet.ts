import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { startSimulator } from "../../../src/simulator/server.ts";
import { afterTest } from "../../helpers/cleanup.ts";
import { startRedis } from "../../helpers/redis.ts";
import { Fleet } from "./fleet.ts";

export interface PacedFleetOptions {
	readonly shards: number;
	readonly rows: number;
	/** Of the one account that all of them use. */
	readonly requestsPerMinute: number;
	/** The account says how much is left; otherwise only its refusals show it. */
	readonly headers: boolean;
	/** Every shard is told the limit of the account, for all of them. */
	readonly toldLimit: boolean;
	/** Shards that are killed on the way, and come back a little later. */
	readonly kills: number;
	readonly random: () => number;
}

export interface PacedFleetFigures {
	/** Answers from the first request until a shard has no rows left, as a share of what the account allows in that time. */
	readonly used: number;
	/** Refusals of 1,000 requests of the whole run. */
	readonly refused: number;
	/** Rows that were answered more than once by the server. */
	readonly again: number;
	readonly fleet: Fleet;
}

/** Runs shards on one account, while some are killed, and measures how its rate is used. */
export async function runPacedFleet(options: PacedFleetOptions): Promise<PacedFleetFigures> {
	const initialFill = 0.1;
	const { shards, rows, requestsPerMinute, headers, toldLimit, kills, random } = options;
	const simulator = await startSimulator({
		latency: { medianMs: 300, p95Ms: 700 },
		// What a rested account has saved up would hide for minutes what the limit is.
		limits: { requestsPerMinute, initialFill },
		dialect: headers ? "openai" : "none",
		logSize: 4 * rows,
	});
	afterTest(() => simulator.close());
	const redis = await startRedis();
	const args = toldLimit ? ["--rpm", String(requestsPerMinute)] : [];
	const fleet = new Fleet({ simulator, redis, shards, rows, args });
	for (let kill = 0; kill < kills; kill++) {
		const at = (rows * (kill + 1)) / (kills + 2);
		while (simulator.stats.answered < at && !fleet.isOver) await sleep(20);
		const shard = 1 + Math.floor(random() * shards);
		if (await fleet.kill(shard)) setTimeout(() => fleet.start(shard), 500 + 2_000 * random());
	}
	while (!fleet.isOver) await sleep(50);
	await fleet.end();
	expect(await fleet.mergedIds({ allowMissing: false })).toHaveLength(rows);
	const { requests } = simulator;
	const from = requests[0]?.at ?? 0;
	const answered = requests.filter(({ at, outcome }) => outcome === "answered" && at < fleet.firstEndedAt);
	const minutes = (fleet.firstEndedAt - from) / 60_000;
	return {
		// Whoever is told a rate keeps to it, whatever the account has saved up.
		used: answered.length / (requestsPerMinute * ((toldLimit ? 0 : initialFill) + minutes)),
		refused: (1_000 * requests.filter(({ outcome }) => outcome !== "answered").length) / requests.length,
		again: simulator.stats.answered - fleet.answeredIds().length,
		fleet,
	};
}
