import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CostGuard } from "../../../src/batch/cost-guard.ts";
import { parseRedisUrl } from "../../../src/share/address.ts";
import { RedisConnection } from "../../../src/share/connection.ts";
import { LeaseFile, readDeadLease } from "../../../src/share/lease-file.ts";
import { RequestCounts } from "../../../src/share/request-counts.ts";
import { newMember, SharedRun, type SharedRunOptions } from "../../../src/share/shared-run.ts";
import { runKeys, type ShardView } from "../../../src/share/view.ts";
import { afterTest } from "../../helpers/cleanup.ts";
import type { TestRedis } from "../../helpers/redis.ts";

export const runName = "prompts.jsonl";

export function viewOf(shard: string): ShardView {
	return {
		shard,
		source: "prompts.jsonl",
		host: "here",
		pid: 1,
		started: 0,
		state: "running",
		rows: 10,
		done_before: 0,
		answered: 0,
		failed: 0,
		in_flight: 0,
		requests: 0,
		refusals_429: 0,
		requests_per_minute: 0,
		cost_usd: 0,
		unknown_cost_requests: 0,
		max_cost: null,
	};
}

export async function connect(redis: Pick<TestRedis, "url">): Promise<RedisConnection> {
	const connection = await RedisConnection.open(parseRedisUrl(redis.url, "the test"));
	afterTest(() => connection.close());
	return connection;
}

/** A folder of the test's own. */
export function makeFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), "llmx-share-"));
	afterTest(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

interface ShardOptions extends Partial<SharedRunOptions> {
	readonly capUsd?: number;
	/** Where it notes what it may have spent, and finds what an earlier one did. */
	readonly leasePath?: string;
}

/** One shard in this process, which spends what it is told to instead of asking a model. */
export class TestShard {
	readonly run: SharedRun;
	readonly guard: CostGuard;
	readonly parts: string[];
	readonly stops: string[];
	readonly away: (string | undefined)[];
	readonly #connection: RedisConnection;
	#isDead = false;
	/** USD that requests cost which were sent, whether their end was seen or not. */
	spentUsd = 0;
	rows = 0;

	private constructor(
		run: SharedRun,
		connection: RedisConnection,
		capUsd: number,
		heard: Pick<TestShard, "parts" | "stops" | "away">,
	) {
		this.run = run;
		this.#connection = connection;
		this.guard = new CostGuard({ capUsd, lease: run.lease });
		run.lease.watch(this.guard);
		this.parts = heard.parts;
		this.stops = heard.stops;
		this.away = heard.away;
	}

	static async join(redis: Pick<TestRedis, "url">, options: ShardOptions = {}): Promise<TestShard> {
		const heard = { parts: [] as string[], stops: [] as string[], away: [] as (string | undefined)[] };
		const { capUsd, leasePath, label = "" } = options;
		const connection = await connect(redis);
		const member = newMember();
		const run = await SharedRun.join({
			connection,
			name: runName,
			member,
			caps: [{ key: runKeys(runName).purse, usd: capUsd }],
			dead: leasePath === undefined ? undefined : readDeadLease(leasePath, "boot"),
			file: () =>
				leasePath === undefined ? undefined : new LeaseFile(leasePath, { member, budgets: [] }, "boot"),
			view: () => viewOf(label),
			requests: new RequestCounts(() => performance.now()),
			now: () => performance.now(),
			onPart: ({ living, rank }) => heard.parts.push(`${rank} of ${living}`),
			onStop: ({ text, by }) => heard.stops.push(`${text} by ${by}`),
			onTaken: (by) => heard.stops.push(`taken ${by}`),
			onAway: (reason) => heard.away.push(reason),
			...options,
			label,
		});
		const shard = new TestShard(run, connection, capUsd ?? 0, heard);
		afterTest(() => shard.kill());
		return shard;
	}

	/** Ends it as SIGKILL does: nobody hears of it. */
	kill(): void {
		this.#isDead = true;
		this.run.abandon();
		this.#connection.close();
	}

	/** Sends rows that cost `usd` each and at most twice that, until there is no money for the next one or it is killed. */
	async spend(usd: number, inFlight: number, answerMs = 5): Promise<void> {
		let flying = 0;
		const request = {
			inputTokens: 0,
			worstOutputTokens: 1,
			isBounded: true,
			isPriced: true,
			model: "m",
			usdOf: () => 2 * usd,
		};
		while (!this.#isDead) {
			const token = {};
			const verdict = flying < inFlight ? this.guard.admit(token, request) : "wait";
			if (verdict === "stop") return;
			if (verdict !== "go") {
				await new Promise((resolve) => setTimeout(resolve, 3));
				continue;
			}
			flying++;
			this.rows++;
			this.spentUsd += usd;
			setTimeout(
				() => {
					flying--;
					this.guard.settle(token, { usd, inputTokens: 0, outputTokens: 1 });
				},
				answerMs * (0.5 + Math.random()),
			);
		}
	}
}

export function totalUsd(shards: readonly TestShard[]): number {
	return shards.reduce((sum, { spentUsd }) => sum + spentUsd, 0);
}
