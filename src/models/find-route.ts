import type { HttpOptions } from "../http/http.ts";
import type { LLMOptions, Timeouts } from "../options.ts";
import type { Config } from "../state/config.ts";
import { networkOf } from "./network.ts";
import { type ModelRoute, route } from "./router.ts";
import type { Settings } from "./settings.ts";

/** Where the requests of a model go, and how they get there. */
export interface FoundRoute {
	readonly route: ModelRoute;
	readonly network: HttpOptions;
}

/**
 * Where the requests of a model go, by its options and the settings of the process. `timeouts` come before all others: a
 * test's.
 * @throws NoRouteError when no provider serves the model; ConfigError for a file, base URL or key that cannot be used
 */
export function findRoute(
	model: string,
	options: LLMOptions,
	settings: Settings,
	timeouts: Partial<Timeouts> = {},
): FoundRoute {
	const { env, config, providers, storedKeys } = settings;
	const found = route(model, {
		env,
		prices: [config.prices, options.prices],
		providers,
		storedKeys: options.keys ? undefined : storedKeys,
		baseUrl: options.baseUrl,
		keys: options.keys,
	});
	const network = networkOf(found, env, options.headers);
	return {
		route: found,
		network: { ...network, timeouts: { ...limitsOf(options, config.timeouts), ...timeouts } },
	};
}

/** A limit on the whole takes the place of that on the first content: a model may think as long as the caller allows. */
function limitsOf(options: LLMOptions, patience: Config["timeouts"]): Partial<Timeouts> {
	const { timeoutMs, firstContentTimeoutMs, idleTimeoutMs } = options;
	const inMs = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1_000);
	const whole = timeoutMs === undefined ? undefined : Number.POSITIVE_INFINITY;
	const firstContentMs = firstContentTimeoutMs ?? whole ?? inMs(patience.firstContent);
	const idleMs = idleTimeoutMs ?? inMs(patience.idle);
	return {
		...(firstContentMs !== undefined && { firstContentMs }),
		...(idleMs !== undefined && { idleMs }),
		...(timeoutMs !== undefined && { totalMs: timeoutMs }),
	};
}
