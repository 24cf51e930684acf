/**
 * The text being typed: a cursor, undo, a kill ring, and large pastes as chips. Knows no keys and no screen.
 *
 * A chip stands in the text as one character of a private-use plane, so that it moves and is deleted as a whole;
 * `content` puts the pasted text back.
 */

import { nextGrapheme, nextWord, previousGrapheme, previousSpaced, previousWord } from "./graphemes.ts";
import { layoutRows, positionAt } from "./input-layout.ts";

const chipBase = 0xf0000;
const chipLimit = 0xfffd;
/** A paste above either becomes a chip. */
const chipLines = 5;
const chipCharacters = 500;
const undoLimit = 500;
const ringLimit = 30;

interface Snapshot {
	readonly text: string;
	readonly cursor: number;
}

/** What the last change was: equal kinds in a row are undone together, or killed together. */
type Change = "typing" | "paste" | "kill" | "yank" | "other";

export class Editor {
	#text = "";
	#cursor = 0;
	readonly #chips = new Map<string, string>();
	#undo: Snapshot[] = [];
	#redo: Snapshot[] = [];
	#ring: string[] = [];
	#last: Change = "other";
	/** The text begins with something that was not typed. */
	#beginsPasted = false;
	/** The column that Up and Down aim for. */
	#goal: number | undefined;

	/** The text with chips as single characters. */
	get text(): string {
		return this.#text;
	}

	get cursor(): number {
		return this.#cursor;
	}

	get isEmpty(): boolean {
		return this.#text === "";
	}

	/** The text with every paste in full. */
	get content(): string {
		if (this.#chips.size === 0) return this.#text;
		return this.#text.replace(/[\u{f0000}-\u{ffffd}]/gu, (chip) => this.#chips.get(chip) ?? chip);
	}

	/** What stands at the text's beginning was typed: only then it may be syntax. */
	get beginsTyped(): boolean {
		return !this.#beginsPasted;
	}

	/** The character before the cursor was the last one typed. */
	get isTyping(): boolean {
		return this.#last === "typing";
	}

	/** What is shown for a chip; undefined for any other character. */
	readonly chipLabel = (character: string): string | undefined => {
		const paste = this.#chips.get(character);
		if (paste === undefined) return undefined;
		const lines = paste.replace(/\n$/, "").split("\n").length;
		return lines > 1 ? `[pasted ${lines} lines]` : `[pasted ${paste.length} characters]`;
	};

	/** Replaces everything, cursor at the end; can be undone. */
	setText(text: string): void {
		this.#change("other", text, text.length);
		this.#beginsPasted = text !== "";
	}

	/** Forgets the text and how it came about, for the next message. */
	clear(): void {
		this.#text = "";
		this.#cursor = 0;
		this.#chips.clear();
		this.#undo = [];
		this.#redo = [];
		this.#last = "other";
		this.#beginsPasted = false;
		this.#goal = undefined;
	}

	insert(text: string): void {
		if (this.#cursor === 0) this.#beginsPasted = false;
		const continues = this.#last === "typing" && !/\s$/.test(text);
		this.#replace(this.#cursor, this.#cursor, text, continues ? "typing" : "other");
		this.#last = "typing";
	}

	/** Inserts a paste as a whole; a large one as a chip. */
	paste(text: string): void {
		if (this.#cursor === 0) this.#beginsPasted = true;
		const isLarge = text.split("\n", chipLines + 1).length > chipLines || text.length > chipCharacters;
		if (!isLarge || this.#chips.size >= chipLimit) {
			this.#replace(this.#cursor, this.#cursor, text, "paste");
			return;
		}
		const chip = String.fromCodePoint(chipBase + this.#chips.size);
		this.#chips.set(chip, text);
		this.#replace(this.#cursor, this.#cursor, chip, "paste");
	}

	backspace(): void {
		this.#replace(previousGrapheme(this.#text, this.#cursor), this.#cursor, "", "other");
	}

	deleteForward(): void {
		this.#replace(this.#cursor, nextGrapheme(this.#text, this.#cursor), "", "other");
	}

	left(): void {
		this.#move(previousGrapheme(this.#text, this.#cursor));
	}

	right(): void {
		this.#move(nextGrapheme(this.#text, this.#cursor));
	}

	wordLeft(): void {
		this.#move(previousWord(this.#text, this.#cursor));
	}

	wordRight(): void {
		this.#move(nextWord(this.#text, this.#cursor));
	}

	lineStart(): void {
		this.#move(this.#lineStart());
	}

	lineEnd(): void {
		this.#move(this.#lineEnd());
	}

	/** Moves by rows of a box `width` columns wide; false (and nothing moved) at the first or last row. */
	moveRows(delta: -1 | 1, width: number): boolean {
		const rows = layoutRows(this.#text, width, this.chipLabel);
		const at = positionAt(rows, this.#cursor);
		const target = rows[at.row + delta];
		if (target === undefined) return false;
		const goal = this.#goal ?? at.column;
		let index = target.start;
		for (const cell of target.cells()) {
			if (cell.column + cell.width > goal) break;
			index = cell.end;
		}
		// The end of a row that goes on is the start of the next one.
		if (index === target.end && target.continues && index > target.start)
			index = previousGrapheme(this.#text, index);
		this.#move(index);
		this.#goal = goal;
		return true;
	}

	killToEnd(): void {
		const end = this.#lineEnd();
		this.#kill(this.#cursor, end === this.#cursor ? Math.min(end + 1, this.#text.length) : end);
	}

	killToStart(): void {
		this.#kill(this.#lineStart(), this.#cursor);
	}

	killSpacedLeft(): void {
		this.#kill(previousSpaced(this.#text, this.#cursor), this.#cursor);
	}

	killWordLeft(): void {
		this.#kill(previousWord(this.#text, this.#cursor), this.#cursor);
	}

	killWordRight(): void {
		this.#kill(this.#cursor, nextWord(this.#text, this.#cursor));
	}

	yank(): void {
		const killed = this.#ring.at(-1);
		if (killed === undefined) return;
		this.#replace(this.#cursor, this.#cursor, killed, "other");
		this.#last = "yank";
	}

	/** Replaces what was just yanked by what was killed before it. */
	yankPop(): void {
		const yanked = this.#ring.at(-1);
		if (this.#last !== "yank" || yanked === undefined || this.#ring.length < 2) return;
		this.#ring = [yanked, ...this.#ring.slice(0, -1)];
		this.#replace(this.#cursor - yanked.length, this.#cursor, this.#ring.at(-1) ?? "", "other");
		this.#last = "yank";
	}

	/** Exchanges the graphemes around the cursor, as Ctrl-T. */
	transpose(): void {
		const middle =
			this.#cursor === this.#lineEnd() ? previousGrapheme(this.#text, this.#cursor) : this.#cursor;
		const start = previousGrapheme(this.#text, middle);
		const end = nextGrapheme(this.#text, middle);
		if (start === middle || start < this.#lineStart()) return;
		const swapped = this.#text.slice(middle, end) + this.#text.slice(start, middle);
		this.#replace(start, end, swapped, "other");
	}

	undo(): void {
		this.#travel(this.#undo, this.#redo);
	}

	redo(): void {
		this.#travel(this.#redo, this.#undo);
	}

	/** Replaces a range, as a completion does; the cursor goes behind the new text. */
	replaceRange(start: number, end: number, text: string): void {
		this.#replace(start, end, text, "other");
	}

	#lineStart(): number {
		return this.#text.lastIndexOf("\n", this.#cursor - 1) + 1;
	}

	#lineEnd(): number {
		const end = this.#text.indexOf("\n", this.#cursor);
		return end < 0 ? this.#text.length : end;
	}

	#move(index: number): void {
		this.#cursor = index;
		this.#last = "other";
		this.#goal = undefined;
	}

	#kill(start: number, end: number): void {
		if (start === end) return;
		const killed = this.#text.slice(start, end);
		const before = this.#last === "kill" ? this.#ring.pop() : undefined;
		const joined = before === undefined ? killed : end === this.#cursor ? killed + before : before + killed;
		this.#ring = [...this.#ring, joined].slice(-ringLimit);
		this.#replace(start, end, "", "kill");
	}

	#replace(start: number, end: number, text: string, kind: Change): void {
		if (start === end && text === "") return;
		this.#change(kind, this.#text.slice(0, start) + text + this.#text.slice(end), start + text.length);
	}

	#change(kind: Change, text: string, cursor: number): void {
		if (!(kind === "typing" && this.#last === "typing")) {
			this.#undo.push({ text: this.#text, cursor: this.#cursor });
			if (this.#undo.length > undoLimit) this.#undo.shift();
		}
		this.#redo = [];
		this.#text = text;
		if (text === "") this.#beginsPasted = false;
		this.#cursor = cursor;
		this.#last = kind;
		this.#goal = undefined;
	}

	#travel(from: Snapshot[], to: Snapshot[]): void {
		const snapshot = from.pop();
		if (!snapshot) return;
		to.push({ text: this.#text, cursor: this.#cursor });
		this.#text = snapshot.text;
		this.#cursor = snapshot.cursor;
		this.#last = "other";
		this.#goal = undefined;
	}
}
