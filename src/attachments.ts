import { UsageError } from "./errors.ts";
import type { ContentPart } from "./types.ts";

/** Larger files are refused: no provider takes more than about this inline. */
export const MAX_ATTACHMENT_BYTES = 32 * 1024 * 1024;

const ascii = (bytes: Uint8Array, start: number, end: number): string =>
	String.fromCharCode(...bytes.subarray(start, end));

/** The first bytes of each kind of file that some provider takes. */
const signatures: readonly { readonly mediaType: string; readonly test: (bytes: Uint8Array) => boolean }[] = [
	{ mediaType: "image/png", test: (bytes) => bytes[0] === 0x89 && ascii(bytes, 1, 4) === "PNG" },
	{ mediaType: "image/jpeg", test: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff },
	{ mediaType: "image/gif", test: (bytes) => ascii(bytes, 0, 4) === "GIF8" },
	{
		mediaType: "image/webp",
		test: (bytes) => ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 12) === "WEBP",
	},
	{ mediaType: "application/pdf", test: (bytes) => ascii(bytes, 0, 5) === "%PDF-" },
	{
		mediaType: "audio/wav",
		test: (bytes) => ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 12) === "WAVE",
	},
	{ mediaType: "audio/mpeg", test: (bytes) => ascii(bytes, 0, 3) === "ID3" || isMpegFrame(bytes) },
	{ mediaType: "audio/flac", test: (bytes) => ascii(bytes, 0, 4) === "fLaC" },
	{ mediaType: "audio/ogg", test: (bytes) => ascii(bytes, 0, 4) === "OggS" },
	{ mediaType: "audio/mp4", test: (bytes) => ascii(bytes, 4, 11) === "ftypM4A" },
];

/** An MPEG layer III frame begins with eleven set bits and the layer bits 01. */
function isMpegFrame([first = 0, second = 0]: Uint8Array): boolean {
	return first === 0xff && (second & 0xe6) === 0xe2;
}

/**
 * Turns a file's bytes into a content part. The kind is read from the bytes, for names lie.
 * @throws UsageError when it is no image, PDF or sound that any provider takes, or is larger than 32 MiB
 */
export function attachmentPart(name: string, bytes: Uint8Array): ContentPart {
	if (bytes.length > MAX_ATTACHMENT_BYTES) {
		throw new UsageError(`${name} is larger than ${MAX_ATTACHMENT_BYTES >> 20} MiB`);
	}
	const mediaType = signatures.find(({ test }) => test(bytes))?.mediaType;
	if (mediaType === undefined) {
		throw new UsageError(`${name} is no image, PDF or sound that a model takes`, {
			hint: "PNG, JPEG, GIF, WebP, PDF, WAV, MP3, FLAC, Ogg and M4A work; text goes in with -f",
		});
	}
	const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
	if (mediaType.startsWith("image/")) return { type: "image", mediaType, data };
	if (mediaType.startsWith("audio/")) return { type: "audio", mediaType, data };
	return { type: "file", mediaType, data, filename: name.replace(/^.*[/\\]/, "") };
}
