/**
 * What answers say of money, and what they cost: hand-checked figures of each kind, over real sockets, streamed and
 * whole. `null` is unknown.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LLM } from "../../src/llm.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { json, type Script, scriptedServer, sse } from "../providers/scripted-server.ts";

interface Kind {
	readonly what: string;
	readonly model: string;
	/** Of a whole answer of 10,000 tokens in and 2,000 out, unless it says otherwise. */
	readonly usage?: object;
	readonly answer?: object;
	readonly headers?: Record<string, string>;
	readonly usd: number | null;
	/** Why it is unknown. */
	readonly unknown?: string;
}

const openAiUsage = { prompt_tokens: 10_000, completion_tokens: 2_000, total_tokens: 12_000 };
const openRouter = "openrouter/openai/gpt-4.1-mini";

const openAi: readonly Kind[] = [
	// 10,000 x 0.40 + 2,000 x 1.60, in millionths.
	{ what: "plain tokens", model: "gpt-4.1-mini", usd: 0.0072 },
	{ what: "an ordinary tier", model: "gpt-4.1-mini", answer: { service_tier: "default" }, usd: 0.0072 },
	{ what: "the flex tier", model: "gpt-5.4", answer: { service_tier: "flex" }, usd: 0.0275 },
	{
		what: "a tier without a price",
		model: "gpt-5.4",
		answer: { service_tier: "scale" },
		usd: null,
		unknown: "untold",
	},
	{ what: "a reported cost", model: openRouter, usage: { cost: 0.05 }, usd: 0.05 },
	{ what: "a reported cost of nothing", model: openRouter, usage: { cost: 0 }, usd: 0 },
	{
		what: "a reported cost beside a tier",
		model: openRouter,
		usage: { cost: 0.05 },
		answer: { service_tier: "priority" },
		usd: 0.05,
	},
	{
		what: "a key of one's own at the vendor",
		model: openRouter,
		usage: { cost: 0, is_byok: true, cost_details: { upstream_inference_cost: 0.06 } },
		usd: 0.06,
	},
	{
		what: "a key of one's own, and the gateway's fee",
		model: openRouter,
		usage: { cost: 0.003, is_byok: true, cost_details: { upstream_inference_cost: 0.06 } },
		usd: 0.063,
	},
	{
		what: "a key of one's own whose bill nobody tells",
		model: openRouter,
		usage: { cost: 0.003, is_byok: true, cost_details: { upstream_inference_cost: null } },
		usd: null,
		unknown: "untold",
	},
	{
		what: "the vendor's part of an ordinary bill",
		model: openRouter,
		usage: { cost: 0.05, is_byok: false, cost_details: { upstream_inference_cost: 0.06 } },
		usd: 0.05,
	},
	{ what: "an estimated cost", model: "deepinfra/x", usage: { estimated_cost: 0.0042 }, usd: 0.0042 },
	{
		what: "a cost in parts",
		model: "perplexity/sonar",
		usage: { cost: { input_tokens_cost: 0.00001, request_cost: 0.005, total_cost: 0.00521 } },
		usd: 0.00521,
	},
	{ what: "ticks", model: "xai/grok-x", usage: { cost_in_usd_ticks: 125_000_000 }, usd: 0.0125 },
	{
		what: "a cost where nobody reports one",
		model: "groq/x",
		usage: { cost: 0.05 },
		usd: null,
		unknown: "no_price",
	},
	{
		what: "a cost that no call has",
		model: "deepinfra/x",
		usage: { cost: 1e9 },
		usd: null,
		unknown: "no_price",
	},
	{
		what: "sound without a price",
		model: "gpt-4.1-mini",
		usage: { prompt_tokens_details: { audio_tokens: 9_900 } },
		usd: null,
		unknown: "untold",
	},
	{
		what: "images with a price of their own",
		model: "gpt-4.1-mini",
		usage: { completion_tokens_details: { image_tokens: 100 } },
		usd: null,
		unknown: "untold",
	},
	{
		what: "no tokens at all",
		model: "gpt-4.1-mini",
		usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
		usd: null,
		unknown: "no_usage",
	},
	{
		what: "no tokens of an answer",
		model: "gpt-4.1-mini",
		usage: { completion_tokens: 0, total_tokens: 10_000 },
		usd: null,
		unknown: "no_usage",
	},
	{
		what: "more tokens than there can be",
		model: "gpt-4.1-mini",
		usage: { completion_tokens: 9e15, total_tokens: 9e15 },
		usd: null,
		unknown: "no_usage",
	},
	{
		what: "no tokens, at no price",
		model: "local/x",
		usage: { prompt_tokens: 0, completion_tokens: 0 },
		usd: 0,
	},
	{ what: "a model without a price", model: "gpt-none", usd: null, unknown: "no_price" },
];

const anthropic: readonly Kind[] = [
	// 10,000 x 3 + 2,000 x 15
	{ what: "plain tokens", model: "anthropic/claude-sonnet-4-5", usd: 0.06 },
	{
		what: "five searches",
		model: "anthropic/claude-sonnet-4-5",
		usage: { server_tool_use: { web_search_requests: 5 } },
		usd: 0.11,
	},
	{
		what: "pages fetched",
		model: "anthropic/claude-sonnet-4-5",
		usage: { server_tool_use: { web_search_requests: 0, web_fetch_requests: 3 } },
		usd: 0.06,
	},
	{
		what: "another tool",
		model: "anthropic/claude-sonnet-4-5",
		usage: { server_tool_use: { code_execution_requests: 1 } },
		usd: null,
		unknown: "untold",
	},
	{
		what: "a cache of an hour",
		model: "anthropic/claude-sonnet-4-5",
		usage: {
			input_tokens: 100,
			cache_creation_input_tokens: 100_000,
			cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 100_000 },
			output_tokens: 10,
		},
		// 100 x 3 + 100,000 x 6 + 10 x 15
		usd: 0.60045,
	},
	{
		what: "a cache of five minutes",
		model: "anthropic/claude-sonnet-4-5",
		usage: {
			input_tokens: 100,
			cache_creation_input_tokens: 100_000,
			cache_creation: { ephemeral_5m_input_tokens: 100_000, ephemeral_1h_input_tokens: 0 },
			output_tokens: 10,
		},
		usd: 0.37545,
	},
	{
		what: "a speed without a price",
		model: "anthropic/claude-sonnet-4-5",
		usage: { speed: "fast" },
		usd: null,
		unknown: "untold",
	},
	{ what: "one region", model: "anthropic/claude-sonnet-4-6", usage: { inference_geo: "us" }, usd: 0.066 },
	{ what: "any region", model: "anthropic/claude-sonnet-4-6", usage: { inference_geo: "global" }, usd: 0.06 },
];

const gemini: readonly Kind[] = [
	// 10,000 x 0.30 + 2,000 x 2.50
	{ what: "plain tokens", model: "gemini/gemini-2.5-flash", usd: 0.008 },
	{
		what: "an answer from the web",
		model: "gemini/gemini-2.5-flash",
		answer: { groundingMetadata: { webSearchQueries: ["a", "b"], groundingChunks: [{ web: { uri: "u" } }] } },
		usd: 0.043,
	},
	{
		what: "an answer from a file store",
		model: "gemini/gemini-2.5-flash",
		answer: { groundingMetadata: { groundingChunks: [{ retrievedContext: { text: "t" } }] } },
		usd: 0.008,
	},
	{
		what: "an answer from Maps",
		model: "gemini/gemini-2.5-flash",
		answer: { groundingMetadata: { groundingChunks: [{ maps: { uri: "u" } }] } },
		usd: null,
		unknown: "untold",
	},
	{ what: "the flex tier", model: "gemini/gemini-2.5-flash", usage: { serviceTier: "FLEX" }, usd: 0.004 },
	{
		what: "a tier without a price",
		model: "gemini/gemini-2.0-flash",
		usage: { serviceTier: "priority" },
		usd: null,
		unknown: "untold",
	},
	{
		what: "the ordinary tier",
		model: "gemini/gemini-2.5-flash",
		usage: { serviceTier: "standard", trafficType: "ON_DEMAND" },
		usd: 0.008,
	},
	{
		what: "sound, half of it cached",
		model: "gemini/gemini-2.5-flash",
		usage: {
			promptTokenCount: 10_000,
			cachedContentTokenCount: 5_000,
			promptTokensDetails: [{ modality: "AUDIO", tokenCount: 10_000 }],
			cacheTokensDetails: [{ modality: "AUDIO", tokenCount: 5_000 }],
		},
		// 5,000 x 1 + 5,000 x 0.1 + 2,000 x 2.5
		usd: 0.0105,
	},
	{
		what: "an image drawn",
		model: "gemini/gemini-2.5-flash",
		usage: { candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 1_290 }] },
		usd: null,
		unknown: "untold",
	},
];

type Wire = (kind: Kind, streamed: boolean) => Script;

const overOpenAi: Wire = ({ usage, answer, headers }, streamed) => {
	const bill = { usage: { ...openAiUsage, ...usage }, ...answer };
	const message = { role: "assistant", content: "hello" };
	if (!streamed)
		return json({ id: "x", choices: [{ index: 0, message, finish_reason: "stop" }], ...bill }, 200, headers);
	return sse(
		{ id: "x", choices: [{ index: 0, delta: message, finish_reason: "stop" }] },
		{ id: "x", choices: [], ...bill },
	);
};

const overAnthropic: Wire = ({ usage }, streamed) => {
	const bill = { input_tokens: 10_000, output_tokens: 2_000, service_tier: "standard", ...usage };
	const message = { id: "m", type: "message", role: "assistant", model: "x", stop_reason: "end_turn" };
	if (!streamed) return json({ ...message, content: [{ type: "text", text: "hello" }], usage: bill });
	return sse(
		{
			type: "message_start",
			message: { ...message, content: [], stop_reason: null, usage: { ...bill, output_tokens: 1 } },
		},
		{ type: "content_block_start", index: 0, content_block: { type: "text", text: "hello" } },
		{
			type: "message_delta",
			delta: { stop_reason: "end_turn" },
			usage: { output_tokens: bill.output_tokens },
		},
		{ type: "message_stop" },
	);
};

const overGemini: Wire = ({ usage, answer }, streamed) => {
	const usageMetadata = {
		promptTokenCount: 10_000,
		candidatesTokenCount: 2_000,
		totalTokenCount: 12_000,
		...usage,
	};
	const content = { role: "model", parts: [{ text: "hello" }] };
	const last = { candidates: [{ content, finishReason: "STOP", ...answer }], usageMetadata };
	return streamed ? sse({ candidates: [{ content: { role: "model", parts: [] } }] }, last) : json(last);
};

async function ask(
	model: string,
	script: Script,
	streamed: boolean,
	more: object = {},
	request: Parameters<LLM["ask"]>[1] = {},
) {
	const home = mkdtempSync(join(tmpdir(), "llmx-costs-"));
	afterTest(() => rmSync(home, { recursive: true, force: true }));
	const server = await scriptedServer(script);
	const options = {
		baseUrl: server.url,
		keys: ["key-for-nobody"],
		env: { LLMX_HOME: home },
		cache: false,
		maxRetries: 0,
	};
	const llm = new LLM(model, { ...options, ...more });
	afterTest(() => llm.close());
	const asked = await llm.ask("hi", { streamed, ...request }).catch((error: unknown) => error);
	const rows = readFileSync(join(home, "ledger.jsonl"), "utf8").trim().split("\n");
	return { llm, asked, rows: rows.map((row) => JSON.parse(row) as Record<string, unknown>) };
}

describe("a dearer tier that was asked for", () => {
	const answerOf = (tier: object) =>
		overOpenAi({ what: "", model: "", usd: null, answer: tier } as never, false);

	it.each([
		["is paid for when the answer says nothing of it", {}, 0.0126],
		["is not when the answer says that it had the ordinary one", { service_tier: "default" }, 0.0072],
	])("%s", async (_, said, usd) => {
		const request = { extra: { service_tier: "priority" } };
		const { asked } = await ask("gpt-4.1-mini", answerOf(said), false, {}, request);
		expect(asked).toMatchObject({ costUsd: usd });
	});

	it.each<[what: string, model: string, extra: Record<string, unknown>, script: Script, usd: number]>([
		// 10,000 at $5 and 2,000 at $25 a million, twice as dear
		[
			"Anthropic's speed, which the answer does not name",
			"anthropic/claude-opus-4-8",
			{ speed: "fast" },
			overAnthropic({ what: "", model: "", usd: null }, false),
			0.2,
		],
		[
			"Anthropic's speed, when it had the ordinary one",
			"anthropic/claude-opus-4-8",
			{ speed: "fast" },
			overAnthropic({ what: "", model: "", usd: null, usage: { speed: "standard" } }, false),
			0.1,
		],
		// 10,000 at $0.30 and 2,000 at $2.50 a million, 1.8 times as dear
		[
			"Gemini's tier, which the answer does not name",
			"gemini/gemini-2.5-flash",
			{ serviceTier: "priority" },
			overGemini({ what: "", model: "", usd: null }, false),
			0.0144,
		],
		[
			"Gemini's tier, when it had the ordinary one",
			"gemini/gemini-2.5-flash",
			{ serviceTier: "priority" },
			overGemini({ what: "", model: "", usd: null, usage: { serviceTier: "standard" } }, false),
			0.008,
		],
	])("is counted: %s", async (_, model, extra, script, usd) => {
		const { asked } = await ask(model, script, false, {}, { extra });
		expect(asked).toMatchObject({ costUsd: usd });
	});

	it("is paid for by an answer that was held back, too", async () => {
		const held = { message: { role: "assistant", content: "" }, finish_reason: "content_filter", index: 0 };
		const script = json({ id: "x", choices: [held], usage: openAiUsage });
		const { rows } = await ask("gpt-4.1-mini", script, false, {}, { extra: { service_tier: "priority" } });
		expect(rows).toMatchObject([{ status: "failed", cost_usd: 0.0126 }]);
	});

	it("is unknown where nobody publishes its price, and a cheaper one is counted on only when it was given", async () => {
		const scale = await ask("gpt-4.1-mini", answerOf({}), false, {}, { extra: { service_tier: "scale" } });
		expect(scale.asked).toMatchObject({ costUsd: null });
		const flex = await ask("gpt-5.4", answerOf({}), false, {}, { extra: { service_tier: "flex" } });
		expect(flex.asked).toMatchObject({ costUsd: 0.055 });
	});
});

describe.each([
	["OpenAI's wire", openAi, overOpenAi],
	["Anthropic's wire", anthropic, overAnthropic],
	["Gemini's wire", gemini, overGemini],
] as const)("over %s", (_, kinds, wire) => {
	it.each(kinds)("$what: $usd", async (kind) => {
		for (const streamed of [false, true]) {
			const { llm, asked, rows } = await ask(kind.model, wire(kind, streamed), streamed);
			expect(asked).toMatchObject({ text: "hello", costUsd: kind.usd });
			expect(rows).toMatchObject([{ status: "ok", cost_usd: kind.usd }]);
			expect(rows[0]?.unknown).toBe(kind.unknown);
			expect(llm.cost).toEqual({ usd: kind.usd ?? 0, unknownCalls: kind.usd === null ? 1 : 0 });
		}
	});
});

describe("a proxy's header", () => {
	const priced = (cost: string) =>
		overOpenAi({ what: "", model: "", usd: 0, headers: { "x-litellm-response-cost": cost } }, false);

	it.each([
		["0.0123", 0.0123],
		["0.0", null],
		["None", null],
		["", null],
		["-1", null],
	])("%j costs %j", async (header, usd) => {
		const { asked } = await ask("litellm/any", priced(header), false);
		expect(asked).toMatchObject({ costUsd: usd });
	});

	it("is the price at a provider of the config only when that says so", async () => {
		const { asked } = await ask("groq/x", priced("0.0123"), false);
		expect(asked).toMatchObject({ costUsd: null });
	});
});

describe("answers that failed", () => {
	const bill = { usage: { ...openAiUsage, cost: 0.0375 } };
	const delta = { choices: [{ index: 0, delta: { content: "partial" }, finish_reason: null }] };
	const error = { code: 502, message: "Provider disconnected" };

	it.each<[string, Script, boolean]>([
		["an error that ends a stream", sse(delta, { choices: [], error, ...bill }), true],
		["an error of status 200", json({ error, ...bill }), false],
		["an error of status 502", json({ error, ...bill }, 502), false],
		["an error inside a choice", json({ choices: [{ index: 0, error }], ...bill }), false],
		[
			"a blocked answer",
			json({ choices: [{ index: 0, message: { content: "" }, finish_reason: "content_filter" }], ...bill }),
			false,
		],
		["an answer without a choice", json({ choices: [], ...bill }), false],
	])("%s costs what is reported", async (_, script, streamed) => {
		const { asked, rows } = await ask("openrouter/x/new-model", script, streamed);
		expect(asked).toBeInstanceOf(Error);
		const failed = rows.filter(({ status }) => status === "failed");
		expect(failed.length).toBeGreaterThan(0);
		for (const row of failed) expect(row).toMatchObject({ cost_usd: 0.0375, cost_source: "reported" });
	});

	it("cost nothing where that is reported", async () => {
		const free = sse(delta, { choices: [], error, usage: { ...openAiUsage, cost: 0 } });
		const { rows } = await ask("openrouter/x/y:free", free, true);
		expect(rows.at(-1)).toMatchObject({ cost_usd: 0, status: "failed" });
	});

	it("are unknown where nothing is", async () => {
		const { rows } = await ask("openrouter/x/new-model", json({ error }), false);
		expect(rows.at(-1)).toMatchObject({ cost_usd: null, status: "maybe_billed", unknown: "interrupted" });
	});
});

describe("prices of one's own", () => {
	const plain = overOpenAi({ what: "", model: "", usd: 0 }, false);
	const own = { input: 10, output: 20 };

	it.each([
		["corp's name", { "groq/x": own }, 0.14],
		["all of a provider", { "groq/*": own }, 0.14],
		["another model", { "groq/y": own }, null],
		["the days to come", { "groq/x": { ...own, from: "2999-01-01" } }, null],
		[
			"days past, the newest first",
			{
				"groq/x": [
					{ ...own, from: "2020-01-01" },
					{ input: 1, output: 1, from: "2021-01-01" },
				],
			},
			0.012,
		],
		["nothing", { "groq/x": { input: 0, output: 0 } }, 0],
	])("of %s", async (_, prices, usd) => {
		const { asked } = await ask("groq/x", plain, false, { prices });
		expect(asked).toMatchObject({ costUsd: usd });
	});

	it("win over the table, and not over what the provider reports", async () => {
		const mini = { "gpt-4.1-mini": own, "openrouter/openai/gpt-4.1-mini": own };
		expect((await ask("gpt-4.1-mini", plain, false, { prices: mini })).asked).toMatchObject({
			costUsd: 0.14,
		});
		expect((await ask("openai/gpt-4.1-mini", plain, false, { prices: mini })).asked).toMatchObject({
			costUsd: 0.14,
		});
		const reported = overOpenAi({ what: "", model: "", usage: { cost: 0.05 }, usd: 0 }, false);
		expect((await ask(openRouter, reported, false, { prices: mini })).asked).toMatchObject({ costUsd: 0.05 });
	});

	it("are refused when they are no prices", () => {
		const wrong = { "groq/x": { input: -1, output: 2 } };
		expect(() => new LLM("groq/x", { prices: wrong, keys: ["k"], ledger: false })).toThrow(/input/);
	});
});
