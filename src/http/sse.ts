import { createParser, type EventSourceParser } from "eventsource-parser";
import type { ByteSource } from "./byte-source.ts";
import type { EventStream, ServerEvent } from "./contract.ts";
import { TransportError } from "./transport-error.ts";

export interface EventStreamOptions {
	readonly contentType: string;
	readonly origin: string;
	/** The most characters one event may have. */
	readonly eventBytes: number;
	/** The most bytes a JSON document in place of a stream may have. */
	readonly bodyBytes: number;
}

/** An error written into a stream as bare JSON is short; what is longer is no such thing. */
const bareJsonCharacters = 16_384;

/**
 * Reads a body as server-sent events. The parser is `eventsource-parser`; around it are the bound on the size of an
 * event and what servers send in place of events: a whole JSON document (one event), or an error as bare JSON among
 * the events (one event, too).
 */
export class EventStreamReader implements EventStream {
	readonly #bytes: ByteSource;
	readonly #options: EventStreamOptions;
	readonly #decoder = new TextDecoder();
	readonly #parser: EventSourceParser;
	#kind: "unknown" | "events" | "json" = "unknown";
	#events: ServerEvent[] = [];
	/** The text after the last line end, or all of it while the kind is not known or is JSON. */
	#rest: string[] = [];
	#restLength = 0;
	#bareJson = "";
	#bodyEnded = false;

	constructor(bytes: ByteSource, options: EventStreamOptions) {
		this.#bytes = bytes;
		this.#options = options;
		this.#parser = createParser({
			maxBufferSize: options.eventBytes,
			onEvent: ({ event, data }) => {
				this.#bareJson = "";
				this.#events.push({ name: event, data, ended: !this.#bodyEnded });
			},
			onError: ({ type, line = "" }) => {
				if (type === "max-buffer-size-exceeded") throw this.#tooLarge(options.eventBytes);
				if (type === "unknown-field") this.#takeBareJson(line);
			},
		});
	}

	async read(): Promise<readonly ServerEvent[] | null> {
		while (!this.#bodyEnded) {
			const chunk = await this.#bytes.read();
			try {
				if (chunk === null) this.#end();
				else this.#take(this.#decoder.decode(chunk, { stream: true }));
			} catch (error) {
				this.#bodyEnded = true;
				this.#bytes.stop(error as TransportError);
				throw error;
			}
			if (this.#events.length > 0) {
				const events = this.#events;
				this.#events = [];
				return events;
			}
		}
		return null;
	}

	finish(): void {
		this.#bodyEnded = true;
		this.#bytes.finish();
	}

	stop(): void {
		this.#bodyEnded = true;
		this.#bytes.stop();
	}

	#take(text: string): void {
		if (this.#kind === "events") {
			this.#takeLines(text);
			return;
		}
		this.#keep(text);
		if (this.#kind === "json") return;
		const start = this.#rest.join("");
		this.#kind = kindOf(start, this.#options);
		if (this.#kind === "events") {
			this.#drop();
			this.#takeLines(start);
		}
	}

	/** The parser forgets a line that is not a field when it comes in pieces, so it is given whole lines. */
	#takeLines(text: string): void {
		const lineEnd = Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r")) + 1;
		if (lineEnd === 0) {
			this.#keep(text);
			return;
		}
		const lines = text.slice(0, lineEnd);
		this.#parser.feed(this.#rest.length === 0 ? lines : this.#rest.join("") + lines);
		this.#drop();
		if (lineEnd < text.length) this.#keep(text.slice(lineEnd));
	}

	#end(): void {
		const rest = this.#rest.join("") + this.#decoder.decode();
		this.#bodyEnded = true;
		this.#drop();
		if (this.#kind === "events") this.#parser.feed(`${rest}\n\n`);
		else if (this.#kind === "json") this.#events.push({ name: undefined, data: rest, ended: false });
		else if (rest.trim() !== "") throw notApi(this.#options);
		else
			throw new TransportError(`${this.#options.origin} sent an empty answer`, {
				phase: "body",
				reason: "empty",
			});
	}

	/** Errors are sometimes written into a stream without `data:`. */
	#takeBareJson(line: string): void {
		if (this.#bareJson === "" && !/^\s*[{[]/.test(line)) return;
		this.#bareJson += `${line}\n`;
		if (this.#bareJson.length > bareJsonCharacters) this.#bareJson = "";
		if (!/[}\]]\s*$/.test(line) || !isJson(this.#bareJson)) return;
		this.#events.push({ name: undefined, data: this.#bareJson, ended: true });
		this.#bareJson = "";
	}

	#keep(text: string): void {
		if (text === "") return;
		this.#rest.push(text);
		this.#restLength += text.length;
		const { eventBytes, bodyBytes } = this.#options;
		const limit = this.#kind === "json" ? bodyBytes : eventBytes;
		if (this.#restLength > limit) throw this.#tooLarge(limit);
	}

	#drop(): void {
		this.#rest = [];
		this.#restLength = 0;
	}

	#tooLarge(limit: number): TransportError {
		const message = `${this.#options.origin} sent an event of more than ${Math.round(limit / 2 ** 20)} MiB`;
		return new TransportError(message, { phase: "body", reason: "too-large" });
	}
}

/** What a body is, by its first characters: servers mislabel their streams, so the type alone does not decide. */
function kindOf(start: string, options: EventStreamOptions): "unknown" | "events" | "json" {
	if (/^text\/event-stream\b/i.test(options.contentType)) return "events";
	const text = start.trimStart();
	if (text === "") return "unknown";
	if (text[0] === "{" || text[0] === "[") return "json";
	if (/^(?::|data:|event:|id:|retry:)/.test(text)) return "events";
	if (text.length < 6 && /^[a-z]+$/.test(text)) return "unknown";
	throw notApi(options);
}

function notApi({ contentType, origin }: EventStreamOptions): TransportError {
	const type =
		contentType === "" ? "no content type" : (contentType.split(";")[0] as string).trim().slice(0, 60);
	return new TransportError(`not an API response (${type}) from ${origin}`, {
		phase: "body",
		reason: "not-api",
	});
}

function isJson(text: string): boolean {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}
