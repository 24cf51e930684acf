import type { Colors } from "../terminal/colors.ts";
import { createSanitizer } from "../terminal/sanitize.ts";
import { wrapText } from "../terminal/width.ts";

/** How much of folded reasoning is seen while it streams, in lines. */
const foldedLines = 3;

/** Reasoning as it streams: dimmed; folded to its last lines, or in full. */
export class ReasoningStream {
	readonly #colors: Colors;
	readonly #sanitizer = createSanitizer();
	/** Wall clock in ms. */
	readonly since: number;
	/** What was not printed yet. */
	#open = "";
	#isStarted = false;

	constructor(colors: Colors, since: number) {
		this.#colors = colors;
		this.since = since;
	}

	/** Nothing of it was printed. */
	get isFolded(): boolean {
		return !this.#isStarted;
	}

	push(delta: string): void {
		this.#open += this.#sanitizer.push(delta);
	}

	/** The lines to print now and those that may still change; folded, there is nothing to print. */
	take(
		width: number,
		isShown: boolean,
		isLast = false,
	): { readonly finished: string; readonly tail: string } {
		if (isLast) this.#open += this.#sanitizer.end();
		if (!isShown && !this.#isStarted) {
			// Only the end is looked at, however long it has become.
			const recent = this.#open.slice(-4 * width * foldedLines);
			return { finished: "", tail: this.#render(recent, width).slice(-foldedLines).join("\n") };
		}
		const end = isLast ? this.#open.length : this.#open.lastIndexOf("\n") + 1;
		const complete = this.#open.slice(0, end).replace(/\n$/, "");
		this.#open = this.#open.slice(end);
		const lead = this.#isStarted || end === 0 ? "" : "\n";
		if (end > 0) this.#isStarted = true;
		return {
			finished: complete === "" ? "" : lead + this.#render(complete, width).join("\n"),
			tail: this.#render(this.#open, width).join("\n"),
		};
	}

	#render(text: string, width: number): string[] {
		if (text.trim() === "") return [];
		return wrapText(text.replaceAll("\t", "    ").replace(/^\n+|\n+$/g, ""), width - 4)
			.split("\n")
			.map((line) => this.#colors.dim(`  ${line}`));
	}
}
