export interface OutgoingHeaders {
	/** Names and values in turn. */
	readonly headers: string[];
	readonly exchangeId: string | undefined;
}

/** Flattens headers (global Headers, pairs or a record) and takes the exchange's own header off. */
export function headersOf(init: unknown, exchangeHeader: string): OutgoingHeaders {
	const headers: string[] = [];
	let exchangeId: string | undefined;
	const take = (name: string, value: string | undefined) => {
		if (value === undefined) return;
		if (name.toLowerCase() === exchangeHeader) exchangeId = value;
		else headers.push(name, value);
	};
	if (typeof init !== "object" || init === null) return { headers, exchangeId };
	if (Symbol.iterator in init) {
		for (const [name, value] of init as Iterable<[string, string]>) take(name, value);
	} else {
		const record = init as Readonly<Record<string, string | undefined>>;
		for (const name of Object.keys(record)) take(name, record[name]);
	}
	return { headers, exchangeId };
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
