import { ConfigError } from "../errors.ts";
import type { Parameters } from "../types.ts";

/** The language a provider speaks on the wire; each has one adapter. */
export type WireFormat = "openai" | "gemini" | "anthropic";

/** How a provider spells its rate-limit headers. */
export type RateDialect =
	| "openai"
	| "anthropic"
	| "gemini"
	| "sambanova"
	| "groq"
	| "together"
	| "mistral"
	| "cerebras"
	| "xai"
	| "none";

export type ParameterName = Exclude<keyof Parameters, "extra"> | "jsonSchema";

/**
 * How reasoning is steered on the OpenAI wire: `effort` is the `reasoning_effort` field, `object` OpenRouter's
 * `reasoning: {effort, max_tokens}`, `switch` a `thinking: {type}` that is on or off, `none` no such field.
 */
export type ReasoningControl = "effort" | "object" | "switch" | "none";

/** One provider: everything about it that is not wire code. */
export interface ProviderRow {
	readonly id: string;
	/** Its name in sentences for people. */
	readonly label: string;
	/** What stands before the first slash of a model string, most usual first. */
	readonly prefixes: readonly string[];
	/** Model names that belong here without any prefix. */
	readonly bareNames: RegExp | null;
	readonly wire: WireFormat;
	/** Default base URL; empty for the simulator, whose address is known only at run time. */
	readonly baseUrl: string;
	/** Variables that replace the base URL; the first one set wins. */
	readonly baseUrlEnv: readonly string[];
	/** Variables that hold a comma list of keys; they win over `keyEnv`. */
	readonly keyListEnv: readonly string[];
	/** Variables that hold one key; the first one set wins. */
	readonly keyEnv: readonly string[];
	/** Those of `keyEnv` that are often set for other tools: they never choose the default model. */
	readonly foreignKeyEnv: readonly string[];
	/** Those of `keyEnv` whose value goes out as `Authorization: Bearer` whatever `auth` says. */
	readonly bearerKeyEnv: readonly string[];
	readonly keyRequired: boolean;
	readonly auth: "bearer" | "x-api-key" | "x-goog-api-key";
	/** HTTP/2 measured as a gain against this provider. */
	readonly http2: boolean;
	/** A server of the user's own: it queues instead of refusing, and what it does not charge is not priced. */
	readonly local: boolean;
	/** Its `usage.cost` is the price of the call and is preferred to the table. */
	readonly reportsCost: boolean;
	readonly rateHeaders: RateDialect;
	/** Billing-like codes of a 429 that here mean the ordinary per-minute limit. */
	readonly minuteLimitCodes: readonly string[];
	/** `stream_options.include_usage` may be asked. */
	readonly streamUsage: boolean;
	/** Field of the answer's limit; `by-model` is max_completion_tokens for gpt-5 and newer and the o-series. */
	readonly maxTokensField: "max_tokens" | "max_completion_tokens" | "by-model";
	/** Field of the seed. */
	readonly seedField: "seed" | "random_seed";
	readonly reasoning: ReasoningControl;
	/** Parameters that the provider refuses or silently ignores: using one is an error before sending. */
	readonly refuses: readonly ParameterName[];
	/** Answers that one request may ask for (`n`). */
	readonly choicesPerCall: number;
	/** Fields of every request body unless the user sets them. */
	readonly extraBody: Readonly<Record<string, unknown>> | null;
	/** The model used when the user names none and has a key here; null never chooses this provider. */
	readonly defaultModel: string | null;
}

type RowInput = Partial<ProviderRow> & Pick<ProviderRow, "id" | "label" | "baseUrl">;

/** Fills a row: `<ID>_BASE_URL`, `<ID>_KEYS` and `<ID>_API_KEY` come first, names given in `input` after them. */
function row(input: RowInput): ProviderRow {
	const upper = input.id.toUpperCase().replaceAll("-", "_");
	return {
		prefixes: [input.id],
		bareNames: null,
		wire: "openai",
		foreignKeyEnv: [],
		bearerKeyEnv: [],
		keyRequired: true,
		auth: "bearer",
		http2: false,
		local: false,
		reportsCost: false,
		rateHeaders: "openai",
		minuteLimitCodes: [],
		streamUsage: true,
		maxTokensField: "max_tokens",
		seedField: "seed",
		reasoning: "effort",
		refuses: [],
		choicesPerCall: 1,
		extraBody: null,
		defaultModel: null,
		...input,
		baseUrlEnv: [`${upper}_BASE_URL`, ...(input.baseUrlEnv ?? [])],
		keyListEnv: [`${upper}_KEYS`, ...(input.keyListEnv ?? [])],
		keyEnv: [`${upper}_API_KEY`, ...(input.keyEnv ?? [])],
	};
}

const many = 128;

/** Every provider that llmx knows, in the order in which a default model is looked for. */
export const providers = {
	openai: row({
		id: "openai",
		label: "OpenAI",
		baseUrl: "https://api.openai.com/v1",
		bareNames: /^(?:gpt-|chatgpt-|o1|o3|o4)/,
		http2: true,
		maxTokensField: "by-model",
		refuses: ["topK"],
		choicesPerCall: many,
		defaultModel: "gpt-4.1-mini",
	}),
	anthropic: row({
		id: "anthropic",
		label: "Anthropic",
		wire: "anthropic",
		baseUrl: "https://api.anthropic.com",
		auth: "x-api-key",
		keyEnv: ["ANTHROPIC_AUTH_TOKEN"],
		bearerKeyEnv: ["ANTHROPIC_AUTH_TOKEN"],
		rateHeaders: "anthropic",
		refuses: ["seed", "presencePenalty", "frequencyPenalty"],
		defaultModel: "claude-haiku-4-5",
	}),
	gemini: row({
		id: "gemini",
		label: "Gemini",
		wire: "gemini",
		baseUrl: "https://generativelanguage.googleapis.com",
		baseUrlEnv: ["GOOGLE_GEMINI_BASE_URL"],
		keyEnv: ["GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY", "LLM_GEMINI_KEY"],
		auth: "x-goog-api-key",
		rateHeaders: "gemini",
		defaultModel: "gemini-2.5-flash",
	}),
	openrouter: row({
		id: "openrouter",
		label: "OpenRouter",
		baseUrl: "https://openrouter.ai/api/v1",
		baseUrlEnv: ["OPENROUTER_API_BASE"],
		keyEnv: ["OPENROUTER_KEY"],
		reportsCost: true,
		rateHeaders: "none",
		reasoning: "object",
		extraBody: { provider: { sort: "price" } },
		defaultModel: "openai/gpt-4.1-mini",
	}),
	together: row({
		id: "together",
		label: "Together",
		prefixes: ["together_ai", "together", "togetherai"],
		baseUrl: "https://api.together.ai/v1",
		baseUrlEnv: ["TOGETHER_AI_API_BASE"],
		keyEnv: ["TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"],
		rateHeaders: "together",
		choicesPerCall: many,
		defaultModel: "meta-llama/Llama-3.3-70B-Instruct-Turbo",
	}),
	sambanova: row({
		id: "sambanova",
		label: "SambaNova",
		baseUrl: "https://api.sambanova.ai/v1",
		baseUrlEnv: ["SAMBANOVA_API_BASE"],
		rateHeaders: "sambanova",
		minuteLimitCodes: ["insufficient_quota"],
		refuses: ["seed", "presencePenalty", "frequencyPenalty"],
		defaultModel: "Meta-Llama-3.3-70B-Instruct",
	}),
	groq: row({
		id: "groq",
		label: "Groq",
		baseUrl: "https://api.groq.com/openai/v1",
		baseUrlEnv: ["GROQ_API_BASE"],
		rateHeaders: "groq",
		refuses: ["topK", "presencePenalty", "frequencyPenalty"],
		defaultModel: "llama-3.3-70b-versatile",
	}),
	mistral: row({
		id: "mistral",
		label: "Mistral",
		baseUrl: "https://api.mistral.ai/v1",
		baseUrlEnv: ["MISTRAL_API_BASE"],
		rateHeaders: "mistral",
		// Mistral puts the usage into the last chunk by itself and answers 422 to `stream_options`.
		streamUsage: false,
		seedField: "random_seed",
		refuses: ["topK"],
		choicesPerCall: many,
		defaultModel: "mistral-small-latest",
	}),
	deepseek: row({
		id: "deepseek",
		label: "DeepSeek",
		baseUrl: "https://api.deepseek.com",
		baseUrlEnv: ["DEEPSEEK_API_BASE"],
		rateHeaders: "none",
		reasoning: "switch",
		refuses: ["topK", "seed", "jsonSchema"],
		defaultModel: "deepseek-v4-flash",
	}),
	xai: row({
		id: "xai",
		label: "xAI",
		baseUrl: "https://api.x.ai/v1",
		baseUrlEnv: ["XAI_API_BASE"],
		rateHeaders: "xai",
		refuses: ["topK"],
		choicesPerCall: many,
		defaultModel: "grok-4-1-fast-non-reasoning",
	}),
	fireworks: row({
		id: "fireworks",
		label: "Fireworks",
		prefixes: ["fireworks_ai", "fireworks"],
		baseUrl: "https://api.fireworks.ai/inference/v1",
		baseUrlEnv: ["FIREWORKS_API_BASE"],
		keyEnv: ["FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"],
		choicesPerCall: many,
		defaultModel: "accounts/fireworks/models/gpt-oss-120b",
	}),
	cerebras: row({
		id: "cerebras",
		label: "Cerebras",
		baseUrl: "https://api.cerebras.ai/v1",
		baseUrlEnv: ["CEREBRAS_API_BASE"],
		rateHeaders: "cerebras",
		maxTokensField: "max_completion_tokens",
		refuses: ["topK", "presencePenalty", "frequencyPenalty"],
		defaultModel: "gpt-oss-120b",
	}),
	perplexity: row({
		id: "perplexity",
		label: "Perplexity",
		baseUrl: "https://api.perplexity.ai",
		baseUrlEnv: ["PERPLEXITY_API_BASE"],
		keyEnv: ["PERPLEXITYAI_API_KEY"],
		rateHeaders: "none",
		refuses: ["seed"],
		defaultModel: "sonar",
	}),
	deepinfra: row({
		id: "deepinfra",
		label: "DeepInfra",
		baseUrl: "https://api.deepinfra.com/v1/openai",
		choicesPerCall: many,
	}),
	nvidia_nim: row({
		id: "nvidia_nim",
		label: "NVIDIA NIM",
		baseUrl: "https://integrate.api.nvidia.com/v1",
		baseUrlEnv: ["NVIDIA_NIM_API_BASE"],
		keyEnv: ["NVIDIA_API_KEY"],
	}),
	huggingface: row({
		id: "huggingface",
		label: "Hugging Face",
		baseUrl: "https://router.huggingface.co/v1",
		keyEnv: ["HF_TOKEN"],
		foreignKeyEnv: ["HF_TOKEN"],
		refuses: ["topK"],
	}),
	moonshot: row({
		id: "moonshot",
		label: "Moonshot",
		baseUrl: "https://api.moonshot.ai/v1",
		reasoning: "switch",
		refuses: ["topK", "seed"],
		choicesPerCall: many,
	}),
	zai: row({
		id: "zai",
		label: "Z.ai",
		baseUrl: "https://api.z.ai/api/paas/v4",
		keyEnv: ["ZHIPU_API_KEY"],
		reasoning: "switch",
		refuses: ["topK", "seed", "presencePenalty", "frequencyPenalty", "jsonSchema"],
	}),
	github: row({
		id: "github",
		label: "GitHub Models",
		baseUrl: "https://models.github.ai/inference",
		baseUrlEnv: ["GITHUB_API_BASE"],
		keyEnv: ["GITHUB_TOKEN", "GITHUB_PERSONAL_ACCESS_TOKEN"],
		foreignKeyEnv: ["GITHUB_TOKEN", "GITHUB_PERSONAL_ACCESS_TOKEN"],
		maxTokensField: "by-model",
		refuses: ["topK"],
	}),
	ollama: row({
		id: "ollama",
		label: "Ollama",
		baseUrl: "http://localhost:11434/v1",
		baseUrlEnv: ["OLLAMA_HOST"],
		keyRequired: false,
		local: true,
		rateHeaders: "none",
		refuses: ["topK"],
	}),
	lmstudio: row({
		id: "lmstudio",
		label: "LM Studio",
		prefixes: ["lm_studio", "lmstudio"],
		baseUrl: "http://127.0.0.1:1234/v1",
		baseUrlEnv: ["LM_STUDIO_BASE_URL", "LM_STUDIO_API_BASE"],
		keyEnv: ["LM_STUDIO_API_KEY"],
		keyRequired: false,
		local: true,
		rateHeaders: "none",
	}),
	vllm: row({
		id: "vllm",
		label: "vLLM",
		prefixes: ["hosted_vllm", "vllm"],
		baseUrl: "http://localhost:8000/v1",
		baseUrlEnv: ["HOSTED_VLLM_BASE_URL", "HOSTED_VLLM_API_BASE"],
		keyEnv: ["HOSTED_VLLM_API_KEY"],
		keyRequired: false,
		local: true,
		rateHeaders: "none",
		choicesPerCall: many,
	}),
	local: row({
		id: "local",
		label: "the local server",
		baseUrl: "http://localhost:30000/v1",
		keyRequired: false,
		local: true,
		rateHeaders: "none",
	}),
	litellm: row({
		id: "litellm",
		label: "the LiteLLM proxy",
		baseUrl: "http://localhost:4000",
		keyRequired: false,
	}),
	sim: row({
		id: "sim",
		label: "the simulator",
		baseUrl: "",
		keyRequired: false,
		local: true,
		choicesPerCall: many,
	}),
} as const satisfies Record<string, ProviderRow>;

/** What a user writes about a provider of their own in the config file. */
export interface ProviderDefinition {
	readonly base_url: string;
	/** Name of the variable that holds the key. */
	readonly key_env?: string | undefined;
	readonly label?: string | undefined;
	/** Defaults to true when `key_env` is given. */
	readonly key_required?: boolean | undefined;
	/** A server of the user's own that charges nothing. */
	readonly local?: boolean | undefined;
	readonly default_model?: string | undefined;
}

/**
 * Makes a row from the config file's `providers.<id>`; it speaks the OpenAI wire. With the id of a built-in
 * provider it changes that row's address and key variable and keeps the rest. Throws ConfigError.
 */
export function defineProvider(id: string, definition: ProviderDefinition): ProviderRow {
	if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(id)) {
		throw new ConfigError(`provider id "${id.slice(0, 64)}" must be lower-case letters, digits, "_" or "-"`);
	}
	const keyEnv = definition.key_env === undefined ? [] : [definition.key_env];
	const known: ProviderRow | undefined = Object.hasOwn(providers, id)
		? providers[id as keyof typeof providers]
		: undefined;
	const base =
		known ??
		row({
			id,
			label: id,
			baseUrl: definition.base_url,
			keyRequired: keyEnv.length > 0,
			maxTokensField: "by-model",
			choicesPerCall: 1,
		});
	return {
		...base,
		label: definition.label ?? base.label,
		baseUrl: definition.base_url,
		keyEnv: [...keyEnv, ...base.keyEnv],
		keyRequired: definition.key_required ?? base.keyRequired,
		local: definition.local ?? base.local,
		defaultModel: definition.default_model ?? base.defaultModel,
	};
}
