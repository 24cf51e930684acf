import type { RateDialect } from "../limits/rate-headers.ts";
import type { ParameterKey, WireFormat } from "../parameters/table.ts";

/** The batch API a provider has, by the name of its dialect; `openai` is also that of servers that copy it. */
export type JobDialectName =
	| "openai"
	| "openai-responses"
	| "groq"
	| "anthropic"
	| "gemini"
	| "xai"
	| "openrouter"
	| "together"
	| "mistral"
	| "fireworks";

/**
 * How reasoning is steered on the OpenAI wire: `effort` is the `reasoning_effort` field, `object` OpenRouter's
 * `reasoning: {effort, max_tokens}`, `switch` a `thinking: {type}` that is on or off, `switch-effort` both fields.
 */
export type ReasoningControl = "effort" | "object" | "switch" | "switch-effort";

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
	/** Models that it serves by the Responses API alone. */
	readonly responsesModels: RegExp | null;
	/** Default base URL; empty for the simulator, whose address is known only at run time. */
	readonly baseUrl: string;
	/** Its servers where there are several, with the variables of keys of their own; instead of `baseUrl`. */
	readonly servers: readonly { readonly baseUrl: string; readonly keyEnv?: string | undefined }[];
	/** Variables that replace the base URL; the first one set wins, and `…_BASE_URLS` holds a comma list of them. */
	readonly baseUrlEnv: readonly string[];
	/** Variables that hold a comma list of keys; they win over `keyEnv`. */
	readonly keyListEnv: readonly string[];
	/** Variables that hold one key; the first one set wins. */
	readonly keyEnv: readonly string[];
	/** Those of `keyEnv` that are often set for other tools: they never choose the default model. */
	readonly foreignKeyEnv: readonly string[];
	/** Those of `keyEnv` whose value goes out as `Authorization: Bearer` where the wire has a header of its own. */
	readonly bearerKeyEnv: readonly string[];
	readonly keyRequired: boolean;
	/** HTTP/2 measured as a gain against this provider. */
	readonly http2: boolean;
	/** A server of the user's own: it queues instead of refusing, and what it does not charge is not priced. */
	readonly local: boolean;
	/** It charges nothing. */
	readonly free: boolean;
	/** What its usage says of the cost is the price of the call, and is preferred to the table. */
	readonly reportsCost: boolean;
	readonly rateHeaders: RateDialect;
	/** Its token limit is charged with `max_tokens` when a request comes, not with the answer. */
	readonly chargesMaxTokens: boolean;
	/** Billing-like codes of a 429 that here mean the ordinary per-minute limit. */
	readonly minuteLimitCodes: readonly string[];
	/** `stream_options.include_usage` may be asked. */
	readonly streamUsage: boolean;
	/** Field of the answer's limit; `by-model` is max_completion_tokens for gpt-5 and newer and the o-series. */
	readonly maxTokensField: "max_tokens" | "max_completion_tokens" | "by-model";
	/** Field of the seed. */
	readonly seedField: "seed" | "random_seed";
	readonly reasoning: ReasoningControl;
	/** Thinking is switched off in the model's chat template, too (vLLM, SGLang). */
	readonly templateSwitch: boolean;
	/**
	 * Parameters that the provider refuses or silently ignores, besides those that its wire has no field for: using one
	 * is an error before sending.
	 */
	readonly refuses: readonly ParameterKey[];
	/** How a JSON Schema is asked for: by its own field, or in the prompt where the provider knows JSON mode only. */
	readonly schemaForm: "field" | "prompt";
	/** Content parts beside text that some of its models take. */
	readonly takes: readonly ("image" | "file" | "audio")[];
	/** It fetches an image from a URL by itself; elsewhere images go as data, which works everywhere. */
	readonly fetchesImages: boolean;
	/** How a file is written on the OpenAI wire: OpenAI's `file` part or Mistral's `document_url`. */
	readonly fileForm: "file" | "document_url";
	/** Answers that one request may ask for (`n`). */
	readonly choicesPerCall: number;
	/** Fields of every request body unless the user sets them. */
	readonly extraBody: Readonly<Record<string, unknown>> | null;
	/** Field of the body in which `flex` asks for a cheaper answer that may take its time; null where there is none. */
	readonly flexField: "service_tier" | "serviceTier" | null;
	/** Headers of every request to it; `$NAME` in a value stands for a variable of the environment. */
	readonly headers: Readonly<Record<string, string>>;
	/** The model used when the user names none and has a key here; null never chooses this provider. */
	readonly defaultModel: string | null;
	/** Its batch API; null where it has none that llmx speaks. */
	readonly jobs: JobDialectName | null;
}

/** What a row must say; the rest has defaults. */
export type RowInput = Partial<ProviderRow> & Pick<ProviderRow, "id" | "label" | "baseUrl">;

/** Fills a row: `<ID>_BASE_URL`, `<ID>_KEYS` and `<ID>_API_KEY` come first, names given in `input` after them. */
export function defineRow(input: RowInput): ProviderRow {
	const upper = input.id.toUpperCase().replaceAll("-", "_");
	return {
		prefixes: [input.id],
		bareNames: null,
		wire: "openai",
		responsesModels: null,
		servers: [],
		foreignKeyEnv: [],
		bearerKeyEnv: [],
		keyRequired: true,
		http2: false,
		local: false,
		free: false,
		reportsCost: false,
		rateHeaders: "openai",
		chargesMaxTokens: false,
		minuteLimitCodes: [],
		streamUsage: true,
		maxTokensField: "max_tokens",
		seedField: "seed",
		reasoning: "effort",
		templateSwitch: false,
		refuses: [],
		schemaForm: "field",
		takes: ["image"],
		fetchesImages: true,
		fileForm: "file",
		choicesPerCall: 1,
		extraBody: null,
		flexField: null,
		headers: {},
		defaultModel: null,
		jobs: null,
		...input,
		baseUrlEnv: [`${upper}_BASE_URL`, ...(input.baseUrlEnv ?? [])],
		keyListEnv: [`${upper}_KEYS`, ...(input.keyListEnv ?? [])],
		keyEnv: [`${upper}_API_KEY`, ...(input.keyEnv ?? [])],
	};
}

/** The row as it holds for one of the provider's models: on the wire that serves it. */
export function rowOfModel(row: ProviderRow, modelId: string): ProviderRow {
	return row.responsesModels?.test(modelId) === true ? onResponses(row) : row;
}

/** The row on the Responses API, which takes no sound and gives one answer to a request. */
export function onResponses(row: ProviderRow): ProviderRow {
	return {
		...row,
		wire: "responses",
		choicesPerCall: 1,
		takes: row.takes.filter((kind) => kind !== "audio"),
		jobs: row.jobs === "openai" ? "openai-responses" : null,
	};
}
