/** Lines of markdown to blocks, and blocks to lines of the screen. */

import type { Colors } from "../colors.ts";
import { Containers } from "./containers.ts";
import { fitsLine, flowText } from "./flow.ts";
import { CodeHighlighter, codeAllowance } from "./highlight.ts";
import { InlineReader, isPlain } from "./inline-reader.ts";
import {
	renderCallout,
	renderCodeLine,
	renderFenceEnd,
	renderFenceLabel,
	renderHeading,
	renderMathLine,
} from "./leaves.ts";
import {
	closesFence,
	expandTabs,
	fenceStart,
	indentation,
	isRule,
	isTableRule,
	isUnderline,
	itemStart,
	mathStart,
	mayBeHeader,
	mayBeTitle,
	readCallout,
	readHeading,
	startsBlock,
} from "./lines.ts";
import { type BlockOptions, BlockOutput } from "./output.ts";
import { Paragraph } from "./paragraph.ts";
import { type Leaf, previewLeaf } from "./preview.ts";
import { Table } from "./table.ts";

export class BlockReader {
	readonly #options: BlockOptions;
	readonly #colors: Colors;
	readonly #containers = new Containers();
	readonly #output: BlockOutput;
	readonly #inline: InlineReader;
	/** Of the code in all blocks. */
	readonly #tokens = codeAllowance();
	#leaf: Leaf | undefined;
	/** How many blocks of code have begun. */
	#codeBlocks = 0;

	constructor(options: BlockOptions) {
		this.#options = options;
		this.#colors = options.colors;
		this.#output = new BlockOutput(this.#containers, options);
		this.#inline = new InlineReader(options.colors);
	}

	resize(width: number): void {
		this.#output.width = width;
		if (this.#leaf?.kind === "paragraph") this.#leaf.paragraph?.resize(this.#output.proseWidth);
	}

	/** What is finished since this was called last. */
	takeOutput(): string {
		return this.#output.take();
	}

	/** Returns the rest; nothing may be taken behind it. */
	end(): string {
		this.#endLeaf();
		this.#closeContainers(0);
		return this.#output.take();
	}

	/** Takes a complete line, without its newline. */
	takeLine(source: string): void {
		const line = expandTabs(source);
		if (this.#leaf?.kind === "fence" && this.#takeCode(this.#leaf, line)) return;
		if (this.#leaf?.kind === "math" && this.#takeMath(this.#leaf, line)) return;
		const { rest, count } = this.#containers.continue(line);
		if (rest.trim() === "") {
			this.#endLeaf();
			this.#closeContainers(count);
			this.#output.noteGap();
		} else this.#takeBlock(this.#place(rest, count));
	}

	/** Takes the beginning of a long line if it is plain text; the rest follows with `addLongText`. */
	beginLongText(source: string): boolean {
		if (this.#leaf !== undefined && this.#leaf.kind !== "paragraph") return false;
		const line = expandTabs(source);
		const probe = this.#containers.clone();
		const { rest, count } = probe.continue(line);
		let text = rest;
		let isInText = this.#leaf !== undefined && !this.#isSibling(rest, count);
		probe.close(count);
		while (probe.canEnter(text, isInText)) {
			text = probe.enter(text, false) ?? "";
			isInText = false;
		}
		const isIndented = indentation(text) >= 4 && this.#leaf === undefined;
		if (text.trim() === "" || text.includes("|") || isIndented || startsBlock(text)) return false;
		this.#addText(this.#place(rest, count), false);
		return true;
	}

	addLongText(text: string): void {
		if (this.#leaf?.kind === "paragraph" && this.#leaf.paragraph !== undefined)
			this.#output.add(this.#leaf.paragraph.push(text));
	}

	/** What is not finished yet, as it looks so far; `partial` is the line that has no end. */
	preview(partial: string, isLongText: boolean): string {
		const line = isLongText ? "" : partial;
		return previewLeaf(this.#leaf, line, {
			...this.#options,
			containers: this.#containers,
			output: this.#output,
			inline: this.#inline,
		});
	}

	/** Closes and opens the quotes and items around a line, and returns what is left of it. */
	#place(line: string, count: number): string {
		let rest = line;
		const isSibling = this.#isSibling(line, count);
		let isInText = this.#leaf?.kind === "paragraph" && !isSibling;
		if (count < this.#containers.count) {
			// A line of a paragraph may leave the marks of the quote or item around it away.
			if (isInText && !startsBlock(line) && !this.#containers.canEnter(line, true)) return rest;
			this.#endLeaf();
			this.#closeContainers(count);
			isInText = false;
		}
		while (this.#containers.canEnter(rest, isInText)) {
			this.#endLeaf();
			rest = this.#containers.enter(rest, false) ?? "";
			isInText = false;
		}
		return rest;
	}

	#isSibling(line: string, depth: number): boolean {
		const start = itemStart(line);
		return start !== undefined && this.#containers.isSibling(depth, start);
	}

	#takeBlock(line: string): void {
		if (line.trim() === "") return;
		const leaf = this.#leaf;
		if (leaf?.kind === "table") {
			if (line.includes("|") && !startsBlock(line)) {
				leaf.table.add(line);
				if (leaf.table.isLong) this.#output.add(leaf.table.takeLines(this.#output.tableOptions));
				return;
			}
			this.#endLeaf();
		}
		const heading = readHeading(line);
		if (heading !== undefined) {
			this.#endLeaf();
			this.#addHeading(heading.level, heading.text);
			return;
		}
		const callout = leaf === undefined && this.#containers.isQuote ? readCallout(line) : undefined;
		if (callout !== undefined) {
			this.#output.add([renderCallout(callout, this.#colors)]);
			return;
		}
		const fence = fenceStart(line);
		if (fence !== undefined) {
			this.#beginFence(fence);
			return;
		}
		const isTitle = leaf?.kind === "paragraph" && leaf.paragraph === undefined && leaf.held !== undefined;
		if (isRule(line) && !(isTitle && isUnderline(line))) {
			this.#endLeaf();
			this.#output.add([this.#colors.dim("─".repeat(Math.min(this.#output.innerWidth, 40)))]);
			return;
		}
		const close = mathStart(line);
		if (close !== undefined) {
			this.#beginMath(line.trim(), close);
			return;
		}
		if (indentation(line) >= 4 && this.#leaf === undefined) {
			this.#output.addVerbatim(renderCodeLine(line.slice(4), this.#options));
			return;
		}
		this.#addText(line, true);
	}

	/** Takes a line of a paragraph, or the beginning of one. */
	#addText(source: string, isWhole: boolean): void {
		const line = source.trimStart();
		if (this.#leaf?.kind !== "paragraph")
			this.#leaf = { kind: "paragraph", paragraph: undefined, held: undefined };
		const leaf = this.#leaf;
		const { held } = leaf;
		if (held !== undefined) {
			leaf.held = undefined;
			if (isWhole && held.includes("|") && isTableRule(line, held)) {
				this.#endLeaf();
				this.#leaf = { kind: "table", table: new Table(held, line, this.#colors, this.#inline) };
				return;
			}
			if (isWhole && leaf.paragraph === undefined && isUnderline(line)) {
				this.#leaf = undefined;
				this.#addHeading(line.startsWith("=") ? 1 : 2, held);
				return;
			}
			this.#feed(leaf, held);
		}
		const isHeld = mayBeHeader(line) || (leaf.paragraph === undefined && mayBeTitle(line));
		if (isWhole && isHeld) leaf.held = line;
		else this.#feed(leaf, line);
	}

	#feed(leaf: Extract<Leaf, { kind: "paragraph" }>, line: string): void {
		const isFirst = leaf.paragraph === undefined;
		leaf.paragraph ??= new Paragraph(this.#inline, this.#output.proseOptions);
		this.#output.add(leaf.paragraph.push(isFirst ? line : `\n${line}`));
	}

	#read(text: string): string {
		this.#inline.pass(text.length);
		return this.#inline.read(text).text;
	}

	#addHeading(level: number, text: string): void {
		const title = renderHeading(level, this.#read(text), this.#colors);
		const isLine = isPlain(text) && fitsLine(text, this.#output.proseWidth - level - 1);
		this.#output.add(isLine ? [title] : flowText(title, this.#output.proseOptions));
	}

	#beginFence({ marker, indent, info }: { marker: string; indent: number; info: string }): void {
		this.#endLeaf();
		this.#codeBlocks += 1;
		this.#leaf = {
			kind: "fence",
			marker,
			indent,
			code: new CodeHighlighter(info, this.#colors, this.#tokens),
		};
		this.#output.addVerbatim(renderFenceLabel(this.#codeBlocks, info, this.#options));
	}

	/** False when the fence has ended with the quote around it, and the line is another block's. */
	#takeCode(leaf: Extract<Leaf, { kind: "fence" }>, line: string): boolean {
		const { rest, isOver } = this.#containers.strip(line);
		if (isOver) {
			this.#endLeaf();
			return false;
		}
		if (closesFence(rest, leaf.marker)) this.#endLeaf();
		else {
			const code = rest.slice(Math.min(leaf.indent, indentation(rest)));
			this.#output.addVerbatim(renderCodeLine(leaf.code.push(code), this.#options));
		}
		return true;
	}

	#beginMath(line: string, close: string): void {
		this.#endLeaf();
		this.#output.addVerbatim(renderMathLine(line, this.#options));
		if (!line.slice(2).includes(close)) this.#leaf = { kind: "math", close };
	}

	/** False when an empty line has ended a formula that was never closed. */
	#takeMath(leaf: Extract<Leaf, { kind: "math" }>, line: string): boolean {
		const { rest, isOver } = this.#containers.strip(line);
		if (isOver || rest.trim() === "") {
			this.#leaf = undefined;
			return false;
		}
		this.#output.addVerbatim(renderMathLine(rest.trimEnd(), this.#options));
		if (rest.includes(leaf.close)) this.#leaf = undefined;
		return true;
	}

	#endLeaf(): void {
		const leaf = this.#leaf;
		this.#leaf = undefined;
		if (leaf?.kind === "paragraph") {
			const { paragraph, held } = leaf;
			// Most paragraphs of short lines are one line.
			if (paragraph === undefined && held !== undefined)
				this.#output.add(flowText(this.#read(held), this.#output.proseOptions));
			else if (held !== undefined) this.#feed(leaf, held);
			if (paragraph !== undefined) this.#output.add(paragraph.end());
		} else if (leaf?.kind === "table") {
			this.#output.add(leaf.table.takeLines(this.#output.tableOptions));
		} else if (leaf?.kind === "fence" && !leaf.code.isEmpty)
			this.#output.addVerbatim([renderFenceEnd(this.#options)]);
	}

	#closeContainers(count: number): void {
		this.#output.addHiddenMarker(count);
		this.#containers.close(count);
	}
}
