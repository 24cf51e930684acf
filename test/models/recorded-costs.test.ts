import { expect, it } from "vitest";
import { type PricedCall, priceCall } from "../../src/models/cost.ts";
import type { ProviderRow } from "../../src/providers/provider-row.ts";
import { providers } from "../../src/providers/registry.ts";
import { usageOf } from "../helpers/answers.ts";
import { describeWithMaterial, readIndex, recordedAnswer, recordedText } from "../helpers/recordings.ts";
import { expectations as answers } from "../providers/recorded-expectations.ts";

const costOfCall = (call: PricedCall) => priceCall(call).usd;

/** A million tokens. */
const M = 1e6;

interface Expected {
	readonly provider: ProviderRow;
	readonly modelId: string;
	/** The day of the call, where prices have changed since. */
	readonly day?: string;
	/** USD, computed by hand from the usage in the recording and the provider's price list; null: unknown. */
	readonly usd: number | null;
}

const { anthropic, cerebras, deepseek, gemini, groq, huggingface, local, mistral, openai, openrouter } =
	providers;
const { sambanova, together, xai, zai } = providers;

const expectations: Readonly<Record<string, Expected>> = {
	"anthropic-msg-01": {
		provider: anthropic,
		modelId: "claude-sonnet-4-5-20250929",
		usd: (76 * 3 + 104 * 15) / M,
	},
	"anthropic-msg-05": {
		provider: anthropic,
		modelId: "claude-haiku-4-5-20251001",
		usd: (10 * 1 + 4 * 5) / M,
	},
	"anthropic-msg-07": {
		provider: anthropic,
		modelId: "claude-haiku-4-5-20251001",
		usd: (577 * 1 + 37 * 5) / M,
	},
	// 12 tokens in: 9 plain, 2 read from the cache, 1 written to it.
	"anthropic-msg-11": {
		provider: anthropic,
		modelId: "claude-3-5-haiku-20241022",
		usd: (9 * 0.8 + 2 * 0.08 + 1 * 1 + 21 * 4) / M,
	},
	"cerebras-chat-01": { provider: cerebras, modelId: "gpt-oss-120b", usd: (74 * 0.35 + 36 * 0.75) / M },
	"deepseek-chat-03": {
		provider: deepseek,
		modelId: "deepseek-v4-flash",
		day: "2026-05-06",
		usd: (297 * 0.14 + 35 * 0.28) / M,
	},
	// 443 tokens out, 423 of them thoughts, which cost the same.
	"gemini-arr-01": {
		provider: gemini,
		modelId: "gemini-3.6-flash",
		day: "2026-08-05",
		usd: (10 * 0.75 + 443 * 3.75) / M,
	},
	"gemini-gen-07": { provider: gemini, modelId: "gemini-2.5-flash", usd: (25 * 0.3 + 67 * 2.5) / M },
	"gemini-gen-09": { provider: gemini, modelId: "gemini-2.5-flash", usd: (9 * 0.3 + 81 * 2.5) / M },
	"gemini-gen-11": { provider: gemini, modelId: "gemini-2.5-pro", usd: (303 * 1.25 + 297 * 10) / M },
	"groq-chat-01": { provider: groq, modelId: "llama3-8b-8192", usd: (18 * 0.05 + 26 * 0.08) / M },
	"groq-chat-05": { provider: groq, modelId: "moonshotai/kimi-k2-instruct-0905", usd: (20 * 1 + 4 * 3) / M },
	"groq-chat-07": { provider: groq, modelId: "qwen/qwen3-32b", usd: (21 * 0.29 + 173 * 0.59) / M },
	"huggingface-chat-01": { provider: huggingface, modelId: "meta-llama/Llama-3.1-8B-Instruct", usd: null },
	"local-chat-01": { provider: local, modelId: "openai/gpt-oss-20b", usd: 0 },
	"local-llamaserver-01": { provider: local, modelId: "stories260K", usd: 0 },
	"mistral-chat-01": { provider: mistral, modelId: "mistral-small-latest", usd: (96 * 0.15 + 23 * 0.6) / M },
	"mistral-chat-03": { provider: mistral, modelId: "mistral-small-latest", usd: (124 * 0.15 + 22 * 0.6) / M },
	"mistral-chat-05": { provider: mistral, modelId: "magistral-medium-2507", usd: (10 * 2 + 46 * 5) / M },
	"openai-chat-01": { provider: openai, modelId: "gpt-4o-2024-08-06", usd: (11 * 2.5 + 8 * 10) / M },
	"openai-chat-06": { provider: openai, modelId: "gpt-5.4-2026-03-05", usd: (26 * 2.5 + 4 * 15) / M },
	"openai-chat-08": { provider: openai, modelId: "gpt-5-2025-08-07", usd: (145 * 1.25 + 89 * 10) / M },
	"openai-chat-10": { provider: openai, modelId: "gpt-5-2025-08-07", usd: (19 * 1.25 + 75 * 10) / M },
	"openai-chat-12": { provider: openai, modelId: "gpt-5-mini-2025-08-07", usd: (13 * 0.25 + 50 * 2) / M },
	"sambanova-chat-01": { provider: sambanova, modelId: "gpt-oss-120b", usd: (43 * 0.22 + 350 * 0.59) / M },
	"sambanova-chat-03": {
		provider: sambanova,
		modelId: "Meta-Llama-3.3-70B-Instruct",
		usd: (39 * 0.6 + 31 * 1.2) / M,
	},
	"together-chat-01": {
		provider: together,
		modelId: "meta-llama/Llama-3.3-70B-Instruct-Turbo",
		usd: ((44 + 23) * 0.88) / M,
		day: "2026-07-01",
	},
	"together-chat-03": {
		provider: together,
		modelId: "meta-llama/Llama-3.3-70B-Instruct-Turbo",
		usd: ((41 + 15) * 0.88) / M,
		day: "2026-07-01",
	},
	"together-chat-05": {
		provider: together,
		modelId: "meta-llama/Llama-3.3-70B-Instruct-Turbo",
		usd: ((198 + 24) * 0.88) / M,
		day: "2026-07-01",
	},
	"vertex-gen-01": { provider: gemini, modelId: "gemini-3-flash-preview", usd: (22 * 0.5 + 137 * 3) / M },
	// 12 tokens in, 11 of them cached; xAI itself reports 1,466,250 ticks of 1e-10 USD for this call.
	"xai-chat-01": { provider: xai, modelId: "grok-3-mini", usd: 1_466_250 / 1e10 },
	"zai-chat-01": { provider: zai, modelId: "glm-4.7-flash", usd: 0 },
};

describeWithMaterial("the cost of recorded answers", () => {
	it.each(Object.entries(expectations))("of %s is right to a millionth of a cent", async (id, expected) => {
		const { provider, modelId, day, usd } = expected;
		const [, answer] = answers[id] as (typeof answers)[string];
		const usage = await usageOf(recordedAnswer(id, provider, answer));
		const at = Date.parse(`${day ?? "2026-11-22"}T12:00:00Z`);
		const cost = costOfCall({ provider, modelId, usage, at });
		if (usd === null) expect(cost).toBeNull();
		else expect(cost).toBeCloseTo(usd, 10);
	});

	it("of a batch job is half", () => {
		// The second of the recorded results: 18 tokens in, 115 out with 64 of reasoning, at half of 0.05 and 0.4.
		const usage = {
			inputTokens: 18,
			cachedInputTokens: 0,
			cacheWriteTokens: 0,
			audioInputTokens: 0,
			outputTokens: 115,
			reasoningTokens: 64,
		};
		const text = recordedText("openai-batch-05");
		expect(text).toContain("gpt-5-nano-2025-08-07");
		expect(text).toMatch(/total_tokens\W+133\b/);
		const call = { provider: openai, modelId: "gpt-5-nano-2025-08-07", usage };
		expect(costOfCall({ ...call, batch: true })).toBeCloseTo((18 * 0.025 + 115 * 0.2) / M, 10);
		expect(costOfCall(call)).toBeCloseTo((18 * 0.05 + 115 * 0.4) / M, 10);
	});

	it("is unknown where the answer failed half-way, unless the provider reported it", async () => {
		expect(costOfCall({ provider: openrouter, modelId: "minimax/minimax-m2:free", usage: null })).toBeNull();
		const reported = {
			provider: openrouter,
			modelId: "minimax/minimax-m2:free",
			usage: null,
			charges: { reportedUsd: 0.00042 },
		};
		expect(costOfCall(reported)).toBe(0.00042);
	});

	it("is expected here for every answer with usage of a provider in the table", () => {
		const ours = readIndex().filter(
			({ id, api, status, provider }) =>
				status === 200 &&
				!["batch", "models", "gemini.countTokens"].includes(api) &&
				provider in providers &&
				!elsewhere.includes(id),
		);
		expect(ours.map(({ id }) => id).filter((id) => !(id in expectations))).toEqual([]);
	});
});

/** Refused or broken answers, and those of other makers' compatible endpoints. */
const elsewhere = [
	"anthropic-chat-01",
	"anthropic-msg-09",
	"gemini-chat-01",
	"gemini-gen-05",
	"openrouter-chat-05",
];
