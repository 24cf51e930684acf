import type { ByteSource } from "./byte-source.ts";
import { TransportError } from "./transport-error.ts";

/**
 * Server-sent events in the one form that every SDK's parser reads right: LF line ends, no BOM, no comments, one
 * `data` line an event, only whole events, a blank line after the last. The parsers differ where servers do not keep
 * to that: @google/genai 3 drops an event that begins with `event:` or a comment and fails on several data lines or
 * a missing last blank line. What is already in that form, nearly always all of it, passes through uncopied.
 *
 * A whole JSON document in place of a stream becomes one event, and each element of a JSON array one, so an adapter
 * sees the same objects either way (faults.md row 15; Gemini answers with an array when `alt=sse` is lost).
 */

const LF = 0x0a;
const CR = 0x0d;
const bom = Buffer.from([0xef, 0xbb, 0xbf]);

export interface EventStreamOptions {
	readonly contentType: string;
	readonly origin: string;
	/** The most bytes one event may have. */
	readonly eventBytes: number;
	/** The most bytes a JSON document in place of a stream may have. */
	readonly bodyBytes: number;
}

export class EventStreamNormaliser {
	/** The event that ends an answer was passed on: OpenAI's `[DONE]`, Anthropic's `message_stop`. */
	finished = false;

	readonly #options: EventStreamOptions;
	#kind: "unknown" | "events" | "json" = "unknown";
	#pending: Buffer[] = [];
	#pendingBytes = 0;
	#endsWithLf = false;
	#endsWithCr = false;

	constructor(options: EventStreamOptions) {
		this.#options = options;
	}

	/** Takes bytes cut anywhere; returns the events that are now whole, or undefined. */
	push(chunk: Buffer): Buffer | undefined {
		if (this.finished || chunk.length === 0) return undefined;
		if (this.#kind === "events") return this.#pushEvents(chunk);
		this.#keep(chunk);
		if (this.#kind === "unknown") {
			const start = Buffer.concat(this.#pending);
			this.#kind = kindOf(start, this.#options);
			if (this.#kind === "events") {
				this.#drop();
				return this.#pushEvents(start.subarray(start.indexOf(bom) === 0 ? bom.length : 0));
			}
		}
		return undefined;
	}

	/** The body ended without being cut; returns what was still held back. */
	end(): Buffer | undefined {
		if (this.finished) return undefined;
		const rest = Buffer.concat(this.#pending);
		this.#drop();
		if (this.#kind === "json") return eventsOf(rest);
		if (this.#kind === "events") {
			const text = rest.toString("utf8");
			return text.trim() === "" ? undefined : rebuild(`${text}\n\n`);
		}
		if (rest.length > 0 && rest.toString("utf8").trim() !== "") throw notApi(this.#options);
		throw new TransportError(`${this.#options.origin} sent an empty answer`, {
			phase: "body",
			reason: "empty",
		});
	}

	#pushEvents(chunk: Buffer): Buffer | undefined {
		const lines = this.#endsWithCr || chunk.includes(CR) ? this.#withLf(chunk) : chunk;
		if (lines.length === 0) return undefined;
		const joint = this.#endsWithLf && lines[0] === LF;
		this.#endsWithLf = lines[lines.length - 1] === LF;
		const last = lines.lastIndexOf("\n\n");
		const end = last >= 0 ? last + 2 : joint ? 1 : 0;
		if (end === 0) {
			this.#keep(lines);
			return undefined;
		}
		const head = lines.subarray(0, end);
		const block = this.#pending.length === 0 ? head : Buffer.concat([...this.#pending, head]);
		this.#drop();
		if (end < lines.length) this.#keep(lines.subarray(end));
		return this.#pass(block);
	}

	#pass(block: Buffer): Buffer | undefined {
		const scan = scanBlock(block);
		if (scan.finishedAt !== undefined) {
			this.finished = true;
			this.#drop();
			block = block.subarray(0, scan.finishedAt);
		}
		const events = scan.canonical ? block : rebuild(block.toString("utf8"));
		return events !== undefined && events.length > 0 ? events : undefined;
	}

	#withLf(chunk: Buffer): Buffer {
		const lines = Buffer.allocUnsafe(chunk.length);
		let length = 0;
		let afterCr = this.#endsWithCr;
		for (let index = 0; index < chunk.length; index++) {
			const byte = chunk[index] as number;
			// A CR ends its line at once; the LF that may follow it, even in the next piece, belongs to it.
			if (!(byte === LF && afterCr)) lines[length++] = byte === CR ? LF : byte;
			afterCr = byte === CR;
		}
		this.#endsWithCr = afterCr;
		return lines.subarray(0, length);
	}

	#keep(bytes: Buffer): void {
		this.#pending.push(bytes);
		this.#pendingBytes += bytes.length;
		const { origin, eventBytes, bodyBytes } = this.#options;
		const cap = this.#kind === "json" ? bodyBytes : eventBytes;
		if (this.#pendingBytes > cap) {
			const size = `${Math.round(cap / 2 ** 20)} MiB`;
			throw new TransportError(`${origin} sent an event of more than ${size}`, {
				phase: "body",
				reason: "too-large",
			});
		}
	}

	#drop(): void {
		this.#pending = [];
		this.#pendingBytes = 0;
	}
}

/** What a body is, by its first characters: servers mislabel their streams, so the type alone does not decide. */
function kindOf(start: Buffer, options: EventStreamOptions): "unknown" | "events" | "json" {
	if (start.length < 3 && bom.subarray(0, start.length).equals(start)) return "unknown";
	if (/^text\/event-stream\b/i.test(options.contentType)) return "events";
	const text = start.toString("utf8", 0, 64).trimStart();
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

const doneLines = ["data: [DONE]", "data:[DONE]"];

/** Looks at each line of whole events: is rewriting needed, and where does the answer's last event end? */
function scanBlock(block: Buffer): { canonical: boolean; finishedAt: number | undefined } {
	let canonical = true;
	let dataLines = 0;
	let last = false;
	for (let start = 0; start < block.length; ) {
		const end = block.indexOf(LF, start);
		if (end === start) {
			if (last) return { canonical, finishedAt: end + 1 };
			dataLines = 0;
		} else if (startsWith(block, start, "data:")) {
			if (++dataLines > 1) canonical = false;
			// Within a JSON string a line end is written \n, so a whole line is never a model's own text.
			if (end - start <= 12 && doneLines.includes(block.toString("latin1", start, end))) last = true;
		} else if (startsWith(block, start, "event:")) {
			const name = block.toString("latin1", start + 6, end).trim();
			if (name === "message") canonical = false;
			if (name === "message_stop") last = true;
		} else {
			canonical = false;
		}
		start = end + 1;
	}
	return { canonical, finishedAt: undefined };
}

function startsWith(block: Buffer, start: number, word: string): boolean {
	for (let index = 0; index < word.length; index++) {
		if (block[start + index] !== word.charCodeAt(index)) return false;
	}
	return true;
}

/** Whole events, one field a line, written again in the plain form. */
function rebuild(text: string): Buffer | undefined {
	let events = "";
	for (const event of text.split("\n\n")) events += rebuildEvent(event.split("\n"));
	return events === "" ? undefined : Buffer.from(events, "utf8");
}

function rebuildEvent(lines: readonly string[]): string {
	let name = "";
	const data: string[] = [];
	const stray: string[] = [];
	for (const line of lines) {
		const colon = line.indexOf(":");
		const field = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
		if (field === "data") data.push(value);
		else if (field === "event") name = value;
		else if (line !== "") stray.push(line);
	}
	// Errors are sometimes written into a stream as bare JSON; as a data line every adapter sees them.
	if (data.length === 0 && /^\s*[{[]/.test(stray[0] ?? "")) data.push(...stray);
	if (data.length === 0) return "";
	// The data of all APIs is JSON, in which a line end between tokens may as well be a space.
	const named = name === "" || name === "message" ? "" : `event: ${name}\n`;
	return `${named}data: ${data.join(" ")}\n\n`;
}

function eventsOf(document: Buffer): Buffer {
	const text = document.toString("utf8").replace(/^\ufeff/, "");
	const oneLine = `data: ${text.replace(/[\r\n]+/g, " ").trim()}\n\n`;
	if (!text.trimStart().startsWith("[")) return Buffer.from(oneLine);
	try {
		const elements = JSON.parse(text) as unknown[];
		return Buffer.from(elements.map((element) => `data: ${JSON.stringify(element)}\n\n`).join(""));
	} catch {
		// Not JSON after all: the SDK's parser says so in its own words.
		return Buffer.from(oneLine);
	}
}

/** A body's events through the normaliser, ended at the event that ends the answer. */
export class EventSource implements ByteSource {
	readonly #bytes: ByteSource;
	readonly #normaliser: EventStreamNormaliser;
	#ended = false;

	constructor(bytes: ByteSource, options: EventStreamOptions) {
		this.#bytes = bytes;
		this.#normaliser = new EventStreamNormaliser(options);
	}

	async read(): Promise<Uint8Array | null> {
		while (!this.#ended) {
			const chunk = await this.#bytes.read();
			const events = this.#take(chunk);
			if (events !== undefined) return events;
		}
		return null;
	}

	async readAll(): Promise<Buffer> {
		const pieces: Uint8Array[] = [];
		for (let piece = await this.read(); piece !== null; piece = await this.read()) pieces.push(piece);
		return Buffer.concat(pieces);
	}

	finish(): void {
		this.#ended = true;
		this.#bytes.finish();
	}

	stop(error?: TransportError): void {
		this.#ended = true;
		this.#bytes.stop(error);
	}

	#take(chunk: Uint8Array | null): Uint8Array | undefined {
		try {
			if (chunk === null) {
				this.#ended = true;
				return this.#normaliser.end();
			}
			const events = this.#normaliser.push(chunk as Buffer);
			// Nothing after the last event is part of the answer, and some servers keep the socket open.
			if (this.#normaliser.finished) {
				this.#ended = true;
				this.#bytes.finish();
			}
			return events;
		} catch (error) {
			this.stop(error as TransportError);
			throw error;
		}
	}
}
