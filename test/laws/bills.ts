import type { Price } from "../../src/models/price-table.ts";
import { done } from "../fixtures/answers/fixture.ts";

/** What a call truly used, and is billed for. Every input token is counted once. */
export interface TrueBill {
	readonly plain: number;
	/** Read from the provider's prompt cache, and written to it: for minutes, and for an hour. */
	readonly cached: number;
	readonly written: number;
	readonly writtenHour: number;
	readonly sound: number;
	readonly reasoning: number;
	readonly text: number;
	readonly searches: number;
	readonly tier: "ordinary" | "priority" | "flex";
	/** Of three forms that a dialect has for the same thing. */
	readonly form: 0 | 1 | 2;
}

/** Fields of an answer by path, as a garbled answer has another value in one of them. */
type Json = Record<string, unknown>;

export interface Dialect {
	readonly model: string;
	/** What of a bill this provider knows; the rest is none. */
	readonly has: readonly (keyof TrueBill)[];
	/** The usage as this provider writes it. */
	readonly usage: (bill: TrueBill, usd: number) => Json;
	/** A whole answer, or a stream of events, around a usage. */
	readonly answer: (usage: unknown, bill: TrueBill) => object;
	readonly stream: (usage: unknown, bill: TrueBill) => readonly (object | string)[];
	/** USD of one search. */
	readonly searchUsd?: number;
}

export const words = "as it was billed";

/** USD, computed from the price list and the true figures. A discount that nobody publishes is none. */
export function trueCost(bill: TrueBill, price: Price, searchUsd = 0): number {
	const { plain, cached, written, writtenHour, sound, reasoning, text, searches, tier } = bill;
	const input =
		plain * price.input +
		cached * (price.cachedInput ?? price.input) +
		written * (price.cacheWrite ?? price.input) +
		// https://platform.claude.com/docs/en/build-with-claude/prompt-caching: twice the input price
		writtenHour * 2 * price.input +
		sound * (price.audioInput ?? price.input);
	const factor = tier === "priority" ? (price.priority ?? 1.5) : tier === "flex" ? 0.5 : 1;
	return ((input + (reasoning + text) * price.output) * factor) / 1e6 + searches * searchUsd;
}

const inputOf = ({ plain, cached, written, writtenHour, sound }: TrueBill) =>
	plain + cached + written + writtenHour + sound;
const outputOf = ({ reasoning, text }: TrueBill) => reasoning + text;

const chunk = (choices: readonly object[], rest: object = {}) => ({
	object: "chat.completion.chunk",
	choices,
	...rest,
});
const delta = (content: string, finish_reason: string | null = null) => [
	{ index: 0, delta: { content }, finish_reason },
];
const whole = (usage: unknown, rest: object = {}) => ({
	object: "chat.completion",
	choices: [{ index: 0, message: { role: "assistant", content: words }, finish_reason: "stop" }],
	...(usage === undefined ? {} : { usage }),
	...rest,
});

const tiers = { ordinary: "default", priority: "priority", flex: "flex" } as const;

/** OpenAI's wire; the usage comes alone at the end, beside the finish, or in both places. */
function openAiWire(rest: (bill: TrueBill) => object = () => ({})): Pick<Dialect, "answer" | "stream"> {
	return {
		answer: (usage, bill) => whole(usage, rest(bill)),
		stream: (usage, bill) => {
			const said = usage === undefined ? {} : { usage };
			return [
				chunk(delta("as it "), rest(bill)),
				chunk(delta("was billed"), rest(bill)),
				chunk(delta("", "stop"), { ...rest(bill), ...(bill.form === 0 ? {} : said) }),
				...(bill.form === 1 ? [] : [chunk([], { ...rest(bill), ...said })]),
				done,
			];
		},
	};
}

/** `completion_tokens` has the reasoning in it, as most have it. */
const plainUsage = (bill: TrueBill): Json => ({
	prompt_tokens: inputOf(bill),
	completion_tokens: outputOf(bill),
	total_tokens: inputOf(bill) + outputOf(bill),
});
const detailedUsage = (bill: TrueBill): Json => ({
	...plainUsage(bill),
	prompt_tokens_details: { cached_tokens: bill.cached, audio_tokens: bill.sound },
	completion_tokens_details: { reasoning_tokens: bill.reasoning, audio_tokens: 0 },
});

const anthropicUsage = (bill: TrueBill): Json => ({
	input_tokens: bill.plain,
	cache_read_input_tokens: bill.cached,
	cache_creation_input_tokens: bill.written + bill.writtenHour,
	cache_creation: {
		ephemeral_5m_input_tokens: bill.written,
		ephemeral_1h_input_tokens: bill.writtenHour,
	},
	output_tokens: outputOf(bill),
	service_tier: "standard",
	...(bill.searches > 0 ? { server_tool_use: { web_search_requests: bill.searches } } : {}),
});
const anthropicEvent = (payload: { readonly type: string }) =>
	`event: ${payload.type}\ndata: ${JSON.stringify(payload)}\n\n`;

const geminiAnswer = (usage: unknown, bill: TrueBill, text: string, finishReason?: string) => ({
	candidates: [
		{
			content: { parts: [{ text }], role: "model" },
			...(finishReason === undefined ? {} : { finishReason }),
			...(bill.searches > 0 && finishReason !== undefined
				? { groundingMetadata: { webSearchQueries: Array.from({ length: bill.searches }, () => "words") } }
				: {}),
		},
	],
	...(usage === undefined ? {} : { usageMetadata: usage }),
});

const responseOf = (usage: unknown, { tier }: TrueBill) => ({
	object: "response",
	status: "completed",
	service_tier: tiers[tier],
	output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: words }] }],
	...(usage === undefined ? {} : { usage }),
});

export const dialects: Readonly<Record<string, Dialect>> = {
	openai: {
		model: "openai/gpt-5-mini",
		has: ["plain", "cached", "reasoning", "text", "tier"],
		usage: detailedUsage,
		...openAiWire(({ tier }) => ({ service_tier: tiers[tier] })),
	},
	responses: {
		model: "openai/gpt-5-codex",
		has: ["plain", "cached", "reasoning", "text", "tier"],
		usage: (bill) => ({
			input_tokens: inputOf(bill),
			input_tokens_details: { cached_tokens: bill.cached },
			output_tokens: outputOf(bill),
			output_tokens_details: { reasoning_tokens: bill.reasoning },
			total_tokens: inputOf(bill) + outputOf(bill),
		}),
		answer: responseOf,
		stream: (usage, bill) => [
			{
				type: "response.created",
				response: { ...responseOf(null, bill), status: "in_progress", output: [] },
			},
			{ type: "response.output_text.delta", output_index: 0, delta: "as it " },
			{ type: "response.output_text.delta", output_index: 0, delta: "was billed" },
			{ type: "response.completed", response: responseOf(usage, bill) },
			...(bill.form === 0 ? [done] : []),
		],
	},
	groq: {
		model: "groq/llama-3.3-70b-versatile",
		has: ["plain", "text"],
		usage: (bill) => ({ queue_time: 0.01, ...plainUsage(bill), total_time: 0.2 }),
		answer: (usage) => whole(usage, { x_groq: { id: "req" } }),
		stream: (usage, bill) => [
			chunk(delta("as it "), { x_groq: { id: "req" } }),
			chunk(delta("was billed")),
			chunk(delta("", "stop"), {
				x_groq: { id: "req", ...(bill.form === 1 || usage === undefined ? {} : { usage }) },
			}),
			...(bill.form === 0 || usage === undefined ? [] : [chunk([], { usage })]),
			done,
		],
	},
	deepseek: {
		model: "deepseek/deepseek-v4-flash",
		has: ["plain", "cached", "reasoning", "text"],
		usage: (bill) => ({
			...(bill.form === 0 ? plainUsage(bill) : detailedUsage(bill)),
			prompt_cache_hit_tokens: bill.cached,
			prompt_cache_miss_tokens: bill.plain,
		}),
		...openAiWire(),
	},
	together: {
		model: "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo",
		has: ["plain", "text"],
		usage: (bill) => ({ ...plainUsage(bill), cached_tokens: 0 }),
		...openAiWire(),
	},
	mistral: {
		model: "mistral/mistral-small-latest",
		has: ["plain", "text"],
		usage: plainUsage,
		...openAiWire(),
	},
	sambanova: {
		model: "sambanova/Meta-Llama-3.3-70B-Instruct",
		has: ["plain", "text"],
		usage: (bill) => ({ acceptance_rate: 2.5, is_last_response: true, ...plainUsage(bill) }),
		...openAiWire(),
	},
	xai: {
		model: "xai/grok-4.3",
		has: ["plain", "cached", "reasoning", "text"],
		// Reasoning is in the total only; the cost comes in ticks.
		usage: (bill, usd) => ({
			prompt_tokens: inputOf(bill),
			completion_tokens: bill.text,
			total_tokens: inputOf(bill) + outputOf(bill),
			prompt_tokens_details: { cached_tokens: bill.cached },
			completion_tokens_details: { reasoning_tokens: bill.reasoning },
			cost_in_usd_ticks: Math.round(usd * 1e10),
		}),
		...openAiWire(),
	},
	openrouter: {
		model: "openrouter/openai/gpt-4o-mini",
		has: ["plain", "cached", "text"],
		// With a key of one's own its `cost` is a fee, and the vendor's bill stands beside it, or nowhere.
		usage: (bill, usd) => ({
			...detailedUsage(bill),
			...(bill.form === 0
				? { cost: usd, is_byok: false, cost_details: { upstream_inference_cost: usd } }
				: {
						cost: 0,
						is_byok: true,
						cost_details: { upstream_inference_cost: bill.form === 1 ? usd : null },
					}),
		}),
		...openAiWire(),
	},
	anthropic: {
		model: "anthropic/claude-haiku-4-5",
		has: ["plain", "cached", "written", "writtenHour", "reasoning", "text", "searches"],
		usage: anthropicUsage,
		answer: (usage) => ({
			type: "message",
			role: "assistant",
			content: [{ type: "text", text: words }],
			stop_reason: "end_turn",
			...(usage === undefined ? {} : { usage }),
		}),
		stream: (usage) => [
			anthropicEvent({ type: "message_start", message: { content: [], usage } } as { type: string }),
			anthropicEvent({
				type: "content_block_delta",
				index: 0,
				delta: { type: "text_delta", text: words },
			} as { type: string }),
			anthropicEvent({
				type: "message_delta",
				delta: { stop_reason: "end_turn" },
				...(usage === undefined ? {} : { usage }),
			} as { type: string }),
			anthropicEvent({ type: "message_stop" }),
		],
		// https://platform.claude.com/docs/en/about-claude/pricing: $10 for 1,000
		searchUsd: 0.01,
	},
	gemini: {
		model: "gemini/gemini-2.5-flash",
		has: ["plain", "cached", "sound", "reasoning", "text"],
		usage: (bill) => ({
			promptTokenCount: inputOf(bill),
			cachedContentTokenCount: bill.cached,
			candidatesTokenCount: bill.text,
			thoughtsTokenCount: bill.reasoning,
			totalTokenCount: inputOf(bill) + outputOf(bill),
			promptTokensDetails: [
				{ modality: "TEXT", tokenCount: bill.plain + bill.cached },
				{ modality: "AUDIO", tokenCount: bill.sound },
			],
		}),
		answer: (usage, bill) => geminiAnswer(usage, bill, words, "STOP"),
		stream: (usage, bill) => [
			geminiAnswer(undefined, bill, "as it "),
			geminiAnswer(usage, bill, "was billed", "STOP"),
		],
	},
};
