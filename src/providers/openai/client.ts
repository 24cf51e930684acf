import type { FetchInit, FetchResponse } from "../../http/contract.ts";
import type { AdapterCall, AdapterContext, ListedModel } from "../adapter.ts";
import { isObject, parseJson } from "../error-body.ts";
import { notAnAnswer, toFailure } from "../failure.ts";

type Sender = Pick<AdapterCall, "key" | "exchange">;

/**
 * The requests of OpenAI's wires: JSON with the same few headers each time. OpenAI's own SDK would make the same
 * requests at three times the cost; what it adds (retries, limits of time, typed streams) is the business of others here.
 */
export class OpenAiClient {
	readonly #context: AdapterContext;
	/** By key. */
	readonly #headers = new Map<string | undefined, Readonly<Record<string, string>>>();

	constructor(context: AdapterContext) {
		this.#context = context;
	}

	/** @throws TransportError; what an answer with the status of an error said is in the exchange */
	post(path: string, body: Record<string, unknown>, sender: Sender): Promise<FetchResponse> {
		return this.#send(path, { method: "POST", body: JSON.stringify(body) }, sender);
	}

	/** @throws RequestError */
	async listModels(sender: Sender): Promise<readonly ListedModel[]> {
		const context = { provider: this.#context.provider, modelId: undefined, ...sender };
		try {
			const response = await this.#send("/models", { method: "GET" }, sender);
			if (!response.ok) throw refused(response);
			const payload = parseJson(await response.text());
			// Together answers with a bare list.
			const list = isObject(payload) ? payload.data : payload;
			if (!Array.isArray(list)) throw notAnAnswer(context);
			return list.filter((model) => isObject(model) && typeof model.id === "string").map(toListedModel);
		} catch (error) {
			throw toFailure(error, context);
		}
	}

	#send(path: string, init: FetchInit, { key, exchange }: Sender): Promise<FetchResponse> {
		const { baseUrl, fetch } = this.#context;
		return fetch(baseUrl + path, { ...init, headers: this.#headersOf(key), exchange });
	}

	#headersOf(key: string | undefined): Readonly<Record<string, string>> {
		let headers = this.#headers.get(key);
		if (headers === undefined) {
			headers = Object.freeze({
				accept: "application/json",
				"content-type": "application/json",
				"user-agent": "llmx",
				...(key !== undefined && { authorization: `Bearer ${key}` }),
			});
			this.#headers.set(key, headers);
		}
		return headers;
	}
}

/** The error for an answer with the status of one. */
export function refused({ status }: FetchResponse): Error {
	return new Error(`it answered with ${status}`);
}

function toListedModel(model: Record<string, unknown>): ListedModel {
	const window = model.context_window ?? model.context_length ?? model.max_context_length;
	return { id: model.id as string, contextWindow: typeof window === "number" ? window : null };
}
