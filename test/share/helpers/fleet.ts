import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { findPrice } from "../../../src/index.ts";
import type { Simulator } from "../../../src/simulator/options.ts";
import { type Running, startLlmx } from "../../batch/helpers/process.ts";
import type { TestRedis } from "../../helpers/redis.ts";
import { makeFolder } from "./shards.ts";

const modelId = "gpt-4.1-mini";

export interface FleetOptions {
	readonly simulator: Simulator;
	readonly redis: Pick<TestRedis, "url">;
	readonly shards: number;
	readonly rows: number;
	/** Further arguments of every shard. */
	readonly args?: readonly string[];
}

/** Shards as processes of their own, each with a home of its own, as on as many machines; they share a folder. */
export class Fleet {
	readonly folder = makeFolder();
	readonly #options: FleetOptions;
	readonly #running: (Running | undefined)[] = [];
	readonly #endings: Promise<void>[] = [];
	/** Exit codes of shards that ended by themselves, and what they said. */
	readonly codes: (number | string)[] = [];
	readonly said: string[] = [];
	kills = 0;
	/** When the first shard had come to its end, in ms since 1970. */
	firstEndedAt = Number.POSITIVE_INFINITY;

	constructor(options: FleetOptions) {
		this.#options = options;
		const lines = Array.from({ length: options.rows }, (_, row) =>
			JSON.stringify({ id: `row-${row}`, prompt: `What is there to say about row ${row}?` }),
		);
		writeFileSync(join(this.folder, "prompts.jsonl"), `${lines.join("\n")}\n`);
		for (let shard = 1; shard <= options.shards; shard++) {
			mkdirSync(join(this.folder, `home-${shard}`), { mode: 0o700 });
			this.start(shard);
		}
	}

	/** Starts a shard, counted from 1; one that is killed is started again by whoever killed it. */
	start(shard: number): void {
		const { simulator, redis, shards, args = [] } = this.#options;
		const argv = ["batch", "prompts.jsonl", "-m", `openai/${modelId}`, "--no-cache", "--max-tokens", "40"];
		const running = startLlmx([...argv, "--shard", `${shard}/${shards}`, "-y", "-q", ...args], this.folder, {
			OPENAI_API_KEY: "key",
			OPENAI_BASE_URL: `${simulator.url}/v1`,
			LLMX_HOME: join(this.folder, `home-${shard}`),
			LLMX_SHARE_URL: redis.url,
		});
		this.#running[shard] = running;
		this.#endings.push(
			running.ended.then((code) => {
				this.said.push(running.err());
				if (code === "SIGKILL") return;
				this.codes.push(code ?? "?");
				this.firstEndedAt = Math.min(this.firstEndedAt, Date.now());
			}),
		);
	}

	/** Kills a shard with SIGKILL; false when it had ended. */
	async kill(shard: number): Promise<boolean> {
		const running = this.#running[shard];
		if (running === undefined || running.isOver()) return false;
		running.child.kill("SIGKILL");
		if ((await running.ended) !== "SIGKILL") return false;
		this.kills++;
		return true;
	}

	signal(shard: number, signal: NodeJS.Signals): void {
		this.#running[shard]?.child.kill(signal);
	}

	get isOver(): boolean {
		return this.#running.every((running) => running === undefined || running.isOver());
	}

	async end(): Promise<void> {
		for (let awaited = 0; awaited < this.#endings.length; awaited = this.#endings.length)
			await Promise.all(this.#endings);
	}

	/** USD of all that the server answered, whoever heard of it. */
	get billedUsd(): number {
		const price = findPrice("openai", modelId);
		if (price === null) throw new Error("the model of the test has no price");
		const { inputTokens, outputTokens } = this.#options.simulator.stats;
		return (inputTokens * price.input + outputTokens * price.output) / 1e6;
	}

	/** Puts the results together as a user does, and returns the ids in them, each once; rows may be missing that a cap held back. */
	async mergedIds({ allowMissing }: { readonly allowMissing: boolean }): Promise<string[]> {
		const pattern = `prompts.results.*-of-${this.#options.shards}.jsonl`;
		const how = allowMissing ? ["--allow-missing"] : ["--input", "prompts.jsonl"];
		const merge = startLlmx(["batch", "merge", pattern, "-o", "all.jsonl", ...how], this.folder);
		expect(await merge.ended, merge.err()).toBe(0);
		return this.#idsIn(["all.jsonl"]);
	}

	/** Ids with an answer, each once, in all results files. */
	answeredIds(): string[] {
		const { shards } = this.#options;
		return this.#idsIn(
			Array.from({ length: shards }, (_, index) => `prompts.results.${index + 1}-of-${shards}.jsonl`),
		);
	}

	#idsIn(names: readonly string[]): string[] {
		const ids: string[] = [];
		for (const name of names) {
			const text = readFileSync(join(this.folder, name), "utf8");
			for (const line of text.trimEnd().split("\n"))
				if (line !== "") ids.push((JSON.parse(line) as { id: string }).id);
		}
		expect(new Set(ids).size).toBe(ids.length);
		return ids;
	}
}
