/** What sharing costs, and what it takes of Redis. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseRedisUrl } from "../../src/share/address.ts";
import { RedisConnection } from "../../src/share/connection.ts";
import { freePort } from "../../test/helpers/free-port.ts";
import type { Workbench } from "../batch-process.ts";

const llmx = fileURLToPath(new URL("../../bin/llmx.js", import.meta.url));
/** A model with a price, a cap that is never reached, and answers with a bound, so that money is taken for each row. */
const capped = ["-m", "openai/gpt-4.1-mini", "--max-cost", "1000", "--max-tokens", "40", "--no-cache"];

/** A Redis of the bench's own. */
export class BenchRedis {
	readonly url: string;
	readonly #server: ChildProcess;
	readonly #connection: RedisConnection;

	private constructor(url: string, server: ChildProcess, connection: RedisConnection) {
		this.url = url;
		this.#server = server;
		this.#connection = connection;
	}

	static async start(folder: string): Promise<BenchRedis> {
		const port = await freePort();
		const where = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
		const server = spawn("redis-server", [...where, "--appendonly", "yes"], { stdio: "ignore" });
		const url = `redis://127.0.0.1:${port}`;
		return new BenchRedis(url, server, await RedisConnection.open(parseRedisUrl(url, "the bench")));
	}

	/** Bytes that it uses for all that it holds. */
	async usedMemory(): Promise<number> {
		const info = String(await this.#connection.command("INFO", "memory"));
		return Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
	}

	close(): void {
		this.#connection.close();
		this.#server.kill();
	}
}

function environment(bench: Workbench, home: string, redis: BenchRedis | undefined) {
	return {
		PATH: process.env.PATH,
		LLMX_HOME: join(bench.folder, home),
		OPENAI_API_KEY: "key",
		OPENAI_BASE_URL: `http://127.0.0.1:${bench.port}/v1`,
		...(redis !== undefined && { LLMX_SHARE_URL: redis.url }),
	};
}

/** What a run of one process under a cap takes, alone or sharing the cap. */
export interface CpuCost {
	/** For each row. */
	readonly rowMicroseconds: number;
	/** For start and end. */
	readonly runMilliseconds: number;
}

/** CPU time under a cap, alone and sharing it, by runs of `rows` and of a fifth of them; the least of so many rounds. */
export async function costOfSharing(
	bench: Workbench,
	redis: BenchRedis,
	rows: number,
	rounds: number,
): Promise<{ readonly alone: CpuCost; readonly sharing: CpuCost }> {
	const sizes = [rows / 5, rows] as const;
	const least = new Map<string, number>();
	for (let round = 0; round < rounds; round++) {
		for (const size of sizes) {
			const prompts = bench.writePrompts(size);
			for (const kind of ["alone", "sharing"]) {
				const flags = kind === "alone" ? [] : ["--share-as", `cost ${round} ${size}`];
				const env = environment(bench, "home-cost", kind === "alone" ? undefined : redis);
				const run = bench.run(prompts, "home-cost", [...capped, "-y", ...flags], { env, model: null });
				const key = `${kind} ${size}`;
				least.set(key, Math.min(least.get(key) ?? Number.POSITIVE_INFINITY, run.cpuSeconds));
			}
		}
	}
	const costOf = (kind: string): CpuCost => {
		const [few, many] = sizes.map((size) => least.get(`${kind} ${size}`) ?? Number.NaN) as [number, number];
		const perRow = (many - few) / (sizes[1] - sizes[0]);
		return { rowMicroseconds: 1e6 * perRow, runMilliseconds: 1e3 * (few - sizes[0] * perRow) };
	};
	return { alone: costOf("alone"), sharing: costOf("sharing") };
}

/** Rows a second of so many shards under a cap, each its own or, with a Redis, one for all; start and end included. */
export async function rateOfShards(
	bench: Workbench,
	{
		count,
		rows,
		redis,
	}: { readonly count: number; readonly rows: number; readonly redis?: BenchRedis | undefined },
): Promise<number> {
	const prompts = bench.writePrompts(rows);
	const name = `${redis === undefined ? "alone" : "sharing"}-${count}`;
	const startedAt = performance.now();
	const shards = Array.from({ length: count }, (_, index) =>
		spawn(
			process.execPath,
			[
				...[
					llmx,
					"batch",
					prompts,
					...capped,
					"-y",
					"-q",
					...(redis === undefined ? [] : ["--share-as", name]),
				],
				...["--shard", `${index + 1}/${count}`],
				...["-o", join(bench.folder, `${name}.${index + 1}-of-${count}.jsonl`)],
			],
			{ cwd: bench.folder, stdio: "inherit", env: environment(bench, `home-${name}-${index}`, redis) },
		),
	);
	const codes = await Promise.all(shards.map(async (shard) => (await once(shard, "exit"))[0]));
	if (codes.some((code) => code !== 0)) throw new Error(`shards ended with ${codes.join(", ")}`);
	return (rows * 1_000) / (performance.now() - startedAt);
}

/** Bytes that Redis uses, each second of a run of eight shards under a cap. */
export async function memoryOfRedis(bench: Workbench, redis: BenchRedis, rows: number): Promise<number[]> {
	const used: number[] = [];
	const timer = setInterval(async () => used.push(await redis.usedMemory()), 1_000);
	try {
		await rateOfShards(bench, { count: 8, rows, redis });
	} finally {
		clearInterval(timer);
	}
	return used;
}
