import { readFileSync } from "node:fs";
import { UsageError } from "../../../errors.ts";
import { describeFileError } from "../../../state/file-system.ts";
import { roundUsd } from "../../../terminal/formats.ts";
import type { NamedPath } from "../target.ts";

type Json = Readonly<Record<string, unknown>>;

/** Figures of which a sum says nothing: of several shards there is none, or the largest. */
const unknownTogether = new Set(["latency_p50_ms", "latency_p95_ms", "latency_ms", "timeline"]);
const largestTogether = new Set(["seconds", "exit_code"]);

/**
 * The summaries of the shards of a run as one: what can be counted is added up, `seconds` are those of the slowest, and
 * what cannot be known from them is null. A shard that was started again tells of its last run.
 * @throws UsageError when a summary is not there, or is none
 */
export function mergeSummaries(files: readonly NamedPath[]): Json {
	const summaries = files.map(readSummary);
	const merged = summaries.reduce(merge);
	return { shards: summaries.length, ...merged };
}

function readSummary({ name, path }: NamedPath): Json {
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch (error) {
		throw new UsageError(`cannot read the summary ${name}: ${describeFileError(error)}`, {
			hint: "give the shards the same --summary-json as the merge",
			cause: error,
		});
	}
	try {
		const value: unknown = JSON.parse(text);
		if (isJson(value) && isJson(value.models) && typeof value.rows === "number") return value;
	} catch {
		// Said below, as for JSON of another kind.
	}
	throw new UsageError(`${name} is not the summary of a run`);
}

function merge(one: Json, other: Json): Json {
	const names = new Set([...Object.keys(one), ...Object.keys(other)]);
	return Object.fromEntries([...names].map((name) => [name, together(name, one[name], other[name])]));
}

function together(name: string, one: unknown, other: unknown): unknown {
	if (unknownTogether.has(name)) return null;
	// A kind of failure or a model that one shard has not met.
	if (one === undefined) return other;
	if (other === undefined) return one;
	if (typeof one === "number" && typeof other === "number")
		return largestTogether.has(name) ? Math.max(one, other) : roundUsd(one + other);
	if (Array.isArray(one) && Array.isArray(other)) return [...one, ...other];
	if (isJson(one) && isJson(other)) return merge(one, other);
	// What one shard does not know is not known of all; a shard that was not stopped says so with null.
	return name === "stopped" ? (one ?? other) : null;
}

function isJson(value: unknown): value is Json {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
