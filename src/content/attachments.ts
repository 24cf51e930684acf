import { AbortedError, exitCodes, LlmxError, UsageError } from "../errors.ts";
import { exchangeHeader, type Http } from "../http/contract.ts";
import { isRedirect } from "../http/head.ts";
import { createHttp } from "../http/http.ts";
import { proxySettings } from "../http/proxy.ts";
import { TransportError } from "../http/transport-error.ts";
import type { ContentPart } from "../types.ts";
import { maxFileBytes } from "./bounded-read.ts";
import { isPrivateHost, type Resolve } from "./private-address.ts";

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
 * @throws UsageError when it is not an image, PDF or sound that any provider takes, or is larger than 32 MiB
 */
export function attachmentPart(name: string, bytes: Uint8Array): ContentPart {
	if (bytes.length > maxFileBytes) throw tooLarge(name);
	const mediaType = signatures.find(({ test }) => test(bytes))?.mediaType;
	if (mediaType === undefined)
		throw new UsageError(`${name} is not a supported file type`, {
			hint: "supported: PNG, JPEG, GIF, WebP, PDF, WAV, MP3, FLAC, Ogg, M4A; add text files with -f",
		});
	const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
	if (mediaType.startsWith("image/")) return { type: "image", mediaType, data };
	if (mediaType.startsWith("audio/")) return { type: "audio", mediaType, data };
	return { type: "file", mediaType, data, filename: name.replace(/^.*[/\\]/, "") };
}

export interface UrlAttachmentOptions {
	/** Leave an image to the provider, which fetches it itself (`LLM.fetchesImages`). Default false. */
	readonly passImagesOn?: boolean | undefined;
	readonly signal?: AbortSignal | undefined;
	/** Hears of a redirect to another host, before it is followed. */
	readonly onNote?: ((note: string) => void) | undefined;
	/** Finds the addresses of a host; the system's way by default. */
	readonly resolve?: Resolve | undefined;
	/** Bound of a request in ms. Default 120,000. */
	readonly timeoutMs?: number | undefined;
}

const downloadTimeoutMs = 120_000;
const maxRedirects = 5;
const imageName = /\.(?:png|jpe?g|gif|webp)$/i;

/**
 * Turns what an http(s) address holds into a content part: downloads it, or leaves an image to the provider. Nothing
 * but the address is sent, no key and no cookie.
 * @throws UsageError for an address or file that cannot be used; LlmxError when the network fails; AbortedError
 */
export async function attachmentFromUrl(
	address: string,
	options: UrlAttachmentOptions = {},
): Promise<ContentPart> {
	const url = readAddress(address);
	if (options.passImagesOn && imageName.test(url.pathname)) return { type: "image", url: url.href };
	return attachmentPart(shown(url), await downloadFrom(address, options));
}

/** Downloads what an http(s) address holds, at most 32 MiB. Throws as `attachmentFromUrl` does. */
export async function downloadFrom(address: string, options: UrlAttachmentOptions = {}): Promise<Uint8Array> {
	const url = readAddress(address);
	const http = createHttp({ caps: { bodyBytes: maxFileBytes }, proxy: proxySettings(process.env) });
	try {
		return await download(http, url, options);
	} finally {
		await http.close();
	}
}

function readAddress(address: string): URL {
	const url = URL.canParse(address) ? new URL(address) : undefined;
	if (url === undefined || !/^https?:$/.test(url.protocol))
		throw new UsageError(`"${address.slice(0, 200)}" is not an http(s) URL`);
	if (url.username !== "" || url.password !== "")
		throw new UsageError(`${shown(url)}: URLs with a user name or password are not fetched`, {
			hint: "download the file yourself and attach its path",
		});
	return url;
}

async function download(http: Http, start: URL, options: UrlAttachmentOptions): Promise<Uint8Array> {
	let url = start;
	for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
		const answer = await get(http, url, options);
		if (answer instanceof Uint8Array) return answer;
		if (url.protocol === "https:" && answer.protocol === "http:")
			throw new UsageError(`${shown(url)} redirects to plain http at ${answer.host}, which is not followed`, {
				hint: "attach that URL itself if you trust it",
			});
		// A server out there must not make this machine ask its own network.
		if (answer.hostname !== start.hostname && (await isPrivateHost(answer.hostname, options.resolve))) {
			if (!(await isPrivateHost(start.hostname, options.resolve)))
				throw new UsageError(
					`${shown(url)} leads to ${answer.host} in a private network, which is not followed`,
					{
						hint: "attach that URL itself if you trust it",
					},
				);
		}
		if (answer.host !== url.host) options.onNote?.(`${shown(url)} is a redirect to ${answer.host}`);
		url = answer;
	}
	throw new UsageError(`cannot download ${shown(start)}: more than ${maxRedirects} redirects`);
}

/** One request: the bytes, or the address that it leads to. */
async function get(http: Http, url: URL, options: UrlAttachmentOptions): Promise<Uint8Array | URL> {
	const { signal, timeoutMs = downloadTimeoutMs } = options;
	const timeouts = { totalMs: timeoutMs, firstContentMs: Number.POSITIVE_INFINITY };
	const exchange = http.begin({ signal, timeouts, showRedirects: true });
	try {
		const headers = { [exchangeHeader]: exchange.id, accept: "*/*", "user-agent": "llmx" };
		const response = await http.fetch(url, { headers });
		if (response.ok) return await response.bytes();
		const location = isRedirect(response.status) ? response.headers.get("location") : null;
		const next = location === null ? null : URL.parse(location, url.href);
		if (next && /^https?:$/.test(next.protocol)) return next;
		throw new LlmxError(`cannot download ${shown(url)}: the server answers ${response.status}`, {
			exitCode: response.status >= 500 ? exitCodes.outage : exitCodes.usage,
		});
	} catch (error) {
		if (!(error instanceof TransportError)) throw error;
		if (error.reason === "aborted") throw new AbortedError(undefined, { cause: signal?.reason });
		if (error.reason === "too-large") throw tooLarge(shown(url));
		throw new LlmxError(`cannot download ${shown(url)}: ${error.message}`, {
			exitCode: error.exitCode,
			cause: error,
		});
	} finally {
		exchange.close();
	}
}

/** An address without its query, which may hold a signature. */
function shown({ origin, pathname }: URL): string {
	return `${origin}${pathname}`;
}

function tooLarge(name: string): UsageError {
	return new UsageError(`${name} is larger than ${maxFileBytes >> 20} MiB`);
}
