import type { BrotliDecompress, Gunzip, Inflate, InflateRaw } from "node:zlib";
import { TransportError } from "./transport-error.ts";

/** Takes compressed bytes, gives plain ones to the events it was made with. */
export interface Decoder {
	/** False when it has enough for now; `onDrain` says when to go on. */
	write(chunk: Buffer): boolean;
	end(): void;
	destroy(): void;
}

export interface DecoderEvents {
	onData(chunk: Buffer): void;
	onEnd(): void;
	onError(error: TransportError): void;
	onDrain(): void;
}

type Stream = Gunzip | Inflate | InflateRaw | BrotliDecompress;

/**
 * The decoder for a `content-encoding`, or undefined when there is none. We ask for no encoding, since answers are
 * small and a stream's events would wait in a compressor's buffer; servers that compress anyway are understood.
 */
export function decoderFor(
	encoding: string | undefined,
	origin: string,
	events: () => DecoderEvents,
): Decoder | undefined {
	switch (encoding?.trim().toLowerCase()) {
		case undefined:
		case "":
		case "identity":
			return undefined;
		case "gzip":
		case "x-gzip":
			return new ZlibDecoder(() => zlib().createGunzip(), origin, events());
		case "br":
			return new ZlibDecoder(() => zlib().createBrotliDecompress(), origin, events());
		case "deflate":
			// RFC 9110 8.4.1.2: the zlib format, though some servers send raw deflate. The zlib header's method is 8.
			return new ZlibDecoder(
				(first) => (((first[0] ?? 0) & 0x0f) === 8 ? zlib().createInflate() : zlib().createInflateRaw()),
				origin,
				events(),
			);
		default:
			throw new TransportError(`${origin} sent an unknown encoding: ${encoding?.slice(0, 40)}`, {
				phase: "body",
				reason: "bad-encoding",
			});
	}
}

function zlib(): typeof import("node:zlib") {
	return process.getBuiltinModule("node:zlib");
}

class ZlibDecoder implements Decoder {
	readonly #create: (first: Buffer) => Stream;
	readonly #origin: string;
	readonly #events: DecoderEvents;
	#stream: Stream | undefined;

	constructor(create: (first: Buffer) => Stream, origin: string, events: DecoderEvents) {
		this.#create = create;
		this.#origin = origin;
		this.#events = events;
	}

	write(chunk: Buffer): boolean {
		this.#stream ??= this.#open(chunk);
		return this.#stream.write(chunk);
	}

	end(): void {
		if (this.#stream === undefined) this.#events.onEnd();
		else this.#stream.end();
	}

	destroy(): void {
		this.#stream?.destroy();
	}

	#open(first: Buffer): Stream {
		const stream = this.#create(first);
		stream.on("data", (chunk: Buffer) => this.#events.onData(chunk));
		stream.on("end", () => this.#events.onEnd());
		stream.on("drain", () => this.#events.onDrain());
		stream.on("error", (cause: Error & { code?: string }) => {
			// zlib's word for compressed data that stops before its end.
			const cut = cause.code === "Z_BUF_ERROR";
			this.#events.onError(
				new TransportError(
					cut
						? `${this.#origin} cut the answer off before its end`
						: `${this.#origin} sent an answer that cannot be decompressed: ${cause.message.slice(0, 100)}`,
					{ phase: "body", reason: cut ? "cut" : "bad-encoding", cause },
				),
			);
		});
		return stream;
	}
}
