import type { ByteSource } from "./byte-source.ts";
import type { EventStream, FetchResponse } from "./contract.ts";

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

export interface ResponseParts {
	readonly status: number;
	readonly statusText: string;
	readonly url: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly bytes: ByteSource;
	/** The bytes as a stream of events. */
	readonly events: () => EventStream;
}

/** A response as far as the SDKs look at one. */
export class LeanResponse implements FetchResponse {
	readonly ok: boolean;
	readonly status: number;
	readonly statusText: string;
	readonly url: string;
	readonly headers: Headers;
	readonly body = null;
	readonly events: () => EventStream;
	readonly #bytes: ByteSource;

	constructor(parts: ResponseParts) {
		this.status = parts.status;
		this.ok = parts.status >= 200 && parts.status < 300;
		this.statusText = parts.statusText;
		this.url = parts.url;
		this.headers = new LeanHeaders(parts.headers) as unknown as Headers;
		this.#bytes = parts.bytes;
		this.events = parts.events;
	}

	async text(): Promise<string> {
		const text = (await this.#bytes.readAll(isWholeJson)).toString("utf8");
		return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
	}

	async json(): Promise<unknown> {
		return JSON.parse(await this.text());
	}

	async *pieces(): AsyncGenerator<Uint8Array, void> {
		try {
			for (let piece = await this.#bytes.read(); piece !== null; piece = await this.#bytes.read())
				yield piece;
		} finally {
			this.#bytes.stop();
		}
	}

	bytes(): Promise<Uint8Array> {
		return this.#bytes.readAll();
	}
}

/** Nothing but blanks can follow a whole object. */
function isWholeJson(bytes: Buffer): boolean {
	const text = bytes.toString("utf8");
	if (!text.trimEnd().endsWith("}")) return false;
	try {
		return typeof JSON.parse(text) === "object";
	} catch {
		return false;
	}
}
