/** What a request asks for, by where it goes and in the provider's own fields, that changes its price. */
import type { Parameters } from "../parameters/table.ts";
import { isObject } from "../providers/error-body.ts";
import type { Charges } from "../types.ts";
import { type ProviderTools, providerTools } from "./provider-tools.ts";

/** The model that is asked. */
export interface AskedModel {
	/** Registry id of the provider. */
	readonly provider: string;
	readonly modelId: string;
}

type Json = Readonly<Record<string, unknown>>;

/** The provider's own fields of a request, those in the wrappers of SDKs too. */
export function ownFields({ extra }: Parameters): Json {
	if (extra === undefined) return {};
	const wrapped = [extra.config, extra.generationConfig, extra.extra_body].filter(isObject);
	return Object.assign({}, ...wrapped, extra) as Json;
}

/** Words by which a request asks for the price that everybody has, or leaves the tier to its account. */
const ordinaryWishes = new Set(["auto", "default", "standard", "standard_only", "on_demand"]);

/** What a request asks for in a provider's own fields, in lower case; undefined for the ordinary one. */
export interface TierWishes {
	/** Anthropic's word for a dearer way of answering, which stands beside the tier. */
	readonly speed: string | undefined;
	readonly tier: string | undefined;
}

const noWishes: TierWishes = { speed: undefined, tier: undefined };

export function tierWishes(parameters: Parameters): TierWishes {
	if (parameters.extra === undefined) return noWishes;
	const { speed, service_tier, serviceTier } = ownFields(parameters);
	return { speed: wishOf(speed), tier: wishOf(service_tier) ?? wishOf(serviceTier) };
}

function wishOf(word: unknown): string | undefined {
	if (typeof word !== "string" || ordinaryWishes.has(word.toLowerCase())) return undefined;
	return word.toLowerCase();
}

/** Words of Anthropic's for inference that is not kept in one place. */
const anywhere = new Set(["", "global", "not_available"]);

/** A place as `Charges.region` has it; undefined for one that has no price of its own. */
function regionNamed(place: unknown): string | undefined {
	const region = typeof place === "string" ? place.toLowerCase() : "";
	return anywhere.has(region) ? undefined : region;
}

/**
 * Models of OpenAI's from before March 5, 2026, which cost the same everywhere:
 * https://developers.openai.com/api/docs/guides/data-residency, 2026-11-29
 */
const sameEverywhere = /^(?:gpt-(?:3\.5|4|5(?:\.[0-3])?(?![.\d]))|chatgpt-4o|o\d)/;

/**
 * The region of a server whose place has a price of its own: those of OpenAI and xAI in one country, by
 * https://docs.x.ai/developers/advanced-api-usage/regions, 2026-11-29.
 */
export function regionOfServer(baseUrl: string, modelId: string): string | undefined {
	const found = /^https:\/\/[a-z0-9-]+\.api\.(openai\.com|x\.ai)(?:[:/]|$)/i.exec(baseUrl);
	if (found === null || (found[1] === "openai.com" && sameEverywhere.test(modelId))) return undefined;
	return "regional";
}

/** What a request may be billed for besides its tokens, at most. */
export interface AskedCharges {
	/** Without what depends on its length. */
	readonly charges: Charges;
	/** What it has written to the provider's prompt cache is kept for an hour. */
	readonly keepsForAnHour: boolean;
	/** Its answer may be sound. */
	readonly speaks: boolean;
	/** The provider's own tools that it may use. */
	readonly tools: ProviderTools;
}

const nothing: AskedCharges = {
	charges: {},
	keepsForAnHour: false,
	speaks: false,
	tools: { areUsed: false, searches: 0, unpriced: undefined },
};

/** The most that a request with these parameters may be billed for by what it asks for itself. */
export function askedCharges(parameters: Parameters, model: AskedModel): AskedCharges {
	if (parameters.extra === undefined) return nothing;
	const fields = ownFields(parameters);
	const wishes = tierWishes(parameters);
	const tier = wishes.speed ?? wishes.tier;
	const region = regionNamed(fields.inference_geo);
	const tools = providerTools(fields, model);
	return {
		charges: {
			...(tier !== undefined && { tier }),
			...(region !== undefined && { region }),
			...(tools.unpriced !== undefined && { untold: tools.unpriced }),
			...(tools.searches > 0 && { webSearches: tools.searches }),
		},
		keepsForAnHour: /"ttl":"1h"/.test(JSON.stringify(fields)),
		speaks: [fields.modalities, fields.responseModalities].some((kinds) =>
			/audio/i.test(JSON.stringify(kinds) ?? ""),
		),
		tools,
	};
}
