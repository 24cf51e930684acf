/** Quotes and list items around a block, and what stands in front of its lines because of them. */

import type { Colors } from "../colors.ts";
import { type ItemStart, indentation, isSameList, itemStart, quoteLength } from "./lines.ts";

interface Quote {
	readonly kind: "quote";
}

interface Item {
	readonly kind: "item";
	readonly marker: string;
	/** Columns that what belongs to it is indented. */
	readonly indent: number;
	/** The marker is on the screen. */
	isShown: boolean;
}

type Container = Quote | Item;

/** Deeper nesting is shown as text. */
const deepest = 12;
/** What stands in front of a line never leaves less than this for it, in columns. */
const narrowest = 16;

/** A line behind the containers that it continues. */
export interface Continued {
	readonly rest: string;
	/** How many of the containers go on. */
	readonly count: number;
}

export class Containers {
	#open: Container[] = [];

	get count(): number {
		return this.#open.length;
	}

	/** The innermost one is a quote. */
	get isQuote(): boolean {
		return this.#open.at(-1)?.kind === "quote";
	}

	/** What is left of a line behind the containers that it continues. */
	continue(line: string): Continued {
		let rest = line;
		let count = 0;
		const isBlank = line.trim() === "";
		for (const container of this.#open) {
			if (container.kind === "quote") {
				const length = quoteLength(rest);
				if (length === 0) break;
				rest = rest.slice(length);
			} else if (isBlank || rest.trim() === "") rest = "";
			else if (indentation(rest) >= container.indent) rest = rest.slice(container.indent);
			else break;
			count += 1;
		}
		return { rest, count };
	}

	/** The line without the indentation of the items around it, as far as it has it. Ends with the quotes around it. */
	strip(line: string): { readonly rest: string; readonly isOver: boolean } {
		let rest = line;
		for (const container of this.#open) {
			if (container.kind === "quote") {
				const length = quoteLength(rest);
				if (length === 0) return { rest, isOver: true };
				rest = rest.slice(length);
			} else rest = rest.slice(Math.min(container.indent, indentation(rest)));
		}
		return { rest, isOver: false };
	}

	/** The item that a line at this depth would be the next one of, if it is one. */
	isSibling(depth: number, { marker }: ItemStart): boolean {
		const container = this.#open[depth];
		return container?.kind === "item" && isSameList(container.marker, marker);
	}

	/** Takes the marker that `line` begins with; undefined when there is none. `isInText` is set behind a paragraph's line. */
	enter(line: string, isInText: boolean): string | undefined {
		if (this.#open.length >= deepest) return undefined;
		const quote = quoteLength(line);
		if (quote > 0) {
			this.#open.push({ kind: "quote" });
			return line.slice(quote);
		}
		const start = itemStart(line);
		if (start === undefined || (isInText && !mayInterrupt(start, line))) return undefined;
		this.#open.push({ kind: "item", marker: start.marker, indent: start.indent, isShown: false });
		return line.slice(start.length);
	}

	/** Whether `enter` would take something. */
	canEnter(line: string, isInText: boolean): boolean {
		if (this.#open.length >= deepest) return false;
		if (quoteLength(line) > 0) return true;
		const start = itemStart(line);
		return start !== undefined && (!isInText || mayInterrupt(start, line));
	}

	/** Closes all but the first `count`. */
	close(count: number): void {
		this.#open.length = Math.min(this.#open.length, count);
	}

	/** An item from `depth` on has shown nothing, not even its marker. */
	hasHiddenMarker(depth: number): boolean {
		return this.#open.some((item, index) => index >= depth && item.kind === "item" && !item.isShown);
	}

	/** What an empty line between two blocks consists of. */
	emptyPrefix(colors: Colors, width: number): string {
		const last = this.#open.findLastIndex(({ kind }) => kind === "quote");
		const bars = this.#drawn(width).filter((container) => this.#open.indexOf(container) <= last);
		return bars
			.map((container) => (container.kind === "quote" ? colors.dim("│") : " ".repeat(widthOf(container) - 1)))
			.join(" ");
	}

	/** Columns that `prefix` takes. */
	prefixWidth(width: number): number {
		return this.#drawn(width).reduce((sum, container) => sum + widthOf(container), 0);
	}

	/** What stands in front of the next line; markers stand in front of one line only. */
	prefix(colors: Colors, width: number): string {
		let text = "";
		for (const container of this.#drawn(width)) {
			if (container.kind === "quote") text += colors.dim("│ ");
			else if (container.isShown) text += " ".repeat(widthOf(container));
			else text += `${colors.cyan(shownMarker(container.marker))} `;
		}
		for (const container of this.#open) if (container.kind === "item") container.isShown = true;
		return text;
	}

	/** The same containers, to try something on. */
	clone(): Containers {
		const copy = new Containers();
		copy.#open = this.#open.map((container) => ({ ...container }));
		return copy;
	}

	#drawn(width: number): readonly Container[] {
		let used = 0;
		return this.#open.filter((container) => {
			const fits = used + widthOf(container) + narrowest <= width;
			const isNew = container.kind === "item" && !container.isShown;
			if (fits || isNew) used += widthOf(container);
			return fits || isNew;
		});
	}
}

function shownMarker(marker: string): string {
	return /\d/.test(marker) ? marker : "•";
}

function widthOf(container: Container): number {
	return container.kind === "quote" ? 2 : shownMarker(container.marker).length + 1;
}

/** A number in the middle of a sentence begins no list. */
function mayInterrupt({ marker, length }: ItemStart, line: string): boolean {
	const isNumber = /\d/.test(marker);
	return (!isNumber || /^1[.)]$/.test(marker)) && line.slice(length).trim() !== "";
}
