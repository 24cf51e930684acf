/**
 * The vocabulary of llmx. It imports nothing, so that every room may speak it.
 * Money is in USD, time in milliseconds, sizes in tokens unless a name says otherwise.
 */

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type Role = "system" | "user" | "assistant" | "tool";

export interface TextPart {
	readonly type: "text";
	readonly text: string;
}

/** An image, either as base64 `data` with its `mediaType` or as an http(s) `url` that the provider fetches. */
export interface ImagePart {
	readonly type: "image";
	readonly mediaType?: string;
	readonly data?: string;
	readonly url?: string;
}

/** A document (PDF) as base64. */
export interface FilePart {
	readonly type: "file";
	readonly mediaType: string;
	readonly data: string;
	readonly filename?: string;
}

/** Sound as base64; `mediaType` is `audio/wav`, `audio/mpeg`, … */
export interface AudioPart {
	readonly type: "audio";
	readonly mediaType: string;
	readonly data: string;
}

export type ContentPart = TextPart | ImagePart | FilePart | AudioPart;

/** A call of a tool that a model asks for, in OpenAI's shape on every wire. llmx runs no tools. */
export interface ToolCall {
	readonly id: string;
	readonly type: "function";
	readonly function: { readonly name: string /** JSON. */; readonly arguments: string };
	/** What the provider wants back with the call, such as Gemini's thought signature. */
	readonly extra_content?: unknown;
}

export interface Message {
	readonly role: Role;
	readonly content: string | readonly ContentPart[];
	/** Calls that the assistant asked for. */
	readonly toolCalls?: readonly ToolCall[];
	/** The call whose result a message of role `tool` holds. */
	readonly toolCallId?: string;
}

/** What an answer holds besides its text and reasoning. A field is absent where there is nothing. */
export interface AnswerDetails {
	readonly toolCalls?: readonly ToolCall[];
	/** The model's own words where it refused; only among several answers, else a refusal is an error. */
	readonly refusal?: string;
	/** Citations and other notes to the text, as the provider writes them. */
	readonly annotations?: readonly unknown[];
	readonly logprobs?: unknown;
	/** Sound, with its transcript. */
	readonly audio?: unknown;
	readonly images?: readonly unknown[];
	/** Whatever else the answer held, as it came: code that the provider ran, files, results of its own tools. */
	readonly parts?: readonly unknown[];
}

/** What the provider says of a response itself. */
export interface ResponseInfo {
	readonly id?: string;
	/** The model that answered, which an alias hides. */
	readonly model?: string;
	/** Unix seconds. */
	readonly created?: number;
	readonly serviceTier?: string;
	/** How fast it was answered, where the provider sells that. */
	readonly speed?: string;
	readonly systemFingerprint?: string;
}

const finishReasons = ["stop", "length", "content-filter", "tool-calls", "other"] as const;

export type FinishReason = (typeof finishReasons)[number];

export function isFinishReason(value: unknown): value is FinishReason {
	return (finishReasons as readonly unknown[]).includes(value);
}

/**
 * Tokens of one or more calls. `inputTokens` includes cached, cache-written and audio input;
 * `outputTokens` includes reasoning. Adapters add a provider's own figures up to that.
 */
export interface Usage {
	readonly inputTokens: number;
	readonly cachedInputTokens: number;
	readonly cacheWriteTokens: number;
	readonly audioInputTokens: number;
	readonly outputTokens: number;
	readonly reasoningTokens: number;
}

/**
 * What an answer says of money besides its tokens. A field that is absent holds nothing: no tier but the ordinary one,
 * no searches, no such tokens.
 */
export interface Charges {
	/** USD of the whole call as the provider reports it. */
	readonly reportedUsd?: number;
	/** Something is billed that no figure of the answer tells, in a few words: the cost cannot be known. */
	readonly untold?: string;
	/** Service tier or speed other than the ordinary one, in the provider's word: `flex`, `priority`, `fast`, … */
	readonly tier?: string;
	/** Where it was answered, when that has a price of its own: `us`. */
	readonly region?: string;
	/** Of the tokens written to the cache those that are kept for an hour. */
	readonly longCacheWriteTokens?: number;
	/** Of the cached input tokens those of sound. */
	readonly cachedAudioTokens?: number;
	/** Of the input tokens those of images, where the provider counts them apart because they may cost something else. */
	readonly imageInputTokens?: number;
	/** Of the output tokens those of sound and of images. */
	readonly audioOutputTokens?: number;
	readonly imageOutputTokens?: number;
	/** Web searches of the provider's own that are billed by the piece. */
	readonly webSearches?: number;
}

/**
 * The price of a model as its user knows it, in USD per million tokens; it replaces the table's. What is left out has
 * no price of its own: cached and written tokens then cost what `input` costs, sound and batch jobs are unknown.
 */
export interface OwnPrice {
	readonly input: number;
	readonly output: number;
	/** Input read from the provider's prompt cache, and input written to it. */
	readonly cached?: number;
	readonly write?: number;
	readonly audio?: number;
	/** Batch jobs: their prices, or the part of the ordinary ones that they cost, such as 0.5. */
	readonly batch?: number | { readonly input: number; readonly output: number };
	/** First day of the price in UTC, as 2026-11-22; before it the price that it replaces holds. */
	readonly from?: string;
	/** Context window in tokens. */
	readonly context?: number;
	/** Longest answer in tokens. */
	readonly maxOutput?: number;
}

/** Prices of one's own by model string (`corp/large`), or by prefix (`corp/*`) for all models of a provider. */
export type OwnPrices = Readonly<Record<string, OwnPrice | readonly OwnPrice[]>>;

/** How hard a reasoning model thinks, least first; `none` switches it off where the model allows that. */
export const reasoningEfforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

export type ReasoningEffort = (typeof reasoningEfforts)[number];

/** A JSON Schema that the answer must satisfy. */
export interface JsonSchemaFormat {
	readonly type: "json-schema";
	readonly name: string;
	readonly schema: Readonly<Record<string, unknown>>;
}

export type ResponseFormat = { readonly type: "json" } | JsonSchemaFormat;

/** One piece of a streamed answer. `finish` comes exactly once and last; without it the answer is incomplete. */
export type StreamPart =
	| { readonly type: "text-delta"; readonly text: string }
	| { readonly type: "reasoning-delta"; readonly text: string }
	| ({ readonly type: "finish" } & StreamFinish);

export interface StreamFinish {
	readonly finishReason: FinishReason;
	/** null when the provider did not say. */
	readonly usage: Usage | null;
	/** null when the price or the usage is unknown: never 0 for "don't know". */
	readonly costUsd: number | null;
	readonly cached: boolean;
	readonly attempts: number;
	readonly latencyMs: number;
	/** Absent where the answer is text alone. */
	readonly details?: AnswerDetails | undefined;
	readonly response?: ResponseInfo | undefined;
}

/** The answer to one prompt. */
export interface Result {
	/** The model string as the user gave it. */
	readonly model: string;
	/** The first answer; `texts` holds all `n`. */
	readonly text: string;
	readonly texts: readonly string[];
	readonly reasoning: string | null;
	readonly finishReason: FinishReason;
	readonly usage: Usage | null;
	readonly costUsd: number | null;
	/** Answered from the response cache: nothing was sent and nothing is owed. */
	readonly cached: boolean;
	/** Requests sent for this answer; 0 for a cache hit. */
	readonly attempts: number;
	readonly latencyMs: number;
	/** What the first answer holds besides text; absent where it is text alone. */
	readonly details?: AnswerDetails | undefined;
	/** The same and the finish reason of all `n`, where there are several. */
	readonly choices?: readonly AnswerChoice[] | undefined;
	readonly response?: ResponseInfo | undefined;
}

/** One of several answers to a prompt, but for its text. */
export interface AnswerChoice {
	readonly finishReason: FinishReason;
	readonly reasoning: string | null;
	readonly details?: AnswerDetails | undefined;
}

/** A sum of costs that does not hide what it does not know. */
export interface Cost {
	readonly usd: number;
	/** Calls whose cost is unknown and therefore not in `usd`. */
	readonly unknownCalls: number;
}

/** What `onRetry` is called with before a request is sent again. */
export interface RetryNotice {
	readonly attempt: number;
	readonly delayMs: number;
	/** A sentence for people, with no key in it. */
	readonly reason: string;
}

/** Nothing read and nothing written. */
export const noUsage: Usage = {
	inputTokens: 0,
	cachedInputTokens: 0,
	cacheWriteTokens: 0,
	audioInputTokens: 0,
	outputTokens: 0,
	reasoningTokens: 0,
};

export const noCost: Cost = { usd: 0, unknownCalls: 0 };

/** A sum of costs with one more call in it, whose USD are null when unknown. */
export function addCost({ usd, unknownCalls }: Cost, costUsd: number | null): Cost {
	return costUsd === null ? { usd, unknownCalls: unknownCalls + 1 } : { usd: usd + costUsd, unknownCalls };
}

/** The sum of two usages. */
export function addUsage(a: Usage, b: Usage): Usage {
	return {
		inputTokens: a.inputTokens + b.inputTokens,
		cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
		cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
		audioInputTokens: a.audioInputTokens + b.audioInputTokens,
		outputTokens: a.outputTokens + b.outputTokens,
		reasoningTokens: a.reasoningTokens + b.reasoningTokens,
	};
}
