const entities: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
};

/** Text as it may stand in markup and in quoted attributes. */
export function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (character) => entities[character] as string);
}

/**
 * JSON as it may stand in a script element: it parses to the same value. Only what could end the element or open a
 * comment in it is escaped, and what browsers do not take for the text that it is: U+0000 and halves of characters are
 * escapes in JSON already.
 * https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
 */
export function escapeScript(json: string): string {
	return json
		.replace(/<(?=[/!sS])/g, "\\u003c")
		.replace(/-->/g, "--\\u003e")
		.replace(/[\u2028\u2029]/g, (character) => (character === "\u2028" ? "\\u2028" : "\\u2029"));
}
