import { exchangeHeader, type FetchResponse } from "../../http/contract.ts";
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
	/** The server refused `stream_options`, or the model a field for schemas, once: it is not asked again. */
	#refusesStreamUsage = false;
	#refusesSchemas = false;

	constructor(context: AdapterContext) {
		this.#context = context;
		this.choicesPerCall = context.provider.choicesPerCall;
	}

	async complete(call: AdapterCall): Promise<Answer> {
		const context = this.#failureContext(call);
		const payload = await readAnswerBody(() => this.#send(call, false), context);
		return readOpenAiAnswer(this.#context.provider, payload, context);
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
		return streamAnswer(() => this.#send(call, true), reader, call.exchange);
	}

	async listModels(call: Pick<AdapterCall, "key" | "exchange">): Promise<readonly ListedModel[]> {
		try {
			const response = await this.#client(call.key)
				.get("/models", { headers: { [exchangeHeader]: call.exchange.id } })
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
		const headers = { [exchangeHeader]: exchange.id };
		const response = this.#client(key)
			.request({ method: "post", path: "/chat/completions", body, headers })
			.asResponse();
		return response as Promise<unknown> as Promise<FetchResponse>;
	}

	/** Sends a request, and once more without what the server refused of it: a refusal costs nothing. */
	async #send(call: AdapterCall, stream: boolean): Promise<FetchResponse> {
		for (;;) {
			const body = this.#body(call, stream);
			try {
				return await this.#post(body, call);
			} catch (error) {
				if (!this.#learn(call, body)) throw error;
			}
		}
	}

	#body(call: AdapterCall, stream: boolean): Record<string, unknown> {
		const { provider } = this.#context;
		const row = this.#refusesSchemas ? { ...provider, schemaForm: "prompt" as const } : provider;
		const body = openAiBody(row, call, stream);
		if (this.#refusesStreamUsage) delete body.stream_options;
		if (this.#refusesSchemas) delete body.response_format;
		return body;
	}

	/** Whether the server refused a part of the request that can be left out. */
	#learn({ exchange, modelId, onNote }: AdapterCall, body: Record<string, unknown>): boolean {
		const { status, errorBody = "" } = exchange;
		if (status !== 400 && status !== 422) return false;
		if ("stream_options" in body && /stream_options|include_usage/.test(errorBody)) {
			this.#refusesStreamUsage = true;
			return true;
		}
		const asksForSchema = isObject(body.response_format) && body.response_format.type === "json_schema";
		if (!asksForSchema || !isUnknownFormat(errorBody)) return false;
		this.#refusesSchemas = true;
		onNote?.(`the schema goes into the prompt: ${modelId} has no field for one`);
		return true;
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

/** "This model does not support response format `json_schema`" (Groq), and how others say it; not that a schema is wrong. */
function isUnknownFormat(body: string): boolean {
	return (
		/response.?format|json.?schema|structured.?output|json mode/i.test(body) &&
		/(?:not|n't) (?:\w+ )?(?:support|enabled|available|allowed)|unsupported|unknown|unrecognized|only supports/i.test(
			body,
		) &&
		!/invalid schema/i.test(body)
	);
}

export function createAdapter(context: AdapterContext): Adapter {
	return new OpenAiCompatible(context);
}

function toListedModel(model: Record<string, unknown>): ListedModel {
	const window = model.context_window ?? model.context_length ?? model.max_context_length;
	return { id: model.id as string, contextWindow: typeof window === "number" ? window : null };
}
