/** One server-sent event. */
export interface ServerEvent {
	/** Its name, where it has one. */
	readonly name: string | undefined;
	readonly data: string;
}

/**
 * Splits a body into events. traffic/http gives every stream in one plain form (LF, one `data` line an event), so
 * this is all there is to parse; and unlike the SDKs' own streams it says how a body ended.
 */
export async function* readEvents(body: unknown): AsyncGenerator<ServerEvent, void, undefined> {
	const decoder = new TextDecoder();
	let rest = "";
	for await (const chunk of body as AsyncIterable<Uint8Array>) {
		rest += decoder.decode(chunk, { stream: true });
		let start = 0;
		for (let end = rest.indexOf("\n\n"); end !== -1; end = rest.indexOf("\n\n", start)) {
			const event = parseEvent(rest.slice(start, end));
			start = end + 2;
			if (event !== undefined) yield event;
		}
		if (start > 0) rest = rest.slice(start);
	}
	const event = parseEvent(rest.trimEnd());
	if (event !== undefined) yield event;
}

function parseEvent(text: string): ServerEvent | undefined {
	let name: string | undefined;
	let data: string | undefined;
	for (let start = 0; start < text.length; ) {
		const newline = text.indexOf("\n", start);
		const end = newline === -1 ? text.length : newline;
		if (text.startsWith("data:", start)) data = valueIn(text, start + 5, end);
		else if (text.startsWith("event:", start)) name = valueIn(text, start + 6, end);
		start = end + 1;
	}
	return data === undefined ? undefined : { name, data };
}

function valueIn(text: string, start: number, end: number): string {
	return text.slice(text[start] === " " ? start + 1 : start, end);
}
