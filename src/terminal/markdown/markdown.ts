/**
 * Markdown as it streams. Text is handed out a line at a time and never taken back: a line of prose as soon as nothing
 * that may still come can change it, a line of code when it is complete, a table when it has ended (its columns need
 * all rows). So an answer is seen growing, in plain appended text that any terminal, pager or scrollback takes.
 *
 * What is handed out depends on the text alone, never on how it was cut into pieces: rendering a whole text is
 * streaming it in one piece. Every character is looked at a bounded number of times, whatever the text.
 *
 * The input must have been through the sanitizer. This module loads Unicode tables and code grammars: reach it by
 * dynamic import.
 */

import type { Colors } from "../colors.ts";
import { BlockReader } from "./blocks.ts";
import { deciding } from "./lines.ts";

export interface MarkdownOptions {
	/** Columns of the terminal. Prose is never wider than 100, code and tables may be. */
	readonly width: number;
	readonly colors: Colors;
	/**
	 * Break words and code that are wider than a line too, for text that stands beside other text. Otherwise the
	 * terminal does it, and a copied line stays whole.
	 */
	readonly breakWords?: boolean | undefined;
}

export interface MarkdownStream {
	/** Takes a piece of markdown and returns the text to append now: complete lines, or nothing. */
	push(delta: string): string;
	/** What is not handed out yet, rendered as it looks so far; it may still change. No newline at its end. */
	preview(): string;
	/** Returns the rest. Everything handed out together ends with one newline (or is empty). */
	end(): string;
	/** The terminal has another width now. */
	resize(width: number): void;
}

class LineStream implements MarkdownStream {
	readonly #options: MarkdownOptions;
	#blocks: BlockReader;
	#width: number;
	/** The line that has no end yet, or what of it was not taken. */
	#partial = "";
	/** Whether the line that has no end yet is long and plain text, so that it is taken piece by piece. */
	#isLongText: boolean | undefined;

	constructor(options: MarkdownOptions) {
		this.#options = options;
		this.#width = options.width;
		this.#blocks = new BlockReader(options);
	}

	resize(width: number): void {
		this.#width = width;
		this.#blocks.resize(width);
	}

	push(delta: string): string {
		let start = 0;
		for (let end = delta.indexOf("\n"); end >= 0; end = delta.indexOf("\n", start)) {
			this.#take(delta.slice(start, end));
			this.#endLine();
			start = end + 1;
		}
		this.#take(delta.slice(start));
		return this.#blocks.takeOutput();
	}

	preview(): string {
		return this.#blocks.preview(this.#partial, this.#isLongText === true);
	}

	end(): string {
		if (this.#partial !== "" || this.#isLongText) this.#endLine();
		const output = this.#blocks.end();
		this.#blocks = new BlockReader({ ...this.#options, width: this.#width });
		return output;
	}

	/** The beginning of a long line decides what it is; the rest of it need not be waited for when that is text. */
	#take(text: string): void {
		this.#partial += text;
		if (this.#isLongText === undefined && this.#partial.length > deciding) {
			this.#isLongText = this.#blocks.beginLongText(this.#partial.slice(0, deciding));
			if (this.#isLongText) this.#partial = this.#partial.slice(deciding);
		}
		if (!this.#isLongText) return;
		this.#blocks.addLongText(this.#partial);
		this.#partial = "";
	}

	#endLine(): void {
		if (!this.#isLongText) this.#blocks.takeLine(this.#partial);
		this.#partial = "";
		this.#isLongText = undefined;
	}
}

/** A renderer for one stream of markdown. */
export function createMarkdownStream(options: MarkdownOptions): MarkdownStream {
	return new LineStream(options);
}

/** Renders a complete, sanitized text; it ends with a newline unless it is empty. */
export function renderMarkdown(markdown: string, options: MarkdownOptions): string {
	const stream = createMarkdownStream(options);
	return stream.push(markdown) + stream.end();
}
