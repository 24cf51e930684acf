/** `*`, `_` and `~~`: what a run of them may begin and end, and the style of what stands between two of them. */

import type { Colors } from "../colors.ts";

/** A run of one character that may begin or end emphasis. */
export interface Delimiter {
	readonly character: string;
	length: number;
	readonly canOpen: boolean;
	readonly canClose: boolean;
}

/** Styled text, and what it was made from when it may still become part of something. */
export interface InlineNode {
	text: string;
	delimiter?: Delimiter | undefined;
}

/** An opener further back than this many others is given up: the search must stay short. */
const searchLimit = 32;

const letter = /[\p{L}\p{N}]/u;
const asciiPunctuation = /[!-/:-@[-`{-~]/;
/** Around these CommonMark's rules for punctuation make no sense: their text has no spaces. */
const beyondAscii = /[^\x00-\x7f]/;

/** Reads the run at `start`. */
export function emphasisAt(source: string, start: number): Delimiter {
	const character = source[start] ?? "";
	let end = start;
	while (source[end] === character) end += 1;
	const length = end - start;
	const before = source[start - 1] ?? " ";
	const after = source[end] ?? " ";
	const canBe = (inner: string, outer: string) =>
		!/\s/.test(inner) &&
		(!asciiPunctuation.test(inner) ||
			/\s/.test(outer) ||
			asciiPunctuation.test(outer) ||
			beyondAscii.test(outer));
	const none = { character, length, canOpen: false, canClose: false };
	if (character === "~") {
		if (length !== 2) return none;
		return { ...none, canOpen: !/\s/.test(after), canClose: !/\s/.test(before) };
	}
	// Paths, globs and products are not emphasis.
	if (/[/\\]/.test(before) || /[/\\]/.test(after)) return none;
	const isInside = letter.test(before) && letter.test(after);
	if (isInside && (character === "_" || (length === 1 && !beyondAscii.test(before + after)))) return none;
	if (character === "*" && length === 1 && after === ".") return none;
	if (character === "_" && isIdentifier(source, start, end)) return none;
	return {
		...none,
		canOpen: canBe(after, before) && !(character === "_" && letter.test(before)),
		canClose: canBe(before, after) && !(character === "_" && letter.test(after)),
	};
}

/** `__init__` and `_private_` are names. */
function isIdentifier(source: string, start: number, end: number): boolean {
	const word = (from: number, step: 1 | -1) => {
		let at = from;
		while (/\w/.test(source[at] ?? "") && Math.abs(at - from) < 80) at += step;
		return at;
	};
	const name = source.slice(word(start, -1) + 1, word(end - 1, 1));
	return /^_+[A-Za-z0-9]+(_[A-Za-z0-9]+)*_+$/.test(name);
}

/** Ends what the run ends, and adds what is left of it. Nodes up to `floor` are out of its reach. */
export function closeEmphasis(
	nodes: InlineNode[],
	delimiter: Delimiter,
	colors: Colors,
	floor: number,
): void {
	const { character } = delimiter;
	while (delimiter.canClose && delimiter.length > 0) {
		const at = findOpener(nodes, delimiter, floor);
		const opener = nodes[at];
		if (opener?.delimiter === undefined) break;
		const used = Math.min(opener.delimiter.length, delimiter.length, 2);
		const inner = nodes
			.slice(at + 1)
			.map(({ text }) => text)
			.join("");
		nodes.length = at + 1;
		opener.delimiter.length -= used;
		opener.text = opener.text.slice(used);
		delimiter.length -= used;
		const styled = { text: emphasize(inner, character, used, colors) };
		if (opener.delimiter.length > 0) nodes.push(styled);
		else nodes[at] = styled;
	}
	if (delimiter.length === 0) return;
	nodes.push({
		text: character.repeat(delimiter.length),
		delimiter: delimiter.canOpen ? delimiter : undefined,
	});
}

function findOpener(nodes: readonly InlineNode[], closer: Delimiter, floor: number): number {
	let left = searchLimit;
	for (let at = nodes.length - 1; at > floor && left > 0; at -= 1) {
		const delimiter = nodes[at]?.delimiter;
		if (delimiter === undefined) continue;
		left -= 1;
		if (delimiter.character !== closer.character) continue;
		if (closer.character === "~" && delimiter.length !== closer.length) continue;
		// `**a*` ends nothing: the single star would leave a half of the double one.
		const isOdd = (delimiter.canClose || closer.canOpen) && (delimiter.length + closer.length) % 3 === 0;
		if (!isOdd || (delimiter.length % 3 === 0 && closer.length % 3 === 0)) return at;
	}
	return -1;
}

function emphasize(text: string, character: string, length: number, colors: Colors): string {
	if (!colors.enabled) return character.repeat(length) + text + character.repeat(length);
	if (character === "~") return colors.strikethrough(text);
	return length === 2 ? colors.bold(text) : colors.italic(text);
}
