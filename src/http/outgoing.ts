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

/** What of the values of headers nothing may show: the values, and what stands behind a scheme such as `Bearer`. */
export function secretsIn(values: readonly string[]): readonly string[] {
	const parts = values.flatMap((value) => value.split(/[\s,;=]+/).filter((part) => part.length >= 8));
	// The longest first, so that no rest of one is left.
	return [...new Set([...values, ...parts])].sort((one, other) => other.length - one.length);
}

/** Puts headers into a flat list, in the place of those of the same name. */
export function replaceHeaders(headers: string[], values: Readonly<Record<string, string>>): void {
	for (const [name, value] of Object.entries(values)) {
		for (let at = headers.length - 2; at >= 0; at -= 2)
			if (headers[at]?.toLowerCase() === name.toLowerCase()) headers.splice(at, 2);
		headers.push(name, value);
	}
}
