import type { ProviderRow } from "../../src/providers/provider-row.ts";
import { providers } from "../../src/providers/registry.ts";
import { type Expected, type ExpectedFailure, final, other } from "../fixtures/answers/fixture.ts";

/** What each recording must be read as, written down by hand. */
export const expectations: Readonly<Record<string, readonly [ProviderRow, Expected | ExpectedFailure]>> = {
	"alibaba-chat-01": [
		other("alibaba"),
		{
			text: { starts: 'The word **"strawberry"** contains **3**', ends: "**Answer: 3** 🍓", length: 952 },
			reasoning: { starts: "We are asked:", ends: "So final answer: 3.", length: 4213 },
			finish: "stop",
			usage: [24, 0, 0, 0, 1668, 1353],
		},
	],
	"anthropic-chat-01": [
		other("anthropic-compatible"),
		{ text: "4200 + 42 = 4242", finish: "stop", usage: [17, 0, 0, 0, 15, 0] },
	],
	"anthropic-msg-01": [
		providers.anthropic,
		{
			text: { starts: "I need to describe what I see", ends: "by white space between them.", length: 493 },
			finish: "stop",
			usage: [76, 0, 0, 0, 104, 0],
		},
	],
	"anthropic-msg-03": [providers.anthropic, { error: "not_found", ...final, says: "claude-sonet-4-5" }],
	"anthropic-msg-05": [providers.anthropic, { text: "Hello", finish: "stop", usage: [10, 0, 0, 0, 4, 0] }],
	"anthropic-msg-07": [providers.anthropic, { text: "", finish: "tool-calls", usage: [577, 0, 0, 0, 37, 0] }],
	"anthropic-msg-09": [
		providers.anthropic,
		{ error: "blocked", ...final, says: "refusal", usage: [18, 0, 0, 0, 5, 0] },
	],
	"anthropic-msg-11": [
		providers.anthropic,
		{
			text: "Hi there! How are you doing today? Is there anything I can help you with?",
			finish: "stop",
			usage: [12, 2, 1, 0, 21, 0],
		},
	],
	"avian-chat-01": [
		other("avian"),
		{
			text: "   ",
			reasoning: { starts: "I need to get the weather", ends: "as the location parameter. ", length: 133 },
			finish: "tool-calls",
			usage: [76, 64, 0, 0, 47, 34],
		},
	],
	"azure-chat-01": [
		other("azure"),
		{ error: "rate_limit", retry: "always", key: "next", says: "exceeded rate limit", afterMs: 1000 },
	],
	"azure-chat-03": [other("azure"), { error: "not_found", ...final, says: "deployment" }],
	"azure-chat-05": [other("azure"), { text: "Oi!", finish: "stop", usage: [19, 0, 0, 0, 149, 128] }],
	"azure-chat-07": [
		other("azure"),
		{
			text: { starts: "Absolutely! Based on", ends: "🏙️🧡💙", length: 4105 },
			reasoning: { starts: "We need to invent", ends: "should be entertaining.", length: 3389 },
			finish: "stop",
			usage: [19, 0, 0, 0, 1969, 0],
		},
	],
	"cerebras-chat-01": [
		providers.cerebras,
		{
			text: "The capital of France is **Paris**.",
			reasoning: { starts: "User asks simple question", ends: "Provide concise answer.", length: 84 },
			finish: "stop",
			usage: [74, 0, 0, 0, 36, 0],
		},
	],
	"crusoe-chat-01": [
		other("crusoe"),
		{
			text: "",
			reasoning: { starts: "The user wants to know", ends: '"Paris" as the city.', length: 105 },
			finish: "tool-calls",
			usage: [167, 0, 0, 0, 37, 25],
		},
	],
	"deepseek-chat-01": [
		providers.deepseek,
		{ error: "auth", retry: "always", key: "drop", says: "Authentication Fails" },
	],
	"deepseek-chat-03": [
		providers.deepseek,
		{
			text: "",
			reasoning: "Let me get the current date.",
			finish: "tool-calls",
			usage: [297, 0, 0, 0, 35, 7],
		},
	],
	"gemini-arr-01": [
		providers.gemini,
		{
			text: '{"name":"Alice","address":{"street":"123 Main St","city":"San Francisco"}}',
			reasoning: { starts: "**Defining the Structure**", ends: "\n\n\n", length: 319 },
			finish: "stop",
			usage: [10, 0, 0, 0, 443, 423],
		},
	],
	"gemini-chat-01": [
		other("gemini-compatible"),
		{ text: "The current time is Noon.", finish: "stop", usage: [66, 0, 0, 0, 34, 28] },
	],
	"gemini-gen-01": [
		providers.gemini,
		{ error: "rate_limit", retry: "always", key: "next", says: "limit: 1000000", afterMs: 48_940 },
	],
	"gemini-gen-03": [providers.gemini, { error: "not_found", ...final, says: "gemini-3.6-flahs" }],
	"gemini-gen-05": [
		providers.gemini,
		{ error: "blocked", ...final, says: "SAFETY, hate_speech", usage: [14, 0, 0, 0, 0, 0] },
	],
	"gemini-gen-07": [providers.gemini, { text: "2", finish: "stop", usage: [25, 0, 0, 0, 67, 66] }],
	"gemini-gen-09": [
		providers.gemini,
		{
			text: "2 + 2 = 4",
			reasoning: { starts: "**My Calculation: 2 + 2**", ends: "need for further analysis.\n", length: 520 },
			finish: "stop",
			usage: [9, 0, 0, 0, 81, 73],
		},
	],
	"gemini-gen-11": [
		providers.gemini,
		{
			text: "The capital of France is Paris. Paris is also known for its famous landmarks, such as the Eiffel Tower.",
			finish: "stop",
			usage: [303, 0, 0, 0, 297, 257],
		},
	],
	"groq-chat-01": [
		providers.groq,
		{
			text: { starts: "Here's one:\n\nWhy did", ends: '"instrumented" anxiety!', length: 106 },
			finish: "stop",
			usage: [18, 0, 0, 0, 26, 0],
		},
	],
	"groq-chat-03": [providers.groq, { error: "invalid_request", ...final, says: "did not call a tool" }],
	"groq-chat-05": [providers.groq, { text: "Olá!", finish: "stop", usage: [20, 0, 0, 0, 4, 0] }],
	"groq-chat-07": [
		providers.groq,
		{
			text: "4",
			reasoning: { starts: "\nOkay, let's see...", ends: "without any explanation.\n", length: 702 },
			finish: "stop",
			usage: [21, 0, 0, 0, 173, 0],
		},
	],
	"huggingface-chat-01": [
		providers.huggingface,
		{ text: '{"name": "Eleanor Thompson", "age": 28}', finish: "stop", usage: [294, 0, 0, 0, 15, 0] },
	],
	"local-chat-01": [
		providers.local,
		{
			text: "The current weather in Florence, Italy is **40\u202f°C**.",
			finish: "stop",
			usage: [196, 0, 0, 0, 18, 0],
		},
	],
	"local-llamaserver-01": [
		providers.local,
		{
			text: { starts: "outside. The cat", ends: "was very happy.\nOn", length: 104 },
			finish: "length",
			usage: [12, 5, 0, 0, 40, 0],
		},
	],
	"local-llamaserver-03": [
		providers.local,
		{ error: "context_length", ...final, says: "(3603 tokens, the limit is 512)" },
	],
	"mistral-chat-01": [providers.mistral, { text: "", finish: "tool-calls", usage: [96, 0, 0, 0, 23, 0] }],
	"mistral-chat-03": [providers.mistral, { text: "", finish: "tool-calls", usage: [124, 0, 0, 0, 22, 0] }],
	"mistral-chat-05": [
		providers.mistral,
		{
			text: "2 + 2 = 4",
			reasoning: "The user is asking for 2+2. This is basic arithmetic. 2+2=4.",
			finish: "stop",
			usage: [10, 0, 0, 0, 46, 0],
		},
	],
	"ollama-chat-01": [providers.ollama, { error: "auth", retry: "always", key: "drop", says: "Unauthorized" }],
	"openai-chat-01": [providers.openai, { text: "1 + 1 = 2", finish: "stop", usage: [11, 0, 0, 0, 8, 0] }],
	"openai-chat-03": [providers.openai, { error: "not_found", ...final, says: "this-model-does-not-exist" }],
	"openai-chat-06": [providers.openai, { text: "2", finish: "stop", usage: [26, 0, 0, 0, 4, 0] }],
	"openai-chat-08": [providers.openai, { text: "", finish: "tool-calls", usage: [145, 0, 0, 0, 89, 64] }],
	"openai-chat-10": [providers.openai, { text: "Olá!", finish: "stop", usage: [19, 0, 0, 0, 75, 64] }],
	"openai-chat-12": [providers.openai, { text: "", finish: "length", usage: [13, 0, 0, 0, 50, 50] }],
	"openrouter-chat-01": [
		providers.openrouter,
		{ error: "overloaded", retry: "always", key: "keep", says: "temporarily rate-limited upstream" },
	],
	"openrouter-chat-03": [
		providers.openrouter,
		{ error: "context_length", ...final, says: "200000 tokens. However, you requested about 2500021" },
	],
	"openrouter-chat-05": [
		providers.openrouter,
		{ error: "invalid_request", ...final, says: "Token limit reached", usage: [43, 0, 0, 0, 10, 10] },
	],
	"perplexity-chat-01": [
		providers.perplexity,
		{ error: "context_length", ...final, says: "total length of all messages is too long" },
	],
	"sambanova-chat-01": [
		providers.sambanova,
		{
			text: { starts: "In madam moon's silver glow,", ends: "I hope you enjoy the attempt!", length: 939 },
			finish: "stop",
			usage: [43, 0, 0, 0, 350, 0],
		},
	],
	"sambanova-chat-03": [
		providers.sambanova,
		{
			text: { starts: "Here's one:\n\nWhat do you call", ends: "hear another one?", length: 117 },
			finish: "stop",
			usage: [39, 0, 0, 0, 31, 0],
		},
	],
	"sambanova-err-400-empty_messages": [
		providers.sambanova,
		{ error: "invalid_request", ...final, says: "empty array" },
	],
	"sambanova-err-400-missing_model": [
		providers.sambanova,
		{ error: "invalid_request", ...final, says: "provide a model parameter" },
	],
	"sambanova-err-401-invalid_api_key": [
		providers.sambanova,
		{ error: "auth", retry: "always", key: "drop", says: "Incorrect API key" },
	],
	"sambanova-err-404-model_not_found": [
		providers.sambanova,
		{ error: "not_found", ...final, says: "`abc` does not exist" },
	],
	"sambanova-err-503": [
		providers.sambanova,
		{ error: "overloaded", retry: "always", key: "keep", says: "Service Temporarily Unavailable" },
	],
	"together-chat-01": [
		providers.together,
		{
			text: "To find the answer, add 4200 and 42.\n\n4200 + 42 = 4242",
			finish: "stop",
			usage: [44, 0, 0, 0, 23, 0],
		},
	],
	"together-chat-03": [
		providers.together,
		{ text: "1, 2, 3, 4, 5.", finish: "stop", usage: [41, 0, 0, 0, 15, 0] },
	],
	"together-chat-05": [providers.together, { text: "", finish: "tool-calls", usage: [198, 0, 0, 0, 24, 0] }],
	"vercel-gateway-chat-01": [other("vercel"), { text: "Olá!", finish: "stop", usage: [9, 0, 0, 0, 27, 25] }],
	"vertex-gen-01": [
		providers.gemini,
		{ error: "malformed_response", ...final, says: "UNEXPECTED_TOOL_CALL", usage: [22, 0, 0, 0, 137, 134] },
	],
	"xai-chat-01": [
		providers.xai,
		{
			text: "Hello",
			reasoning: "First, the user said",
			finish: "stop",
			usage: [12, 11, 0, 0, 291, 290],
			reportedUsd: 0.000146625,
		},
	],
	"xai-resp-01": [providers.xai, { error: "auth", retry: "always", key: "drop", says: "Incorrect API key" }],
	"zai-chat-01": [
		providers.zai,
		{
			text: "The current weather in Florence, Italy is 40°C (104°F). That's quite hot!",
			reasoning: { starts: "The weather function returned", ends: "the current temperature.", length: 249 },
			finish: "stop",
			usage: [266, 177, 0, 0, 71, 49],
		},
	],
};
