import { createHttp } from "../http/http.ts";
import { loadAdapter } from "../providers/adapters.ts";
import { simulatedBaseUrl } from "../providers/simulated.ts";
import { networkOf } from "./network.ts";
import { requireKeys, route } from "./router.ts";
import { loadSettings, type Settings } from "./settings.ts";

/** A model as its provider names it today. */
export interface LiveModel {
	readonly id: string;
	/** In tokens; null when the provider does not say. */
	readonly contextWindow: number | null;
}

export interface ListOptions {
	/** Instead of process.env. */
	readonly env?: Readonly<Record<string, string | undefined>> | undefined;
	readonly signal?: AbortSignal | undefined;
	/** Bound of the whole request in ms. Default 30,000. */
	readonly timeoutMs?: number | undefined;
}

/**
 * Asks a provider, by one of its prefixes, which models it serves now. Costs nothing, and is not tried again.
 * `settings` spares the command line a second reading of the config and the keys.
 * @returns the models in the provider's own order
 * @throws NoRouteError | ConfigError | MissingKeyError | RequestError | AbortedError
 */
export async function listModels(
	prefix: string,
	options: ListOptions = {},
	settings?: Settings,
): Promise<readonly LiveModel[]> {
	const { env, providers, storedKeys } = settings ?? loadSettings(options.env ?? process.env);
	const found = route(`${prefix}/-`, { env, providers, storedKeys });
	const [key] = requireKeys(found);
	const http = createHttp(networkOf(found, env));
	const exchange = http.begin({ signal: options.signal, timeouts: { totalMs: options.timeoutMs ?? 30_000 } });
	try {
		const baseUrl = found.baseUrl === "" ? await simulatedBaseUrl() : found.baseUrl;
		const adapter = await loadAdapter({ ...found, baseUrl }, http.fetch);
		return await adapter.listModels({ key: key?.value, exchange });
	} finally {
		exchange.close();
		await http.close();
	}
}
