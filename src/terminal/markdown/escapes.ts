/** When a backslash is an escape of markdown, and when it is part of what is said. */

/** A word with one of these is a path or a pattern, whose backslashes mean something. */
const pattern = /\\[A-Za-z0-9\\/.^()[\]{}?+:%]|^[A-Za-z]:\\/;
const numbering = /^\d{1,9}\\[.)]$/;

/** A word of the source: what stands between white space. */
export interface Word {
	readonly start: number;
	readonly end: number;
	/** It is a path or a pattern. */
	readonly isPattern: boolean;
}

/** The word around `index`, which is a backslash. */
export function wordAt(source: string, index: number): Word {
	let start = index;
	while (start > 0 && index - start < 200 && !/\s/.test(source[start - 1] ?? "")) start -= 1;
	const end = index + (/\s|$/.exec(source.slice(index))?.index ?? 0);
	const word = source.slice(start, end);
	// `\(x\)` and `\[x\]` alone are formulas.
	const isFormula = /^[("'“]*\\[([]/.test(word) && !/\\[dDwWsSbB.+*?^$]/.test(word);
	return { start, end, isPattern: !isFormula && pattern.test(word) };
}

/** `1\.` at the start of a line is a number with a full stop that is not a list. */
export function isNumbering(word: string): boolean {
	return numbering.test(word);
}
