import type { LLMOptions } from "../options.ts";
import { type ModelRoute, route } from "./router.ts";
import type { Settings } from "./settings.ts";

/**
 * Where the requests of a model go, by its options and the settings of the process.
 * @throws NoRouteError when no provider serves the model; ConfigError for a file, base URL or key that cannot be used
 */
export function findRoute(model: string, options: LLMOptions, settings: Settings): ModelRoute {
	return route(model, {
		env: settings.env,
		prices: [settings.config.prices, options.prices],
		providers: settings.providers,
		storedKeys: options.keys ? undefined : settings.storedKeys,
		baseUrl: options.baseUrl,
		keys: options.keys,
	});
}
