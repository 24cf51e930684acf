import { EXCHANGE_HEADER, type FetchResponse } from "../../http/contract.ts";
import type {
	Adapter,
	AdapterCall,
	AdapterContext,
	AdapterRequest,
	Answer,
	AnswerPart,
	ListedModel,
} from "../adapter.ts";
import { checkAnswer, readAnswerBody, streamAnswer } from "../answer-stream.ts";
import { isObject, parseJson } from "../error-body.ts";
import { type FailureContext, notAnAnswer, toFailure } from "../failure.ts";
import { LeanOpenAI } from "./client.ts";
import { OpenAiReader, openAiBill, readOpenAiAnswer } from "./reader.ts";
import { openAiBody } from "./request.ts";

type Call = Pick<AdapterCall, "key" | "exchange"> & Partial<AdapterCall>;

/** The adapter of every provider that speaks OpenAI's chat completions, over the openai SDK. */
class OpenAiCompatible implements Adapter {
	readonly choicesPerCall: number;
	readonly #context: AdapterContext;
	readonly #clients = new Map<string | undefined, LeanOpenAI>();
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

	async requestBody(request: AdapterRequest): Promise<Readonly<Record<string, unknown>>> {
		return openAiBody(this.#context.provider, request, false);
	}

	readAnswer(payload: unknown, call: AdapterCall): Answer {
		const context = this.#failureContext(call);
		return readOpenAiAnswer(this.#context.provider, checkAnswer(payload, context), context);
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

	#client(key: string | undefined): LeanOpenAI {
		let client = this.#clients.get(key);
		if (client === undefined) {
			client = new LeanOpenAI(this.#context, key);
			this.#clients.set(key, client);
		}
		return client;
	}

	#post(body: Record<string, unknown>, { key, exchange }: AdapterCall): Promise<FetchResponse> {
		const headers = { [EXCHANGE_HEADER]: exchange.id };
		const response = this.#client(key)
			.request({ method: "post", path: "/chat/completions", body, headers })
			.asResponse();
		return response as Promise<unknown> as Promise<FetchResponse>;
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
		const { modelId, key, exchange } = call;
		return {
			provider,
			modelId,
			key,
			exchange,
			readBill: (payload) => openAiBill(provider, payload, exchange.headers),
		};
	}
}

export function createAdapter(context: AdapterContext): Adapter {
	return new OpenAiCompatible(context);
}

function toListedModel(model: Record<string, unknown>): ListedModel {
	const window = model.context_window ?? model.context_length ?? model.max_context_length;
	return { id: model.id as string, contextWindow: typeof window === "number" ? window : null };
}
