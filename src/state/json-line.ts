/**
 * A value as a line of JSON with its line break. What other readers take for the end of a line (Python's `splitlines`:
 * U+0085, U+2028, U+2029) is escaped, so that a line is one for everybody.
 */
export function jsonLine(value: unknown): string {
	const json = JSON.stringify(value);
	return `${otherLineEnds.test(json) ? escaped(json) : json}\n`;
}

const otherLineEnds = /[\u0085\u2028\u2029]/;

function escaped(json: string): string {
	return json.replaceAll(
		/[\u0085\u2028\u2029]/g,
		(character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
	);
}
