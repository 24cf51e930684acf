// The SDK's build for browsers: the one for Node reads keys and projects from the environment, warns on the console
// about them, and brings Google's authentication and a WebSocket library along.
import { GoogleGenAI } from "@google/genai/web";
import { exchangeHeader, type FetchInit, type FetchLike, type FetchResponse } from "../../http/contract.ts";
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
import { parseJson } from "../error-body.ts";
import { type FailureContext, toFailure } from "../failure.ts";
import { GeminiReader } from "./reader.ts";
import { geminiRequest, mergeDeep } from "./request.ts";

type GenerateParameters = Parameters<GoogleGenAI["models"]["generateContent"]>[0];

/** The adapter of Gemini's own wire, over @google/genai. */
class Gemini implements Adapter {
	/** More candidates than one are refused by most models; a caller sends several requests. */
	readonly choicesPerCall = 1;
	readonly #context: AdapterContext;
	readonly #clients = new Map<string | undefined, GoogleGenAI>();

	constructor(context: AdapterContext) {
		this.#context = context;
	}

	async complete(call: AdapterCall): Promise<Answer> {
		const reader = new GeminiReader(this.#context.provider, call);
		const payload = await readAnswerBody(() => this.#send(call, false), reader.failureContext);
		reader.takeWhole(payload);
		return answerOf(reader.end());
	}

	/** The SDK writes the body; its request ends before it would be sent. */
	async requestBody(request: AdapterRequest): Promise<Readonly<Record<string, unknown>>> {
		const { contents, config, patch } = geminiRequest(this.#context.provider, request);
		let body: unknown;
		const fetch: FetchLike = async (_input, init) => {
			body = parseJson(String((patch === null ? init : patched(init, patch))?.body));
			return { ...unread, status: 200, headers: new Map() } as unknown as FetchResponse;
		};
		const parameters = { model: request.modelId, contents, config: { ...config, httpOptions: { fetch } } };
		await this.#client(undefined).models.generateContent(parameters as unknown as GenerateParameters);
		return body as Readonly<Record<string, unknown>>;
	}

	readAnswer(payload: unknown, call: AdapterCall): Answer {
		const reader = new GeminiReader(this.#context.provider, call);
		reader.takeWhole(checkAnswer(payload, reader.failureContext));
		return answerOf(reader.end());
	}

	stream(call: AdapterCall): AsyncIterable<AnswerPart> {
		const reader = new GeminiReader(this.#context.provider, call);
		return streamAnswer(() => this.#send(call, true), reader, call.exchange);
	}

	async listModels(call: Pick<AdapterCall, "key" | "exchange">): Promise<readonly ListedModel[]> {
		const { key, exchange } = call;
		try {
			const pager = await this.#client(key).models.list({
				config: { pageSize: 1000, httpOptions: { headers: { [exchangeHeader]: exchange.id } } },
			});
			const models: ListedModel[] = [];
			for await (const { name, inputTokenLimit } of pager) {
				if (name === undefined) continue;
				models.push({ id: name.replace(/^models\//, ""), contextWindow: inputTokenLimit ?? null });
			}
			return models;
		} catch (error) {
			throw toFailure(error, this.#failureContext(call));
		}
	}

	#client(key: string | undefined): GoogleGenAI {
		let client = this.#clients.get(key);
		if (client === undefined) {
			const { baseUrl, fetch } = this.#context;
			client = new GoogleGenAI({
				apiKey: key ?? "none",
				vertexai: false,
				apiVersion: "v1beta",
				httpOptions: { baseUrl, apiVersion: "v1beta", fetch: fetch as unknown as typeof globalThis.fetch },
			});
			this.#clients.set(key, client);
		}
		return client;
	}

	/**
	 * Sends the request through the SDK and hands out the response unread: the SDK's own reading drops errors that
	 * come with status 200 and what it does not know, and ends a cut stream in silence.
	 */
	async #send(call: AdapterCall, stream: boolean): Promise<FetchResponse> {
		const { contents, config, patch } = geminiRequest(this.#context.provider, call);
		let response: FetchResponse | undefined;
		const fetch: FetchLike = async (input, init) => {
			response = await this.#context.fetch(input, patch === null ? init : patched(init, patch));
			if (!response.ok) return response;
			return { ...unread, status: response.status, headers: response.headers } as unknown as FetchResponse;
		};
		const httpOptions = { headers: { [exchangeHeader]: call.exchange.id }, fetch };
		const parameters = {
			model: call.modelId,
			contents,
			config: { ...config, httpOptions },
		} as unknown as GenerateParameters;
		const { models } = this.#client(call.key);
		await (stream ? models.generateContentStream(parameters) : models.generateContent(parameters));
		return response as FetchResponse;
	}

	#failureContext(call: Pick<AdapterCall, "key" | "exchange"> & Partial<AdapterCall>): FailureContext {
		const { modelId, key, exchange } = call;
		return { provider: this.#context.provider, modelId, key, exchange };
	}
}

/** What the SDK sees in place of a good response. */
const unread = {
	ok: true,
	statusText: "",
	url: "",
	body: null,
	text: async () => "{}",
	json: async () => ({}),
};

function patched(init: FetchInit | undefined, patch: Record<string, unknown>): FetchInit {
	const body = parseJson(String(init?.body)) as Record<string, unknown>;
	return { ...init, body: JSON.stringify(mergeDeep(body, patch)) };
}

export function createAdapter(context: AdapterContext): Adapter {
	return new Gemini(context);
}
