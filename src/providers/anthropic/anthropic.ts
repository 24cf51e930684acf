import Anthropic from "@anthropic-ai/sdk";
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
import { answerOf, checkAnswer, readAnswerBody, streamAnswer } from "../answer-stream.ts";
import { toFailure } from "../failure.ts";
import { AnthropicReader } from "./reader.ts";
import { anthropicBody } from "./request.ts";

/** setTimeout's largest delay in ms: the SDK's own timeout is off, for the exchange keeps the time. */
const never = 2 ** 31 - 1;

/** The SDK without what it would take from the environment, and without tracing. */
class LeanAnthropic extends Anthropic {
	constructor(context: AdapterContext, key: string | undefined) {
		super({
			authToken: key ?? "none",
			webhookKey: null,
			baseURL: context.baseUrl,
			maxRetries: 0,
			timeout: never,
			logLevel: "off",
			openTelemetry: false,
			fetch: context.fetch as unknown as typeof fetch,
		});
		// Set here, because the SDK adds ANTHROPIC_CUSTOM_HEADERS, which were not meant for us. It sends API keys as
		// bearer tokens too; gateways that speak this wire know keys by the API's older header only.
		const inner = this as unknown as { readonly _options: { defaultHeaders: Record<string, string | null> } };
		const isToken = key !== undefined && context.bearerKeys?.has(key) === true;
		inner._options.defaultHeaders = isToken ? {} : { Authorization: null, "X-Api-Key": key ?? null };
	}
}

/** The adapter of Anthropic's own wire, over @anthropic-ai/sdk. */
class AnthropicMessages implements Adapter {
	readonly choicesPerCall = 1;
	readonly #context: AdapterContext;
	readonly #clients = new Map<string | undefined, Anthropic>();

	constructor(context: AdapterContext) {
		this.#context = context;
	}

	async complete(call: AdapterCall): Promise<Answer> {
		const { provider } = this.#context;
		const body = anthropicBody(provider, call, false);
		const reader = new AnthropicReader(provider, call);
		const payload = await readAnswerBody(() => this.#post(body, call), reader.failureContext);
		reader.takeWhole(payload);
		return answerOf(reader.end());
	}

	async requestBody(request: AdapterRequest): Promise<Readonly<Record<string, unknown>>> {
		return anthropicBody(this.#context.provider, request, false);
	}

	readAnswer(payload: unknown, call: AdapterCall): Answer {
		const reader = new AnthropicReader(this.#context.provider, call);
		reader.takeWhole(checkAnswer(payload, reader.failureContext));
		return answerOf(reader.end());
	}

	stream(call: AdapterCall): AsyncIterable<AnswerPart> {
		const { provider } = this.#context;
		const reader = new AnthropicReader(provider, call);
		return streamAnswer(
			async () => this.#post(anthropicBody(provider, call, true), call),
			reader,
			call.exchange,
		);
	}

	async listModels({
		key,
		exchange,
	}: Pick<AdapterCall, "key" | "exchange">): Promise<readonly ListedModel[]> {
		try {
			const options = { headers: { [exchangeHeader]: exchange.id } };
			const models: ListedModel[] = [];
			for await (const model of this.#client(key).models.list({ limit: 1000 }, options))
				models.push({ id: model.id, contextWindow: model.max_input_tokens ?? null });
			return models;
		} catch (error) {
			throw toFailure(error, { provider: this.#context.provider, modelId: undefined, key, exchange });
		}
	}

	#client(key: string | undefined): Anthropic {
		let client = this.#clients.get(key);
		if (client === undefined) {
			client = new LeanAnthropic(this.#context, key);
			this.#clients.set(key, client);
		}
		return client;
	}

	async #post(body: Record<string, unknown>, call: AdapterCall): Promise<FetchResponse> {
		const response = await this.#client(call.key)
			.post("/v1/messages", { body, headers: { [exchangeHeader]: call.exchange.id } })
			.asResponse();
		return response as unknown as FetchResponse;
	}
}

export function createAdapter(context: AdapterContext): Adapter {
	return new AnthropicMessages(context);
}
