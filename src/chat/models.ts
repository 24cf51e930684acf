/** What is known of models without asking a provider. */

import { mediaTokens } from "../models/media-tokens.ts";
import { pricingOf } from "../models/model-pricing.ts";
import { findPrice } from "../models/pricing.ts";
import { RequestCosts } from "../models/request-cost.ts";
import { route } from "../models/router.ts";
import type { Settings } from "../models/settings.ts";
import { estimateTextTokens } from "../models/tokens.ts";
import type { ContentPart } from "../types.ts";
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
		const pricing = pricingOf(found, true);
		return {
			contextWindow,
			inputPrice: price?.input ?? null,
			outputPrice: price?.output ?? null,
			attachedMost: (content) => sum(content.map((part) => mostTokens(part, provider.id, modelId))),
			usdOf: ({ input, output }, parameters) => {
				const costs = new RequestCosts(pricing, parameters);
				// A turn may write all that it sends into the provider's prompt cache, which costs more than reading it.
				return costs.most(costs.charges, { input, kept: input, sound: 0, output, requests: 1, answers: 1 });
			},
		};
	} catch {
		// Whatever is wrong with the route is said when the model is used.
		return unknownFacts;
	}
}

const unknownFacts: ModelFacts = {
	contextWindow: null,
	inputPrice: null,
	outputPrice: null,
	attachedMost: () => 0,
	usdOf: () => null,
};

function mostTokens(part: ContentPart, provider: string, modelId: string): number {
	return part.type === "text" ? estimateTextTokens(part.text) : mediaTokens(part, provider, modelId).high;
}

function sum(numbers: readonly number[]): number {
	return numbers.reduce((all, one) => all + one, 0);
}
