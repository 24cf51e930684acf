import type { Colors } from "../colors.ts";
import type { Containers } from "./containers.ts";
import type { FlowOptions } from "./flow.ts";
import type { TableOptions } from "./table.ts";

/** Wider prose is tiring to read. */
const widestProse = 100;
/** However deep a block is nested, its text has so many columns. */
const narrowest = 16;

export interface BlockOptions {
	readonly width: number;
	readonly colors: Colors;
	readonly breakWords?: boolean | undefined;
}

/** Collects finished lines, each behind what stands in front of it because of the quotes and items around it. */
export class BlockOutput {
	readonly #containers: Containers;
	readonly #colors: Colors;
	readonly #breakWords: boolean | undefined;
	/** Columns of the terminal. */
	width: number;
	#text = "";
	#isStarted = false;
	/** What an empty line that is still to come consists of; undefined when none is due. */
	#gap: string | undefined;

	constructor(containers: Containers, { colors, width, breakWords }: BlockOptions) {
		this.#containers = containers;
		this.#colors = colors;
		this.#breakWords = breakWords;
		this.width = width;
	}

	/** Columns that a block has at the present depth. */
	get innerWidth(): number {
		const left = this.width - this.#containers.prefixWidth(this.width);
		return Math.max(left, Math.min(this.width, narrowest));
	}

	/** The same for prose. */
	get proseWidth(): number {
		return Math.min(this.innerWidth, widestProse);
	}

	get proseOptions(): FlowOptions {
		return { width: this.proseWidth, breakWords: this.#breakWords };
	}

	get tableOptions(): TableOptions {
		return { width: this.innerWidth, breakWords: this.#breakWords };
	}

	take(): string {
		const text = this.#text;
		this.#text = "";
		return text;
	}

	/** Blocks are separated as in the source, by one empty line at most. */
	noteGap(): void {
		if (this.#isStarted) this.#gap = this.#containers.emptyPrefix(this.#colors, this.width);
	}

	add(lines: readonly string[]): void {
		for (const line of lines)
			this.#write(
				line === "" ? this.#containers.emptyPrefix(this.#colors, this.width) : this.#prefix() + line,
			);
	}

	/** Lines that are copied stand at the screen's left edge, whatever is around them. */
	addVerbatim(lines: readonly string[]): void {
		this.addHiddenMarker(0);
		for (const line of lines) this.#write(line);
	}

	/** The markers of items that have shown nothing yet, on a line of their own; those from `depth` on. */
	addHiddenMarker(depth: number): void {
		if (this.#containers.hasHiddenMarker(depth)) this.#write(this.#prefix().trimEnd());
	}

	/** Lines as they would be added now. */
	preview(lines: readonly string[]): string {
		if (lines.length === 0) return "";
		const containers = this.#containers.clone();
		const text = lines.map((line) => containers.prefix(this.#colors, this.width) + line).join("\n");
		return this.#gap === undefined ? text : `${this.#gap}\n${text}`;
	}

	#prefix(): string {
		return this.#containers.prefix(this.#colors, this.width);
	}

	#write(line: string): void {
		if (this.#gap !== undefined) this.#text += `${this.#gap}\n`;
		this.#gap = undefined;
		this.#isStarted = true;
		this.#text += `${line}\n`;
	}
}
