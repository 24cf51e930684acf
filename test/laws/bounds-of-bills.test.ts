/**
 * Whatever a bill applies, the bound that a cap rests on applies too: for requests that ask for every dearer thing
 * there is, and answers that had it, had less, or do not say what they had.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Accounting } from "../../src/ask/accounting.ts";
import type { PricedModel } from "../../src/batch/priced-model.ts";
import { rowBounds } from "../../src/batch/row-bounds.ts";
import { pricingOf } from "../../src/models/model-pricing.ts";
import { route } from "../../src/models/router.ts";
import type { Parameters } from "../../src/parameters/table.ts";
import type { BatchRow } from "../../src/prompts/row-builder.ts";
import type { Charges, ResponseInfo, Usage } from "../../src/types.ts";

const keys = ["OPENAI", "ANTHROPIC", "GEMINI", "XAI", "PERPLEXITY", "OPENROUTER"];
const env = Object.fromEntries(keys.map((name) => [`${name}_API_KEY`, "k"]));

/** What happened to a request, in shares of what its parameters and the bounds allow. */
interface Deed {
	readonly input: number;
	readonly output: number;
	readonly cached: number;
	readonly written: number;
	readonly hour: number;
	readonly sound: number;
	readonly soundOut: number;
	readonly searches: number;
	/** The answer names its tier, has a cheaper one than it was asked for, or is silent. */
	readonly tier: "named" | "lower" | "silent";
	readonly server: 0 | 1;
	readonly viaJobs: boolean;
	readonly n: 1 | 3;
	readonly words: number;
}

const share = fc.oneof(fc.constantFrom(0, 1, 1), fc.double({ min: 0, max: 1, noNaN: true }));
const deeds: fc.Arbitrary<Deed> = fc.record({
	input: share,
	output: share,
	cached: share,
	written: share,
	hour: share,
	sound: share,
	soundOut: share,
	searches: share,
	tier: fc.constantFrom("named", "lower", "silent"),
	server: fc.constantFrom(0, 1),
	viaJobs: fc.boolean(),
	n: fc.constantFrom(1, 3),
	words: fc.constantFrom(1, 100, 300_000),
});

interface World {
	readonly model: string;
	/** Its servers, in place of the provider's own. */
	readonly at?: readonly string[];
	/** Raw fields, one of each list. */
	readonly asks: Readonly<Record<string, readonly unknown[]>>;
	readonly messages?: (words: string) => BatchRow["messages"];
	/** Which charges its answers can bring; the law below wants each of them somewhere. */
	readonly brings: readonly (keyof Charges)[];
	/** Its answers say what they cost. */
	readonly reports?: true;
}

const said = (text: string): BatchRow["messages"] => [{ role: "user", content: text }];
const search = (most: number) => [{ type: "web_search_20250305", name: "web_search", max_uses: most }];
const regional = "https://eu.api.openai.com/v1";

const worlds: Readonly<Record<string, World>> = {
	"OpenAI in one country": {
		model: "gpt-5.4",
		at: ["https://api.openai.com/v1", regional],
		asks: { service_tier: [undefined, "auto", "priority", "flex", "scale"] },
		brings: ["tier", "region"],
	},
	"OpenAI with a cache that costs": {
		model: "gpt-5.6",
		at: [regional],
		asks: { service_tier: [undefined, "priority"] },
		brings: ["tier", "region"],
	},
	"OpenAI aloud": {
		model: "gpt-audio",
		asks: { modalities: [undefined, ["text", "audio"]] },
		brings: ["audioOutputTokens"],
	},
	"the Responses API with tools": {
		model: "openai/gpt-5-codex",
		asks: {
			tools: [undefined, [{ type: "web_search" }], [{ type: "code_interpreter" }]],
			max_tool_calls: [undefined, 3],
		},
		brings: ["webSearches", "untold"],
	},
	Anthropic: {
		model: "anthropic/claude-opus-4-8",
		asks: {
			speed: [undefined, "fast"],
			inference_geo: [undefined, "us", "eu", "global"],
			cache_control: [undefined, { type: "ephemeral" }, { type: "ephemeral", ttl: "1h" }],
			tools: [
				undefined,
				search(0),
				search(4),
				[{ type: "code_execution_20250825" }],
				[{ type: "web_search_20250305" }],
			],
		},
		messages: (text) => [{ role: "system", content: "rules ".repeat(8_000) }, ...said(text)],
		brings: ["tier", "region", "longCacheWriteTokens", "webSearches", "untold"],
	},
	"Gemini 2": {
		model: "gemini/gemini-2.5-flash",
		asks: {
			serviceTier: [undefined, "priority"],
			tools: [undefined, [{ google_search: {} }], [{ googleSearch: {} }]],
		},
		messages: (text) => [
			{
				role: "user",
				content: [
					{ type: "text", text },
					{ type: "audio", mediaType: "audio/mpeg", data: "AAAA".repeat(5_000) },
				],
			},
		],
		brings: ["tier", "webSearches", "cachedAudioTokens"],
	},
	"Gemini 3": {
		model: "gemini/gemini-3.5-flash",
		asks: { config: [undefined, { serviceTier: "priority" }], tools: [undefined, [{ google_search: {} }]] },
		brings: ["tier", "webSearches"],
	},
	"xAI in the USA": {
		model: "xai/grok-4.3",
		at: ["https://us.api.x.ai/v1"],
		asks: {},
		brings: ["reportedUsd"],
		reports: true,
	},
	Perplexity: { model: "perplexity/sonar", asks: {}, brings: [] },
	"OpenRouter with plugins": {
		model: "openrouter/openai/gpt-4o-mini",
		asks: { plugins: [undefined, [{ id: "web" }]], models: [undefined, ["openai/gpt-4"]] },
		brings: [],
	},
};

/** Charges that no bound can foresee: an answer with them has an unknown cost, or a run learns from its bill. */
const unforeseeable: readonly (keyof Charges)[] = ["imageInputTokens", "imageOutputTokens"];

/** Tokens of the shortest sound that Gemini counts as one: 33 a second. */
const halfAMinute = 990;

const most = (shareOf: number, tokens: number) => Math.floor(shareOf * tokens);

/** The answer to a row, as the provider's rules make it from what was asked. */
function answerOf(
	world: World,
	deed: Deed,
	extra: Json,
	bounds: { input: number; output: number; sound: number },
) {
	const all = Math.max(1, most(deed.input, bounds.input));
	const sound = world.brings.includes("cachedAudioTokens")
		? Math.min(all, most(deed.sound, bounds.sound))
		: 0;
	const cached = most(deed.cached, all - sound);
	const keeps = extra.cache_control !== undefined || world.model === "gpt-5.6";
	const written = keeps ? most(deed.written, all - sound - cached) : 0;
	const output = Math.max(1, most(deed.output, bounds.output));
	const usage: Usage = {
		inputTokens: all,
		cachedInputTokens: cached,
		cacheWriteTokens: written,
		audioInputTokens: sound,
		outputTokens: output * deed.n,
		reasoningTokens: 0,
	};
	const config = (extra.config ?? {}) as Json;
	const wish = extra.service_tier ?? extra.serviceTier ?? config.serviceTier;
	const isDear = typeof wish === "string" && wish !== "auto";
	const isNamed = deed.tier === "named";
	const [tool] = (extra.tools ?? []) as readonly Json[];
	const isSearch = tool !== undefined && /search/.test(JSON.stringify(tool));
	const bound = /^gemini\/gemini-2/.test(world.model)
		? 1
		: ((tool?.max_uses ?? extra.max_tool_calls ?? 50) as number);
	const spoken = extra.modalities === undefined ? 0 : most(deed.soundOut, output * deed.n);
	const charges: Charges = {
		...(isNamed && isDear && { tier: String(wish) }),
		...(isNamed && extra.speed === "fast" && { tier: "fast" }),
		...(["us", "eu"].includes(String(extra.inference_geo)) && { region: String(extra.inference_geo) }),
		...(JSON.stringify(extra).includes('"1h"') && { longCacheWriteTokens: most(deed.hour, written) }),
		...(isSearch && { webSearches: most(deed.searches, bound) }),
		...(tool !== undefined && !isSearch && deed.searches > 0.5 && { untold: "code execution" }),
		...(spoken > 0 && { audioOutputTokens: spoken }),
		...(deed.viaJobs && { tier: "batch" }),
	};
	const response: ResponseInfo = {
		...(deed.tier === "lower" && { serviceTier: "default", speed: "standard" }),
		...(isNamed && isDear && { serviceTier: String(wish) }),
		...(isNamed && extra.speed !== undefined && { speed: "fast" }),
	};
	return { usage, charges, response, output };
}

type Json = Readonly<Record<string, unknown>>;

function* combinations(asks: World["asks"]): Generator<Json> {
	const [name, ...names] = Object.keys(asks);
	if (name === undefined) return yield {};
	const rest = Object.fromEntries(names.map((other) => [other, asks[other] ?? []]));
	for (const value of asks[name] ?? [])
		for (const others of combinations(rest))
			yield value === undefined ? others : { ...others, [name]: value };
}

describe("the most that a request may cost", () => {
	it.each(Object.entries(worlds))("is no less than its bill: %s", (_, world) => {
		const baseUrls = world.at?.map((url) => ({ url, keys: ["k"] }));
		const found = route(world.model, { env, baseUrls });
		const accounting = new Accounting({
			...{ model: world.model, route: found, ledger: undefined },
			...{ command: "batch", session: undefined, label: undefined },
		});
		let known = 0;
		for (const extra of combinations(world.asks))
			fc.assert(
				fc.property(deeds, (deed) => {
					const parameters: Parameters = { extra, maxTokens: 2_000 };
					const model: PricedModel = { ...pricingOf(found, false), viaJobs: deed.viaJobs };
					const messages = (world.messages ?? said)("word ".repeat(deed.words));
					const row = { ...{ line: 1, id: "1", model: undefined, prompt: undefined }, messages, parameters };
					const bounds = rowBounds(
						{ ...row, n: deed.n, linksImages: false, metadata: undefined },
						model,
						(text) => Math.ceil(text.length / 4),
					);
					const input = Math.floor(bounds.inputTokens.high / bounds.requests);
					const { usage, charges, response, output } = answerOf(world, deed, extra, {
						...{ input, output: bounds.worstOutput, sound: halfAMinute },
					});
					const server = Math.min(deed.server, found.servers.length - 1);
					const billOf = (all: Charges) =>
						accounting.price({ usage, charges: all, response }, deed.n, server, parameters).cost.usd;
					const computed = billOf(charges);
					const isReported = world.reports && computed !== null;
					const usd = isReported ? billOf({ ...charges, reportedUsd: computed }) : computed;
					// Each request of several has the whole input; one bill stands for all of them here.
					const bound = bounds.usdOf(output, usage.inputTokens * bounds.requests);
					if (usd === null || bound === null) return;
					known += 1;
					expect(usd, JSON.stringify({ extra, charges, usage })).toBeLessThanOrEqual(bound * (1 + 1e-9));
				}),
				{ numRuns: 15 },
			);
		// A law about nothing but unknown costs would hold too.
		expect(known).toBeGreaterThan(0);
	});

	it("is tried with every kind of charge", () => {
		const kinds: { readonly [Field in keyof Required<Charges>]: true } = {
			...{ reportedUsd: true, untold: true, tier: true, region: true, longCacheWriteTokens: true },
			...{
				cachedAudioTokens: true,
				imageInputTokens: true,
				audioOutputTokens: true,
				imageOutputTokens: true,
			},
			webSearches: true,
		};
		const tried = new Set([...Object.values(worlds).flatMap(({ brings }) => brings), ...unforeseeable]);
		expect([...tried].toSorted()).toEqual(Object.keys(kinds).toSorted());
	});
});
