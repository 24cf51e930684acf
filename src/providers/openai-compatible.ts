import OpenAI from "openai";
import { Stream } from "openai/streaming";
import type { RequestError } from "../errors.ts";
import { EXCHANGE_HEADER, type FetchResponse } from "../traffic/http.ts";
import type { FinishReason, Usage } from "../types.ts";
import type {
	Adapter,
	AdapterCall,
	AdapterContext,
	Answer,
	AnswerPart,
	Choice,
	ListedModel,
} from "./adapter.ts";
import { BodyWatch } from "./body-watch.ts";
import { isErrorPayload, isObject, parseJson } from "./error-body.ts";
import { blocked, type FailureContext, failed, incomplete, reportedFailure, toFailure } from "./failure.ts";
import { filterReason, openAiFinish, readMessage } from "./openai-answer.ts";
import { openAiBody } from "./openai-request.ts";
import { splitThinking, ThinkSplitter } from "./think-splitter.ts";
import { openAiUsage, reportedCost } from "./usage.ts";

/** setTimeout's largest delay in ms: the SDK's own timeout is off, for the exchange keeps the time. */
const never = 2 ** 31 - 1;

/** The openai SDK without what it would take from the environment. */
class LeanOpenAI extends OpenAI {
	constructor(context: AdapterContext, key: string | undefined) {
		super({
			apiKey: key ?? "none",
			adminAPIKey: null,
			organization: null,
			project: null,
			webhookSecret: null,
			baseURL: context.baseUrl,
			maxRetries: 0,
			timeout: never,
			logLevel: "off",
			fetch: context.fetch as unknown as typeof fetch,
		});
		// The SDK adds OPENAI_CUSTOM_HEADERS, which were not meant for this provider.
		this._options.defaultHeaders = key === undefined ? { Authorization: null } : {};
	}
}

type Call = Pick<AdapterCall, "key" | "exchange"> & Partial<AdapterCall>;

/** The adapter of every provider that speaks OpenAI's chat completions, over the openai SDK. */
export class OpenAiCompatible implements Adapter {
	readonly choicesPerCall: number;
	readonly #context: AdapterContext;
	readonly #clients = new Map<string | undefined, OpenAI>();
	/** The server refused `stream_options` once: it is not asked again. */
	#refusesStreamUsage = false;

	constructor(context: AdapterContext) {
		this.#context = context;
		this.choicesPerCall = context.provider.choicesPerCall;
	}

	async complete(call: AdapterCall): Promise<Answer> {
		const body = openAiBody(this.#context.provider, call, false);
		let text: string;
		try {
			const response = await this.#post(body, call);
			text = await response.text();
			if (call.exchange.cut) throw incomplete(this.#failureContext(call), "the connection was cut");
		} catch (error) {
			throw toFailure(error, this.#failureContext(call));
		}
		return this.#readAnswer(text, call);
	}

	async *stream(call: AdapterCall): AsyncGenerator<AnswerPart, void, undefined> {
		const reader = new StreamReader(this.#context, call);
		try {
			const response = await this.#postStream(call);
			const watch = new BodyWatch(response.body);
			const events = Stream.fromSSEResponse<{ event: string | null; data: unknown }>(
				{ body: watch, headers: response.headers } as unknown as Response,
				new AbortController(),
				this.#client(call.key),
				true,
				"events",
			);
			for await (const { event, data } of events) {
				for (const part of reader.read(event, data)) {
					call.exchange.noteContent();
					yield part;
				}
				if (reader.finished) call.exchange.noteFinish();
			}
			// The SDK ends quietly whatever happened: only the exchange and the body know.
			if (call.exchange.failure !== undefined) throw call.exchange.failure;
			yield* reader.end(!watch.ended);
		} catch (error) {
			const context = reader.failureContext;
			// The SDK's word for an event that is not whole JSON: the stream broke off inside it.
			throw error instanceof SyntaxError && call.exchange.failure === undefined
				? incomplete(context, "the stream broke off inside an event")
				: toFailure(error, context);
		}
	}

	async listModels(call: Pick<AdapterCall, "key" | "exchange">): Promise<readonly ListedModel[]> {
		try {
			const response = await this.#client(call.key)
				.get("/models", { headers: { [EXCHANGE_HEADER]: call.exchange.id } })
				.asResponse();
			const payload = parseJson(await response.text());
			// Together answers with a bare list.
			const list = isObject(payload) ? payload.data : payload;
			if (!Array.isArray(list))
				throw failed(this.#failureContext(call), "malformed_response", "no list of models");
			return list.filter((model) => isObject(model) && typeof model.id === "string").map(toListedModel);
		} catch (error) {
			throw toFailure(error, this.#failureContext(call));
		}
	}

	#client(key: string | undefined): OpenAI {
		let client = this.#clients.get(key);
		if (client === undefined) {
			client = new LeanOpenAI(this.#context, key);
			this.#clients.set(key, client);
		}
		return client;
	}

	async #post(body: Record<string, unknown>, call: AdapterCall): Promise<FetchResponse> {
		const response = await this.#client(call.key)
			.post("/chat/completions", { body, headers: { [EXCHANGE_HEADER]: call.exchange.id } })
			.asResponse();
		return response as unknown as FetchResponse;
	}

	/** Asks for usage in the stream, and once more without where the server does not know `stream_options`. */
	async #postStream(call: AdapterCall): Promise<FetchResponse> {
		const body = openAiBody(this.#context.provider, call, true);
		if (this.#refusesStreamUsage) delete body.stream_options;
		try {
			return await this.#post(body, call);
		} catch (error) {
			const { status, errorBody = "" } = call.exchange;
			const refused =
				"stream_options" in body &&
				(status === 400 || status === 422) &&
				/stream_options|include_usage/.test(errorBody);
			if (!refused) throw error;
			this.#refusesStreamUsage = true;
			delete body.stream_options;
			return await this.#post(body, call);
		}
	}

	#readAnswer(text: string, call: AdapterCall): Answer {
		const context = this.#failureContext(call);
		if (text.trim() === "") throw failed(context, "empty", "sent an empty answer");
		const payload = parseJson(text);
		if (isErrorPayload(payload)) throw reportedFailure(payload, context);
		if (!isObject(payload) || !Array.isArray(payload.choices)) throw notAnAnswer(context);
		return readChoices(payload, payload.choices, this.#context, context);
	}

	#failureContext(call: Call): FailureContext {
		const { provider } = this.#context;
		return { provider, modelId: call.modelId, key: call.key, exchange: call.exchange };
	}
}

export function createAdapter(context: AdapterContext): Adapter {
	return new OpenAiCompatible(context);
}

function notAnAnswer(context: FailureContext): RequestError {
	const type = context.exchange.headers?.["content-type"]?.split(";")[0] ?? "no content type";
	return failed(context, "malformed_response", `not an API response (${type})`);
}

function readChoices(
	payload: Record<string, unknown>,
	list: readonly unknown[],
	{ provider }: AdapterContext,
	context: FailureContext,
): Answer {
	const usage = openAiUsage(payload.usage);
	if (list.length === 0) {
		throw failed({ ...context, usage }, "malformed_response", "the answer holds no choice");
	}
	const choices = list.map((choice): Choice => readChoice(choice, { ...context, usage }, list.length === 1));
	return { choices, usage, reportedCostUsd: provider.reportsCost ? reportedCost(payload.usage) : null };
}

function readChoice(choice: unknown, context: FailureContext, only: boolean): Choice {
	if (!isObject(choice)) throw notAnAnswer(context);
	if (isErrorPayload({ error: choice.error })) throw reportedFailure({ error: choice.error }, context);
	if (!isObject(choice.message)) throw notAnAnswer(context);
	const parts = readMessage(choice.message);
	const finishReason = openAiFinish(choice.finish_reason) ?? "other";
	const split = parts.reasoning === "" ? splitThinking(parts.text) : parts;
	// Among several answers one that was filtered away does not take the others with it.
	if (only && (finishReason === "content-filter" || parts.refusal !== "")) {
		throw blocked({ ...context, partialText: split.text }, parts.refusal || filterReason(choice));
	}
	return {
		text: split.text,
		reasoning: split.reasoning === "" ? null : split.reasoning,
		finishReason: parts.refusal === "" ? finishReason : "content-filter",
	};
}

function toListedModel(model: Record<string, unknown>): ListedModel {
	const window = model.context_window ?? model.context_length ?? model.max_context_length;
	return { id: model.id as string, contextWindow: typeof window === "number" ? window : null };
}

/** Follows one streamed answer: what was said, why it ended, what it used. */
class StreamReader {
	finished = false;
	#finishReason: FinishReason | undefined;
	#filterReason = "content filter";
	#refusal = "";
	#text = "";
	#usage: Usage | null = null;
	#costUsd: number | null = null;
	#events = 0;
	#serverSplits = false;
	readonly #splitter = new ThinkSplitter();
	readonly #context: AdapterContext;
	readonly #call: AdapterCall;

	constructor(context: AdapterContext, call: AdapterCall) {
		this.#context = context;
		this.#call = call;
	}

	get failureContext(): FailureContext {
		const { modelId, key, exchange } = this.#call;
		const partialText = this.#text === "" ? undefined : this.#text;
		return { provider: this.#context.provider, modelId, key, exchange, partialText, usage: this.#usage };
	}

	/** One event's text and reasoning; throws when it is an error. */
	read(event: string | null, data: unknown): readonly AnswerPart[] {
		this.#events++;
		if (isObject(data)) this.#readUsage(data);
		if (isErrorPayload(data, event)) throw reportedFailure(data, this.failureContext);
		if (!isObject(data)) throw notAnAnswer(this.failureContext);
		const choice = Array.isArray(data.choices) ? data.choices[0] : undefined;
		if (!isObject(choice)) return none;
		if (isErrorPayload({ error: choice.error })) throw reportedFailure(choice, this.failureContext);
		const finishReason = openAiFinish(choice.finish_reason);
		if (finishReason !== undefined) {
			this.#finishReason = finishReason;
			this.finished = true;
			if (finishReason === "content-filter") this.#filterReason = filterReason(choice);
		}
		// A server that does not stream answers with a whole message.
		const { text, reasoning, refusal } = readMessage(choice.delta ?? choice.message);
		this.#refusal += refusal;
		if (reasoning !== "") this.#serverSplits = true;
		if (text === "") return reasoning === "" ? none : [{ type: "reasoning-delta", text: reasoning }];
		const split = this.#serverSplits ? { text, reasoning: "" } : this.#splitter.push(text);
		return this.#parts(split.text, reasoning + split.reasoning);
	}

	/** The last parts; throws when the answer is not complete or was blocked. `done`: the server said [DONE]. */
	*end(done: boolean): Generator<AnswerPart> {
		const held = this.#splitter.end();
		yield* this.#parts(held.text, held.reasoning);
		const context = this.failureContext;
		if (this.#refusal !== "") throw blocked(context, this.#refusal);
		if (this.#finishReason === "content-filter") throw blocked(context, this.#filterReason);
		if (this.#events === 0) throw failed(context, "empty", "sent an empty stream");
		if (this.#finishReason === undefined && !done) {
			throw incomplete(context, "the stream ended without a finish reason");
		}
		yield {
			type: "finish",
			finishReason: this.#finishReason ?? "other",
			usage: this.#usage,
			reportedCostUsd: this.#costUsd,
		};
	}

	#parts(text: string, reasoning: string): readonly AnswerPart[] {
		this.#text += text;
		if (text === "" && reasoning === "") return none;
		if (reasoning === "") return [{ type: "text-delta", text }];
		const thought: AnswerPart = { type: "reasoning-delta", text: reasoning };
		return text === "" ? [thought] : [thought, { type: "text-delta", text }];
	}

	/** The last usage wins: some servers repeat it, some count up. Groq once had it only under `x_groq`. */
	#readUsage(data: Record<string, unknown>): void {
		const raw = data.usage ?? (isObject(data.x_groq) ? data.x_groq.usage : undefined);
		const usage = openAiUsage(raw);
		if (usage === null) return;
		this.#usage = usage;
		if (this.#context.provider.reportsCost) this.#costUsd = reportedCost(raw);
	}
}

const none: readonly AnswerPart[] = [];
