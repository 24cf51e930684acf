import { readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { InvalidArgumentError } from "commander";
import { UsageError } from "../../../errors.ts";
import type { Environment } from "../../../types.ts";

/** Part `index`, counted from 1, of `count`. */
export interface Shard {
	readonly index: number;
	readonly count: number;
	/** What said so, when the task of a job array was asked: its outputs are named after the shard. */
	readonly source?: string;
}

/** How an engine tells a task of a job array which one it is. */
interface ArrayEngine {
	readonly name: string;
	readonly index: string;
	/** The index of the first task: a number, or the variable that holds it. */
	readonly first: number | string;
	/** The variable with the number of tasks; null where the engine does not say. */
	readonly count: string | null;
	/** The variable with the distance of two indexes. */
	readonly step?: string;
}

const engines: readonly ArrayEngine[] = [
	// The index is set by the Job controller, the count by the manifest:
	// https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
	{ name: "Kubernetes", index: "JOB_COMPLETION_INDEX", first: 0, count: "JOB_COMPLETIONS" },
	// https://slurm.schedmd.com/job_array.html#env_vars
	{
		name: "Slurm",
		index: "SLURM_ARRAY_TASK_ID",
		first: "SLURM_ARRAY_TASK_MIN",
		count: "SLURM_ARRAY_TASK_COUNT",
		step: "SLURM_ARRAY_TASK_STEP",
	},
	// https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
	{ name: "AWS Batch", index: "AWS_BATCH_JOB_ARRAY_INDEX", first: 0, count: "AWS_BATCH_JOB_ARRAY_SIZE" },
	// https://www.gnu.org/software/parallel/man.html
	{ name: "GNU parallel", index: "PARALLEL_SEQ", first: 1, count: null },
];

/** Reads `--shard`. @throws InvalidArgumentError */
export function parseShard(value: string): Shard | "auto" {
	if (value === "auto") return value;
	const [, index, count] = /^(\d+)\/(\d+)$/.exec(value)?.map(Number) ?? [];
	if (index === undefined || count === undefined || index < 1 || index > count)
		throw new InvalidArgumentError("It must be i/n with i from 1 to n, such as 2/4, or auto.");
	return { index, count };
}

/**
 * The shard of a run: as given, or for `auto` that of the task of a job array, of which `count` says how many there are
 * where the engine does not.
 * @throws UsageError when the environment does not say which shard it is, or contradicts itself
 */
export function resolveShard(
	shard: Shard | "auto" | undefined,
	count: number | undefined,
	env: Environment,
): Shard | undefined {
	if (shard === "auto") return shardOfTask(env, count);
	if (count !== undefined)
		throw new UsageError("--shards goes with --shard auto", {
			hint: "write --shard auto --shards N, or --shard i/n alone",
		});
	return shard;
}

function shardOfTask(env: Environment, given: number | undefined): Shard {
	const set = engines.filter(({ index }) => env[index]);
	const [engine, other] = set;
	if (engine === undefined)
		throw new UsageError("--shard auto: this is not the task of a job array", {
			hint: `none of ${engines.map(({ index }) => index).join(", ")} is set; say which part it is with --shard i/n`,
		});
	if (other !== undefined)
		throw new UsageError(`--shard auto: both ${engine.index} and ${other.index} are set`, {
			hint: `say which part this is with --shard i/n, or unset the variable that is not meant`,
		});
	const task = readNumber(env, engine.index);
	const said = engine.count !== null && env[engine.count] ? readNumber(env, engine.count) : undefined;
	const count = given ?? said;
	const source = `${engine.index}=${task}`;
	if (count === undefined)
		throw new UsageError(`--shard auto: ${source} says which task this is, but nothing says of how many`, {
			hint: `add --shards N${engine.count === null ? "" : `, or set ${engine.count}`}`,
		});
	if (given !== undefined && said !== undefined && given !== said)
		throw new UsageError(`--shards says ${given} shards, and ${engine.count} says ${said}`, {
			hint: "run the whole array, or a part of it with --shard i/n in place of auto",
		});
	const first = typeof engine.first === "number" ? engine.first : readFirst(env, engine.first);
	const step = engine.step !== undefined && env[engine.step] ? readNumber(env, engine.step) : 1;
	const index = (task - first) / Math.max(1, step) + 1;
	if (!Number.isInteger(index) || index < 1 || index > count)
		throw new UsageError(`--shard auto: ${source} is not one of ${count} tasks from ${first} on`, {
			hint: `number the tasks of the array without gaps: ${first} to ${first + count - 1}`,
		});
	const counted = given === undefined ? `${engine.count}=${count}` : `--shards ${count}`;
	return { index, count, source: `${engine.name}: ${source}, ${counted}` };
}

function readFirst(env: Environment, name: string): number {
	return env[name] ? readNumber(env, name) : 0;
}

function readNumber(env: Environment, name: string): number {
	const text = env[name] ?? "";
	if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${name} is not a number: "${text.slice(0, 50)}"`);
	return Number(text);
}

/** The same file for one shard: `out.jsonl` -> `out.3-of-8.jsonl`. */
export function shardName(name: string, { index, count }: Shard): string {
	const file = basename(name);
	const [ending = ""] = /(?:\.(?:jsonl|ndjson)\.gz|\.[^.]+)?$/i.exec(file.slice(1)) ?? [];
	const stem = name.slice(0, name.length - ending.length);
	return `${stem}.${index}-of-${count}${ending}`;
}

/** What a file's name says of its shard: `out.3-of-8.jsonl` is shard 3 of 8 of `out.jsonl`. */
export function readShardName(name: string): (Shard & { readonly whole: string }) | undefined {
	const [, stem, index, count, ending] = /^(.*)\.(\d{1,9})-of-(\d{1,9})(\.[^/\\]*)?$/s.exec(name) ?? [];
	if (stem === undefined || Number(index) < 1 || Number(index) > Number(count)) return undefined;
	return { index: Number(index), count: Number(count), whole: `${stem}${ending ?? ""}` };
}

/**
 * Rows are spread over the shards by how many there are: with another number than before, rows that one shard has
 * answered would be asked again in another.
 * @throws UsageError when results of the same name are there in another number of shards
 */
export function refuseOtherCount(results: string): void {
	const own = readShardName(basename(results));
	if (own === undefined) return;
	for (const file of namesIn(dirname(results))) {
		const other = readShardName(file);
		if (other === undefined || other.whole !== own.whole || other.count === own.count) continue;
		throw new UsageError(`${file} is one of ${other.count} shards, and this run is one of ${own.count}`, {
			hint: `rows that are answered there would be paid for again: use ${other.count} shards as before, or move those results away`,
		});
	}
}

function namesIn(folder: string): readonly string[] {
	try {
		return readdirSync(folder);
	} catch {
		return [];
	}
}
