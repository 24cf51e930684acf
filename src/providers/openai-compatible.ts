import OpenAI from "openai";
import { EXCHANGE_HEADER, type FetchResponse } from "../traffic/http.ts";
import type { Adapter, AdapterCall, AdapterContext, Answer, AnswerPart, ListedModel } from "./adapter.ts";
import { readAnswerBody, streamAnswer } from "./answer-stream.ts";
import { isObject, parseJson } from "./error-body.ts";
import { type FailureContext, notAnAnswer, toFailure } from "./failure.ts";
import { OpenAiReader, readOpenAiAnswer } from "./openai-reader.ts";
import { openAiBody } from "./openai-request.ts";

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
		const { provider } = this.#context;
		const body = openAiBody(provider, call, false);
		const context = this.#failureContext(call);
		const payload = await readAnswerBody(() => this.#post(body, call), context);
		return readOpenAiAnswer(provider, payload, context);
	}

	stream(call: AdapterCall): AsyncIterable<AnswerPart> {
		const reader = new OpenAiReader(this.#context.provider, call);
		return streamAnswer(() => this.#postStream(call), reader, call.exchange);
	}

	async listModels(call: Pick<AdapterCall, "key" | "exchange">): Promise<readonly ListedModel[]> {
		try {
			const response = await this.#client(call.key)
				.get("/models", { headers: { [EXCHANGE_HEADER]: call.exchange.id } })
				.asResponse();
			const payload = parseJson(await response.text());
			// Together answers with a bare list.
			const list = isObject(payload) ? payload.data : payload;
			if (!Array.isArray(list)) throw notAnAnswer(this.#failureContext(call));
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

	#failureContext(call: Call): FailureContext {
		const { provider } = this.#context;
		return { provider, modelId: call.modelId, key: call.key, exchange: call.exchange };
	}
}

export function createAdapter(context: AdapterContext): Adapter {
	return new OpenAiCompatible(context);
}

function toListedModel(model: Record<string, unknown>): ListedModel {
	const window = model.context_window ?? model.context_length ?? model.max_context_length;
	return { id: model.id as string, contextWindow: typeof window === "number" ? window : null };
}
