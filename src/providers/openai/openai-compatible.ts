import type { FetchResponse } from "../../http/contract.ts";
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
import { isObject } from "../error-body.ts";
import type { FailureContext } from "../failure.ts";
import { Responses } from "../responses/responses.ts";
import { OpenAiClients } from "./client.ts";
import { OpenAiReader, openAiBill, readOpenAiAnswer } from "./reader.ts";
import { openAiBody } from "./request.ts";
import { isUnknownFormat } from "./schema.ts";

/** The adapter of every provider that speaks OpenAI's chat completions, over the openai SDK. */
class OpenAiCompatible implements Adapter {
	readonly choicesPerCall: number;
	readonly #context: AdapterContext;
	readonly #clients: OpenAiClients;
	/** The server refused `stream_options`, or the model a field for schemas, once: it is not asked again. */
	#refusesStreamUsage = false;
	#refusesSchemas = false;

	constructor(context: AdapterContext) {
		this.#context = context;
		this.#clients = new OpenAiClients(context);
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

	listModels(call: Pick<AdapterCall, "key" | "exchange">): Promise<readonly ListedModel[]> {
		return this.#clients.listModels(call);
	}

	/** Sends a request, and once more without what the server refused of it: a refusal costs nothing. */
	async #send(call: AdapterCall, stream: boolean): Promise<FetchResponse> {
		for (;;) {
			const body = this.#body(call, stream);
			try {
				return await this.#clients.post("/chat/completions", body, call);
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

	#failureContext(call: AdapterCall): FailureContext {
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

/** The adapter of either of OpenAI's wires. */
export function createAdapter(context: AdapterContext): Adapter {
	return context.provider.wire === "responses" ? new Responses(context) : new OpenAiCompatible(context);
}
