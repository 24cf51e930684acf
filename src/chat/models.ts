/** What is known of models without asking a provider. */

import { allPrices } from "../models/price-table.ts";
import { findPrice } from "../models/pricing.ts";
import { configuredRows, route, rows } from "../models/router.ts";
import type { Config } from "../state/config.ts";
import type { Environment } from "../types.ts";

/** Tokens that a model can read; null when unknown. */
export function contextWindowOf(
	model: string,
	config: Pick<Config, "providers" | "prices">,
	env: Environment,
): number | null {
	try {
		const {
			provider,
			modelId,
			prices: own,
		} = route(model, {
			env,
			providers: configuredRows(config.providers),
			prices: [config.prices],
		});
		return (
			findPrice(provider.id, modelId, { own })?.contextWindow ??
			findPrice(provider.id, modelId)?.contextWindow ??
			null
		);
	} catch {
		// Whatever is wrong with the route is said when the model is used.
		return null;
	}
}

/** Names for completion: aliases, the models with a price as the user would write them, and the simulator's. */
export function knownModels(config: Pick<Config, "aliases" | "providers">): string[] {
	const providers = new Map(rows(configuredRows(config.providers)).map((row) => [row.id, row]));
	const today = new Date().toISOString().slice(0, 10);
	const priced = allPrices().flatMap(({ provider, model, endpoint, retired }) => {
		const row = providers.get(provider);
		// What cannot be sent is no completion.
		if (row === undefined || endpoint !== null || (retired !== null && retired <= today)) return [];
		return row.bareNames?.test(model) ? [model] : [`${row.prefixes[0]}/${model}`];
	});
	return [...new Set([...Object.keys(config.aliases), ...priced, "sim/echo", "sim/markdown", "sim/slow"])];
}
