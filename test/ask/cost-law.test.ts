/**
 * For random answers over all dialects: the cost is right, or unknown, and never too low. The world bills by rules of
 * its own, written here apart from the code; readers and prices have to come to the same figure.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Accounting } from "../../src/ask/accounting.ts";
import { route } from "../../src/models/router.ts";
import type { AdapterCall } from "../../src/providers/adapter.ts";
import { AnthropicReader } from "../../src/providers/anthropic/reader.ts";
import { GeminiReader } from "../../src/providers/gemini/reader.ts";
import { readOpenAiAnswer } from "../../src/providers/openai/reader.ts";

/** What the world did for one answer, and so bills. */
interface Deed {
	readonly input: number;
	readonly output: number;
	/** Shares of the input: read from the cache, written to it for minutes and for an hour, sound. */
	readonly cached: number;
	readonly written: number;
	readonly hour: number;
	readonly audio: number;
	readonly searches: number;
	readonly tier: "standard" | "flex" | "priority" | "odd";
	readonly us: boolean;
	/** The server counts nothing, or nonsense. */
	readonly count: "right" | "zero" | "absent" | "absurd";
	/** What a gateway reports: nothing, the cost, or its fee beside a key of the user's own. */
	readonly report: "none" | "cost" | "fee";
}

const share = fc.integer({ min: 0, max: 40 });
const deeds: fc.Arbitrary<Deed> = fc.record({
	input: fc.integer({ min: 1, max: 150_000 }),
	output: fc.integer({ min: 1, max: 8_000 }),
	cached: fc.oneof(fc.constant(0), share),
	written: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 })),
	hour: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 })),
	audio: fc.oneof(
		{ weight: 4, arbitrary: fc.constant(0) },
		{ weight: 1, arbitrary: fc.integer({ min: 0, max: 20 }) },
	),
	searches: fc.oneof(
		{ weight: 4, arbitrary: fc.constant(0) },
		{ weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }) },
	),
	tier: fc.constantFrom("standard", "standard", "standard", "flex", "priority", "odd"),
	us: fc.boolean(),
	count: fc.constantFrom("right", "right", "right", "right", "zero", "absent", "absurd"),
	report: fc.constantFrom("none", "cost", "fee"),
});

const part = (deed: Deed, percent: number) => Math.floor((deed.input * percent) / 100);
/** USD of millionths. */
const M = 1e-6;

interface Dialect {
	readonly model: string;
	/** USD that the world bills. */
	readonly bill: (deed: Deed) => number;
	/** The payload of a whole answer. */
	readonly answer: (deed: Deed) => Record<string, unknown>;
	readonly read: (payload: Record<string, unknown>, call: AdapterCall) => Parameters<Accounting["price"]>[0];
}

const env = { OPENAI_API_KEY: "k", ANTHROPIC_API_KEY: "k", GEMINI_API_KEY: "k", OPENROUTER_API_KEY: "k" };
const rowOf = (model: string) => route(model, { env }).provider;

function counted<T extends object>(deed: Deed, zero: T, right: T): T | undefined {
	if (deed.count === "absent") return undefined;
	if (deed.count === "zero") return zero;
	return right;
}

/** gpt-4.1-mini: 0.40 in, 0.10 cached, 1.60 out; flex at half, priority 1.75 times. */
const openAi: Dialect = {
	model: "gpt-4.1-mini",
	bill: (deed) => {
		const factor = { standard: 1, flex: 0.5, priority: 1.75, odd: 3 }[deed.tier];
		const cached = part(deed, deed.cached);
		// Sound is dear where it is taken at all.
		const sound = part(deed, deed.audio) * 10;
		return factor * ((deed.input - cached) * 0.4 + cached * 0.1 + deed.output * 1.6 + sound) * M;
	},
	answer: (deed) => ({
		choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
		service_tier: deed.tier === "standard" ? "default" : deed.tier,
		usage: counted(
			deed,
			{ prompt_tokens: 0, completion_tokens: 0, prompt_tokens_details: {} },
			{
				prompt_tokens: deed.input,
				completion_tokens: deed.count === "absurd" ? 9e15 : deed.output,
				prompt_tokens_details: {
					cached_tokens: part(deed, deed.cached),
					audio_tokens: part(deed, deed.audio),
				},
			},
		),
	}),
	read: (payload, { modelId, key, exchange }) =>
		readOpenAiAnswer(rowOf("gpt-4.1-mini"), payload, {
			provider: rowOf("gpt-4.1-mini"),
			modelId,
			key,
			exchange,
		}),
};

/** A gateway whose prices nobody knows before: it says what it took, or what it took besides the vendor. */
const openRouter: Dialect = {
	model: "openrouter/some/model",
	bill: (deed) => deed.input * 3 * M + deed.output * 9 * M,
	answer: (deed) => {
		const usd = deed.input * 3 * M + deed.output * 9 * M;
		const report = {
			none: {},
			cost: { cost: usd, is_byok: false, cost_details: { upstream_inference_cost: usd * 0.9 } },
			fee: {
				cost: usd * 0.05,
				is_byok: true,
				cost_details: { upstream_inference_cost: deed.us ? usd * 0.95 : null },
			},
		}[deed.report];
		return {
			choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
			usage: { prompt_tokens: deed.input, completion_tokens: deed.output, ...report },
		};
	},
	read: (payload, { modelId, key, exchange }) =>
		readOpenAiAnswer(rowOf("openrouter/x"), payload, {
			provider: rowOf("openrouter/x"),
			modelId,
			key,
			exchange,
		}),
};

/** claude-sonnet-4-6: 3 in, 0.30 read, 3.75 and 6 written, 15 out; $0.01 a search; 10 % more in the USA. */
const anthropic: Dialect = {
	model: "anthropic/claude-sonnet-4-6",
	bill: (deed) => {
		const [cached, written, hour] = [deed.cached, deed.written, deed.hour].map((percent) =>
			part(deed, percent),
		) as [number, number, number];
		const tokens =
			(deed.input - cached - written - hour) * 3 +
			cached * 0.3 +
			written * 3.75 +
			hour * 6 +
			deed.output * 15;
		const factor = { standard: 1, flex: 0.5, priority: 1, odd: 6 }[deed.tier];
		return tokens * M * factor * (deed.us ? 1.1 : 1) + deed.searches * 0.01;
	},
	answer: (deed) => {
		const [cached, written, hour] = [deed.cached, deed.written, deed.hour].map((percent) =>
			part(deed, percent),
		) as [number, number, number];
		return {
			type: "message",
			role: "assistant",
			content: [{ type: "text", text: "hello" }],
			stop_reason: "end_turn",
			usage: counted<Record<string, unknown>>(
				deed,
				{ input_tokens: 0, output_tokens: 0 },
				{
					input_tokens: deed.input - cached - written - hour,
					cache_read_input_tokens: cached,
					cache_creation_input_tokens: written + hour,
					cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: hour },
					output_tokens: deed.count === "absurd" ? 9e15 : deed.output,
					service_tier: deed.tier === "odd" ? "standard" : deed.tier,
					...(deed.tier === "odd" && { speed: "fast" }),
					inference_geo: deed.us ? "us" : "global",
					...(deed.searches > 0 && { server_tool_use: { web_search_requests: deed.searches } }),
				},
			),
		};
	},
	read: (payload, call) => {
		const reader = new AnthropicReader(rowOf("anthropic/x"), call);
		reader.takeWhole(payload);
		return finishOf(reader.end());
	},
};

/** gemini-2.5-flash: 0.30 in, 0.03 cached, 1 for sound and 0.10 of it cached, 2.50 out; $0.035 a grounded prompt. */
const gemini: Dialect = {
	model: "gemini/gemini-2.5-flash",
	bill: (deed) => {
		const [cached, audio] = [part(deed, deed.cached), part(deed, deed.audio)];
		const cachedAudio = Math.min(cached, audio);
		const tokens =
			(deed.input - cached - audio + cachedAudio) * 0.3 +
			(cached - cachedAudio) * 0.03 +
			(audio - cachedAudio) * 1 +
			cachedAudio * 0.1 +
			deed.output * 2.5;
		const factor = { standard: 1, flex: 0.5, priority: 1.8, odd: 3 }[deed.tier];
		return tokens * M * factor + (deed.searches > 0 ? 0.035 : 0);
	},
	answer: (deed) => {
		const [cached, audio] = [part(deed, deed.cached), part(deed, deed.audio)];
		return {
			candidates: [
				{
					content: { role: "model", parts: [{ text: "hello" }] },
					finishReason: "STOP",
					...(deed.searches > 0 && {
						groundingMetadata: { webSearchQueries: Array(deed.searches).fill("q") },
					}),
				},
			],
			usageMetadata: counted<Record<string, unknown>>(
				deed,
				{ promptTokenCount: 0, candidatesTokenCount: 0 },
				{
					promptTokenCount: deed.input,
					candidatesTokenCount: deed.count === "absurd" ? 9e15 : deed.output,
					cachedContentTokenCount: cached,
					promptTokensDetails: [{ modality: "AUDIO", tokenCount: audio }],
					cacheTokensDetails: [{ modality: "AUDIO", tokenCount: Math.min(cached, audio) }],
					serviceTier: deed.tier,
				},
			),
		};
	},
	read: (payload, call) => {
		const reader = new GeminiReader(rowOf("gemini/x"), call);
		reader.takeWhole(payload);
		return finishOf(reader.end());
	},
};

function finishOf(parts: readonly { type: string }[]): Parameters<Accounting["price"]>[0] {
	return parts.at(-1) as unknown as Parameters<Accounting["price"]>[0];
}

describe.each([
	["OpenAI's", openAi],
	["OpenRouter's", openRouter],
	["Anthropic's", anthropic],
	["Gemini's", gemini],
])("the cost of a random answer in %s dialect", (_, dialect) => {
	const found = route(dialect.model, { env });
	const call = {
		modelId: found.modelId,
		key: undefined,
		exchange: { headers: {} },
	} as unknown as AdapterCall;
	const accounting = () =>
		new Accounting({
			model: dialect.model,
			route: found,
			ledger: undefined,
			command: "test",
			session: undefined,
			label: undefined,
		});

	it("is right, or unknown, and never too low", () => {
		let known = 0;
		fc.assert(
			fc.property(deeds, (deed) => {
				const { cost } = accounting().price(dialect.read(dialect.answer(deed), call));
				if (cost.usd === null) return;
				known += 1;
				expect(Math.abs(cost.usd - dialect.bill(deed))).toBeLessThan(1e-9);
			}),
			{ numRuns: 500 },
		);
		// A reader that knows nothing would be right too.
		expect(known).toBeGreaterThan(50);
	});

	it("is known for every ordinary answer", () => {
		const ordinary = deeds.map(
			(deed): Deed => ({
				...deed,
				tier: "standard",
				count: "right",
				audio: 0,
				searches: 0,
				report: "cost",
			}),
		);
		fc.assert(
			fc.property(ordinary, (deed) => {
				expect(accounting().price(dialect.read(dialect.answer(deed), call)).cost.usd).not.toBeNull();
			}),
		);
	});
});
