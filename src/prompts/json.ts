/** What JSON cannot hold as a number without changing it; see `parseJson`. */
interface ExactNumber {
	readonly rawJSON: string;
}

// In Node since 21, and not yet in TypeScript's library.
declare global {
	interface JSON {
		rawJSON(text: string): ExactNumber;
		isRawJSON(value: unknown): value is ExactNumber;
	}
}

/** A number whose digits a double may lose: sixteen digits or more, or an exponent. */
const longNumber = /\d{16}|\d[eE]/;

/**
 * Parses JSON so that it can be written again unchanged in value: a number that a double cannot hold (an id of twenty
 * digits, 1e400) becomes an object that JSON.stringify writes as it was. Throws SyntaxError.
 */
export function parseJson(text: string): unknown {
	if (!longNumber.test(text)) return JSON.parse(text);
	return JSON.parse(text, keepExact);
}

function keepExact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
	const source = context?.source;
	if (typeof value !== "number" || source === undefined) return value;
	return String(value) === source || !longNumber.test(source) ? value : JSON.rawJSON(source);
}

/** The digits of a number as they were written, for a value that `parseJson` returned; undefined for other values. */
export function numberText(value: unknown): string | undefined {
	if (typeof value === "number") return String(value);
	return JSON.isRawJSON(value) ? value.rawJSON : undefined;
}

/** An object of JSON: neither null, nor a list, nor a number kept as text. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === "object" && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);
}

/** Where and why a text is not JSON, in words. V8's own message may quote the text. */
export function describeJsonError(error: unknown): string {
	const position = /at position (\d+)/.exec((error as Error).message)?.[1];
	return position === undefined
		? "not valid JSON (it ends early)"
		: `not valid JSON (at character ${Number(position) + 1})`;
}
