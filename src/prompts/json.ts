import { positionInJson } from "../state/json-lines.ts";
import { countLineEnds } from "./text-chunks.ts";

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

/** A value that says something: neither absent nor null. */
export function isSet(value: unknown): boolean {
	return value !== undefined && value !== null;
}

/** Set, and not the empty cell of a table. */
export function isFilled(value: unknown): boolean {
	return isSet(value) && value !== "";
}

/** Where and why a text is not JSON, in words. `line` counts from 0, within the text. */
export function describeJsonError(text: string): { readonly line: number; readonly problem: string } {
	const position = positionInJson(text);
	const before = text.slice(0, position);
	const lineStart = Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r")) + 1;
	// People and editors count characters, not the halves of which some consist.
	const character = [...before.slice(lineStart)].length + 1;
	const reason = reasonAt(text, position);
	const where = position >= text.length ? "it ends early" : `at character ${character}`;
	return {
		line: countLineEnds(before),
		problem: `not valid JSON (${where}${reason === undefined ? "" : `: ${reason}`})`,
	};
}

const reasons: readonly (readonly [at: RegExp, reason: string])[] = [
	[/-?(?:NaN|Infinity)\b/y, "NaN and Infinity are not JSON, as Python writes them; use null"],
	[/(?:None|True|False)\b/y, "None, True and False are Python; use null, true and false"],
	[/\/\/|\/\*|#/y, "JSON has no comments"],
	[/'/y, "JSON has double quotes only"],
	[/\ufeff/y, "a byte order mark in the middle of the file"],
	[/,\s*$/y, "a comma after the row"],
	[/[}\]]/y, "a comma before the closing bracket, or a value is missing"],
	[/[\x00-\x1f]/y, "a line break, tab or control character inside a text; write it as an escape"],
	[/[\u201c\u201d\u201e]/y, "typographic quotes; JSON has straight ones"],
];

function reasonAt(text: string, position: number): string | undefined {
	return reasons.find(([pattern]) => {
		pattern.lastIndex = position;
		return pattern.test(text);
	})?.[1];
}
