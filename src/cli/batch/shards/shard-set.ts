import { globSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "../../../errors.ts";
import { flightLogPath } from "../../../results/flight-log.ts";
import { systemFiles } from "../../../state/file-system.ts";
import { isHeld } from "../../../state/holder-file.ts";
import { processTable } from "../../../state/process-identity.ts";
import type { NamedPath } from "../target.ts";
import { readShardName, type Shard, shardName } from "./shard.ts";

/** Files that a run makes beside its results. */
const companion = /\.(?:errors|superseded|foreign|recovered|overflow)\.jsonl$/;
const namesShown = 10;

/**
 * The results files that are meant: as named, and those that match a pattern such as `out.*.jsonl`, without the files
 * that belong to others of them and without `target`.
 * @throws UsageError for a pattern that nothing matches
 */
export function findSources(names: readonly string[], cwd: string, target: string): NamedPath[] {
	const found = names.flatMap((name) => {
		const path = resolve(cwd, name);
		if (!/[*?[{]/.test(name) || systemFiles.factsOf(path) !== undefined) return { name, path };
		const matches = globSync(name, { cwd }).filter(
			(match) => systemFiles.factsOf(resolve(cwd, match))?.isRegular,
		);
		const all = new Set(matches);
		const sources = matches.filter(
			(match) =>
				resolve(cwd, match) !== target &&
				!(companion.test(match) && all.has(match.replace(companion, ".jsonl"))),
		);
		if (sources.length === 0)
			throw new UsageError(`no results file matches ${name}`, {
				hint: "put the pattern in quotes, as in 'prompts.results.*.jsonl'",
			});
		return sources.map((match) => ({ name: match, path: resolve(cwd, match) }));
	});
	const once = new Map(found.map(({ name, path }) => [systemFiles.resolve(path), name]));
	return [...once].map(([path, name]) => ({ name, path })).sort(byShard);
}

/** In the order of shards, as people count. */
function byShard({ name: one }: NamedPath, { name: other }: NamedPath): number {
	return (readShardName(one)?.index ?? 0) - (readShardName(other)?.index ?? 0);
}

/**
 * Finds out whether each shard's file is there, from what their names say, and whether its run has come to its end.
 * @throws UsageError naming what is not there, or not whole
 */
export async function checkShards(sources: readonly NamedPath[]): Promise<void> {
	const sets = new Map<string, { readonly count: number; readonly there: Set<number> }>();
	for (const { name } of sources) {
		const shard = readShardName(name);
		if (shard === undefined) continue;
		// Shards of one run may be in a folder each.
		const whole = basename(shard.whole);
		const set = sets.get(whole) ?? { count: shard.count, there: new Set() };
		if (set.count !== shard.count)
			throw new UsageError(`${name} is one of ${shard.count} shards, and others are of ${set.count}`, {
				hint: "merge the shards of one run, without those of another",
			});
		set.there.add(shard.index);
		sets.set(whole, set);
	}
	const missing = [...sets].flatMap(([whole, { count, there }]) => missingOf(whole, count, there));
	if (missing.length > 0)
		throw new UsageError(
			missing.length === 1 ? `a shard is missing: ${missing[0]}` : `${missing.length} shards are missing`,
			{
				hint: `${missing.length === 1 ? "run it" : `${listOf(missing)}\nrun them`}, or use --allow-missing to merge what is there`,
			},
		);
	for (const source of sources) await refuseUnfinished(source);
}

function missingOf(whole: string, count: number, there: ReadonlySet<number>): string[] {
	const missing: string[] = [];
	for (let index = 1; index <= count; index++)
		if (!there.has(index)) missing.push(shardName(whole, { index, count }));
	return missing;
}

async function refuseUnfinished({ name, path }: NamedPath): Promise<void> {
	if (await isHeld(`${path}.lock`, { table: processTable(), silentAfterMs: 0 }))
		throw new UsageError(`${name} is being written by another run`, {
			hint: `wait for it to finish; if its machine is gone, start its shard again, or delete ${name}.lock`,
		});
	if (systemFiles.factsOf(flightLogPath(path)) !== undefined)
		throw new UsageError(`the run that wrote ${name} was killed`, {
			hint: "start that shard again: it sends what is missing",
		});
	const rescued = `${name.replace(/\.jsonl$/, "")}.recovered.jsonl`;
	if (systemFiles.factsOf(join(dirname(path), basename(rescued)))?.size)
		throw new UsageError(`${rescued} has results that a run rescued`, {
			hint: `move it to ${name} and start that shard again`,
		});
}

/**
 * The file that each shard wrote under a name that all were given, such as that of `--summary-json`: there, or beside its
 * results.
 */
export function filesOfShards(sources: readonly NamedPath[], name: string, cwd: string): NamedPath[] {
	return sources.map((source) => {
		const shard: Shard | undefined = readShardName(source.name);
		if (shard === undefined)
			throw new UsageError(`the name of ${source.name} does not say which shard it is`, {
				hint: "summaries are merged of shards whose names end in .I-of-N.jsonl",
			});
		const own = shardName(name, shard);
		const beside = join(dirname(source.name), basename(own));
		const isThere = systemFiles.factsOf(resolve(cwd, own)) !== undefined;
		const chosen = isThere ? own : beside;
		return { name: chosen, path: resolve(cwd, chosen) };
	});
}

function listOf(names: readonly string[]): string {
	return names.slice(0, namesShown).join(", ") + (names.length > namesShown ? ", …" : "");
}
