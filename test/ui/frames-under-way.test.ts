import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createColors } from "../../src/terminal/colors.ts";
import { type Frame, frameLines, layOutFrame } from "../../src/ui/frame.ts";
import { FramesUnderWay } from "../../src/ui/frames-under-way.ts";
import { initialState } from "../../src/ui/state.ts";
import { Terminal } from "../helpers/terminal.ts";

const rows = 100;

/** A terminal, and a program that draws frames on it as the chat does, told of a new width when the test says so. */
class Scene {
	readonly terminal: Terminal;
	now = 0;
	readonly frames = new FramesUnderWay(() => this.now);
	/** What the program takes the width to be. */
	columns: number;
	readonly printed: string[] = [];
	/** What was written and has not arrived. */
	#wire = "";
	#last: Frame | undefined;

	constructor(columns: number, answers = true) {
		this.columns = columns;
		this.terminal = new Terminal(columns, rows);
		this.terminal.onReply = (reply) => {
			const width = Number(/;(\d+)t/.exec(reply)?.[1]);
			if (answers && this.frames.seen(width)) this.#wire += "\x1b[18t";
		};
	}

	draw(tail: string, printed: readonly string[] = []): void {
		const state = { ...initialState(this.columns, rows), tail };
		const frame = layOutFrame(state, createColors(false));
		const lines = frameLines(frame);
		const text = printed.map((line) => `${line}\n`).join("");
		this.printed.push(...printed);
		const up = this.#last?.cursor.y ?? 0;
		const isSame = this.#last !== undefined && frameLines(this.#last).join() === lines.join() && text === "";
		// Of the same lines only the cursor is placed anew, and here it stays where it is.
		if (!isSame) {
			this.#write(`\r${goUp(up)}\x1b[J${text}${lines.join("\n")}\n`);
			this.#write(`${goUp(lines.length - frame.cursor.y)}\x1b[${frame.cursor.x + 1}G`);
		}
		this.#last = frame;
		if (this.frames.drawn({ frame, printed: text, columns: this.columns })) this.#write("\x1b[18t");
	}

	/** What was written arrives, the answers to questions included. */
	arrive(): void {
		while (this.#wire !== "") {
			const wire = this.#wire;
			this.#wire = "";
			this.terminal.write(wire);
		}
	}

	/** The program has learned of the terminal's width: it erases what is live and draws it again. */
	settle(tail: string): void {
		const { up, reprint } = this.frames.erasure(this.terminal.columns, true);
		this.#write(`\r${goUp(up)}\x1b[J${reprint}`);
		this.frames.forget();
		this.#last = undefined;
		this.columns = this.terminal.columns;
		this.draw(tail);
		this.arrive();
	}

	#write(text: string): void {
		this.#wire += text.replaceAll("\n", "\r\n");
	}
}

const goUp = (count: number) => (count > 0 ? `\x1b[${count}A` : "");
const word = fc.constantFrom("one", "世界", "three", "x".repeat(30));
const line = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(" "));

describe("frames that arrive on a terminal of another width", () => {
	it("are erased as a whole, with what was printed above them kept", () => {
		const widths = fc.integer({ min: 20, max: 120 });
		const drawn = fc.record({ tail: line, printed: fc.array(line, { maxLength: 2 }) });
		fc.assert(
			fc.property(
				widths,
				widths,
				fc.array(drawn, { minLength: 2, maxLength: 5 }),
				fc.nat(),
				(a, b, all, n) => {
					const scene = new Scene(a);
					// The first answer shows that answers can be relied on.
					const changesBefore = 1 + (n % (all.length - 1));
					for (const [index, { tail, printed }] of all.entries()) {
						// From one of the frames on they are laid out for a width that the terminal has no more.
						if (index === changesBefore) scene.terminal.resize(b, rows);
						scene.draw(
							tail,
							printed.map((text, at) => `${index}.${at} ${text}`),
						);
						scene.arrive();
					}
					scene.settle("the end");
					const expected = ["the end", "╭─", "│ ›", "╰"];
					const shown = scene.terminal.lines.map((text) => text.trimEnd()).filter((text) => text !== "");
					expect(shown).toEqual([...scene.printed, ...expected].map((text) => text.trimEnd()));
				},
			),
		);
	});

	it("are waited for as long as the terminal answers", () => {
		const scene = new Scene(80);
		scene.draw("one");
		expect(scene.frames.isBehind).toBe(false);
		scene.arrive();
		scene.draw("two");
		expect(scene.frames.isBehind).toBe(true);
		scene.arrive();
		expect(scene.frames.isBehind).toBe(false);
		scene.draw("three");
		scene.now = 1000;
		expect(scene.frames.isBehind).toBe(false);
	});

	it("are taken to have arrived where the terminal never answers, or answers what is not so", () => {
		const scene = new Scene(80, false);
		scene.draw("one");
		scene.arrive();
		scene.now = 1000;
		scene.draw("two");
		scene.arrive();
		scene.terminal.resize(40, rows);
		scene.settle("x".repeat(30));
		expect(scene.terminal.lines.filter((text) => text !== "")).toHaveLength(4);
		const frames = new FramesUnderWay(() => 0);
		const frame = layOutFrame(initialState(80, 24), createColors(false));
		expect(frames.drawn({ frame, printed: "", columns: 80 })).toBe(true);
		expect(frames.seen(24)).toBe(false);
		expect(frames.areReliable).toBe(false);
		expect(frames.drawn({ frame, printed: "", columns: 80 })).toBe(false);
	});
});
