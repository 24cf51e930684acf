import type { ByteSource } from "./byte-source.ts";
import type { FetchResponse } from "./contract.ts";

/**
 * The part of `Headers` that openai, @anthropic-ai/sdk and @google/genai call, over undici's plain record. The
 * global class is avoided because touching it loads Node's own copy of undici (28 ms of start-up).
 */
class LeanHeaders {
	readonly #record: Readonly<Record<string, string>>;

	constructor(record: Readonly<Record<string, string>>) {
		this.#record = record;
	}

	get(name: string): string | null {
		return this.#record[name.toLowerCase()] ?? null;
	}

	has(name: string): boolean {
		return Object.hasOwn(this.#record, name.toLowerCase());
	}

	forEach(callback: (value: string, name: string) => void): void {
		for (const name in this.#record) callback(this.#record[name] as string, name);
	}

	entries(): IterableIterator<[string, string]> {
		return Object.entries(this.#record)[Symbol.iterator]();
	}

	[Symbol.iterator](): IterableIterator<[string, string]> {
		return this.entries();
	}
}

type Piece = { done: false; value: Uint8Array } | { done: true; value: undefined };

/** The part of `ReadableStream` that the SDKs use: openai and genai take a reader, anthropic iterates. */
class LeanBody {
	readonly #source: ByteSource;

	constructor(source: ByteSource) {
		this.#source = source;
	}

	async read(): Promise<Piece> {
		const value = await this.#source.read();
		return value === null ? { done: true, value: undefined } : { done: false, value };
	}

	async cancel(): Promise<void> {
		this.#source.stop();
	}

	getReader() {
		return {
			read: () => this.read(),
			cancel: () => this.cancel(),
			releaseLock: () => {},
		};
	}

	[Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
		return {
			next: () => this.read(),
			return: async () => {
				this.#source.stop();
				return { done: true, value: undefined };
			},
		};
	}
}

export interface ResponseParts {
	readonly status: number;
	readonly statusText: string;
	readonly url: string;
	readonly headers: Readonly<Record<string, string>>;
	/** The bytes as they are, for `text()` and `json()`. */
	readonly bytes: ByteSource;
	/** The bytes as a consumer of a stream should see them; asked for once, when `body` is. */
	readonly events: () => ByteSource;
}

/** A response as far as the SDKs look at one. */
export class LeanResponse implements FetchResponse {
	readonly ok: boolean;
	readonly status: number;
	readonly statusText: string;
	readonly url: string;
	readonly headers: Headers;
	readonly #bytes: ByteSource;
	readonly #events: () => ByteSource;
	#body: LeanBody | undefined;

	constructor(parts: ResponseParts) {
		this.status = parts.status;
		this.ok = parts.status >= 200 && parts.status < 300;
		this.statusText = parts.statusText;
		this.url = parts.url;
		this.headers = new LeanHeaders(parts.headers) as unknown as Headers;
		this.#bytes = parts.bytes;
		this.#events = parts.events;
	}

	get body(): LeanBody {
		this.#body ??= new LeanBody(this.#events());
		return this.#body;
	}

	async text(): Promise<string> {
		const text = (await this.#bytes.readAll()).toString("utf8");
		return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
	}

	async json(): Promise<unknown> {
		return JSON.parse(await this.text());
	}
}
