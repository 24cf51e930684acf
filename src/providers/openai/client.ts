import OpenAI from "openai";
import { exchangeHeader, type FetchInit, type FetchLike, type FetchResponse } from "../../http/contract.ts";
import type { AdapterCall, AdapterContext, ListedModel } from "../adapter.ts";
import { isObject, parseJson } from "../error-body.ts";
import { notAnAnswer, toFailure } from "../failure.ts";

/** setTimeout's largest delay in ms: the SDK's own timeout is off, for the exchange keeps the time. */
const never = 2 ** 31 - 1;

type BuildRequest = OpenAI["buildRequest"];

/**
 * The openai SDK for JSON requests alone. It takes nothing from the environment, sends the same few headers each time,
 * and leaves stopping and timing to the exchange; what the SDK does there for every call costs more than the rest of it.
 */
class LeanOpenAI extends OpenAI {
	readonly #fetch: FetchLike;
	readonly #headers: Readonly<Record<string, string>>;
	readonly #urls = new Map<string, string>();

	constructor({ baseUrl, fetch }: AdapterContext, key: string | undefined) {
		super({
			apiKey: key ?? "none",
			adminAPIKey: null,
			organization: null,
			project: null,
			webhookSecret: null,
			baseURL: baseUrl,
			maxRetries: 0,
			timeout: never,
			logLevel: "off",
		});
		this.#fetch = fetch;
		this.#headers = {
			accept: "application/json",
			"content-type": "application/json",
			"user-agent": "llmx",
			...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
		};
	}

	override async buildRequest(options: Parameters<BuildRequest>[0]): ReturnType<BuildRequest> {
		const { method, path, headers, body } = options;
		let url = this.#urls.get(path);
		if (url === undefined) {
			url = this.buildURL(path, undefined);
			this.#urls.set(path, url);
		}
		const request: FetchInit = {
			method,
			headers: { ...this.#headers, ...headers },
			body: body === undefined ? undefined : JSON.stringify(body),
		};
		return { req: request, url, timeout: never } as unknown as Awaited<ReturnType<BuildRequest>>;
	}

	override fetchWithTimeout(url: string, request: unknown): Promise<Response> {
		return this.#fetch(url, request as FetchInit) as Promise<unknown> as Promise<Response>;
	}
}

type Sender = Pick<AdapterCall, "key" | "exchange">;

/** The clients of one route, a client a key, and what both of OpenAI's wires ask of them. */
export class OpenAiClients {
	readonly #context: AdapterContext;
	readonly #clients = new Map<string | undefined, LeanOpenAI>();

	constructor(context: AdapterContext) {
		this.#context = context;
	}

	post(path: string, body: Record<string, unknown>, { key, exchange }: Sender): Promise<FetchResponse> {
		const headers = { [exchangeHeader]: exchange.id };
		const response = this.#of(key).request({ method: "post", path, body, headers }).asResponse();
		return response as Promise<unknown> as Promise<FetchResponse>;
	}

	/** @throws RequestError */
	async listModels({ key, exchange }: Sender): Promise<readonly ListedModel[]> {
		const context = { provider: this.#context.provider, modelId: undefined, key, exchange };
		try {
			const headers = { [exchangeHeader]: exchange.id };
			const response = await this.#of(key).get("/models", { headers }).asResponse();
			const payload = parseJson(await response.text());
			// Together answers with a bare list.
			const list = isObject(payload) ? payload.data : payload;
			if (!Array.isArray(list)) throw notAnAnswer(context);
			return list.filter((model) => isObject(model) && typeof model.id === "string").map(toListedModel);
		} catch (error) {
			throw toFailure(error, context);
		}
	}

	#of(key: string | undefined): LeanOpenAI {
		let client = this.#clients.get(key);
		if (client === undefined) {
			client = new LeanOpenAI(this.#context, key);
			this.#clients.set(key, client);
		}
		return client;
	}
}

function toListedModel(model: Record<string, unknown>): ListedModel {
	const window = model.context_window ?? model.context_length ?? model.max_context_length;
	return { id: model.id as string, contextWindow: typeof window === "number" ? window : null };
}
