/** Reads what an answer says of money besides its tokens, in the forms of the three wires. */
import type { Charges, Usage } from "../types.ts";
import { isObject } from "./error-body.ts";
import type { ProviderRow } from "./provider-row.ts";
import { optionalTokens, tokens } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

/** What is left of the fields that hold something: a count of 0 and an absent text say nothing. */
function filled(charges: { readonly [Field in keyof Charges]: Charges[Field] | undefined }): Charges {
	const said: Record<string, unknown> = {};
	for (const field in charges) {
		const value = charges[field as keyof Charges];
		if (value !== undefined && (value !== 0 || field === "reportedUsd")) said[field] = value;
	}
	return said;
}

/** Words for the price that everybody has. OpenAI, Anthropic, Gemini, Groq, Vertex in this order. */
const ordinaryTiers = new Set(["default", "standard", "on_demand", "tier_unspecified", "unspecified"]);

/** The tier in lower case; undefined for the ordinary one and where the answer names none. */
function tierOf(value: unknown): string | undefined {
	if (typeof value !== "string") return undefined;
	const tier = value.toLowerCase().replace(/^(?:service_tier|traffic_type)_/, "");
	return tier === "" || ordinaryTiers.has(tier) ? undefined : tier;
}

/** The headers of an answer, by lower-case name. */
export type AnswerHeaders = Readonly<Record<string, string | undefined>> | undefined;

/** The charges of a whole answer, or of one event of a stream, on the OpenAI wire. */
export function openAiCharges(provider: ProviderRow, payload: Json, headers: AnswerHeaders): Charges {
	const raw = payload.usage ?? (isObject(payload.x_groq) ? payload.x_groq.usage : undefined);
	const usage = isObject(raw) ? raw : {};
	const input = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
	const output = isObject(usage.completion_tokens_details) ? usage.completion_tokens_details : {};
	const { reportedUsd, untold } = provider.reportsCost ? costFields(usage, headers) : noCost;
	return filled({
		reportedUsd,
		untold,
		tier: tierOf(payload.service_tier ?? usage.service_tier),
		imageInputTokens: tokens(input.image_tokens),
		audioOutputTokens: tokens(output.audio_tokens),
		imageOutputTokens: tokens(output.image_tokens),
		webSearches: searchesOf(payload, usage),
	});
}

/** Searches that the answer counts, or one where it cites what it found: nobody says then how many there were. */
function searchesOf(payload: Json, usage: Json): number {
	const tools = isObject(usage.server_tool_use) ? usage.server_tool_use : {};
	const counted = Math.max(
		tokens(usage.num_sources_used) ?? 0,
		tokens(usage.num_search_queries) ?? 0,
		tokens(tools.web_search_requests) ?? 0,
	);
	return counted > 0 ? counted : hasCitations(payload.choices) ? 1 : 0;
}

/** The answer rests on searches or tools that the provider ran. */
export function hasCitations(choices: unknown): boolean {
	return Array.isArray(choices) && choices.some(isCiting);
}

function isCiting(choice: unknown): boolean {
	const message: unknown = isObject(choice) ? (choice.message ?? choice.delta) : undefined;
	// Groq's compound systems list the tools that they ran, and bill them.
	return isObject(message) && (isFilled(message.annotations) || isFilled(message.executed_tools));
}

function isFilled(list: unknown): boolean {
	return Array.isArray(list) && list.length > 0;
}

/** xAI's unit of money: https://docs.x.ai/developers/cost-tracking */
const ticksPerUsd = 1e10;

type CostFields = Pick<Charges, "reportedUsd" | "untold">;

const noCost: CostFields = {};

/** The cost of a call where the provider says it, or why that figure is not all of it. */
function costFields(usage: Json, headers: AnswerHeaders): CostFields {
	const usd = reportedCost(usage) ?? headerCost(headers);
	// With a key of the user's own at the vendor, OpenRouter's `cost` is its fee alone; the vendor sends a bill too.
	// https://openrouter.ai/docs/use-cases/usage-accounting
	if (usage.is_byok !== true) return usd === null ? noCost : { reportedUsd: usd };
	const details = isObject(usage.cost_details) ? usage.cost_details : {};
	const upstream = amount(details.upstream_inference_cost);
	if (usd === null || upstream === null || upstream === 0) return { untold: "billed to a key of your own" };
	return { reportedUsd: decimal(usd + upstream) };
}

/**
 * USD as `usage` reports them, null without: `cost` (OpenRouter and gateways), `cost.total_cost` (Perplexity),
 * `cost_in_usd_ticks` (xAI), `estimated_cost` (DeepInfra).
 */
export function reportedCost(usage: unknown): number | null {
	if (!isObject(usage)) return null;
	const ticks = tokens(usage.cost_in_usd_ticks);
	if (ticks !== undefined) return amount(ticks / ticksPerUsd);
	const { cost } = usage;
	return amount(isObject(cost) ? cost.total_cost : cost) ?? amount(usage.estimated_cost);
}

/**
 * What a LiteLLM proxy computed. Its 0 means as often that it has no price as that there is none to pay, and the head
 * of a stream is written before anything is known.
 */
function headerCost(headers: AnswerHeaders): number | null {
	const text = headers?.["x-litellm-response-cost"];
	const usd = text === undefined || text.trim() === "" ? null : amount(Number(text));
	return usd === 0 || headers?.["content-type"]?.startsWith("text/event-stream") ? null : usd;
}

/** No request costs as much: the longest input and output of the dearest model ever sold come to less. */
const mostUsdOfACall = 1_000;

function amount(value: unknown): number | null {
	return typeof value === "number" && value >= 0 && value < mostUsdOfACall ? value : null;
}

/** Takes binary noise off a sum. */
function decimal(usd: number): number {
	return Number(usd.toPrecision(12));
}

/** The charges in Anthropic's `usage`. */
export function anthropicCharges(usage: Json): Charges {
	const creation = isObject(usage.cache_creation) ? usage.cache_creation : {};
	const tools = isObject(usage.server_tool_use) ? usage.server_tool_use : {};
	const { web_search_requests: searches, web_fetch_requests: _free, ...others } = tools;
	const searched = optionalTokens(searches);
	const otherTool = Object.entries(others).find(([, count]) => typeof count === "number" && count > 0);
	const passes = Array.isArray(usage.iterations) ? usage.iterations.length : 0;
	const region = typeof usage.inference_geo === "string" ? usage.inference_geo.toLowerCase() : "";
	return filled({
		tier: tierOf(usage.speed) ?? tierOf(usage.service_tier),
		region: ["", "global", "not_available"].includes(region) ? undefined : region,
		longCacheWriteTokens: longWrites(usage, creation),
		webSearches: searched,
		// https://platform.claude.com/docs/en/build-with-claude/compaction: the totals leave out the passes before.
		untold:
			(searched === undefined ? "web searches that nobody counted" : undefined) ??
			otherTool?.[0].replaceAll("_", " ") ??
			(passes > 1 ? "several passes over the prompt" : undefined),
	});
}

/** What is not said to be kept for minutes is billed as kept for an hour. */
function longWrites(usage: Json, creation: Json): number | undefined {
	const written = tokens(usage.cache_creation_input_tokens);
	if (written === undefined || Object.keys(creation).length === 0) return undefined;
	const long = tokens(creation.ephemeral_1h_input_tokens) ?? 0;
	return Math.max(long, written - (tokens(creation.ephemeral_5m_input_tokens) ?? 0));
}

/** The tier that a piece of a Gemini answer names. */
export function geminiTier(payload: Json, headers: AnswerHeaders): unknown {
	const usage = isObject(payload.usageMetadata) ? payload.usageMetadata : {};
	return usage.serviceTier ?? usage.trafficType ?? headers?.["x-gemini-service-tier"];
}

/** The charges of a piece of a Gemini answer. */
export function geminiCharges(payload: Json, modelId: string, headers: AnswerHeaders): Charges {
	const usage = isObject(payload.usageMetadata) ? payload.usageMetadata : {};
	const candidates = Array.isArray(payload.candidates) ? payload.candidates.filter(isObject) : [];
	const grounding = candidates.map((candidate) => candidate.groundingMetadata).filter(isObject);
	return filled({
		tier: tierOf(geminiTier(payload, headers)),
		cachedAudioTokens: modality(usage.cacheTokensDetails, "AUDIO"),
		audioOutputTokens: modality(usage.candidatesTokensDetails, "AUDIO"),
		imageOutputTokens: modality(usage.candidatesTokensDetails, "IMAGE"),
		webSearches: grounding.reduce((sum, source) => sum + groundingsOf(source, modelId), 0),
		untold: grounding.some((source) => chunksOf(source).some((chunk) => isObject(chunk.maps)))
			? "grounding with Google Maps"
			: undefined,
	});
}

/**
 * Searches that a grounded answer is billed for: one for each query from Gemini 3 on, before that one for the prompt.
 * https://ai.google.dev/gemini-api/docs/pricing; what a file store yields is billed as tokens.
 */
function groundingsOf(source: Json, modelId: string): number {
	const queries = Array.isArray(source.webSearchQueries) ? source.webSearchQueries.length : 0;
	const found = queries > 0 || chunksOf(source).some((chunk) => isObject(chunk.web));
	if (!found) return 0;
	return /^gemini-[12]\./.test(modelId) ? 1 : Math.max(1, queries);
}

function chunksOf(source: Json): readonly Json[] {
	return Array.isArray(source.groundingChunks) ? source.groundingChunks.filter(isObject) : [];
}

/** Tokens of one kind in a list such as `promptTokensDetails`; NaN where a figure of it is not a count. */
export function modality(details: unknown, kind: string): number {
	if (!Array.isArray(details)) return 0;
	return details
		.filter(isObject)
		.filter((detail) => detail.modality === kind)
		.reduce((sum, detail) => sum + (optionalTokens(detail.tokenCount) ?? Number.NaN), 0);
}

/**
 * A usage that can be true. A sent prompt has tokens, and so has an answer with text; servers that do not count say 0,
 * which would make the call free.
 *
 * `said` is what came. A text that cannot have been written with the tokens that the reasoning leaves of the output
 * tells that the reasoning was not counted there, and one that cannot have been written with all of them, that the
 * count is of something else: a gateway may leave thoughts out of its totals and say nothing of them.
 */
export function credible(usage: Usage | null, said: { text: string; reasoning: string }): Usage | null {
	if (usage === null || usage.inputTokens === 0) return null;
	const { outputTokens, reasoningTokens } = usage;
	const all = said.text + said.reasoning;
	if (all === "") return usage;
	if (outputTokens === 0) return null;
	const isApart = reasoningTokens > 0 && !canHold(outputTokens - reasoningTokens, said.text);
	const output = isApart ? outputTokens + reasoningTokens : outputTokens;
	if (!canHold(output, all)) return null;
	return isApart ? { ...usage, outputTokens: output } : usage;
}

/** More characters than a token has anywhere: 200 of English prose, German and code in a row come to 6 at most. */
const mostCharactersPerToken = 8;

/** A few words may be dearer in letters than in tokens. */
const fewCharacters = 64;

/** Whether so many tokens can make up a text. Runs of blanks and of one sign, which are few tokens, count little. */
function canHold(tokens: number, text: string): boolean {
	const most = Math.max(0, tokens) * mostCharactersPerToken + fewCharacters;
	return text.length <= most || text.replace(/(.)\1{2,}|\s{2,}/gsu, "$1").length <= most;
}
