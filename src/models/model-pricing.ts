import { UnsupportedError } from "../errors.ts";
import { cacheMinimum, defaultLimit, versionOf } from "../providers/anthropic/limits.ts";
import { regionOfServer } from "./asked-charges.ts";
import { type Price, pricesOf } from "./price-table.ts";
import type { ModelRoute } from "./router.ts";

/** A model as estimates of its costs see it. */
export interface ModelPricing {
	/** Registry id of the provider. */
	readonly provider: string;
	readonly modelId: string;
	/** Servers of the user's own and the simulator charge nothing. */
	readonly isFree: boolean;
	/** The provider has a batch API that llmx speaks. */
	readonly hasJobs: boolean;
	/** Answers that one request may ask for. */
	readonly choicesPerCall: number;
	/** The bound on an answer that goes out with a request when nobody sets one; undefined without. */
	readonly impliedMaxTokens: number | undefined;
	/** Requests ask for a tier of their own price, unless they name another. */
	readonly tier: "flex" | undefined;
	/** One of its servers is in a region that has a price of its own. */
	readonly region: string | undefined;
	/** The fewest tokens of a prompt that its provider keeps when it is asked to; undefined where it is not asked. */
	readonly promptCacheMinimum: number | undefined;
	/** Prices of the user's own. */
	readonly own: readonly Price[];
}

/** `asksToKeep`: prompts are marked for the provider's cache where that is worth it. */
export function pricingOf(route: ModelRoute, asksToKeep: boolean): ModelPricing {
	const { provider, modelId, servers, prices: own } = route;
	const { id, local, free, jobs, choicesPerCall, wire, flexField, extraBody } = provider;
	const impliedMaxTokens = wire === "anthropic" ? defaultLimit(versionOf(modelId)) : undefined;
	const isFree = local || free;
	const tier = flexField !== null && extraBody?.[flexField] === "flex" ? "flex" : undefined;
	return {
		provider: id,
		modelId,
		isFree,
		hasJobs: jobs !== null,
		choicesPerCall,
		impliedMaxTokens,
		tier,
		region: servers
			.map(({ baseUrl }) => regionOfServer(baseUrl, modelId))
			.find((region) => region !== undefined),
		promptCacheMinimum: asksToKeep && wire === "anthropic" ? cacheMinimum(modelId) : undefined,
		own,
	};
}

const noticed = new WeakSet<ModelRoute>();

/**
 * Says once, before a model is asked, that its provider has taken it out of service; nothing of most models.
 * @throws UnsupportedError when the provider's own server answers it on another endpoint only
 */
export function noticeModel(route: ModelRoute, onWarning: ((message: string) => void) | undefined): void {
	if (noticed.has(route)) return;
	const notice = modelNotice(route);
	noticed.add(route);
	if (notice !== undefined) onWarning?.(notice);
}

function modelNotice({ provider, modelId, baseUrlSource }: ModelRoute): string | undefined {
	const [price] = pricesOf(provider.id).get(modelId.toLowerCase()) ?? [];
	if (price === undefined) return undefined;
	// A gateway in front may speak to whatever endpoint there is.
	if (price.endpoint !== null && price.endpoint !== provider.wire && baseUrlSource === "default")
		throw new UnsupportedError(`${provider.label} serves ${modelId} by its ${price.endpoint} endpoint only`, {
			hint: "choose another model (llmx models), or set the base URL of a gateway that translates",
		});
	if (price.retired === null || Date.parse(price.retired) > Date.now()) return undefined;
	return `${provider.label} retired ${modelId} on ${price.retired}: it may be refused, or answered by a more expensive model`;
}
