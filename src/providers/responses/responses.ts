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
import { answerOf, checkAnswer, readAnswerBody, streamAnswer } from "../answer-stream.ts";
import { isObject } from "../error-body.ts";
import { OpenAiClients } from "../openai/client.ts";
import { isUnknownFormat } from "../openai/schema.ts";
import { ResponsesReader } from "./reader.ts";
import { responsesBody } from "./request.ts";

/** The adapter of OpenAI's Responses API and those that copy it, over the openai SDK. */
export class Responses implements Adapter {
	readonly choicesPerCall = 1;
	readonly #context: AdapterContext;
	readonly #clients: OpenAiClients;
	/** The server refused a summary of the thoughts, or the model a field for schemas, once: it is not asked again. */
	#refusesSummary = false;
	#refusesSchemas = false;

	constructor(context: AdapterContext) {
		this.#context = context;
		this.#clients = new OpenAiClients(context);
	}

	async complete(call: AdapterCall): Promise<Answer> {
		const reader = new ResponsesReader(this.#context.provider, call);
		const payload = await readAnswerBody(() => this.#send(call, false), reader.failureContext);
		reader.takeWhole(payload);
		return answerOf(reader.end());
	}

	/** Without a summary: a job cannot be sent again where the account may not have one. */
	async requestBody(request: AdapterRequest): Promise<Readonly<Record<string, unknown>>> {
		return responsesBody(this.#context.provider, request, { stream: false, summary: false });
	}

	readAnswer(payload: unknown, call: AdapterCall): Answer {
		const reader = new ResponsesReader(this.#context.provider, call);
		reader.takeWhole(checkAnswer(payload, reader.failureContext));
		return answerOf(reader.end());
	}

	stream(call: AdapterCall): AsyncIterable<AnswerPart> {
		const reader = new ResponsesReader(this.#context.provider, call);
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
				return await this.#clients.post("/responses", body, call);
			} catch (error) {
				if (!this.#learn(call, body)) throw error;
			}
		}
	}

	#body(call: AdapterCall, stream: boolean): Record<string, unknown> {
		const { provider } = this.#context;
		const row = this.#refusesSchemas ? { ...provider, schemaForm: "prompt" as const } : provider;
		const body = responsesBody(row, call, { stream, summary: !this.#refusesSummary });
		if (this.#refusesSchemas && isObject(body.text)) body.text = { ...body.text, format: { type: "text" } };
		return body;
	}

	/** Whether the server refused a part of the request that can be left out. */
	#learn({ exchange, modelId, onNote, parameters }: AdapterCall, body: Record<string, unknown>): boolean {
		const { status, errorBody = "" } = exchange;
		if (status !== 400 && status !== 422) return false;
		// An account that is not verified gets none: https://github.com/BerriAI/litellm/issues/16032
		const asksForSummary = isObject(body.reasoning) && body.reasoning.summary !== undefined;
		const given = parameters.extra?.reasoning;
		const isOurs = !(isObject(given) && "summary" in given);
		if (asksForSummary && isOurs && /reasoning\.summary|reasoning summar/i.test(errorBody)) {
			this.#refusesSummary = true;
			return true;
		}
		const format = isObject(body.text) && isObject(body.text.format) ? body.text.format : {};
		if (format.type !== "json_schema" || !isUnknownFormat(errorBody)) return false;
		this.#refusesSchemas = true;
		onNote?.(`the schema goes into the prompt: ${modelId} has no field for one`);
		return true;
	}
}
