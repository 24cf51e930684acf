import { ConfigError } from "../errors.ts";
import { type ModelRoute, type ProviderRow, providerRows, route } from "../index.ts";
import type { Settings } from "../models/settings.ts";

/** How a provider would be reached now, or why it could not be. */
export interface ProviderState extends Pick<ModelRoute, "keys" | "baseUrl" | "baseUrlSource"> {
	readonly provider: ProviderRow;
	/** What is wrong with its base URL or key; null when nothing is. */
	readonly problem: string | null;
}

/** The state of every provider, the user's own first. Throws ConfigError for a config or key file that cannot be used. */
export function providerStates({ env, providers, storedKeys }: Settings): ProviderState[] {
	return providerRows(providers).map((provider) => {
		try {
			const found = route(`${provider.prefixes[0]}/-`, { env, providers, storedKeys });
			return { ...found, provider, problem: null };
		} catch (error) {
			if (!(error instanceof ConfigError)) throw error;
			return { provider, keys: [], baseUrl: "", baseUrlSource: "", problem: error.message };
		}
	});
}
