/** Styled text to lines of a given width, a piece at a time. A line is finished once nothing can join it any more. */

import { closeStyles, isClosedBy, noteStyle } from "../open-styles.ts";
import { graphemesOf, graphemeWidth, textWidth } from "../width.ts";

export interface FlowOptions {
	/** Columns. */
	readonly width: number;
	/** Break words that are wider than a line. Without it the terminal does, and a copied address stays whole. */
	readonly breakWords?: boolean | undefined;
}

const styleCodeHere = /\x1b\[\d+m/y;
const styleCode = /\x1b\[\d+m/g;
const ascii = /^[\x21-\x7e]*$/;
/** Fits as it is when it is short enough. */
const asciiWords = /^[\x21-\x7e]+(?: +[\x21-\x7e]+)*$/;
/** So does this, without its styles: the first word may be in one. */
const styledWords = /^\x1b\[(\d+)m[\x21-\x7e]+\x1b\[(\d+)m[\x21-\x7e]*(?: +[\x21-\x7e]+)*$/;
/** Latin, Greek, Cyrillic and the usual East Asian characters, without anything that combines. */
const wide = /[\u3001-\u3029\u3041-\u3096\u30a0-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff01-\uff5e]/;
const simple =
	/^[\x21-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u3001-\u3029\u3041-\u3096\u30a0-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff01-\uff5e]*$/;
/** Codes of the characters that end a word. */
const [space, newline, esc] = [0x20, 0x0a, 0x1b];
/** East Asian text has no spaces: it may be broken between any two of these… */
const breakable =
	/^[\u1100-\u11ff\u2e80-\u303f\u3040-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]/u;
/** …but none of these may begin a line. */
const closing = /^[、。，．：；？！）］｝〉》」』】〕’”…%.,:;?!)\]}ー々]/u;

export class Flow {
	#width: number;
	readonly #breakWords: boolean;
	#lines: string[] = [];
	#line = "";
	#column = 0;
	/** Spaces between the line and the word. */
	#gap = 0;
	#word = "";
	#wordWidth = 0;
	/** The last grapheme of the word allows a break behind it. */
	#mayBreak = false;
	/** Styles that are open: the sequences that began them. */
	#styles: string[] = [];
	/** The styles that were open where the word begins. */
	#wordStyles: string[] = [];

	constructor({ width, breakWords = false }: FlowOptions) {
		this.#width = Math.max(1, width);
		this.#breakWords = breakWords;
	}

	/** Takes more text: words, spaces, newlines and SGR sequences. Returns the lines that are finished. */
	push(text: string): string[] {
		for (let at = 0; at < text.length; ) {
			const code = text.charCodeAt(at);
			if (code === space) {
				this.#placeWord();
				this.#gap += 1;
				at += 1;
			} else if (code === newline) {
				this.#placeWord();
				this.#breakLine();
				at += 1;
			} else if (code === esc) {
				styleCodeHere.lastIndex = at;
				const style = styleCodeHere.exec(text)?.[0] ?? "";
				if (style !== "") this.#setStyle(style);
				at += style.length || 1;
			} else at = this.#takeWord(text, at);
		}
		const lines = this.#lines;
		this.#lines = [];
		return lines;
	}

	/** The lines as they would be if the text ended here. */
	end(): string[] {
		this.#placeWord();
		if (this.#line !== "") this.#breakLine();
		const lines = this.#lines;
		this.#lines = [];
		return lines;
	}

	/** A flow that goes on from the same place, on its own. */
	clone(): Flow {
		const copy = new Flow({ width: this.#width, breakWords: this.#breakWords });
		copy.#line = this.#line;
		copy.#column = this.#column;
		copy.#gap = this.#gap;
		copy.#word = this.#word;
		copy.#wordWidth = this.#wordWidth;
		copy.#mayBreak = this.#mayBreak;
		copy.#styles = [...this.#styles];
		copy.#wordStyles = [...this.#wordStyles];
		return copy;
	}

	/** Holds for the lines to come, the one that has begun included. */
	resize(width: number): void {
		this.#width = Math.max(1, width);
	}

	/** Takes what stands together from `start` on, and returns where it ends. */
	#takeWord(text: string, start: number): number {
		let end = start;
		let isAscii = true;
		for (; end < text.length; end += 1) {
			const code = text.charCodeAt(end);
			if (code === space || code === newline || code === esc) break;
			if (code < space || code >= 0x7f) isAscii = false;
		}
		const token = text.slice(start, end);
		if (isAscii) this.#addAscii(token);
		else if (simple.test(token)) {
			// Each character is a grapheme, and most are of a known width: no need to ask the Unicode tables.
			for (const character of token) this.#addGrapheme(character, wide.test(character) ? 2 : 1);
		} else for (const grapheme of graphemesOf(token)) this.#addGrapheme(grapheme, graphemeWidth(grapheme));
		return end;
	}

	#setStyle(sequence: string): void {
		if (this.#word === "") this.#wordStyles = [...this.#styles];
		noteStyle(this.#styles, sequence);
		this.#word += sequence;
	}

	#addAscii(word: string): void {
		if (this.#mayBreak && !closing.test(word)) this.#placeWord();
		this.#mayBreak = false;
		if (this.#breakWords && this.#wordWidth + word.length > this.#width) {
			for (const character of word) this.#addCells(character, 1);
			return;
		}
		this.#addCells(word, word.length);
	}

	#addGrapheme(grapheme: string, width: number): void {
		const isBreakable = breakable.test(grapheme);
		if ((this.#mayBreak || isBreakable) && !closing.test(grapheme)) this.#placeWord();
		this.#addCells(grapheme, width);
		this.#mayBreak = isBreakable;
	}

	#addCells(text: string, width: number): void {
		if (this.#word === "") this.#wordStyles = [...this.#styles];
		if (this.#breakWords && this.#wordWidth + width > this.#width) this.#placeWord();
		this.#word += text;
		this.#wordWidth += width;
	}

	/** The word is complete: it goes on the line, or on the next one. */
	#placeWord(): void {
		if (this.#wordWidth === 0) {
			this.#line += this.#word;
			this.#word = "";
			return;
		}
		const needs = this.#gap + this.#wordWidth;
		if (this.#column > 0 && this.#column + needs > this.#width) {
			const now = this.#styles;
			this.#styles = this.#wordStyles;
			this.#breakLine();
			this.#styles = now;
		}
		// Spaces at the start of a line are indentation of the source, or what a break has replaced.
		if (this.#column > 0 && this.#gap > 0) {
			this.#line += " ".repeat(this.#gap);
			this.#column += this.#gap;
		}
		this.#gap = 0;
		this.#line += this.#word;
		this.#column += this.#wordWidth;
		this.#word = "";
		this.#wordWidth = 0;
		this.#mayBreak = false;
	}

	#breakLine(): void {
		const isEmpty = this.#column === 0 && this.#line.replace(styleCode, "") === "";
		this.#lines.push(isEmpty ? "" : this.#line + closeStyles(this.#styles));
		this.#line = this.#styles.join("");
		this.#column = 0;
		this.#gap = 0;
	}
}

/** A text that is a line as it is; of some that are this cannot be said without looking closer. */
export function fitsLine(text: string, width: number): boolean {
	return text.length <= width && asciiWords.test(text);
}

/** The lines of a whole text. */
export function flowText(text: string, options: FlowOptions): string[] {
	if (fitsLine(text, options.width)) return [text];
	const [, opened, closed] = styledWords.exec(text) ?? [];
	if (opened !== undefined && closed !== undefined && isClosedBy(opened, closed)) {
		const codes = opened.length + closed.length + 2 * "\x1b[m".length;
		if (text.length - codes <= options.width) return [text];
	}
	const flow = new Flow(options);
	const lines = [...flow.push(text), ...flow.end()];
	return lines.length === 0 ? [""] : lines;
}

/** Columns of the widest part of a text that cannot be broken. */
export function widestWord(text: string): number {
	if (ascii.test(text)) return text.length;
	return Math.max(0, ...flowText(text, { width: 1 }).map(textWidth));
}
