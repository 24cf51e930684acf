/** What is known of models without asking a provider. */

import { findPrice } from "../models/pricing.ts";
import { route } from "../models/router.ts";
import type { Settings } from "../models/settings.ts";
import type { ModelFacts } from "./context.ts";

/** What a model costs and can read; null where unknown. */
export function factsOfModel(
	model: string,
	{ env, config, providers }: Pick<Settings, "env" | "config" | "providers">,
): ModelFacts {
	try {
		const found = route(model, {
			env,
			providers,
			prices: [config.prices],
		});
		const { provider, modelId, prices: own } = found;
		const price = findPrice(provider.id, modelId, { own });
		const contextWindow = price?.contextWindow ?? findPrice(provider.id, modelId)?.contextWindow ?? null;
		// A turn may write all that it sends into the provider's prompt cache, which costs more than reading it.
		const inputPrice = price && Math.max(price.input, price.cacheWrite ?? 0);
		return { contextWindow, inputPrice, outputPrice: price?.output ?? null };
	} catch {
		// Whatever is wrong with the route is said when the model is used.
		return { contextWindow: null, inputPrice: null, outputPrice: null };
	}
}
