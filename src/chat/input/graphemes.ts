/** Steps through text as people see it: by grapheme and by word. All positions are indices of code units. */

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
/** No grapheme that a person types is longer; a window of this size is enough to find a boundary. */
const windowSize = 128;

/** The start of the grapheme before `index`. */
export function previousGrapheme(text: string, index: number): number {
	const start = Math.max(0, index - windowSize);
	let previous = start;
	for (const { index: offset } of segmenter.segment(text.slice(start, index))) previous = start + offset;
	return index === 0 ? 0 : previous;
}

/** The end of the grapheme at `index`. */
export function nextGrapheme(text: string, index: number): number {
	const [first] = segmenter.segment(text.slice(index, index + windowSize));
	return index + (first?.segment.length ?? 0);
}

const wordCharacter = /[\p{L}\p{N}\p{M}_]/u;

/** The start of the word before `index`, as Alt-B goes. */
export function previousWord(text: string, index: number): number {
	let at = index;
	while (at > 0 && !wordCharacter.test(characterBefore(text, at))) at -= characterBefore(text, at).length;
	while (at > 0 && wordCharacter.test(characterBefore(text, at))) at -= characterBefore(text, at).length;
	return at;
}

/** The end of the word behind `index`, as Alt-F goes. */
export function nextWord(text: string, index: number): number {
	let at = index;
	while (at < text.length && !wordCharacter.test(characterAt(text, at))) at += characterAt(text, at).length;
	while (at < text.length && wordCharacter.test(characterAt(text, at))) at += characterAt(text, at).length;
	return at;
}

/** The start of the run of non-space characters before `index`, as Ctrl-W kills. */
export function previousSpaced(text: string, index: number): number {
	let at = index;
	while (at > 0 && /\s/.test(text[at - 1] ?? "")) at -= 1;
	while (at > 0 && !/\s/.test(text[at - 1] ?? "")) at -= 1;
	return at;
}

function characterAt(text: string, index: number): string {
	return String.fromCodePoint(text.codePointAt(index) ?? 0);
}

function characterBefore(text: string, index: number): string {
	const low = text.charCodeAt(index - 1);
	const isPair = low >= 0xdc00 && low <= 0xdfff && index > 1;
	return characterAt(text, isPair ? index - 2 : index - 1);
}
