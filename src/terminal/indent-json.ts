/** The pieces of a JSON text: strings, marks, space, and what else there is. */
const stringsAndMarks = /"(?:[^"\\]|\\.)*"|[{}[\],:]|\s+|[^\s{}[\],:"]+/gs;
const step = "  ";

/**
 * A JSON text over several lines, for people. Names, strings and numbers stay exactly as they were written: reading
 * and writing them again would change long numbers.
 */
export function indentJson(json: string): string {
	let text = "";
	let depth = 0;
	let opened = false;
	const breakLine = () => `\n${step.repeat(depth)}`;
	for (const [part] of json.matchAll(stringsAndMarks)) {
		if (/^\s/.test(part)) continue;
		const closes = part === "}" || part === "]";
		if (closes) depth = Math.max(0, depth - 1);
		// What is empty stays on its line.
		if (opened !== closes) text += breakLine();
		opened = part === "{" || part === "[";
		if (opened) depth += 1;
		if (part === ",") text += `,${breakLine()}`;
		else text += part === ":" ? ": " : part;
	}
	return text;
}
