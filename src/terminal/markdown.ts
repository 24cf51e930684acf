/**
 * Markdown as it streams. Text is handed out a line at a time and never taken back: a line of a paragraph, list or
 * quote as soon as nothing that may still come can change it, a line of code when it is complete, a table when it has
 * ended (its columns need all rows). So an answer is seen growing, in plain appended text that any terminal, pager or
 * scrollback takes, without a cursor being moved.
 *
 * The input must have been through the sanitizer. This module loads a lexer, Unicode tables and code grammars: reach
 * it by dynamic import.
 */

import { CodeHighlighter } from "./highlight.ts";
import { stableCut } from "./markdown-cut.ts";
import { type MarkdownOptions, renderBlocks, renderCodeLine, renderFenceLabel } from "./markdown-render.ts";

export type { MarkdownOptions } from "./markdown-render.ts";

export interface MarkdownStream {
	/** Takes a piece of markdown and returns the text to append now: complete lines, or nothing. */
	push(delta: string): string;
	/** What is not handed out yet, rendered as it looks so far; it may still change. No newline at its end. */
	preview(): string;
	/** Returns the rest. Everything handed out together ends with one newline (or is empty). */
	end(): string;
	/** The terminal has another width now. An unfinished paragraph keeps the old one. */
	resize(width: number): void;
}

const fenceStart = /^( {0,3})(`{3,}|~{3,})([^\n]*)$/;
const anyFence = /^\s*(`{3,}|~{3,})/;
const heading = /^ {0,3}#{1,6}(\s|$)/;
const listItem = /^ {0,3}([-*+]|\d{1,9}[.)])(\s|$)/;
/** A block this long (characters) is cut where it can be: the lexer's work must stay small. */
const blockLimit = 8_192;
/** How much of an endless line of code the preview shows. */
const previewLimit = 2_000;

interface Fence {
	readonly marker: string;
	readonly indent: number;
	readonly highlighter: CodeHighlighter;
}

class LineStream implements MarkdownStream {
	#options: MarkdownOptions;
	/** The options at the time the open block's first line was handed out. */
	#blockOptions: MarkdownOptions;
	/** Complete lines of the open block. */
	#block = "";
	/** The line that has no end yet. */
	#partial = "";
	/** Lines of the open block that were handed out. */
	#emitted = 0;
	/** Length of the open block when a stable cut was last looked for. */
	#tried = 0;
	#fence: Fence | undefined;
	/** The marker of a fence that is open inside a list. */
	#nestedFence: string | undefined;
	/** Empty lines came since the last text. */
	#gap = false;
	#started = false;

	constructor(options: MarkdownOptions) {
		this.#options = options;
		this.#blockOptions = options;
	}

	resize(width: number): void {
		this.#options = { ...this.#options, width };
		if (this.#emitted === 0) this.#blockOptions = this.#options;
	}

	push(delta: string): string {
		let output = "";
		let start = 0;
		for (let end = delta.indexOf("\n"); end >= 0; end = delta.indexOf("\n", start)) {
			const line = this.#partial + delta.slice(start, end);
			this.#partial = "";
			output += this.#takeLine(line);
			start = end + 1;
		}
		this.#partial += delta.slice(start);
		output += this.#endList(this.#partial);
		return output + this.#takeStable();
	}

	preview(): string {
		if (this.#fence) {
			if (this.#partial === "" || this.#closes(this.#partial)) return "";
			const line = this.#fence.highlighter.peek(this.#partial.slice(-previewLimit));
			return this.#withGap(renderCodeLine(line, this.#options).join("\n"));
		}
		const open = this.#block + this.#partial;
		if (open.trim() === "") return "";
		const text = renderBlocks(open, this.#blockOptions).slice(this.#emitted).join("\n");
		return text === "" ? "" : this.#withGap(text);
	}

	end(): string {
		const last = this.#partial;
		this.#partial = "";
		const output = (last === "" ? "" : this.#takeLine(last)) + this.#finishBlock();
		this.#fence = undefined;
		this.#gap = false;
		this.#started = false;
		return output;
	}

	#withGap(text: string): string {
		return this.#gap && this.#started && this.#emitted === 0 ? `\n${text}` : text;
	}

	/** Lines to hand out, after the empty line that separates them from what came before. */
	#emit(lines: readonly string[]): string {
		if (lines.length === 0) return "";
		const text = this.#withGap(`${lines.join("\n")}\n`);
		this.#gap = false;
		this.#started = true;
		return text;
	}

	#takeLine(line: string): string {
		if (this.#fence) {
			if (!this.#closes(line)) {
				const indent = new RegExp(`^ {0,${this.#fence.indent}}`);
				const colored = this.#fence.highlighter.push(line.replace(indent, ""));
				return this.#emit(renderCodeLine(colored, this.#options));
			}
			this.#fence = undefined;
			return "";
		}
		if (this.#nestedFence !== undefined) {
			if (line.trim().startsWith(this.#nestedFence)) this.#nestedFence = undefined;
			this.#block += `${line}\n`;
			return "";
		}
		if (line.trim() === "") {
			// A list may go on after an empty line; nothing else does.
			if (listItem.test(this.#block)) {
				this.#block += "\n";
				return "";
			}
			const output = this.#finishBlock();
			this.#gap = true;
			return output;
		}
		return this.#takeText(line);
	}

	#takeText(line: string): string {
		let output = this.#endList(line);
		const fence = fenceStart.exec(line);
		if (fence && !(listItem.test(this.#block) && (fence[1] ?? "") !== "")) {
			output += this.#finishBlock();
			const marker = fence[2] ?? "```";
			const info = fence[3] ?? "";
			const highlighter = new CodeHighlighter(info, this.#options.colors);
			this.#fence = { marker, indent: (fence[1] ?? "").length, highlighter };
			return output + this.#emit(renderFenceLabel(info, this.#options));
		}
		if (heading.test(line)) {
			output += this.#finishBlock();
			this.#block = `${line}\n`;
			return output + this.#finishBlock();
		}
		if (this.#block === "" && this.#emitted === 0) this.#blockOptions = this.#options;
		this.#nestedFence = anyFence.exec(line.replace(/^\s*([-*+]|\d{1,9}[.)])\s/, ""))?.[1];
		this.#block += `${line}\n`;
		return this.#block.length > blockLimit ? output + this.#cutBlock() : output;
	}

	/** Behind an empty line a list goes on only with an indented line, which `line` is the beginning of. */
	#endList(line: string): string {
		const isOver = this.#nestedFence === undefined && this.#block.endsWith("\n\n") && /^ ?\S/.test(line);
		return isOver ? this.#finishBlock() : "";
	}

	#closes(line: string): boolean {
		const marker = this.#fence?.marker ?? "";
		const text = line.trim();
		return text.length >= marker.length && text === (marker[0] ?? "").repeat(text.length);
	}

	/** Hands out the lines of the open block that can no longer change. */
	#takeStable(): string {
		const open = this.#block + this.#partial;
		if (this.#fence || open.length - this.#tried < Math.max(24, open.length / 8)) return "";
		this.#tried = open.length;
		if (open.length > blockLimit) return this.#cutBlock();
		const stable = this.#nestedFence === undefined ? open.slice(0, stableCut(open)) : this.#block;
		// The last line may still grow.
		const lines = renderBlocks(stable, this.#blockOptions).slice(this.#emitted, -1);
		const output = this.#emit(lines);
		this.#emitted += lines.length;
		return output;
	}

	#cutBlock(): string {
		const complete = this.#block;
		const open = complete + this.#partial;
		const cut = stableCut(open) || open.length;
		const options = this.#blockOptions;
		this.#block = open.slice(0, cut);
		const output = this.#finishBlock();
		this.#block = complete.slice(cut).replace(/^\s/, "");
		this.#partial = this.#partial.slice(Math.max(0, cut - complete.length));
		this.#blockOptions = options;
		return output;
	}

	#finishBlock(): string {
		const lines = this.#block.trim() === "" ? [] : renderBlocks(this.#block, this.#blockOptions);
		const output = this.#emit(lines.slice(this.#emitted));
		this.#gap ||= this.#block.endsWith("\n\n");
		this.#block = "";
		this.#emitted = 0;
		this.#tried = 0;
		this.#nestedFence = undefined;
		return output;
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
