import { Flow, type FlowOptions } from "./flow.ts";
import { type InlineReader, isPlain } from "./inline-reader.ts";

/** Emphasis, code or a link that has not ended after so many characters is taken as plain text. */
const patience = 600;
/** How much longer an open piece must be before it is looked at again. */
const lookFactor = 1.2;
/** A word without an end is cut here. */
const longestWord = 4_096;
/** How much of an endless word a preview shows. */
const previewLimit = 2_000;

/** A word ends at white space, and a clause of East Asian text behind its punctuation. */
const wordEnd = /[ \n]|[。，、！？；：](?=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3])/g;

/**
 * Inline markdown to lines as it streams. Text is handed out as soon as it stands for itself: at the end of a word
 * with nothing open. Where that is depends on the text alone and never on how it was cut into pieces.
 */
export class Paragraph {
	readonly #inline: InlineReader;
	readonly #flow: Flow;
	/** What was not handed to the flow. */
	#open = "";
	/** Where the last word in it ended. */
	#seen = 0;
	/** An open piece is looked at again once it is this long. */
	#nextLook = 0;
	/** What of it is handed out, and where the plain words behind that end; both only while a push is under way. */
	#start = 0;
	#plain = 0;

	constructor(inline: InlineReader, options: FlowOptions) {
		this.#inline = inline;
		this.#flow = new Flow(options);
	}

	/** Takes more text and returns the lines that are finished. */
	push(text: string): string[] {
		const scanned = Math.max(this.#seen, this.#open.length - 1);
		this.#open += text;
		const lines: string[] = [];
		wordEnd.lastIndex = scanned;
		for (let found = wordEnd.exec(this.#open); found !== null; found = wordEnd.exec(this.#open))
			this.#takeWord(found.index + 1, lines);
		this.#cutLongWord(this.#open.length, lines);
		if (this.#plain > this.#start) this.#hand(this.#plain, this.#open.slice(this.#start, this.#plain), lines);
		this.#open = this.#open.slice(this.#start);
		this.#seen -= this.#start;
		this.#start = 0;
		this.#plain = 0;
		return lines;
	}

	/** A word ends at `end`. */
	#takeWord(end: number, lines: string[]): void {
		this.#inline.pass(end - this.#seen);
		this.#cutLongWord(end, lines);
		this.#cut(end, lines);
		this.#seen = end;
	}

	#cutLongWord(end: number, lines: string[]): void {
		while (end - this.#seen > longestWord) {
			const code = this.#open.charCodeAt(this.#seen + longestWord - 1);
			// Half of a character would be torn off.
			const length = code >= 0xd800 && code <= 0xdbff ? longestWord - 1 : longestWord;
			const cut = this.#seen + length;
			this.#cut(cut, lines);
			this.#seen = cut;
		}
	}

	/** Hands out what stands for itself before `end`. */
	#cut(end: number, lines: string[]): void {
		if (this.#plain === this.#seen && isPlain(this.#open.slice(this.#plain, end))) {
			this.#plain = end;
			return;
		}
		// Plain words need no parser; nothing of theirs can be part of what begins here.
		if (this.#plain > this.#start) this.#hand(this.#plain, this.#open.slice(this.#start, this.#plain), lines);
		const piece = this.#open.slice(this.#start, end);
		if (piece.length < this.#nextLook) return;
		const inline = this.#inline.read(piece);
		if (inline.isOpen && piece.length <= patience) {
			// Looking again after every word would make a long piece cost the square of its length.
			this.#nextLook = piece.length * lookFactor;
			return;
		}
		this.#hand(end, inline.text, lines);
		this.#plain = end;
		this.#nextLook = 0;
	}

	#hand(end: number, text: string, lines: string[]): void {
		lines.push(...this.#flow.push(text));
		this.#start = end;
	}

	/** The lines that are not handed out yet, as they look so far. */
	preview(more = ""): string[] {
		const flow = this.#flow.clone();
		const open = (this.#open + more).slice(-previewLimit);
		return [...flow.push(this.#inline.preview(open)), ...flow.end()];
	}

	/** Returns the rest. */
	end(): string[] {
		const { text } = this.#inline.read(this.#open);
		this.#open = "";
		this.#seen = 0;
		this.#nextLook = 0;
		return [...this.#flow.push(text), ...this.#flow.end()];
	}

	resize(width: number): void {
		this.#flow.resize(width);
	}
}
