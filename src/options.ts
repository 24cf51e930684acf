import type { Parameters, WireFormat } from "./parameters/table.ts";
import type { OwnPrices, RetryNotice, StreamPart } from "./types.ts";

/** The text of a single user message, or a history; parts in the shape of other APIs are understood too. */
export type ChatInput = string | readonly { readonly role: string; readonly content: unknown }[];

/** `false` neither reads nor writes; `refresh` bypasses the cache and stores the answer; `only` never sends anything. */
export type CacheMode = boolean | "refresh" | "only";

/** Limits of one request in ms. */
export interface Timeouts {
	/** To the first content of the answer (comments and keep-alives do not count). */
	readonly firstContentMs: number;
	/** Between two pieces of content. */
	readonly idleMs: number;
	/** After the finish reason, for what may still follow it (usage); then the answer counts as whole. */
	readonly finishMs: number;
	/** For the whole exchange; Infinity when `--timeout` is not given. */
	readonly totalMs: number;
}

export interface LLMOptions {
	/**
	 * Maximum number of concurrent requests of `generate`. By default the controller finds how many the provider bears, from
	 * a slow start up to 512; a number given here is used from the start, and is the ceiling.
	 */
	readonly maxConcurrent?: number | undefined;
	/** Ceilings of `generate` in requests and in tokens per minute, over all keys. */
	readonly rpm?: number | undefined;
	readonly tpm?: number | undefined;
	/** How often a failed call is sent again. Default 5. */
	readonly maxRetries?: number | undefined;
	/** Whether complete answers are stored and reused. Default true. */
	readonly cache?: CacheMode | undefined;
	/** Kept answers older than this, in ms, are asked for again. Default: they never get old. */
	readonly cacheMaxAgeMs?: number | undefined;
	/** URL of a Redis that keeps the answers, instead of a file of this machine. */
	readonly cacheUrl?: string | undefined;
	/** Instead of the keys of the environment and the key file. */
	readonly keys?: readonly string[] | undefined;
	readonly baseUrl?: string | undefined;
	/**
	 * Several servers of one model instead of `baseUrl`: each request goes to the one that answers it soonest, and what
	 * fails at one is sent to another. `keys` of a server go to it alone, instead of the others.
	 */
	readonly baseUrls?:
		| readonly (string | { readonly url: string; readonly keys?: readonly string[] | undefined })[]
		| undefined;
	/** Prices of your own by model string; they win over those of the config file and of the table. */
	readonly prices?: OwnPrices | undefined;
	/**
	 * Ask for the provider's cheaper tier of answers that may take their time (`service_tier: flex`). What an answer says
	 * was used is what it costs. Refused for a provider without one.
	 */
	readonly flex?: boolean | undefined;
	/** Instead of process.env. */
	readonly env?: Readonly<Record<string, string | undefined>> | undefined;
	/** Whether every call is recorded in the user's ledger. Default true. */
	readonly ledger?: boolean | undefined;
	/**
	 * Whether Anthropic is asked to keep what requests have in common: the system prompt of several rows, the history of a
	 * `Conversation`. Default true.
	 */
	readonly promptCache?: boolean | undefined;
	/** How a JSON Schema is asked for, in place of what is known of the provider: in a field of its own, or in the prompt. */
	readonly schemaForm?: "field" | "prompt" | undefined;
	/** The language that the server speaks, in place of the provider's own, for whatever model. */
	readonly wire?: WireFormat | undefined;
	/** The field of the answer's limit on OpenAI's wire; `by-model` goes by the model's name. */
	readonly maxTokensField?: "max_tokens" | "max_completion_tokens" | "by-model" | undefined;
	/** What the model takes beside text; other attachments are refused before sending. */
	readonly takes?: readonly ("image" | "file" | "audio")[] | undefined;
	/** Bound of a whole request in ms, in place of that to its first content; by default only silences are bounded. */
	readonly timeoutMs?: number | undefined;
	/** Bound of the time to the first content of an answer, in ms. Default 600,000; with `flex` 900,000. */
	readonly firstContentTimeoutMs?: number | undefined;
	/** Bound of the time between two pieces of content, in ms. Default 120,000. */
	readonly idleTimeoutMs?: number | undefined;
	/** Headers of every request to the provider, and to no other origin; they are never shown. */
	readonly headers?: Readonly<Record<string, string>> | undefined;
	/** Marks of the ledger rows: what called (default `library`), in which session, and a free label. */
	readonly command?: string | undefined;
	readonly session?: string | undefined;
	readonly label?: string | undefined;
	/** Called before each retry. */
	readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
	/** Called with non-fatal problems: a broken cache, a ledger that cannot be written. */
	readonly onWarning?: ((message: string) => void) | undefined;
	/** Called with changes to a request, such as a parameter that was left out because the model does not take it. */
	readonly onNote?: ((note: string) => void) | undefined;
}

export interface CallOptions extends Parameters {
	readonly cache?: CacheMode | undefined;
	readonly signal?: AbortSignal | undefined;
	/** How many answers to the same question. Default 1. */
	readonly n?: number | undefined;
	/** Stream on the wire, so that a long answer never looks like a dead connection. `ask` ignores it for `n` above 1. */
	readonly streamed?: boolean | undefined;
	/** The next call will begin with these messages: `Conversation` says so, and a long history is kept by the provider. */
	readonly continues?: boolean | undefined;
	readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
}

export interface AskOptions extends CallOptions {
	/**
	 * Called with the parts of a streamed answer as they arrive. After the first one the question is not sent again,
	 * unless there is an `onRestart`; without a listener, an interrupted stream is requested once more.
	 */
	readonly onPart?: ((part: StreamPart) => void) | undefined;
	/**
	 * Called when a stream has broken off and its question is going to be sent again: the parts that came are void. With
	 * this listener it is sent again as it is without any.
	 */
	readonly onRestart?: (() => void) | undefined;
}

export interface GenerateOptions extends CallOptions {
	readonly systemPrompt?: string | undefined;
}

/** One of many prompts with settings of its own; they win over those of the run. */
export interface GenerateRow {
	readonly prompt?: string | undefined;
	/** Instead of `prompt`. */
	readonly messages?: Exclude<ChatInput, string> | undefined;
	readonly system?: string | undefined;
	readonly n?: number | undefined;
	readonly parameters?: Parameters | undefined;
}

export interface BatchOptions extends GenerateOptions {
	/** Ms between two looks at a job. Default 60,000; a young job is looked at sooner, an old one later. */
	readonly pollMs?: number | undefined;
	/** Called with the batch's id after every look. */
	readonly onStatus?: ((id: string) => void) | undefined;
}

/** Where a job stands: one word for what every provider says in its own. */
export type JobState =
	| "validating"
	| "running"
	| "finalizing"
	| "cancelling"
	| "completed"
	| "failed"
	| "expired"
	| "cancelled"
	/** The provider used a word that llmx does not know: not an end. */
	| "unknown";

/** How a provider's batch jobs stand, all jobs of one id taken together. */
export interface BatchStatus {
	readonly state: JobState;
	/** Nothing more will happen. */
	readonly isFinal: boolean;
	/** Prompts; null where the provider does not count them (yet). */
	readonly total: number | null;
	readonly succeeded: number | null;
	readonly failed: number | null;
	/** Ms since 1970; null when the provider does not say. */
	readonly expiresAt: number | null;
	/** Why jobs or lines of them were refused. */
	readonly problems: readonly string[];
}
