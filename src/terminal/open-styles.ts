/** Which styles are open in a text, so that they can be closed at the end of a line and go on with the next. */

const endingCodes = new Set(["22", "23", "24", "27", "29", "39"]);

/** The code that ends a style. */
function endOf(sequence: string): string {
	const code = Number(sequence.slice(2, -1));
	if (code === 1 || code === 2) return "22";
	return code >= 30 && code <= 37 ? "39" : String(code + 20);
}

/** Whether the second code ends the style that the first one begins. */
export function isClosedBy(opened: string, closed: string): boolean {
	return !endingCodes.has(opened) && endOf(`\x1b[${opened}m`) === closed;
}

/** Takes an SGR sequence into account in `open`, the sequences that began the styles that are open. */
export function noteStyle(open: string[], sequence: string): void {
	const code = sequence.slice(2, -1);
	if (!endingCodes.has(code)) {
		open.push(sequence);
		return;
	}
	const at = open.findLastIndex((style) => endOf(style) === code);
	if (at >= 0) open.splice(at, 1);
}

/** What ends the styles that are open. */
export function closeStyles(open: readonly string[]): string {
	return open
		.map((style) => `\x1b[${endOf(style)}m`)
		.reverse()
		.join("");
}
