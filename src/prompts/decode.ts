import { pipeline, Readable, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { UsageError } from "../errors.ts";
import { type Files, systemFiles } from "../state/file-system.ts";
import { type ByteKind, recogniseBytes } from "./bytes.ts";
import { type InputFormat, type PromptsInput, readHead } from "./input.ts";
import { type SpooledFile, spool } from "./spool.ts";

/** A file may be compressed UTF-16, or compressed twice; one that goes deeper is made to do harm. */
const mostLayers = 4;

/**
 * The same prompts as UTF-8 text: what is compressed, UTF-16, or has the line ends of old Macs is decoded into a
 * private copy, and the file itself is closed then. Any other file is returned as it is.
 * @throws UsageError for a file of another kind or a damaged one; LlmxError when there is no room for the copy
 */
export async function decodeInput(files: Files, input: PromptsInput): Promise<PromptsInput> {
	let current = input;
	let source = files;
	for (let layer = 0; layer < mostLayers; layer++) {
		const decoded = await decodeOnce(source, current);
		if (decoded === undefined) return current;
		source.close(current.file);
		current = { ...current, ...decoded };
		source = systemFiles;
	}
	throw new UsageError(`${input.name} is compressed more than ${mostLayers - 1} times`);
}

async function decodeOnce(
	files: Files,
	{ name, file, format }: PromptsInput,
): Promise<SpooledFile | undefined> {
	const head = readHead(files, file);
	const decoder = decoderOf(recogniseBytes(head, name), format, head);
	if (decoder === undefined) return undefined;
	try {
		return await spool(decoder.run(files, file), name);
	} catch (error) {
		if (!isDamage(error)) throw error;
		throw new UsageError(`${name} is damaged: ${decoder.what} ends early or is not valid`, { cause: error });
	}
}

interface Decoder {
	readonly what: string;
	readonly run: (files: Files, file: number) => AsyncIterable<Uint8Array | string>;
}

function decoderOf(kind: ByteKind, format: InputFormat, head: Buffer): Decoder | undefined {
	switch (kind) {
		case "gzip":
			return { what: "its gzip data", run: (files, file) => through(chunksOf(files, file), createGunzip()) };
		case "zstd":
			return { what: "its zstd data", run: unzstd };
		case "utf16le":
			return { what: "its UTF-16 text", run: (files, file) => decodeText(chunksOf(files, file), "utf-16le") };
		case "utf16be":
			return { what: "its UTF-16 text", run: (files, file) => decodeText(chunksOf(files, file), "utf-16be") };
		default:
			return format === "text" && head.includes(0x0d) && !head.includes(0x0a)
				? { what: "it", run: (files, file) => endLines(chunksOf(files, file)) }
				: undefined;
	}
}

/** Node ends with the first frame and drops the others without a word; pzstd and `cat` make files of several. */
async function* unzstd(files: Files, file: number): AsyncGenerator<Uint8Array, void> {
	const { size } = files.facts(file);
	for (let position = 0; position < size; ) {
		const frame = createZstdDecompress();
		yield* through(chunksOf(files, file, position), frame);
		if (frame.bytesWritten === 0) return;
		position += frame.bytesWritten;
	}
}

function through(chunks: Iterable<Uint8Array>, transform: Transform): AsyncIterable<Uint8Array> {
	// Whoever reads the transform is told of its errors.
	return pipeline(Readable.from(chunks), transform, () => {});
}

const chunkBytes = 256 * 1024;

function* chunksOf(files: Files, file: number, start = 0): Generator<Uint8Array, void> {
	for (let position = start; ; ) {
		// One of its own: a stream may hold on to it while the next is read.
		const chunk = Buffer.allocUnsafe(chunkBytes);
		const length = files.read(file, chunk, 0, position);
		if (length === 0) return;
		position += length;
		yield chunk.subarray(0, length);
	}
}

async function* decodeText(chunks: Iterable<Uint8Array>, encoding: string): AsyncGenerator<string, void> {
	// A byte order mark stays: that the file has one decides how a table is written.
	const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
	for (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
	yield decoder.decode();
}

/** Carriage returns alone, as old Macs end lines, to newlines. */
async function* endLines(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
	for (const chunk of chunks) {
		const bytes = Buffer.from(chunk);
		for (let at = bytes.indexOf(0x0d); at !== -1; at = bytes.indexOf(0x0d, at + 1)) bytes[at] = 0x0a;
		yield bytes;
	}
}

/** Errors of zlib and of text decoders. Those of the disk come as they are. */
function isDamage(error: unknown): boolean {
	const { code } = error as NodeJS.ErrnoException;
	return (
		typeof code === "string" && /^(Z_|ZSTD_|ERR_ENCODING_INVALID|ERR_BUFFER_TOO_LARGE|ERR_ZSTD)/.test(code)
	);
}
