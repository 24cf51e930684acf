import { textWidth, truncateText } from "../terminal/width.ts";
import type { OutputStream } from "./io.ts";

/** Lines at the end of a terminal that are drawn again in place. Text above them scrolls as usual. */
export class LiveRegion {
	readonly #output: OutputStream;
	#lines: readonly string[] = [];
	#drawnColumns = 0;

	constructor(output: OutputStream) {
		this.#output = output;
	}

	/** Shows these lines instead of the last ones. They may hold styles, and are cut to the terminal's width. */
	draw(lines: readonly string[]): void {
		const columns = this.#columns();
		const fitting = lines
			.slice(0, Math.max(1, (this.#output.rows ?? 24) - 1))
			.map((line) => cutToWidth(line, columns));
		if (fitting.length === this.#lines.length && fitting.every((line, index) => line === this.#lines[index]))
			return;
		const text = fitting.map((line) => `${line}\x1b[K`).join("\n");
		// Rows that a narrower terminal has broken would be joined again by a wider one, unless they are erased.
		const erase = columns === this.#drawnColumns ? "" : "\x1b[J";
		this.#output.write(`${this.#home()}${erase}${text}\x1b[J`);
		this.#lines = fitting;
		this.#drawnColumns = columns;
	}

	/** Writes lines above the region. */
	log(text: string): void {
		const lines = this.#lines;
		this.clear();
		this.#output.write(`${text}\n`);
		if (lines.length > 0) this.draw(lines);
	}

	/** Removes the lines; the next output starts where they started. */
	clear(): void {
		if (this.#lines.length === 0) return;
		// At the top of a screen tmux keeps what all of it is erased of at once.
		this.#output.write(this.#rows() === 1 ? "\r\x1b[K" : `${this.#home()}\x1b[J`);
		this.#lines = [];
	}

	/** Brings the cursor to where the region begins. */
	#home(): string {
		const rows = this.#rows();
		return rows > 1 ? `\r\x1b[${rows - 1}A` : "\r";
	}

	/** A terminal made narrower has broken its lines into several. */
	#rows(): number {
		const columns = this.#columns();
		return this.#lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(textWidth(line) / columns)), 0);
	}

	#columns(): number {
		return Math.max(1, this.#output.columns ?? 80);
	}
}

const styles = /\x1b\[[0-9;]*m/g;

/** Leaves the last column free, where some terminals break the line. A line that is too long loses its styles. */
function cutToWidth(line: string, columns: number): string {
	return textWidth(line) < columns ? line : truncateText(line.replace(styles, ""), columns - 1);
}
