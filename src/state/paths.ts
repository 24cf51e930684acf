import { isAbsolute, join, resolve } from "node:path";
import type { Environment } from "../types.ts";

/** Where llmx keeps what outlives a run. Nothing here is created by asking for it. */
export interface Paths {
	/** Holds config.json and keys.json. */
	readonly configFolder: string;
	/** Holds the ledger, sessions, jobs, history and slots. */
	readonly stateFolder: string;
	/** Holds what may be deleted at any time. */
	readonly cacheFolder: string;
	readonly config: string;
	readonly keys: string;
	readonly ledger: string;
	/** Daily sums of the ledger; can be rebuilt from it. */
	readonly ledgerTotals: string;
	readonly sessions: string;
	/** What became of every batch job. */
	readonly jobs: string;
	/** Inputs and results of batch jobs that are not fetched yet. */
	readonly jobFiles: string;
	/** The response cache, a SQLite database. */
	readonly cache: string;
	/** The program's compiled code; a private folder, because a shared one may hold another user's code. */
	readonly compileCache: string;
	/** Prompt files of the user's own: `review.md` is the preset `review`. */
	readonly prompts: string;
	/** What was typed in the chat. */
	readonly history: string;
	/** Cross-process concurrency slots. */
	readonly slots: string;
	/** What runs in progress have set aside of a budget. */
	readonly claims: string;
	/** How many requests each run has in flight. */
	readonly runs: string;
}

/**
 * Finds the folders. `LLMX_HOME` puts all under one folder; otherwise the XDG base directories decide, and on
 * Windows APPDATA and LOCALAPPDATA. A relative XDG path is ignored, as the XDG specification asks.
 */
export function resolvePaths(env: Environment, platform: string = process.platform): Paths {
	if (env.LLMX_HOME) {
		const home = resolve(env.LLMX_HOME);
		return layOut(home, home, home);
	}
	const home = env.HOME || env.USERPROFILE || process.getBuiltinModule("node:os").homedir();
	const base = (value: string | undefined, fallback: string) =>
		join(value && isAbsolute(value) ? value : fallback, "llmx");
	if (platform === "win32") {
		const local = base(env.LOCALAPPDATA, join(home, "AppData", "Local"));
		return layOut(base(env.APPDATA, join(home, "AppData", "Roaming")), local, join(local, "cache"));
	}
	return layOut(
		base(env.XDG_CONFIG_HOME, join(home, ".config")),
		base(env.XDG_STATE_HOME, join(home, ".local", "state")),
		base(env.XDG_CACHE_HOME, join(home, ".cache")),
	);
}

function layOut(configFolder: string, stateFolder: string, cacheFolder: string): Paths {
	return {
		configFolder,
		stateFolder,
		cacheFolder,
		config: join(configFolder, "config.json"),
		keys: join(configFolder, "keys.json"),
		prompts: join(configFolder, "prompts"),
		ledger: join(stateFolder, "ledger.jsonl"),
		ledgerTotals: join(stateFolder, "ledger.totals.json"),
		sessions: join(stateFolder, "sessions"),
		jobs: join(stateFolder, "jobs.jsonl"),
		jobFiles: join(stateFolder, "jobs"),
		cache: join(cacheFolder, "responses.sqlite"),
		compileCache: join(cacheFolder, "compile"),
		history: join(stateFolder, "history"),
		slots: join(stateFolder, "slots"),
		claims: join(stateFolder, "claims"),
		runs: join(stateFolder, "runs"),
	};
}
