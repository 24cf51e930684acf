import { EventEmitter } from "node:events";

/** What stands between these is shown at once. Ink writes them around each frame. */
const [frameStart, frameEnd] = ["\x1b[?2026h", "\x1b[?2026l"];
/**
 * Goes below the frame and erases it upwards, line by line. A terminal that has lost rows has dropped those below the
 * cursor first: from its last row this would reach into what stands above the frame.
 */
const eraseUpwards = /^(\x1b\[\?25l)?(?:\x1b\[(\d+)B)?\x1b\[1?G((?:\x1b\[2K(?:\x1b\[1?A)?)+)\x1b\[G/;

/**
 * The terminal as Ink sees it. Between the two it can be made deaf, so that Ink's idea of what is on the screen can be
 * set right without a byte being written; and a change of size is told to Ink only when the old frame is gone.
 */
export class InkOutput extends EventEmitter {
	readonly isTTY = true;
	readonly writable = true;
	readonly destroyed = false;
	readonly writableEnded = false;
	readonly #stdout: NodeJS.WriteStream;
	#isMuted = false;
	#isGone = false;
	columns: number;
	rows: number;
	/** Hears that a frame is written; what it returns is written behind that. */
	onFrame: () => string = () => "";

	constructor(stdout: NodeJS.WriteStream) {
		super();
		this.#stdout = stdout;
		this.columns = stdout.columns || 80;
		this.rows = stdout.rows || 24;
	}

	write(text: string, done?: () => void): boolean {
		if (this.#isMuted || this.#isGone) {
			if (done !== undefined) queueMicrotask(done);
			return true;
		}
		const shown = text.replace(eraseUpwards, (_, hide = "", down = "0", erased: string) => {
			const up = erased.split("\x1b[2K").length - 2 - Number(down);
			return hide + erasing(up);
		});
		const behind = text === frameEnd ? this.onFrame() : "";
		return this.#stdout.write(shown + behind, done === undefined ? undefined : () => done());
	}

	/**
	 * Writes lines for ever in the place of the frame, whose first row is `up` rows above the cursor. Ink must draw it again
	 * right behind them. It would print lines itself, but looks at each of their characters for that.
	 */
	print(lines: string, up: number): void {
		this.write(frameStart + erasing(up) + lines);
	}

	/** Takes everything from `up` rows above the cursor off the screen, and prints lines there. */
	erase(up: number, lines: string): void {
		this.write(erasing(up) + lines);
	}

	/** Does something that Ink must believe to have written. */
	muted(action: () => void): void {
		const before = this.#isMuted;
		this.#isMuted = true;
		try {
			action();
		} finally {
			this.#isMuted = before;
		}
	}

	/** Holds back everything until `resume`: another program has the terminal. */
	pause(): void {
		this.#isMuted = true;
	}

	resume(): void {
		this.#isMuted = false;
	}

	/** The terminal has vanished: nothing can be written any more. */
	vanish(): void {
		this.#isGone = true;
	}

	/** The terminal's new size; Ink learns of it with `redraw`. */
	resize(columns: number, rows: number): void {
		this.columns = columns || this.columns;
		this.rows = rows || this.rows;
	}

	/** Makes Ink draw its frame. */
	redraw(): void {
		this.emit("resize");
	}
}

function erasing(up: number): string {
	return `\r${up > 0 ? `\x1b[${up}A` : ""}\x1b[J`;
}
