import { EventEmitter } from "node:events";

/** A frame as Ink has laid it out. */
export interface InkFrame {
	readonly lines: readonly string[];
	readonly cursor: { readonly x: number; readonly y: number };
}

/** What Ink writes for a frame: how it erases the one before, the lines (none when only the cursor moves), the cursor. */
const written =
	/^(?:\x1b\[\?25l)?(?:\x1b\[\d+B)?(?:\x1b\[1?G)?(?:(?:\x1b\[2K(?:\x1b\[1?A)?)+\x1b\[G)?([\s\S]*?)(?:\x1b\[(\d+)A)?\x1b\[(\d+)G\x1b\[\?25h$/;
/** Ink is told of more rows than any frame has: it clears terminals that it takes to be full. */
const inkRows = 10_000;

/**
 * The terminal as Ink sees it. It takes the lines of each frame from what Ink writes and leaves the writing to others:
 * Ink knows nothing of a terminal that changes its size.
 */
export class InkOutput extends EventEmitter {
	readonly isTTY = true;
	readonly writable = true;
	readonly destroyed = false;
	readonly writableEnded = false;
	readonly rows = inkRows;
	readonly #stdout: NodeJS.WriteStream;
	readonly #onFrame: (frame: InkFrame) => void;
	#lines: readonly string[] = [];
	#isDeaf = false;
	columns: number;

	constructor(stdout: NodeJS.WriteStream, onFrame: (frame: InkFrame) => void) {
		super();
		this.#stdout = stdout;
		this.#onFrame = onFrame;
		this.columns = stdout.columns || 80;
	}

	write(text: string, done?: () => void): boolean {
		const [, lines, up = "0", column] = (this.#isDeaf ? null : written.exec(text)) ?? [];
		if (lines !== undefined) {
			if (lines !== "") this.#lines = lines.split("\n");
			this.#onFrame({
				lines: this.#lines,
				cursor: { x: Number(column) - 1, y: this.#lines.length - 1 - Number(up) },
			});
		}
		return this.#stdout.write("", done === undefined ? undefined : () => done());
	}

	/** Does something that Ink must believe to have written. */
	muted(action: () => void): void {
		const before = this.#isDeaf;
		this.#isDeaf = true;
		try {
			action();
		} finally {
			this.#isDeaf = before;
		}
	}

	/** Hears nothing of Ink until `resume`: another program has the terminal. */
	pause(): void {
		this.#isDeaf = true;
	}

	resume(): void {
		this.#isDeaf = false;
	}

	/** Makes Ink draw its frame. */
	redraw(): void {
		this.emit("resize");
	}
}
