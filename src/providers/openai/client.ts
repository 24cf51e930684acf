import OpenAI from "openai";
import type { FetchInit, FetchLike } from "../../http/contract.ts";
import type { AdapterContext } from "../adapter.ts";

/** setTimeout's largest delay in ms: the SDK's own timeout is off, for the exchange keeps the time. */
const never = 2 ** 31 - 1;

type BuildRequest = OpenAI["buildRequest"];

/**
 * The openai SDK for JSON requests alone. It takes nothing from the environment, sends the same few headers each time,
 * and leaves stopping and timing to the exchange; what the SDK does there for every call costs more than the rest of it.
 */
export class LeanOpenAI extends OpenAI {
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
