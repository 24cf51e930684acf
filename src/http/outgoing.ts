/** What an SDK hands to fetch, in the forms that undici's dispatch takes. */

export interface OutgoingHeaders {
	/** Names and values in turn. */
	readonly headers: string[];
	readonly exchangeId: string | undefined;
}

/** Flattens headers (global Headers, pairs or a record) and takes the exchange's own header off. */
export function headersOf(init: unknown, exchangeHeader: string): OutgoingHeaders {
	const headers: string[] = [];
	let exchangeId: string | undefined;
	for (const [name, value] of pairsOf(init)) {
		if (value === undefined) continue;
		if (name.toLowerCase() === exchangeHeader) exchangeId = value;
		else headers.push(name, value);
	}
	return { headers, exchangeId };
}

function pairsOf(init: unknown): Iterable<[string, string | undefined]> {
	if (init === undefined || init === null) return [];
	if (typeof init === "object" && Symbol.iterator in init) return init as Iterable<[string, string]>;
	return Object.entries(init as Record<string, string | undefined>);
}

/**
 * The body as dispatch takes it. Forms (file uploads) are written as multipart here, because undici accepts only its
 * own FormData class; their content-type is added to `headers`.
 */
export function bodyOf(body: unknown, headers: string[]): unknown {
	if (body === undefined || body === null || typeof body === "string" || body instanceof Uint8Array)
		return body;
	if (body instanceof ArrayBuffer) return new Uint8Array(body);
	if (body instanceof URLSearchParams) {
		headers.push("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
		return body.toString();
	}
	if (isForm(body)) return multipart(body, headers);
	return body;
}

function isForm(body: unknown): body is FormData {
	return Object.prototype.toString.call(body) === "[object FormData]";
}

function multipart(form: FormData, headers: string[]): AsyncIterable<Uint8Array> {
	const boundary = `llmx-${crypto.randomUUID()}`;
	headers.push("content-type", `multipart/form-data; boundary=${boundary}`);
	const parts: { head: Buffer; value: Buffer | Blob }[] = [];
	for (const [name, value] of form) parts.push(partOf(boundary, name, value));
	const tail = Buffer.from(`--${boundary}--\r\n`);
	let length = tail.length;
	for (const { head, value } of parts) length += head.length + sizeOf(value) + 2;
	headers.push("content-length", String(length));
	return (async function* () {
		for (const { head, value } of parts) {
			yield head;
			if (Buffer.isBuffer(value)) yield value;
			else yield* value.stream();
			yield Buffer.from("\r\n");
		}
		yield tail;
	})();
}

function partOf(
	boundary: string,
	name: string,
	value: string | File,
): { head: Buffer; value: Buffer | Blob } {
	const opening = `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"`;
	if (typeof value === "string") {
		return { head: Buffer.from(`${opening}\r\n\r\n`), value: Buffer.from(value) };
	}
	const type = value.type === "" ? "application/octet-stream" : value.type;
	const head = `${opening}; filename="${escaped(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`;
	return { head: Buffer.from(head), value };
}

function sizeOf(value: Buffer | Blob): number {
	return Buffer.isBuffer(value) ? value.length : value.size;
}

/** https://html.spec.whatwg.org/#multipart-form-data: these three, percent-encoded. */
function escaped(name: string): string {
	return name.replaceAll("\n", "%0A").replaceAll("\r", "%0D").replaceAll('"', "%22");
}
