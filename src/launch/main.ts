import { join, resolve, sep } from "node:path";
import type { Io } from "../cli/io.ts";
import type * as CommandLine from "../cli/main.ts";
import { resolvePaths } from "../state/paths.ts";
import { Chunks } from "./chunks.ts";
import { CodeCache } from "./code-cache.ts";

/** A name of what was built, where it begins, and where its parts are; the bundler puts them in. */
declare const LLMX_BUILD: string;
declare const LLMX_START: string;
declare const LLMX_PACKED: Readonly<Record<string, string>>;

const folder = join(import.meta.dirname, "cli", sep);

let uncached: typeof CommandLine | undefined;

/** `main` of the command line, without a code cache: for tests of what was built. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
	uncached ??= commandLine(undefined);
	return uncached.main(argv, io);
}

/** Runs the process's command line, and keeps a code cache for the next. What bin/llmx.js calls. */
export function start(): Promise<number> {
	const cache = hasCodeCache() ? new CodeCache(codeCacheFolder(), LLMX_BUILD) : undefined;
	if (cache !== undefined) process.once("exit", (code) => void (code === 0 && cache.keep()));
	return commandLine(cache).start(cache);
}

function commandLine(cache: CodeCache | undefined): typeof CommandLine {
	return new Chunks(folder, LLMX_PACKED, cache).require(`./${LLMX_START}`) as unknown as typeof CommandLine;
}

/** Beside what Node compiled, where it is told to keep that: homes that last for one run share it. */
function codeCacheFolder(): string {
	const { env } = process;
	return env.NODE_COMPILE_CACHE ? resolve(env.NODE_COMPILE_CACHE, "llmx") : resolvePaths(env).compileCache;
}

/** Deno and Bun have none. Coverage sees less in functions that were not compiled. */
function hasCodeCache(): boolean {
	const { env, versions } = process;
	if (versions.deno !== undefined || versions.bun !== undefined) return false;
	return !env.NODE_DISABLE_COMPILE_CACHE && !env.NODE_V8_COVERAGE;
}
