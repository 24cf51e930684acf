import { ConfigError } from "../errors.ts";
import { configuredRows, type ModelRoute, type ProviderRow, providerRows, route } from "../index.ts";
import { loadConfig } from "../state/config.ts";
import { readStoredKeys } from "../state/keys.ts";
import { resolvePaths } from "../state/paths.ts";
import type { Io } from "./io.ts";

/** How a provider would be reached now, or why it could not be. */
export interface ProviderState extends Pick<ModelRoute, "keys" | "baseUrl" | "baseUrlSource"> {
	readonly provider: ProviderRow;
	/** What is wrong with its base URL or key; null when nothing is. */
	readonly problem: string | null;
}

/** The state of every provider, the user's own first. Throws ConfigError for a config or key file that cannot be used. */
export function providerStates(io: Pick<Io, "env">): ProviderState[] {
	const paths = resolvePaths(io.env);
	const providers = configuredRows(loadConfig(paths.config).providers);
	const storedKeys = readStoredKeys(paths.keys);
	return providerRows(providers).map((provider) => {
		try {
			const found = route(`${provider.prefixes[0]}/-`, { env: io.env, providers, storedKeys });
			return { ...found, provider, problem: null };
		} catch (error) {
			if (!(error instanceof ConfigError)) throw error;
			return { provider, keys: [], baseUrl: "", baseUrlSource: "", problem: error.message };
		}
	});
}
