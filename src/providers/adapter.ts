import type { Exchange, FetchLike } from "../http/contract.ts";
import type { Parameters } from "../parameters/table.ts";
import type { AnswerDetails, Charges, FinishReason, Message, ResponseInfo, Usage } from "../types.ts";
import type { ProviderRow } from "./provider-row.ts";

/** One request to a provider, as an adapter takes it: routed, keyed, and not yet in any wire form. */
export interface AdapterCall {
	readonly modelId: string;
	readonly messages: readonly Message[];
	readonly parameters: Parameters;
	/** How many answers to the same prompt, at most the adapter's `choicesPerCall`. */
	readonly n: number;
	/** Undefined for providers that need none. */
	readonly key: string | undefined;
	/** Carries the abort signal and the time limits, and records what went over the wire. */
	readonly exchange: Exchange;
	/** Hears, in a sentence, what was left out of or changed in the request to suit the model. */
	readonly onNote?: ((note: string) => void) | undefined;
	/** What of the prompt the provider is asked to keep, because requests to come begin with it. */
	readonly promptCache?: PromptCache | undefined;
}

/** `system`: the system prompt; `history`: everything up to the last message. */
export type PromptCache = "system" | "history";

/** The part of a call that shapes its request: what to ask, and whom. */
export type AdapterRequest = Pick<
	AdapterCall,
	"modelId" | "messages" | "parameters" | "n" | "onNote" | "promptCache"
>;

export interface Choice {
	readonly text: string;
	/** Reasoning text kept apart from the answer; null when there was none. */
	readonly reasoning: string | null;
	readonly finishReason: FinishReason;
	readonly details?: AnswerDetails | undefined;
}

/** A complete answer: every choice reached its finish reason. */
export interface Answer {
	readonly choices: readonly Choice[];
	readonly usage: Usage | null;
	readonly charges: Charges;
	readonly response?: ResponseInfo | undefined;
}

export type AnswerPart =
	| { readonly type: "text-delta"; readonly text: string }
	| { readonly type: "reasoning-delta"; readonly text: string }
	| {
			readonly type: "finish";
			/** The whole answer. */
			readonly choice: Choice;
			readonly usage: Usage | null;
			readonly charges: Charges;
			readonly response?: ResponseInfo | undefined;
	  };

/** A model as the provider's own list names it. */
export interface ListedModel {
	readonly id: string;
	readonly contextWindow: number | null;
}

/**
 * Code for one wire format. An adapter translates, sends once, and classifies; it never retries, paces, caches or
 * prints. Every failure is a RequestError (or AbortedError when the exchange's signal fired), with keys redacted.
 * A stream that ends before its finish reason is a RequestError of class `incomplete`, never a quiet end.
 */
export interface Adapter {
	/** Answers that one request may ask for; a caller that wants more sends several requests. */
	readonly choicesPerCall: number;
	complete(call: AdapterCall): Promise<Answer>;
	/** Streams one answer (n = 1). Leaving the loop early closes the connection. */
	stream(call: AdapterCall): AsyncIterable<AnswerPart>;
	listModels(call: Pick<AdapterCall, "key" | "exchange">): Promise<readonly ListedModel[]>;
	/** The body that `complete` would send, for a line of a batch job. @throws UnsupportedError */
	requestBody(request: AdapterRequest): Promise<Readonly<Record<string, unknown>>>;
	/** Reads an answer that came in the results of a batch job. @throws RequestError */
	readAnswer(payload: unknown, call: AdapterCall): Answer;
}

/** Where an adapter talks to and through what. */
export interface AdapterContext {
	readonly provider: ProviderRow;
	/** The effective base URL, without a trailing slash. */
	readonly baseUrl: string;
	readonly fetch: FetchLike;
	/** Keys that go out as `Authorization: Bearer` although the provider's own scheme is another header. */
	readonly bearerKeys?: ReadonlySet<string> | undefined;
}

export type AdapterFactory = (context: AdapterContext) => Adapter;
