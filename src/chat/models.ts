/** What is known of models without asking a provider. */

import { allPrices } from "../models/price-table.ts";
import { findPrice } from "../models/pricing.ts";
import { route, rows } from "../models/router.ts";
import type { Settings } from "../models/settings.ts";

/** Tokens that a model can read; null when unknown. */
export function contextWindowOf(
	model: string,
	{ env, config, providers }: Pick<Settings, "env" | "config" | "providers">,
): number | null {
	try {
		const {
			provider,
			modelId,
			prices: own,
		} = route(model, {
			env,
			providers,
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
export function knownModels({ config, providers }: Pick<Settings, "config" | "providers">): string[] {
	const known = new Map(rows(providers).map((row) => [row.id, row]));
	const today = new Date().toISOString().slice(0, 10);
	const priced = allPrices().flatMap(({ provider, model, endpoint, retired }) => {
		const row = known.get(provider);
		// What cannot be sent is not a completion.
		if (row === undefined || endpoint !== null || (retired !== null && retired <= today)) return [];
		return row.bareNames?.test(model) ? [model] : [`${row.prefixes[0]}/${model}`];
	});
	return [...new Set([...Object.keys(config.aliases), ...priced, "sim/echo", "sim/markdown", "sim/slow"])];
}
