import type { Adapter, AdapterCall, AdapterContext, AdapterRequest, Answer, AnswerPart } from "../adapter.ts";
import { checkAnswer, readAnswerBody, streamAnswer } from "../answer-stream.ts";
import { isObject } from "../error-body.ts";
import type { FailureContext } from "../failure.ts";
import type { ProviderRow } from "../provider-row.ts";
import { Responses } from "../responses/responses.ts";
import { OpenAiReader, openAiBill, readOpenAiAnswer } from "./reader.ts";
import { openAiBody } from "./request.ts";
import { OpenAiWire } from "./wire.ts";

/** The adapter of every provider that speaks OpenAI's chat completions. */
class OpenAiCompatible extends OpenAiWire implements Adapter {
	protected readonly path = "/chat/completions";
	/** The server refused `stream_options` once: it is not asked again. */
	#refusesStreamUsage = false;

	get choicesPerCall(): number {
		return this.context.provider.choicesPerCall;
	}

	async complete(call: AdapterCall): Promise<Answer> {
		const context = this.#failureContext(call);
		const payload = await readAnswerBody(() => this.send(call, false), context);
		return readOpenAiAnswer(this.context.provider, payload, context);
	}

	async requestBody(request: AdapterRequest): Promise<Readonly<Record<string, unknown>>> {
		return openAiBody(this.context.provider, request, false);
	}

	readAnswer(payload: unknown, call: AdapterCall): Answer {
		const context = this.#failureContext(call);
		return readOpenAiAnswer(this.context.provider, checkAnswer(payload, context), context);
	}

	stream(call: AdapterCall): AsyncIterable<AnswerPart> {
		const reader = new OpenAiReader(this.context.provider, call);
		return streamAnswer(() => this.send(call, true), reader, call.exchange);
	}

	protected bodyOf(provider: ProviderRow, call: AdapterCall, stream: boolean): Record<string, unknown> {
		const body = openAiBody(provider, call, stream);
		if (this.#refusesStreamUsage) delete body.stream_options;
		if (this.refusesSchemas) delete body.response_format;
		return body;
	}

	protected learn(call: AdapterCall, body: Record<string, unknown>): boolean {
		const { errorBody = "" } = call.exchange;
		if ("stream_options" in body && /stream_options|include_usage/.test(errorBody)) {
			this.#refusesStreamUsage = true;
			return true;
		}
		return this.learnOfSchemas(call, isObject(body.response_format) ? body.response_format : {});
	}

	#failureContext(call: AdapterCall): FailureContext {
		const { provider } = this.context;
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
