import type { ByteSource } from "./byte-source.ts";
import type { EventStream, FetchResponse } from "./contract.ts";
import type { Head } from "./head.ts";
import { EventStreamReader } from "./sse.ts";

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

/** Where a response comes from. */
export interface ResponseAddress {
	readonly href: string;
	readonly origin: string;
}

/** Sizes in bytes that a body, or one event of it, may have. */
export interface BodyCaps {
	readonly bodyBytes: number;
	readonly eventBytes: number;
}

/** A response as far as the SDKs look at one. */
export class LeanResponse implements FetchResponse {
	readonly body = null;
	readonly #head: Head;
	readonly #address: ResponseAddress;
	readonly #bytes: ByteSource;
	readonly #caps: BodyCaps;

	constructor(head: Head, address: ResponseAddress, bytes: ByteSource, caps: BodyCaps) {
		this.#head = head;
		this.#address = address;
		this.#bytes = bytes;
		this.#caps = caps;
	}

	get ok(): boolean {
		return this.status >= 200 && this.status < 300;
	}

	get status(): number {
		return this.#head.status;
	}

	get statusText(): string {
		return this.#head.statusText;
	}

	get url(): string {
		return this.#address.href;
	}

	get headers(): Headers {
		return new LeanHeaders(this.#head.headers) as unknown as Headers;
	}

	events(): EventStream {
		const { origin } = this.#address;
		const contentType = this.#head.headers["content-type"] ?? "";
		return new EventStreamReader(this.#bytes, { contentType, origin, ...this.#caps });
	}

	async text(): Promise<string> {
		const text = (await this.#bytes.readAll(isWholeJson)).toString("utf8");
		this.#bytes.finish();
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
