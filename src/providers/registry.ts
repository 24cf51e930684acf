import { ConfigError } from "../errors.ts";
import { type ProviderRow, defineRow as row } from "./provider-row.ts";

export type { ProviderRow } from "./provider-row.ts";

const many = 128;
const everything = ["image", "file", "audio"] as const;

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
		takes: everything,
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
		takes: ["image", "file"],
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
		takes: everything,
		fetchesImages: false,
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
		takes: everything,
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
		fetchesImages: false,
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
		takes: everything,
		fileForm: "document_url",
	}),
	deepseek: row({
		id: "deepseek",
		label: "DeepSeek",
		baseUrl: "https://api.deepseek.com",
		baseUrlEnv: ["DEEPSEEK_API_BASE"],
		rateHeaders: "none",
		reasoning: "switch-effort",
		refuses: ["topK", "seed"],
		schemaForm: "prompt",
		defaultModel: "deepseek-v4-flash",
		takes: [],
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
	}),
	zai: row({
		id: "zai",
		label: "Z.ai",
		baseUrl: "https://api.z.ai/api/paas/v4",
		keyEnv: ["ZHIPU_API_KEY"],
		reasoning: "switch-effort",
		refuses: ["topK", "seed", "presencePenalty", "frequencyPenalty"],
		schemaForm: "prompt",
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
		fetchesImages: false,
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
		fetchesImages: false,
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
		takes: ["image", "audio"],
		fetchesImages: false,
	}),
	local: row({
		id: "local",
		label: "the local server",
		baseUrl: "http://localhost:30000/v1",
		keyRequired: false,
		local: true,
		rateHeaders: "none",
		fetchesImages: false,
	}),
	litellm: row({
		id: "litellm",
		label: "the LiteLLM proxy",
		baseUrl: "http://localhost:4000",
		keyRequired: false,
		takes: everything,
	}),
	sim: row({
		id: "sim",
		label: "the simulator",
		baseUrl: "",
		keyRequired: false,
		local: true,
		choicesPerCall: many,
		takes: everything,
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
			takes: everything,
			fetchesImages: false,
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
