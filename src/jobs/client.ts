import { AbortedError, type LlmxError } from "../errors.ts";
import { type Exchange, exchangeHeader, type Http } from "../http/contract.ts";
import { isObject, parseJson } from "../providers/error-body.ts";
import { type FailureContext, notAnAnswer, toFailure } from "../providers/failure.ts";
import type { ProviderRow } from "../providers/provider-row.ts";
import { UnknownOutcomeError } from "./errors.ts";
import type { StreamedBody } from "./part-file.ts";

export interface JobClientOptions {
	readonly http: Http;
	readonly provider: ProviderRow;
	readonly baseUrl: string;
	readonly key: string | undefined;
	/** The headers that carry the key. */
	readonly auth: Readonly<Record<string, string>>;
	readonly signal: AbortSignal | undefined;
}

export interface JobRequest {
	readonly method?: "GET" | "POST" | "PUT" | "DELETE";
	/** Under the base URL; or a whole address, to which the key goes only if it is of the same origin. */
	readonly path: string;
	readonly query?: Readonly<Record<string, string | number | undefined>>;
	readonly headers?: Readonly<Record<string, string>>;
	/** Sent as JSON, or as it is when it has a length. */
	readonly body?: unknown;
	readonly stream?: StreamedBody;
	/** An upload or a create may take long until its answer begins. */
	readonly patient?: boolean;
	/** An address that needs no key, because it is signed. */
	readonly keyless?: boolean;
	/** A redirect is the answer that is wanted. */
	readonly redirects?: boolean;
}

export interface JobResponse {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	/** Parsed; undefined when it is not JSON. */
	readonly body: unknown;
}

/** Until the answer to an upload begins, in ms: a provider reads and checks all of it first. */
const patienceMs = 900_000;

/**
 * Plain requests to one provider's batch API, with one key. It sends once and never retries: what follows a failure
 * depends on what the request was for. The SDKs are not used here, because they hide what decides that (whether a
 * request was sent, a status, fields they do not know) and hold whole files in memory.
 */
export class JobClient {
	readonly #options: JobClientOptions;

	constructor(options: JobClientOptions) {
		this.#options = options;
	}

	get baseUrl(): string {
		return this.#options.baseUrl;
	}

	get label(): string {
		return this.#options.provider.label;
	}

	/** Sends a request and reads its answer. @throws RequestError | AbortedError */
	async send(request: JobRequest): Promise<JobResponse> {
		const exchange = this.#begin(request);
		try {
			return await this.#exchange(request, exchange);
		} finally {
			exchange.close();
		}
	}

	/** Like `send`, for an answer that must be a JSON object. */
	async json(request: JobRequest): Promise<Record<string, unknown>> {
		const exchange = this.#begin(request);
		try {
			const { body } = await this.#exchange(request, exchange);
			if (!isObject(body)) throw this.malformed(exchange);
			return body;
		} finally {
			exchange.close();
		}
	}

	/**
	 * Sends what creates a job. @throws UnknownOutcomeError when it may have been created although no usable answer
	 * came: the request was sent, and what came back was nothing, a server error, or an answer that cannot be read.
	 */
	async create(request: JobRequest, idOf: (body: Record<string, unknown>) => unknown): Promise<string> {
		const exchange = this.#begin(request, true);
		try {
			const { body } = await this.#exchange(request, exchange);
			const id = isObject(body) ? idOf(body) : undefined;
			if (typeof id === "string" && id !== "") return id;
			throw this.malformed(exchange);
		} catch (error) {
			if (isDefinite(exchange)) throw error;
			const { label } = this;
			throw new UnknownOutcomeError(`${label}: the answer to the creation of a job was lost`, {
				cause: error,
			});
		} finally {
			exchange.close();
		}
	}

	/** Streams a file of JSON lines; ends it with a line break if it has none. */
	async download(request: JobRequest, write: (piece: Uint8Array | string) => Promise<void>): Promise<void> {
		const exchange = this.#begin(request);
		try {
			const response = await this.#fetch(request, exchange);
			let last = 0x0a;
			for await (const piece of response.pieces()) {
				exchange.noteContent();
				if (piece.length === 0) continue;
				last = piece[piece.length - 1] as number;
				await write(piece);
			}
			if (exchange.failure !== undefined) throw exchange.failure;
			if (exchange.cut) throw new Error("the connection was cut");
			if (last !== 0x0a) await write("\n");
		} catch (error) {
			throw this.#failure(error, exchange);
		} finally {
			exchange.close();
		}
	}

	/** An answer came that is none of this API's; `said` is what was wrong with one that cannot be shown. */
	malformed(exchange?: Exchange, said?: string): LlmxError {
		return notAnAnswer(this.#context(exchange ?? this.#options.http.begin()), said);
	}

	/** An upload was answered as if it had succeeded, and there is no file. */
	lostUpload(): LlmxError {
		return this.malformed(undefined, "the upload was answered without naming a file");
	}

	#begin({ stream, patient, redirects }: JobRequest, isCreate = false): Exchange {
		const { http, signal } = this.#options;
		return http.begin({
			signal,
			// On a kept connection that the server has given up, a request is sent a second time: a create must not be, and
			// a body that is streamed cannot be.
			ownConnection: isCreate || stream !== undefined,
			showRedirects: redirects ?? false,
			...(patient && { timeouts: { firstContentMs: patienceMs, idleMs: patienceMs } }),
		});
	}

	async #exchange(request: JobRequest, exchange: Exchange): Promise<JobResponse> {
		try {
			const response = await this.#fetch(request, exchange);
			const text = await response.text();
			if (exchange.cut) throw new Error("the connection was cut");
			return { status: response.status, headers: exchange.headers ?? {}, body: parseJson(text) };
		} catch (error) {
			throw this.#failure(error, exchange);
		}
	}

	async #fetch(request: JobRequest, exchange: Exchange) {
		const { http, auth } = this.#options;
		const url = this.#urlOf(request);
		const { stream, body } = request;
		const isOwn = request.keyless !== true && url.origin === new URL(this.baseUrl).origin;
		const headers = {
			...(isOwn && auth),
			...(body !== undefined && { "content-type": "application/json" }),
			...(stream !== undefined && { "content-length": String(stream.length) }),
			...request.headers,
			[exchangeHeader]: exchange.id,
		};
		const response = await http.fetch(url, {
			method: request.method ?? "GET",
			headers,
			body: stream?.chunks ?? (body === undefined ? undefined : JSON.stringify(body)),
		});
		const isWanted = response.ok || (request.redirects === true && response.status < 400);
		if (!isWanted) {
			await response.text();
			throw new Error(`status ${response.status}`);
		}
		return response;
	}

	#urlOf({ path, query }: JobRequest): URL {
		const url = new URL(
			path.startsWith("https:") || path.startsWith("http:") ? path : `${this.baseUrl}${path}`,
		);
		for (const [name, value] of Object.entries(query ?? {}))
			if (value !== undefined) url.searchParams.set(name, String(value));
		return url;
	}

	#failure(error: unknown, exchange: Exchange): LlmxError {
		if (error instanceof UnknownOutcomeError || error instanceof AbortedError) return error;
		return toFailure(error, this.#context(exchange));
	}

	#context(exchange: Exchange): FailureContext {
		const { provider, key } = this.#options;
		return { provider, modelId: undefined, key, exchange };
	}
}

/** The failure says that no job was created: nothing was sent, or the server refused it. */
function isDefinite({ sent, status }: Exchange): boolean {
	return !sent || (status !== undefined && status >= 400 && status < 500 && status !== 408);
}
