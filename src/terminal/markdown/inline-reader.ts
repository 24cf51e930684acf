import type { Colors } from "../colors.ts";
import { Allowance } from "./allowance.ts";
import { type Inline, renderInline } from "./inline.ts";

/** Ordinary text has one mark in twenty characters, a dense table one in five. */
const marksPerCharacter = 0.15;

/** What a mark of any kind has in it. */
const special = /[`\\$*_~[<&]|https?:\/\//i;

/** Text without any mark stands for itself. */
export const isPlain = (text: string) => !special.test(text);

/** Reads the inline marks of one document, as long as there are not far too many of them. */
export class InlineReader {
	readonly #colors: Colors;
	readonly #allowance = new Allowance(marksPerCharacter);

	constructor(colors: Colors) {
		this.#colors = colors;
	}

	/** Text of the document goes by. */
	pass(characters: number): void {
		this.#allowance.earn(characters);
	}

	/** Sanitized inline markdown as styled text. */
	read(source: string): Inline {
		if (this.#allowance.isSpent || isPlain(source)) return { text: source, isOpen: false, marks: 0 };
		const inline = renderInline(source, this.#colors);
		this.#allowance.spend(inline.marks);
		return inline;
	}

	/** The same for text that is read again later. */
	preview(source: string): string {
		if (this.#allowance.isSpent || isPlain(source)) return source;
		return renderInline(source, this.#colors).text;
	}
}
