import { type Config, loadConfig } from "../state/config.ts";
import { readStoredKeys, type StoredKeys } from "../state/keys.ts";
import { type Paths, resolvePaths } from "../state/paths.ts";
import type { Environment } from "../types.ts";
import { configuredRows, type ProviderRow } from "./router.ts";

/** What the user has set up: the environment, where files are, and what the config and the key file say. */
export interface Settings {
	readonly env: Environment;
	readonly paths: Paths;
	/** @throws ConfigError for a config file that cannot be used */
	readonly config: Config;
	/** The config's own providers. @throws ConfigError for a config file that cannot be used */
	readonly providers: readonly ProviderRow[];
	/** By provider id. @throws ConfigError for a key file that cannot be used */
	readonly storedKeys: StoredKeys;
}

/**
 * The settings of this process. Each file is read when something of it is first asked for, and not again: what an
 * editor or another process changes meanwhile holds from the next start on.
 */
export function loadSettings(env: Environment): Settings {
	const paths = resolvePaths(env);
	let config: Config | undefined;
	let providers: readonly ProviderRow[] | undefined;
	let storedKeys: StoredKeys | undefined;
	return {
		env,
		paths,
		get config() {
			config ??= loadConfig(paths.config);
			return config;
		},
		get providers() {
			providers ??= configuredRows(this.config.providers);
			return providers;
		},
		get storedKeys() {
			storedKeys ??= readStoredKeys(paths.keys);
			return storedKeys;
		},
	};
}
