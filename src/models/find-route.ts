import { UnsupportedError } from "../errors.ts";
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
 * @throws NoRouteError when no provider serves the model; ConfigError for a file, base URL or key that cannot be used;
 * UnsupportedError for `flex` where there is none
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
		baseUrls: options.baseUrls,
		keys: options.keys,
		form: options,
	});
	const network = networkOf(found, env, options.headers);
	return {
		route: options.flex ? flexRoute(found) : found,
		network: { ...network, timeouts: { ...limitsOf(options, config.timeouts), ...timeouts } },
	};
}

/** OpenAI advises to wait so long for an answer of its flex tier, in ms. */
const flexPatienceMs = 900_000;

/** The same route with every request asking for the flex tier. @throws UnsupportedError where nobody sells one */
function flexRoute(found: ModelRoute): ModelRoute {
	const { provider } = found;
	if (provider.flexField === null)
		throw new UnsupportedError(`${provider.label} has no cheaper tier for requests that may wait`, {
			hint:
				provider.jobs === null ? "omit --flex" : "omit --flex, or send the rows as batch jobs: --via-jobs",
		});
	const extraBody = { ...provider.extraBody, [provider.flexField]: "flex" };
	return { ...found, provider: { ...provider, extraBody } };
}

/** A limit on the whole takes the place of that on the first content: a model may think as long as the caller allows. */
function limitsOf(options: LLMOptions, patience: Config["timeouts"]): Partial<Timeouts> {
	const { timeoutMs, firstContentTimeoutMs, idleTimeoutMs } = options;
	const inMs = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1_000);
	const whole = timeoutMs === undefined ? undefined : Number.POSITIVE_INFINITY;
	const flexible = options.flex ? flexPatienceMs : undefined;
	const firstContentMs = firstContentTimeoutMs ?? whole ?? inMs(patience.firstContent) ?? flexible;
	const idleMs = idleTimeoutMs ?? inMs(patience.idle);
	return {
		...(firstContentMs !== undefined && { firstContentMs }),
		...(idleMs !== undefined && { idleMs }),
		...(timeoutMs !== undefined && { totalMs: timeoutMs }),
	};
}
