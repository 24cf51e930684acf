import type { LLMOptions } from "../options.ts";
import { loadConfig } from "../state/config.ts";
import { readStoredKeys } from "../state/keys.ts";
import { resolvePaths } from "../state/paths.ts";
import { configuredRows, type ModelRoute, route } from "./router.ts";

/**
 * Where the requests of a model go, by the environment, the config file and the stored keys.
 * @throws NoRouteError when no provider serves the model; ConfigError for a file, base URL or key that cannot be used
 */
export function findRoute(model: string, options: LLMOptions): ModelRoute {
	const env = options.env ?? process.env;
	const paths = resolvePaths(env);
	const { providers, prices } = loadConfig(paths.config);
	return route(model, {
		env,
		prices: [prices, options.prices],
		providers: configuredRows(providers),
		storedKeys: options.keys ? undefined : readStoredKeys(paths.keys),
		baseUrl: options.baseUrl,
		keys: options.keys,
	});
}
