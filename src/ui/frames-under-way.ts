/**
 * What was written while the terminal changed its size. A terminal breaks the lines on its screen anew the moment its
 * width changes; a frame that is still on its way then is laid out for the old width, and arrives on the new one: its
 * lines take more rows than it has lines, and it erases fewer rows than the frame before it takes now. So the terminal
 * is asked for its size behind the frames (`CSI 18 t`). The answers tell at which width each of them arrived, and from
 * that follows where everything stands. One question is under way at a time; a terminal that does not answer is asked
 * once, and its frames are taken to arrive as soon as they are written.
 */

import { type Frame, frameLines, rowsAboveCursor, rowsOf } from "./frame.ts";

/** Asks a terminal for its size in characters. */
export const askForSize = "\x1b[18t";
/** An answer that takes longer than this, in ms, is not waited for. */
const patience = 250;

/** A frame as it was written. */
export interface Drawn {
	readonly frame: Frame;
	/** Lines for ever that were written above it, each with its newline. */
	readonly printed: string;
	/** The width it was laid out for. */
	readonly columns: number;
}

interface Arrived extends Drawn {
	/** The width it arrived at; undefined while that is not known. */
	width: number | undefined;
}

/** How to take the live region off the screen. */
export interface Erasure {
	/** Rows from the cursor up to the first one to erase. */
	readonly up: number;
	/** Lines for ever that are erased with it. */
	readonly reprint: string;
}

export class FramesUnderWay {
	readonly #now: () => number;
	/** The last frame that is known to have arrived at the width it was laid out for. */
	#whole: Drawn | undefined;
	/** Those behind it, oldest first. */
	#later: Arrived[] = [];
	/** How many of them a question stands behind. */
	#covered = 0;
	#askedAt: number | undefined;
	/** The width that the question under way is expected to be answered with. */
	#expected = 0;
	#answers: boolean | undefined;

	/** `now` is monotonic, in ms. */
	constructor(now: () => number) {
		this.#now = now;
	}

	/** What the terminal answers has shown to be true. */
	get areReliable(): boolean {
		return this.#answers === true;
	}

	/** The terminal has not taken yet what was written: the next frame had better wait. */
	get isBehind(): boolean {
		return this.#answers === true && this.#askedAt !== undefined && !this.#isLate;
	}

	/** A frame is being written; true when the terminal is to be asked for its size behind it. */
	drawn(drawn: Drawn): boolean {
		if (this.#answers === false || this.#isLate) {
			this.#whole = drawn;
			this.#later = [];
			this.#covered = 0;
			return false;
		}
		this.#later.push({ ...drawn, width: undefined });
		return this.#ask();
	}

	/** The terminal is `columns` wide where the question stood; true when it is to be asked again. */
	seen(columns: number): boolean {
		if (this.#askedAt === undefined) return false;
		this.#askedAt = undefined;
		const covered = this.#later.slice(0, this.#covered).filter(({ width }) => width === undefined);
		const last = covered.at(-1);
		// The first answer tells whether its answers can be relied on.
		this.#answers ??= columns === this.#expected;
		if (covered.length === 1 || columns === last?.columns) for (const frame of covered) frame.width = columns;
		if (last !== undefined && columns === last.columns) {
			this.#whole = last;
			this.#later = this.#later.slice(this.#covered);
			this.#covered = 0;
		}
		return this.#ask();
	}

	/** The live region is not on the screen any more. An answer that is still to come says nothing then. */
	forget(): void {
		this.#whole = undefined;
		this.#later = [];
		this.#covered = 0;
	}

	/** Where the live region is on a terminal of this width, which breaks the lines on its screen anew or does not. */
	erasure(columns: number, reflows: boolean): Erasure {
		const last = this.#later.at(-1) ?? this.#whole;
		const areKnown = this.#later.every(({ width }) => width === columns);
		if (last === undefined || !areKnown)
			return { up: last === undefined ? 0 : rowsAboveCursor(last.frame, columns, reflows), reprint: "" };
		let up = this.#whole === undefined ? 0 : rowsAboveCursor(this.#whole.frame, columns, reflows);
		let before = this.#whole?.frame;
		let reprint = "";
		for (const { frame, printed } of this.#later) {
			const lines = frameLines(frame);
			if (printed === "" && before !== undefined && lines.join("\n") === frameLines(before).join("\n")) {
				// Only the cursor has moved.
				up += frame.cursor.y - before.cursor.y;
			} else {
				// It goes up as many rows as the frame before had lines above the cursor, and stops below its own lines.
				const above = printed === "" ? [] : printed.slice(0, -1).split("\n");
				const rows = [...above, ...lines].reduce((sum, line) => sum + rowsOf(line, columns), 0);
				up += rows - (before?.cursor.y ?? 0) - (lines.length - frame.cursor.y);
			}
			before = frame;
			reprint += printed;
		}
		return { up: Math.max(0, up), reprint };
	}

	/** The question under way is not waited for any more. */
	get #isLate(): boolean {
		return this.#askedAt !== undefined && this.#now() - this.#askedAt > patience;
	}

	#ask(): boolean {
		const isNew = this.#later.length > this.#covered;
		if (this.#answers === false || this.#askedAt !== undefined || !isNew) return false;
		this.#askedAt = this.#now();
		this.#covered = this.#later.length;
		this.#expected = this.#later.at(-1)?.columns ?? 0;
		return true;
	}
}
