/** Reads off an attachment, without decoding it, what providers count its tokens by. Nothing here throws. */

export interface ImageSize {
	readonly width: number;
	readonly height: number;
}

/** Enough for every header but those of photos with long metadata, whose whole data is looked through then. */
const headBase64 = 64 << 10;

/** Width and height in pixels of a PNG, JPEG, GIF or WebP as base64; undefined for anything else. */
export function imageSize(data: string): ImageSize | undefined {
	const head = Buffer.from(data.slice(0, headBase64), "base64");
	const size = pngSize(head) ?? gifSize(head) ?? webpSize(head);
	if (size !== undefined || head.length < 2 || head.readUInt16BE(0) !== 0xffd8) return size;
	return jpegSize(head) ?? jpegSize(Buffer.from(data, "base64"));
}

function pngSize(bytes: Buffer): ImageSize | undefined {
	if (bytes.length < 24 || bytes.readUInt32BE(0) !== 0x89504e47) return undefined;
	return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

function gifSize(bytes: Buffer): ImageSize | undefined {
	if (bytes.length < 10 || bytes.toString("latin1", 0, 3) !== "GIF") return undefined;
	return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
}

function webpSize(bytes: Buffer): ImageSize | undefined {
	if (bytes.length < 30 || bytes.toString("latin1", 8, 12) !== "WEBP") return undefined;
	switch (bytes.toString("latin1", 12, 16)) {
		case "VP8X":
			return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
		case "VP8L": {
			const bits = bytes.readUInt32LE(21);
			return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
		}
		case "VP8 ":
			return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
		default:
			return undefined;
	}
}

/** Walks the segments up to the frame header. */
function jpegSize(bytes: Buffer): ImageSize | undefined {
	let position = 2;
	while (position + 9 < bytes.length) {
		if (bytes[position] !== 0xff) return undefined;
		const marker = bytes[position + 1] as number;
		const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
		if (isFrame) return { width: bytes.readUInt16BE(position + 7), height: bytes.readUInt16BE(position + 5) };
		position += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(position + 2);
	}
	return undefined;
}

/** More cannot be packed into one object stream of an honest file. */
const mostInflatedBytes = 16 << 20;

/**
 * Pages of a PDF as base64; undefined where they cannot be counted. Page objects stand in the file as they are or, in
 * newer ones, in compressed streams of objects.
 */
export function pdfPages(data: string): number | undefined {
	const bytes = Buffer.from(data, "base64");
	const text = bytes.toString("latin1");
	let pages = countPages(text);
	for (const { 0: header, index } of text.matchAll(/\/Type\s*\/ObjStm\b[^>]*>>\s*stream\r?\n/g)) {
		try {
			const start = index + header.length;
			const end = text.indexOf("endstream", start);
			const objects = process.getBuiltinModule("node:zlib").inflateSync(bytes.subarray(start, end), {
				maxOutputLength: mostInflatedBytes,
				finishFlush: 2,
			});
			pages += countPages(objects.toString("latin1"));
		} catch {
			// Encrypted, or no deflate: its pages stay uncounted.
		}
	}
	return pages === 0 ? undefined : pages;
}

function countPages(text: string): number {
	return text.match(/\/Type\s*\/Page(?![a-zA-Z])/g)?.length ?? 0;
}

/** No speech is coded with fewer bytes a second than this. */
const leastBytesPerSecond = 2_000;

/** Seconds of a sound as base64, at most; a WAV says its rate itself. */
export function audioSeconds(data: string): number {
	const size = Math.floor((data.length * 3) / 4);
	const head = Buffer.from(data.slice(0, 64), "base64");
	const isWav = head.length >= 32 && head.toString("latin1", 8, 12) === "WAVE";
	const rate = isWav ? head.readUInt32LE(28) : 0;
	return size / (rate > 0 ? rate : leastBytesPerSecond);
}
